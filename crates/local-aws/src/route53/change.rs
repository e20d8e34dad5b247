//! Batches of changes to record sets: all of a batch or nothing.
//!
//! Source: Route 53 API reference, "ChangeResourceRecordSets"; developer guide, "Quotas".

use std::collections::{BTreeMap, BTreeSet};

use super::Route53;
use super::record::{RecordSet, Wrong, full_name, sorted_name};
use super::request::{ChangeRecords, OneChange, Request, invalid};
use super::state::{Dns, Zone, key_text};
use super::{health, view, zone};
use crate::error::AwsError;
use crate::protocol::Reply;

/// Most values in one call; those of an UPSERT count twice.
const VALUES_MAX: usize = 1_000;
/// Most characters in all values of one call, counted alike.
const CHARACTERS_MAX: usize = 32_000;
const PAGE_MAX: usize = 300;
const QUOTA: &str = "L-E209CC9F";

/// Changes on their way into a zone.
struct Batch<'b> {
    state: &'b Dns,
    after: Zone,
    /// What is wrong with the changes so far.
    wrong: Vec<String>,
    /// The sets that were created or overwritten so far.
    written: BTreeSet<String>,
}

pub(super) fn apply(dns: &Route53, request: &Request<'_>) -> Result<Reply, AwsError> {
    let wanted: ChangeRecords = request.body()?;
    let owner = zone::permitted(dns, request, request.part(1))?;
    let mut changes = wanted.change_batch.changes.change;
    for change in &mut changes {
        let set = std::mem::take(&mut change.resource_record_set);
        change.resource_record_set = set.normalized();
    }
    check_size(&changes)?;
    let lost: Vec<String> = changes
        .iter()
        .filter_map(|change| lost_alias(request, &owner, change))
        .collect();
    let limit = request.quota(QUOTA);
    let (id, change) = (request.new_id('C'), zone::changed(request));
    dns.with(|state| {
        let changed = changed(state, &owner.id, (changes, lost), limit)?;
        if let Some(zone) = state.zones.get_mut(&owner.id) {
            zone.records = changed;
        }
        state.changes.insert(id.clone(), change.clone());
        Ok::<_, AwsError>(())
    })?;
    Ok(view::document("ChangeResourceRecordSetsResponse", |xml| {
        view::change(xml, "ChangeInfo", (&id, &change), request.call.now);
    }))
}

fn check_size(changes: &[OneChange]) -> Result<(), AwsError> {
    if changes.is_empty() {
        return Err(invalid("Invalid request: a change batch has at least one change"));
    }
    let (mut values, mut characters) = (0, 0);
    for change in changes {
        let times = if change.action == "UPSERT" { 2 } else { 1 };
        let set = &change.resource_record_set;
        values += times * set.values().count().max(1);
        characters += times * set.values().map(|value| value.chars().count()).sum::<usize>();
    }
    if values > VALUES_MAX {
        return Err(invalid_batch(&[format!(
            "Number of records limit of {VALUES_MAX} exceeded."
        )]));
    }
    if characters > CHARACTERS_MAX {
        return Err(invalid_batch(&[format!(
            "Number of characters limit of {CHARACTERS_MAX} exceeded."
        )]));
    }
    Ok(())
}

/// An alias that leads out of its zone must lead to a load balancer, under the zone of that one's name.
fn lost_alias(request: &Request<'_>, owner: &Zone, change: &OneChange) -> Option<String> {
    let set = &change.resource_record_set;
    let alias = set.alias_target.as_ref()?;
    if alias.hosted_zone_id == owner.id || change.action == "DELETE" {
        return None;
    }
    let elb = &request.core.peers.elbv2;
    let why = match elb.by_dns_name(request.core, &alias.dns_name) {
        Some(balancer) if balancer.hosted_zone_id == alias.hosted_zone_id => {
            let is_address = ["A", "AAAA"].contains(&set.kind.as_str());
            return (!is_address).then(|| not_made(set, "the target has no record of that type"));
        }
        Some(_) => "the alias target name does not lie within the target zone",
        None => "that target was not found",
    };
    Some(not_made(set, why))
}

fn not_made(set: &RecordSet, why: &str) -> String {
    let alias = set.alias_target.clone().unwrap_or_default();
    format!(
        "Tried to create an alias that targets {}, type {} in zone {}, but {why}",
        alias.dns_name, set.kind, alias.hosted_zone_id
    )
}

