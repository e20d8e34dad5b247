//! Manual snapshots of instances, and their copies.

use chrono::TimeDelta;

use super::course::{Course, Then};
use super::instance::Instance;
use super::request::{
    Request, clash, identifier, instance_missing, instance_state, invalid, region_of, snapshot_missing,
};
use super::state::{Snapshot, Tags, below};
use super::{Rds, read, view};
use crate::error::AwsError;
use crate::protocol::Xml;

const QUOTA: &str = "L-272F1212";
const IDENTIFIER_MAX: usize = 255;
const TAKING: TimeDelta = TimeDelta::minutes(3);
/// A copy into another region moves the data there.
const COPYING_FAR: TimeDelta = TimeDelta::minutes(20);
const FILTERS: [&str; 5] = [
    "db-instance-id",
    "db-snapshot-id",
    "dbi-resource-id",
    "snapshot-type",
    "engine",
];
const KINDS: [&str; 5] = ["automated", "manual", "shared", "public", "awsbackup"];

pub(super) fn create(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let named = request.required("DBInstanceIdentifier")?;
    let arn = request.named("db", named);
    let found = rds.with(|state| state.instances.get(&arn).cloned());
    let has = found
        .as_ref()
        .map(|instance| instance.meta.tags.clone())
        .unwrap_or_default();
    request.permit(&arn, &has, &request.tags()?)?;
    let snapshot = of_found(rds, request, found, named)?;
    let course = Course::through(
        request.call.now,
        &request.core.latency,
        &[("backing-up", TAKING)],
        Then::Rest,
    );
    rds.with(|state| {
        if let Some(instance) = state.instances.get_mut(&arn) {
            instance.course = course;
        }
    });
    insert(rds, snapshot)
}

fn of_found(
    rds: &Rds,
    request: &Request<'_>,
    found: Option<Instance>,
    named: &str,
) -> Result<Snapshot, AwsError> {
    let id = request.required("DBSnapshotIdentifier")?;
    let instance = found.ok_or_else(|| instance_missing(named))?;
    if instance.cluster.is_some() {
        return Err(instance_state(
            "A member of a DB cluster has no snapshots of its own; the cluster has",
        ));
    }
    if !instance.is_available() {
        return Err(instance_state(format!(
            "Cannot create a snapshot because the database instance {} is not currently in the available state.",
            instance.meta.id
        )));
    }
    of(rds, request, &instance, id)
}

/// A new snapshot of an instance, under a name that is free.
pub(super) fn of(
    rds: &Rds,
    request: &Request<'_>,
    instance: &Instance,
    named: &str,
) -> Result<Snapshot, AwsError> {
    let mut tags = request.tags()?;
    if instance.settings.copies_tags {
        let own = instance.meta.tags.clone();
        tags = own.into_iter().chain(tags).collect();
    }
    let id = new_identifier(rds, request, ("DBSnapshotIdentifier", named), &tags)?;
    Ok(Snapshot {
        meta: request.meta("snapshot", &id, tags),
        instance_id: instance.meta.id.clone(),
        resource_id: instance.resource_id.clone(),
        instance_created_at: instance.meta.created_at,
        zone: instance.foot.zone.clone(),
        settings: instance.settings.clone(),
        markers: instance.markers.clone(),
        course: Course::through(
            request.call.now,
            &request.core.latency,
            &[("creating", TAKING)],
            Then::Rest,
        ),
        source: None,
        original_at: request.call.now,
    })
}

fn new_identifier(
    rds: &Rds,
    request: &Request<'_>,
    (parameter, named): (&str, &str),
    tags: &Tags,
) -> Result<String, AwsError> {
    let id = identifier(parameter, named, IDENTIFIER_MAX)?;
    let arn = request.arn("snapshot", &id);
    request.permit(&arn, tags, tags)?;
    let (is_taken, count) = rds.with(|state| {
        let here = below(&state.snapshots, &request.arn("snapshot", "")).count();
        (state.snapshots.contains_key(&arn), here)
    });
    if is_taken {
        return Err(AwsError::bad(
            "DBSnapshotAlreadyExists",
            format!("Cannot create the snapshot because a snapshot with the identifier {id} already exists."),
        ));
    }
    let refusal = (
        "SnapshotQuotaExceeded",
        "The request would result in the user exceeding the allowed number of DB snapshots.",
    );
    request.within_quota(QUOTA, count, refusal)?;
    Ok(id)
}

fn insert(rds: &Rds, snapshot: Snapshot) -> Result<Xml, AwsError> {
    let mut xml = Xml::new();
    xml.node("DBSnapshot", |xml| view::snapshot(xml, &snapshot));
    rds.with(|state| state.snapshots.insert(snapshot.meta.arn.clone(), snapshot));
    Ok(xml)
}

/// The snapshot that a name, or the ARN of any region, means; of the caller's account.
pub(super) fn find(rds: &Rds, request: &Request<'_>, named: &str) -> Result<Snapshot, AwsError> {
    let arn = request.named("snapshot", named);
    let found = rds.with(|state| state.snapshots.get(&arn).cloned());
    let has = found
        .as_ref()
        .map(|snapshot| snapshot.meta.tags.clone())
        .unwrap_or_default();
    request.permit(&arn, &has, &request.tags()?)?;
    let own = found.filter(|snapshot| snapshot.meta.account == request.call.caller.account);
    own.ok_or_else(|| snapshot_missing(named))
}

