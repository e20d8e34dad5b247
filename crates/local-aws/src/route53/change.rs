//! Batches of changes to record sets: all of a batch or nothing.

use std::collections::BTreeMap;

use super::Route53;
use super::record::{RecordSet, full_name, sorted_name};
use super::request::{ChangeRecords, OneChange, Request, invalid};
use super::state::{Dns, Zone, key_text};
use super::{view, zone};
use crate::error::AwsError;
use crate::protocol::Reply;

const CHANGES_MAX: usize = 1_000;
const PAGE_MAX: usize = 300;

pub(super) fn apply(dns: &Route53, request: &Request<'_>) -> Result<Reply, AwsError> {
    let wanted: ChangeRecords = request.body()?;
    let owner = zone::permitted(dns, request, request.part(1))?;
    let changes = wanted.change_batch.changes.change;
    if changes.is_empty() || changes.len() > CHANGES_MAX {
        return Err(invalid_batch(&[format!(
            "A batch has 1 to {CHANGES_MAX} changes"
        )]));
    }
    let (id, change) = (request.new_id('C'), zone::changed(request));
    dns.with(|state| {
        let changed = changed(state, &owner.id, changes)?;
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

/// The zone's sets after all changes.
fn changed(
    state: &Dns,
    zone_id: &str,
    changes: Vec<OneChange>,
) -> Result<BTreeMap<String, RecordSet>, AwsError> {
    let zone = state.zones.get(zone_id).ok_or_else(|| {
        AwsError::not_found(
            "NoSuchHostedZone",
            format!("No hosted zone found with ID: {zone_id}"),
        )
    })?;
    let mut after = zone.clone();
    let mut wrong = Vec::new();
    for change in changes {
        let set = change.resource_record_set.normalized();
        let outcome = match change.action.as_str() {
            "CREATE" | "UPSERT" => {
                check(state, &after, &set).and_then(|()| put(&mut after, &change.action, set))
            }
            "DELETE" => remove(&mut after, &set),
            other => return Err(invalid(format!("{other} is not an action"))),
        };
        wrong.extend(outcome.err());
    }
    if wrong.is_empty() {
        wrong.extend(after.records.values().filter_map(|set| clash(&after, set)));
        wrong.dedup();
    }
    if wrong.is_empty() {
        Ok(after.records)
    } else {
        Err(invalid_batch(&wrong))
    }
}

fn check(state: &Dns, zone: &Zone, set: &RecordSet) -> Result<(), String> {
    set.check()?;
    let below = set.name == zone.name || set.name.ends_with(&format!(".{}", zone.name));
    if !below {
        return Err(format!(
            "RRSet with DNS name {} is not permitted in zone {}",
            set.name, zone.name
        ));
    }
    let unknown = set
        .health_check_id
        .as_ref()
        .filter(|id| !state.checks.contains_key(*id));
    if let Some(id) = unknown {
        return Err(format!("Invalid request: No health check exists with ID {id}"));
    }
    let alias = set.alias_target.as_ref();
    let inner = alias.filter(|alias| alias.hosted_zone_id == zone.id);
    if let Some(alias) = inner
        && !zone
            .records
            .values()
            .any(|other| other.name == alias.dns_name && other.kind == set.kind)
    {
        return Err(format!(
            "Tried to create an alias that targets {}, type {} in zone {}, but the alias target name does not lie within the target zone",
            alias.dns_name, set.kind, zone.id
        ));
    }
    Ok(())
}

fn put(zone: &mut Zone, action: &str, set: RecordSet) -> Result<(), String> {
    let key = key_text(&set);
    if action == "CREATE" && zone.records.contains_key(&key) {
        return Err(format!(
            "Tried to create resource record set [name='{}', type='{}'] but it already exists",
            set.name, set.kind
        ));
    }
    zone.records.insert(key, set);
    Ok(())
}

/// A set is deleted by saying what it is, every value of it.
fn remove(zone: &mut Zone, set: &RecordSet) -> Result<(), String> {
    let describe = format!("[name='{}', type='{}']", set.name, set.kind);
    if zone.is_own(set) {
        return Err(format!(
            "A HostedZone must contain exactly one {} record: {describe}",
            set.kind
        ));
    }
    let key = key_text(set);
    match zone.records.get(&key) {
        None => Err(format!(
            "Tried to delete resource record set {describe} but it was not found"
        )),
        Some(there) if !alike(there, set) => Err(format!(
            "Tried to delete resource record set {describe} but the values provided do not match the current values"
        )),
        Some(_) => {
            zone.records.remove(&key);
            Ok(())
        }
    }
}

fn alike(there: &RecordSet, said: &RecordSet) -> bool {
    let sorted = |set: &RecordSet| {
        let mut values: Vec<String> = set.values().map(str::to_owned).collect();
        values.sort();
        values
    };
    let plain = |set: &RecordSet| RecordSet {
        resource_records: None,
        ..set.clone()
    };
    sorted(there) == sorted(said) && plain(there) == plain(said)
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
        if set.kind == "CNAME" && other.kind != "CNAME" {
            return Some(format!(
                "RRSet of type CNAME with DNS name {} is not permitted as it conflicts with other records with the same DNS name in zone {}",
                set.name, zone.name
            ));
        }
        if other.kind == set.kind && other.policy() != set.policy() {
            return Some(format!(
                "RRSet with DNS name {}, type {} cannot be created as a {} set exists with the same name and type",
                set.name,
                set.kind,
                other.policy()
            ));
        }
        if other.kind == set.kind && set.failover.is_some() && other.failover == set.failover {
            return Some(format!(
                "Multiple {} failover sets for {}",
                set.failover.as_deref().unwrap_or_default(),
                set.name
            ));
        }
    }
    None
}

fn invalid_batch(messages: &[String]) -> AwsError {
    AwsError::bad("InvalidChangeBatch", format!("[{}]", messages.join(", ")))
}

/// The sets of a zone in order, from a name on.
pub(super) fn list(dns: &Route53, request: &Request<'_>) -> Result<Reply, AwsError> {
    let zone = zone::permitted(dns, request, request.part(1))?;
    let from = request.query("name").map(|name| sorted_name(&full_name(&name)));
    let kind = request.query("type");
    if kind.is_some() && from.is_none() {
        return Err(invalid("The type needs a name"));
    }
    let identifier = request.query("identifier").unwrap_or_default();
    let start = from.map(|name| format!("{name}\u{1}{}\u{1}{identifier}", kind.unwrap_or_default()));
    let size = request.size(PAGE_MAX)?;
    let mut sets = zone
        .records
        .range(start.unwrap_or_default()..)
        .map(|(_, set)| set);
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
            xml.leaf("NextRecordName", &next.name)
                .leaf("NextRecordType", &next.kind)
                .optional("NextRecordIdentifier", next.set_identifier.as_ref());
        }
        xml.leaf("MaxItems", size);
    }))
}