/// The zone's sets after all changes.
fn changed(
    state: &Dns,
    zone_id: &str,
    (changes, lost): (Vec<OneChange>, Vec<String>),
    limit: Option<u64>,
) -> Result<BTreeMap<String, RecordSet>, AwsError> {
    let zone = state.zones.get(zone_id).ok_or_else(|| zone::missing(zone_id))?;
    let mut batch = Batch {
        state,
        after: zone.clone(),
        wrong: lost,
        written: BTreeSet::new(),
    };
    for change in changes {
        batch.take(change)?;
    }
    batch.compare();
    let count = u64::try_from(batch.after.records.len()).unwrap_or(u64::MAX);
    if let Some(limit) = limit.filter(|limit| count > *limit) {
        batch
            .wrong
            .push(format!("Number of records limit of {limit} exceeded."));
    }
    match batch.wrong.is_empty() {
        true => Ok(batch.after.records),
        false => Err(invalid_batch(&batch.wrong)),
    }
}

impl Batch<'_> {
    /// Makes one change. What is wrong with it is noted; a form that cannot be read ends the call.
    fn take(&mut self, change: OneChange) -> Result<(), AwsError> {
        let set = change.resource_record_set;
        if let Some(id) = &set.health_check_id
            && !self.state.checks.contains_key(id)
            && change.action != "DELETE"
        {
            return Err(health::missing(id));
        }
        let outcome = match change.action.as_str() {
            "CREATE" | "UPSERT" => match self.check(&set) {
                Ok(()) => self.put(&change.action, set),
                Err(Wrong::Change(why)) => Err(why),
                Err(Wrong::Form(why)) => return Err(invalid(why)),
            },
            "DELETE" => self.remove(&set),
            other => {
                let why = format!("Value '{other}' at 'action' is none of CREATE, DELETE and UPSERT");
                return Err(invalid(why));
            }
        };
        self.wrong.extend(outcome.err());
        Ok(())
    }

    fn check(&self, set: &RecordSet) -> Result<(), Wrong> {
        set.check()?;
        let zone = &self.after;
        let below = set.name == zone.name || set.name.ends_with(&format!(".{}", zone.name));
        if below {
            return Ok(());
        }
        Err(Wrong::Change(format!(
            "RRSet with DNS name {} is not permitted in zone {}",
            set.name, zone.name
        )))
    }

    fn put(&mut self, action: &str, set: RecordSet) -> Result<(), String> {
        let key = key_text(&set);
        if !self.written.insert(key.clone()) {
            return Err(format!(
                "The request contains an invalid set of changes for a resource record set '{} {}'",
                set.kind, set.name
            ));
        }
        if action == "CREATE" && self.after.records.contains_key(&key) {
            return Err(format!(
                "Tried to create resource record set {} but it already exists",
                described(&set)
            ));
        }
        self.after.records.insert(key, set);
        Ok(())
    }

    /// A set is deleted by saying what it is, every value of it.
    fn remove(&mut self, set: &RecordSet) -> Result<(), String> {
        let described = described(set);
        if self.after.is_own(set) {
            return Err(format!(
                "A HostedZone must contain exactly one {} record: {described}",
                set.kind
            ));
        }
        let key = key_text(set);
        let there = self
            .after
            .records
            .get(&key)
            .filter(|_| !self.written.contains(&key));
        match there {
            None => Err(format!(
                "Tried to delete resource record set {described} but it was not found"
            )),
            Some(there) if !alike(there, set) => Err(format!(
                "Tried to delete resource record set {described} but the values provided do not match the current values"
            )),
            Some(_) => {
                self.after.records.remove(&key);
                Ok(())
            }
        }
    }

    /// Looks at what the zone would be: its sets must go together, and its aliases lead somewhere.
    fn compare(&mut self) {
        if !self.wrong.is_empty() {
            return;
        }
        let written = self.written.iter().filter_map(|key| self.after.records.get(key));
        let mut wrong: Vec<String> = Vec::new();
        for set in written {
            wrong.extend(clash(&self.after, set));
            wrong.extend(dangling(&self.after, set));
        }
        wrong.dedup();
        self.wrong = wrong;
    }
}

fn described(set: &RecordSet) -> String {
    let identifier = set.set_identifier.as_ref();
    let identifier = identifier.map(|text| format!(", set identifier='{text}'"));
    format!(
        "[name='{}', type='{}'{}]",
        set.name,
        set.kind,
        identifier.unwrap_or_default()
    )
}

