//! What DNS would answer: the resolver behind `GET /_local/resolve`.
//!
//! Routing policies choose among the healthy sets of a name, and among all of them when none is healthy, as Route 53
//! does. Source: Route 53 developer guide, "How Amazon Route 53 chooses records when health checking is configured".

use std::net::Ipv4Addr;

use serde::Serialize;

use super::Route53;
use super::record::{RecordSet, full_name};
use super::state::{Dns, Zone};
use crate::core::Core;
use crate::ids::stable_hash;

const CHAIN_MAX: usize = 8;

/// Who asks, and what.
#[derive(Clone, Debug)]
pub struct DnsQuestion {
    /// The name.
    pub name: String,
    /// The type, such as `A`.
    pub kind: String,
    /// The AWS region nearest to who asks; latency records choose by it.
    pub region: String,
    /// Who asks: weighted records choose by it, the same for the same client.
    pub client: String,
}

/// What DNS answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DnsAnswer {
    /// `NOERROR` or `NXDOMAIN`.
    pub status: &'static str,
    /// The values; empty for a name without records of the type.
    pub values: Vec<String>,
    /// How long the answer may be kept, in seconds.
    pub ttl: i64,
    /// The identifiers of the sets that were chosen on the way.
    pub chosen: Vec<String>,
}

impl DnsAnswer {
    fn none(status: &'static str) -> Self {
        Self {
            status,
            values: Vec::new(),
            ttl: 60,
            chosen: Vec::new(),
        }
    }
}

impl Route53 {
    /// Answers a question as public DNS would.
    pub(crate) fn resolve(&self, core: &Core, question: &DnsQuestion) -> DnsAnswer {
        let mut name = full_name(&question.name);
        let mut chosen = Vec::new();
        for _ in 0..CHAIN_MAX {
            let Some(found) = self.find(core, &name, question) else {
                let balancer = core.peers.elbv2.by_dns_name(core, &name);
                let found = balancer
                    .map(|balancer| (balancer.addresses, 60))
                    .or_else(|| core.peers.rds.addresses(&name).map(|found| (found, 5)));
                return match found {
                    Some((found, ttl)) => answer(&addresses(&found), ttl, chosen),
                    None => DnsAnswer::none("NXDOMAIN"),
                };
            };
            let Some(set) = found else {
                return DnsAnswer::none("NOERROR");
            };
            chosen.extend(set.set_identifier.clone());
            match &set.alias_target {
                Some(alias) => name.clone_from(&alias.dns_name),
                None if set.kind == "CNAME" && question.kind != "CNAME" => {
                    name = full_name(set.values().next().unwrap_or_default());
                }
                None => {
                    let values: Vec<String> = set.values().map(str::to_owned).collect();
                    return answer(&values, set.ttl.unwrap_or(60), chosen);
                }
            }
        }
        DnsAnswer::none("NXDOMAIN")
    }

    /// Whether a set of this name and type has a value, in any public zone.
    pub(crate) fn has_record(&self, name: &str, kind: &str, value: &str) -> bool {
        let (name, value) = (full_name(name), full_name(value));
        self.with(|state| {
            let public = state.zones.values().filter(|zone| zone.vpc.is_none());
            let mut sets = public.flat_map(|zone| zone.records.values());
            sets.any(|set| {
                set.name == name && set.kind == kind && set.values().any(|given| full_name(given) == value)
            })
        })
    }

    /// The addresses a name leads to, for a health check.
    pub(crate) fn addresses(&self, core: &Core, name: &str) -> Vec<Ipv4Addr> {
        let question = DnsQuestion {
            name: name.to_owned(),
            kind: "A".to_owned(),
            region: "us-east-1".to_owned(),
            client: String::new(),
        };
        let answer = self.resolve(core, &question);
        answer
            .values
            .iter()
            .filter_map(|value| value.parse().ok())
            .collect()
    }

    /// The set that answers for a name: `None` when no zone knows the name, `Some(None)` when it has no set of the type.
    fn find(&self, core: &Core, name: &str, question: &DnsQuestion) -> Option<Option<RecordSet>> {
        let (zone, sets) = self.with(|state| {
            let zone = zone_of(state, name)?;
            let sets: Vec<(RecordSet, bool)> = candidates(zone, name, &question.kind)
                .map(|set| {
                    let healthy = set
                        .health_check_id
                        .as_deref()
                        .is_none_or(|id| state.is_healthy(id));
                    (set.clone(), healthy)
                })
                .collect();
            Some((zone.clone(), sets))
        })?;
        if sets.is_empty() {
            let known = zone.records.values().any(|set| set.name == name);
            return known.then_some(None);
        }
        let judged: Vec<(RecordSet, bool)> = sets
            .into_iter()
            .map(|(set, healthy)| {
                let healthy = healthy && self.alias_stands(core, &set, question);
                (set, healthy)
            })
            .collect();
        Some(choose(judged, question))
    }

