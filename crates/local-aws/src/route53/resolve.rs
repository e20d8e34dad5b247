//! What DNS would answer: the resolver behind `GET /_local/resolve`.
//!
//! Routing policies choose among the healthy sets of a name, and among all of them when none is healthy, as Route 53
//! does. Source: Route 53 developer guide, "How Amazon Route 53 chooses records when health checking is configured".

use std::net::Ipv4Addr;

use serde::Serialize;

use super::Route53;
use super::distance::round_trip_ms;
use super::record::{RecordSet, full_name};
use super::state::{Dns, Zone};
use crate::core::Core;
use crate::ids::stable_hash;

const CHAIN_MAX: usize = 8;
/// Aliases and load balancers answer with a TTL of a minute, databases with one of five seconds.
const BALANCER_TTL: i64 = 60;
const DATABASE_TTL: i64 = 5;
/// A missing name may be kept for the lesser of the SOA record's TTL and its last field.
const NEGATIVE_TTL: i64 = 900;

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
    /// The names that CNAME records led through.
    pub canonical_names: Vec<String>,
    /// The identifiers of the sets that were chosen on the way.
    pub chosen: Vec<String>,
}

/// Where a question leads.
struct Trace {
    end: End,
    ttl: i64,
    canonical_names: Vec<String>,
    chosen: Vec<String>,
}

enum End {
    /// Values of a record set.
    Values(Vec<String>),
    /// A load balancer, and whether it has a healthy target.
    Balancer(Vec<Ipv4Addr>, bool),
    /// A database.
    Database(Vec<Ipv4Addr>),
    /// The name is there and has no such records.
    NoData,
    /// There is no such name.
    NoName,
}

/// What the zones know of a name.
enum Found {
    Set(Box<RecordSet>),
    NoData,
    NoName,
    /// No zone here holds the name.
    Elsewhere,
}

impl Route53 {
    /// Answers a question as public DNS would.
    pub(crate) fn resolve(&self, core: &Core, question: &DnsQuestion) -> DnsAnswer {
        let trace = self.trace(core, question);
        let texts = |all: Vec<Ipv4Addr>| all.iter().map(ToString::to_string).collect();
        let (status, values) = match trace.end {
            End::Values(values) => ("NOERROR", values),
            End::Balancer(addresses, _) | End::Database(addresses) if question.kind == "A" => {
                ("NOERROR", texts(addresses))
            }
            End::NoData | End::Balancer(..) | End::Database(_) => ("NOERROR", Vec::new()),
            End::NoName => ("NXDOMAIN", Vec::new()),
        };
        DnsAnswer {
            status,
            ttl: if values.is_empty() {
                NEGATIVE_TTL
            } else {
                trace.ttl
            },
            values,
            canonical_names: trace.canonical_names,
            chosen: trace.chosen,
        }
    }