fn alike(there: &RecordSet, said: &RecordSet) -> bool {
    let sorted = |set: &RecordSet| {
        let mut values: Vec<String> = set.values().map(str::to_owned).collect();
        values.sort();
        values
    };
    let plain = |set: &RecordSet| RecordSet {
        resource_records: None,
        multi_value_answer: set.multi_value_answer.filter(|answers| *answers),
        ..set.clone()
    };
    sorted(there) == sorted(said) && plain(there) == plain(said)
}

/// An alias within its zone leads to a set of the same type.
fn dangling(zone: &Zone, set: &RecordSet) -> Option<String> {
    let alias = set.alias_target.as_ref()?;
    let inner = alias.hosted_zone_id == zone.id;
    let mut all = zone.records.values();
    let found = all.any(|other| other.name == alias.dns_name && other.kind == set.kind);
    if inner && (!found || alias.dns_name == set.name) {
        return Some(not_made(set, "that target was not found"));
    }
    None
}

/// What forbids a set beside the others of its zone.
fn clash(zone: &Zone, set: &RecordSet) -> Option<String> {
    if set.kind == "CNAME" && set.name == zone.name {
        return Some(format!(
            "RRSet of type CNAME with DNS name {} is not permitted at apex in zone {}",
            set.name, zone.name
        ));
    }
    let others = zone
        .records
        .values()
        .filter(|other| other.name == set.name && key_text(other) != key_text(set));
    for other in others {
        if (set.kind == "CNAME") != (other.kind == "CNAME") {
            return Some(format!(
                "RRSet of type {} with DNS name {} is not permitted as it conflicts with other records with the same DNS \
                 name in zone {}",
                set.kind, set.name, zone.name
            ));
        }
        if other.kind == set.kind {
            let found = rivalry(set, other);
            if found.is_some() {
                return found;
            }
        }
    }
    None
}

/// What forbids two sets of one name and type beside each other.
fn rivalry(set: &RecordSet, other: &RecordSet) -> Option<String> {
    let (policy, its) = (set.policy(), other.policy());
    let same = match policy {
        _ if policy != its => Some(format!("a {its} set")),
        "failover" if set.failover == other.failover => {
            let role = set.failover.as_deref().unwrap_or_default();
            Some(format!("a failover set that is {role}"))
        }
        "latency" if set.region == other.region => {
            let region = set.region.as_deref().unwrap_or_default();
            Some(format!("a latency set for {region}"))
        }
        _ => None,
    };
    same.map(|what| {
        format!(
            "RRSet with DNS name {}, type {} cannot be created as {what} exists with the same name and type",
            set.name, set.kind
        )
    })
}

fn invalid_batch(messages: &[String]) -> AwsError {
    AwsError::bad("InvalidChangeBatch", format!("[{}]", messages.join(", ")))
}

/// The sets of a zone in order, from a name on.
pub(super) fn list(dns: &Route53, request: &Request<'_>) -> Result<Reply, AwsError> {
    let zone = zone::permitted(dns, request, request.part(1))?;
    let start = start(request)?;
    let size = request.size(PAGE_MAX)?;
    let mut sets = zone.records.range(start..).map(|(_, set)| set);
    let shown: Vec<&RecordSet> = sets.by_ref().take(size).collect();
    let next = sets.next();
    Ok(view::document("ListResourceRecordSetsResponse", |xml| {
        xml.node("ResourceRecordSets", |xml| {
            for set in shown {
                view::record(xml, set);
            }
        });
        xml.leaf("IsTruncated", next.is_some());
        if let Some(next) = next {
            xml.leaf("NextRecordName", super::record::shown_name(&next.name))
                .leaf("NextRecordType", &next.kind)
                .optional("NextRecordIdentifier", next.set_identifier.as_ref());
        }
        xml.leaf("MaxItems", size);
    }))
}

/// The key that a page begins at.
fn start(request: &Request<'_>) -> Result<String, AwsError> {
    let (name, kind) = (request.query("name"), request.query("type"));
    let identifier = request.query("identifier");
    match (name, kind, identifier) {
        (None, Some(_), _) => Err(invalid("The type of record needs a name")),
        (_, None, Some(_)) => Err(invalid("The identifier needs a name and a type of record")),
        (None, None, None) => Ok(String::new()),
        (Some(name), kind, identifier) => Ok(format!(
            "{}\u{1}{}\u{1}{}",
            sorted_name(&full_name(&name)),
            kind.unwrap_or_default(),
            identifier.unwrap_or_default()
        )),
    }
}