/// Refuses a snapshot that is not done yet.
pub(super) fn require_available(snapshot: &Snapshot) -> Result<(), AwsError> {
    if let Some(status) = snapshot.course.status() {
        return Err(AwsError::bad(
            "InvalidDBSnapshotState",
            format!(
                "Snapshot {} is not in available state: it is {status}.",
                snapshot.meta.id
            ),
        ));
    }
    Ok(())
}

pub(super) fn copy(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let source = find(rds, request, request.required("SourceDBSnapshotIdentifier")?)?;
    let is_far = source.meta.region != request.call.region;
    if is_far && request.core.outages.region_lost(region_of(&source.meta.arn)) {
        let why = format!(
            "The AWS Region of snapshot {} cannot be reached.",
            source.meta.arn
        );
        return Err(AwsError::bad("InvalidDBSnapshotState", why));
    }
    require_available(&source)?;
    let mut tags = request.tags()?;
    if request.flag("CopyTags")?.unwrap_or(false) {
        tags = source.meta.tags.clone().into_iter().chain(tags).collect();
    }
    let target = request.required("TargetDBSnapshotIdentifier")?;
    let id = new_identifier(rds, request, ("TargetDBSnapshotIdentifier", target), &tags)?;
    let kms_key = copied_key(request, &source, is_far)?;
    let typical = if is_far { COPYING_FAR } else { TAKING };
    let mut settings = source.settings.clone();
    settings.kms_key = kms_key;
    let copy = Snapshot {
        meta: request.meta("snapshot", &id, tags),
        settings,
        course: Course::through(
            request.call.now,
            &request.core.latency,
            &[("copying", typical)],
            Then::Rest,
        ),
        source: Some(source.meta.arn.clone()),
        ..source
    };
    insert(rds, copy)
}

/// An encrypted snapshot's copy in another region needs a key there; keys do not leave their region.
fn copied_key(request: &Request<'_>, source: &Snapshot, is_far: bool) -> Result<Option<String>, AwsError> {
    let named = request.params.get("KmsKeyId").filter(|named| !named.is_empty());
    match (&source.settings.kms_key, named) {
        (_, Some(named)) => read::usable_key(request, named).map(Some),
        (Some(_), None) if is_far => Err(clash(
            "A KMS key of the destination AWS Region is required to copy an encrypted snapshot from another one.",
        )),
        (Some(key), None) => read::usable_key(request, key).map(Some),
        (None, None) => Ok(None),
    }
}

pub(super) fn describe(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let named = request
        .params
        .get("DBSnapshotIdentifier")
        .filter(|named| !named.is_empty());
    request.permit_describing("snapshot", named)?;
    let filters = filters(request)?;
    let prefix = request.arn("snapshot", "");
    let mut found: Vec<Snapshot> = rds.with(|state| {
        let here = below(&state.snapshots, &prefix);
        here.filter(|snapshot| accepts(&filters, snapshot))
            .cloned()
            .collect()
    });
    if let Some(named) = named {
        let arn = request.named("snapshot", named);
        found.retain(|snapshot| snapshot.meta.arn == arn);
        if found.is_empty() {
            return Err(snapshot_missing(named));
        }
    }
    let page = request.page(found, |snapshot| &snapshot.meta.arn)?;
    let mut xml = Xml::new();
    xml.node("DBSnapshots", |xml| {
        for snapshot in &page.items {
            xml.node("DBSnapshot", |xml| view::snapshot(xml, snapshot));
        }
    });
    xml.optional("Marker", page.next);
    Ok(xml)
}

/// The filters, those that have a parameter of their own included.
fn filters(request: &Request<'_>) -> Result<Vec<(String, Vec<String>)>, AwsError> {
    let mut filters = request.filters(&FILTERS)?;
    let own = [
        ("DBInstanceIdentifier", "db-instance-id"),
        ("DbiResourceId", "dbi-resource-id"),
        ("SnapshotType", "snapshot-type"),
    ];
    for (parameter, filter) in own {
        if let Some(value) = request.params.get(parameter).filter(|value| !value.is_empty()) {
            filters.push((filter.to_owned(), vec![value.to_owned()]));
        }
    }
    let kinds = filters.iter().filter(|(name, _)| name == "snapshot-type");
    for kind in kinds.flat_map(|(_, values)| values) {
        if !KINDS.contains(&kind.as_str()) {
            return Err(invalid(format!("Invalid snapshot type: {kind}")));
        }
    }
    Ok(filters)
}

fn accepts(filters: &[(String, Vec<String>)], snapshot: &Snapshot) -> bool {
    filters.iter().all(|(name, values)| {
        let own = match name.as_str() {
            "db-instance-id" => &snapshot.instance_id,
            "db-snapshot-id" => &snapshot.meta.id,
            "dbi-resource-id" => &snapshot.resource_id,
            "engine" => &snapshot.settings.engine,
            _ => "manual",
        };
        values
            .iter()
            .any(|value| value == own || *value == snapshot.meta.arn)
    })
}

pub(super) fn delete(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let named = request.required("DBSnapshotIdentifier")?;
    let snapshot = find(rds, request, named)?;
    if snapshot.meta.region != request.call.region {
        return Err(snapshot_missing(named));
    }
    require_available(&snapshot)?;
    let mut xml = Xml::new();
    xml.node("DBSnapshot", |xml| view::snapshot(xml, &snapshot));
    rds.with(|state| state.snapshots.remove(&snapshot.meta.arn));
    Ok(xml)
}