    /// Follows a question through aliases and canonical names.
    fn trace(&self, core: &Core, question: &DnsQuestion) -> Trace {
        let mut name = full_name(&question.name);
        let mut trace = Trace {
            end: End::NoName,
            ttl: i64::MAX,
            canonical_names: Vec::new(),
            chosen: Vec::new(),
        };
        for _ in 0..CHAIN_MAX {
            let set = match self.find(core, &name, question) {
                Found::Set(set) => set,
                Found::NoData => return trace.ending(End::NoData, NEGATIVE_TTL),
                Found::NoName => return trace.ending(End::NoName, NEGATIVE_TTL),
                Found::Elsewhere => return outside(core, &name, trace),
            };
            trace.chosen.extend(set.set_identifier.clone());
            match &set.alias_target {
                Some(alias) => name.clone_from(&alias.dns_name),
                None if set.kind == "CNAME" && question.kind != "CNAME" => {
                    name = full_name(set.values().next().unwrap_or_default());
                    trace.ttl = trace.ttl.min(set.ttl.unwrap_or(i64::MAX));
                    trace.canonical_names.push(name.clone());
                }
                None => {
                    let values = set.values().map(str::to_owned).collect();
                    return trace.ending(End::Values(values), set.ttl.unwrap_or(NEGATIVE_TTL));
                }
            }
        }
        trace
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

    /// Whether what a name leads to answers a health check on a port.
    pub(super) fn answers(&self, core: &Core, name: &str, port: u16) -> bool {
        let question = DnsQuestion {
            name: name.to_owned(),
            kind: "A".to_owned(),
            region: "us-east-1".to_owned(),
            client: String::new(),
        };
        match self.trace(core, &question).end {
            End::Balancer(_, has_healthy_target) => has_healthy_target,
            End::Values(values) => values
                .iter()
                .filter_map(|value| value.parse().ok())
                .any(|address| core.peers.ec2.answers_at(core, (address, port))),
            End::Database(_) | End::NoData | End::NoName => false,
        }
    }

    /// The set that answers for a name.
    fn find(&self, core: &Core, name: &str, question: &DnsQuestion) -> Found {
        let looked = self.with(|state| {
            let zone = zone_of(state, name)?;
            let owner = owner(zone, name);
            Some(owner.map(|owner| candidates(state, zone, (&owner, &question.kind))))
        });
        let judged = match looked {
            None => return Found::Elsewhere,
            Some(None) => return Found::NoName,
            Some(Some(sets)) => sets,
        };
        let judged = judged
            .into_iter()
            .map(|(set, healthy)| {
                let healthy = healthy && self.alias_stands(core, &set, question, 0);
                (set, healthy)
            })
            .collect();
        choose(judged, question).map_or(Found::NoData, |set| Found::Set(Box::new(set)))
    }

    /// An alias that evaluates its target's health is as healthy as that.
    fn alias_stands(&self, core: &Core, set: &RecordSet, question: &DnsQuestion, depth: usize) -> bool {
        let alias = set.alias_target.as_ref();
        let Some(alias) = alias.filter(|alias| alias.evaluate_target_health && depth < CHAIN_MAX) else {
            return true;
        };
        if let Some(balancer) = core.peers.elbv2.by_dns_name(core, &alias.dns_name) {
            return balancer.has_healthy_target;
        }
        let sets = self.with(|state| {
            let zone = zone_of(state, &alias.dns_name);
            zone.map(|zone| candidates(state, zone, (&alias.dns_name, &question.kind)))
        });
        let sets = sets.unwrap_or_default();
        sets.is_empty()
            || sets
                .iter()
                .any(|(inner, healthy)| *healthy && self.alias_stands(core, inner, question, depth + 1))
    }
}

impl Trace {
    fn ending(self, end: End, ttl: i64) -> Self {
        Self {
            end,
            ttl: self.ttl.min(ttl),
            ..self
        }
    }
}

/// A name that no zone here holds: that of a load balancer or a database, or nobody's.
fn outside(core: &Core, name: &str, trace: Trace) -> Trace {
    if let Some(balancer) = core.peers.elbv2.by_dns_name(core, name) {
        let end = End::Balancer(balancer.addresses, balancer.has_healthy_target);
        return trace.ending(end, BALANCER_TTL);
    }
    match core.peers.rds.addresses(name) {
        Some(addresses) => trace.ending(End::Database(addresses), DATABASE_TTL),
        None => trace.ending(End::NoName, NEGATIVE_TTL),
    }
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

/// The name whose sets answer for `name`: itself, or a wildcard above it that nothing nearer covers.
fn owner(zone: &Zone, name: &str) -> Option<String> {
    if exists(zone, name) {
        return Some(name.to_owned());
    }
    let mut rest = name;
    while let Some((_, parent)) = rest.split_once('.') {
        if parent.len() < zone.name.len() {
            return None;
        }
        let star = format!("*.{parent}");
        if zone.records.values().any(|set| set.name == star) {
            return Some(star);
        }
        if exists(zone, parent) {
            return None;
        }
        rest = parent;
    }
    None
}

/// A name exists when it has sets, or when there is a name below it.
fn exists(zone: &Zone, name: &str) -> bool {
    let below = format!(".{name}");
    let mut sets = zone.records.values();
    sets.any(|set| set.name == name || set.name.ends_with(&below))
}

/// The sets that may answer, each with what its health check says.
fn candidates(state: &Dns, zone: &Zone, (name, kind): (&str, &str)) -> Vec<(RecordSet, bool)> {
    let sets = zone.records.values();
    let fitting = sets.filter(|set| set.name == name && (set.kind == kind || set.kind == "CNAME"));
    let judged = fitting.map(|set| {
        let check = set.health_check_id.as_deref();
        (set.clone(), check.is_none_or(|id| state.is_healthy(id)))
    });
    judged.collect()
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
            .min_by_key(|set| round_trip_ms(&question.region, set.region.as_deref().unwrap_or_default())),
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
