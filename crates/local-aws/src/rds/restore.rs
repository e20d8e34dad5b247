//! New instances from snapshots, and from any moment that backups cover.

use chrono::{DateTime, TimeDelta, Utc};

use super::course::{Course, Then};
use super::create::{self, CREATING, FIRST_BACKUP};
use super::instance::{Instance, Marker, Settings};
use super::placement::{ground, settle_down};
use super::request::{Request, clash, identifier, instance_missing, invalid};
use super::state::{Backup, Tags};
use super::{Rds, backup, catalog, read, snapshot};
use crate::error::AwsError;
use crate::protocol::Xml;

/// AWS keeps the logs of transactions at most this long behind the present.
pub(super) const LOG_LAG: TimeDelta = TimeDelta::minutes(5);

/// What a restore starts from.
struct Origin {
    settings: Settings,
    markers: Vec<Marker>,
}

pub(super) fn from_snapshot(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let tags = request.tags()?;
    if request.params.get("DBClusterSnapshotIdentifier").is_some() {
        return Err(AwsError::not_implemented(
            "rds",
            "RestoreDBInstanceFromDBSnapshot with DBClusterSnapshotIdentifier",
        ));
    }
    let id = create::new_identifier(rds, request, &tags)?;
    let named = request.required("DBSnapshotIdentifier")?;
    let snapshot = snapshot::find(rds, request, named)?;
    if snapshot.meta.region != request.call.region {
        return Err(super::request::snapshot_missing(named));
    }
    snapshot::require_available(&snapshot)?;
    let origin = Origin {
        settings: snapshot.settings,
        markers: snapshot.markers,
    };
    build(rds, request, (&id, tags), origin)
}

/// Makes the instance of a restore.
fn build(
    rds: &Rds,
    request: &Request<'_>,
    (id, tags): (&str, Tags),
    origin: Origin,
) -> Result<Xml, AwsError> {
    let settings = settings(rds, request, &origin.settings)?;
    let ground = ground(rds, request)?;
    let settings = Settings {
        vpc_id: ground.group.vpc_id.clone(),
        group_ids: ground.group_ids.clone(),
        ..settings
    };
    let feet = settle_down(request, &ground, id, settings.multi_az)?;
    let mut stages = vec![("creating", CREATING)];
    if settings.retention_days > 0 {
        stages.push(("backing-up", FIRST_BACKUP));
    }
    let instance = Instance {
        markers: origin.markers,
        course: Course::through(request.call.now, &request.core.latency, &stages, Then::Rest),
        ..create::made(request, (id, tags), settings, feet)
    };
    create::insert(rds, request, &instance)
}

/// The origin's settings, with what the call says over them.
fn settings(rds: &Rds, request: &Request<'_>, from: &Settings) -> Result<Settings, AwsError> {
    let engine = catalog::engine(&from.engine)?;
    if request
        .params
        .get("Engine")
        .is_some_and(|asked| asked != from.engine)
    {
        return Err(clash("The engine must be compatible with that of the source"));
    }
    let class = request.params.get("DBInstanceClass").unwrap_or(&from.class);
    engine.check_class(class)?;
    if let Some(key) = &from.kms_key {
        read::usable_key(request, key)?;
    }
    let named = request.required("DBSubnetGroupName").map_err(|_| no_subnet())?;
    let placed = read::placed(request, from.port, &ground(rds, request)?)?;
    Ok(Settings {
        class: class.to_owned(),
        subnet_group: named.to_ascii_lowercase(),
        multi_az: request.flag("MultiAZ")?.unwrap_or(false),
        secret: read::master_secret(request, engine, false)?,
        port: placed.port,
        is_public: placed.is_public,
        deletion_protection: placed.deletion_protection,
        copies_tags: placed.copies_tags,
        retention_days: read::retention(request)?.unwrap_or(from.retention_days),
        ..from.clone()
    })
}

fn no_subnet() -> AwsError {
    let why = "No default subnet detected in VPC. Specify a DB subnet group.";
    AwsError::bad("InvalidSubnet", why)
}

/// What a restore to a moment can start from.
struct Reach {
    settings: Settings,
    markers: Vec<Marker>,
    earliest: DateTime<Utc>,
    latest: DateTime<Utc>,
}

pub(super) fn to_point_in_time(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let tags = request.tags()?;
    let id = create::identifier_in(rds, request, "TargetDBInstanceIdentifier", &tags)?;
    let reach = reach(rds, request)?;
    let moment = moment(request, &reach)?;
    let mut markers = reach.markers;
    markers.retain(|marker| marker.at <= moment);
    let origin = Origin {
        settings: reach.settings,
        markers,
    };
    build(rds, request, (&id, tags), origin)
}