    /// An alias that evaluates its target's health is as healthy as that.
    fn alias_stands(&self, core: &Core, set: &RecordSet, question: &DnsQuestion) -> bool {
        let Some(alias) = set
            .alias_target
            .as_ref()
            .filter(|alias| alias.evaluate_target_health)
        else {
            return true;
        };
        if let Some(balancer) = core.peers.elbv2.by_dns_name(core, &alias.dns_name) {
            return balancer.has_healthy_target;
        }
        self.with(|state| {
            let Some(zone) = zone_of(state, &alias.dns_name) else {
                return true;
            };
            let mut inner = candidates(zone, &alias.dns_name, &question.kind).peekable();
            inner.peek().is_none()
                || inner.any(|set| {
                    set.health_check_id
                        .as_deref()
                        .is_none_or(|id| state.is_healthy(id))
                })
        })
    }
}

fn answer(values: &[String], ttl: i64, chosen: Vec<String>) -> DnsAnswer {
    DnsAnswer {
        status: "NOERROR",
        values: values.to_vec(),
        ttl,
        chosen,
    }
}

fn addresses(all: &[Ipv4Addr]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

/// The public zone with the longest name above `name`.
fn zone_of<'s>(state: &'s Dns, name: &str) -> Option<&'s Zone> {
    let above = |zone: &&Zone| {
        zone.vpc.is_none() && (name == zone.name || name.ends_with(&format!(".{}", zone.name)))
    };
    state
        .zones
        .values()
        .filter(above)
        .max_by_key(|zone| zone.name.len())
}

fn candidates<'z>(zone: &'z Zone, name: &'z str, kind: &'z str) -> impl Iterator<Item = &'z RecordSet> {
    let sets = zone.records.values();
    sets.filter(move |set| set.name == name && (set.kind == kind || set.kind == "CNAME"))
}

fn choose(judged: Vec<(RecordSet, bool)>, question: &DnsQuestion) -> Option<RecordSet> {
    let any_healthy = judged.iter().any(|(_, healthy)| *healthy);
    let policy = judged.first().map(|(set, _)| set.policy())?;
    let mut sets: Vec<RecordSet> = judged
        .into_iter()
        .filter(|(_, healthy)| *healthy || !any_healthy)
        .map(|(set, _)| set)
        .collect();
    match policy {
        "failover" => {
            // With nobody healthy the primary answers.
            sets.sort_by_key(|set| set.failover.clone());
            sets.into_iter().next()
        }
        "latency" => sets
            .into_iter()
            .min_by_key(|set| distance(&question.region, set.region.as_deref().unwrap_or_default())),
        "weighted" => weighted(sets, &question.client),
        "multivalue" => Some(gathered(sets)),
        _ => sets.into_iter().next(),
    }
}

/// A share of clients by weight; the same client is always answered alike.
fn weighted(sets: Vec<RecordSet>, client: &str) -> Option<RecordSet> {
    let weight = |set: &RecordSet| u64::try_from(set.weight.unwrap_or(0)).unwrap_or(0);
    let total: u64 = sets.iter().map(weight).sum();
    if total == 0 {
        // With all weights zero every set has the same chance.
        let at = stable_hash(0, client) % u64::try_from(sets.len().max(1)).unwrap_or(1);
        return sets.into_iter().nth(usize::try_from(at).unwrap_or(0));
    }
    let mut drawn = stable_hash(0, client) % total;
    sets.into_iter().find(|set| {
        let hit = drawn < weight(set);
        drawn = drawn.saturating_sub(weight(set));
        hit
    })
}

/// All values of up to eight sets.
fn gathered(sets: Vec<RecordSet>) -> RecordSet {
    let mut sets = sets.into_iter().take(8);
    let mut first = sets.next().unwrap_or_default();
    for set in sets {
        let more = set
            .resource_records
            .map(|values| values.resource_record)
            .unwrap_or_default();
        first
            .resource_records
            .get_or_insert_default()
            .resource_record
            .extend(more);
    }
    first
}

/// How far two regions are from each other: none, the same continent, or another. AWS measures real latencies; this
/// keeps their order for the common case and is no measurement.
fn distance(one: &str, other: &str) -> u32 {
    let continent = |region: &str| region.split('-').next().unwrap_or_default().to_owned();
    match (one == other, continent(one) == continent(other)) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => 2,
    }
}