fn moment(request: &Request<'_>, reach: &Reach) -> Result<DateTime<Utc>, AwsError> {
    let latest = request.flag("UseLatestRestorableTime")?.unwrap_or(false);
    let at = match (request.params.get("RestoreTime"), latest) {
        (Some(_), true) => {
            return Err(clash(
                "RestoreTime can't be specified if the UseLatestRestorableTime parameter is enabled.",
            ));
        }
        (None, false) => {
            return Err(clash(
                "Either RestoreTime or UseLatestRestorableTime must be specified.",
            ));
        }
        (None, true) => return Ok(reach.latest),
        (Some(text), false) => text.parse::<DateTime<Utc>>(),
    };
    let at = at.map_err(|_| invalid("RestoreTime is not a time"))?;
    if at > reach.latest {
        return Err(invalid(format!(
            "The specified instance cannot be restored to a time later than {}",
            super::view::time(reach.latest)
        )));
    }
    if at < reach.earliest {
        return Err(invalid(format!(
            "The specified instance cannot be restored to a time earlier than {}",
            super::view::time(reach.earliest)
        )));
    }
    Ok(at)
}

/// What covers the source that the call names: the instance itself, or a backup that outlives or replicates it.
fn reach(rds: &Rds, request: &Request<'_>) -> Result<Reach, AwsError> {
    if let Some(arn) = request.params.get("SourceDBInstanceAutomatedBackupsArn") {
        let backup = backup::find(rds, request, arn)?;
        return Ok(of_backup(request, backup));
    }
    let arn = match (
        request.params.get("SourceDBInstanceIdentifier"),
        request.params.get("SourceDbiResourceId"),
    ) {
        (Some(named), _) => {
            let id = identifier("SourceDBInstanceIdentifier", super::request::name_of(named), 63)?;
            request.arn("db", &id)
        }
        (None, Some(resource_id)) => return of_resource(rds, request, resource_id),
        (None, None) => return Err(super::request::missing("SourceDBInstanceIdentifier")),
    };
    let found = rds.with(|state| state.instances.get(&arn).cloned());
    let instance = found.ok_or_else(|| instance_missing(&arn))?;
    of_instance(request, instance)
}

fn of_resource(rds: &Rds, request: &Request<'_>, resource_id: &str) -> Result<Reach, AwsError> {
    let place = request.place();
    let (instance, kept) = rds.with(|state| {
        let here = |region: &str, account: &str| region == place.region && account == place.account;
        let mut instances = state.instances.values();
        let instance =
            instances.find(|it| it.resource_id == resource_id && here(&it.meta.region, &it.meta.account));
        let mut backups = state.backups.values();
        let kept =
            backups.find(|it| it.resource_id == resource_id && here(&it.meta.region, &it.meta.account));
        (instance.cloned(), kept.cloned())
    });
    match (instance, kept) {
        (Some(instance), _) => of_instance(request, instance),
        (None, Some(kept)) => Ok(of_backup(request, kept)),
        (None, None) => Err(instance_missing(resource_id)),
    }
}

fn of_instance(request: &Request<'_>, instance: Instance) -> Result<Reach, AwsError> {
    request.permit(&instance.meta.arn, &instance.meta.tags, &request.tags()?)?;
    if instance.settings.retention_days == 0 {
        return Err(AwsError::bad(
            "PointInTimeRestoreNotEnabled",
            "Point In Time Restore is not enabled for this instance: its backup retention period is 0.",
        ));
    }
    let (earliest, latest) = window_of(request, &instance);
    Ok(Reach {
        settings: instance.settings,
        markers: instance.markers,
        earliest,
        latest,
    })
}

/// The moments that an instance's own backups cover.
pub(super) fn window_of(request: &Request<'_>, instance: &Instance) -> (DateTime<Utc>, DateTime<Utc>) {
    let now = request.call.now;
    let latest = (now - request.core.latency.of(LOG_LAG)).max(instance.meta.created_at);
    let kept = TimeDelta::days(instance.settings.retention_days);
    ((now - kept).max(instance.meta.created_at), latest)
}

fn of_backup(request: &Request<'_>, backup: Backup) -> Reach {
    let latest = backup.latest(request.call.now);
    Reach {
        settings: backup.settings,
        markers: backup.markers,
        earliest: backup.earliest,
        latest,
    }
}
