//! Read replicas, in the region of their source or in another, and their promotion.

use chrono::TimeDelta;

use super::course::{Course, Then};
use super::create::{self, CREATING, FIRST_BACKUP};
use super::describe::{changed, permitted};
use super::instance::{Instance, Link, Settings};
use super::placement::{Ground, ground, on, settle_down, subnet_group};
use super::request::{Request, clash, instance_missing, instance_state, invalid, name_of, region_of};
use super::{Rds, catalog, event, read};
use crate::error::AwsError;
use crate::protocol::Xml;

const QUOTA: &str = "L-5BC124EF";
/// Typical lags: AWS promises none. Inside a region replicas are a second behind, between regions a few.
const LAG_NEAR: TimeDelta = TimeDelta::seconds(1);
const LAG_FAR: TimeDelta = TimeDelta::seconds(5);
const PROMOTING: TimeDelta = TimeDelta::minutes(5);

pub(super) fn create(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let tags = request.tags()?;
    let id = create::new_identifier(rds, request, &tags)?;
    let source = source(rds, request)?;
    let is_far = source.meta.region != request.call.region;
    let kms_key = key(request, &source, is_far)?;
    let ground = ground_of(rds, request, &source, is_far)?;
    let settings = settings(request, &source, &ground, kms_key)?;
    let feet = settle_down(request, &ground, &id, settings.multi_az)?;
    let lag = if is_far { LAG_FAR } else { LAG_NEAR };
    let replica = Instance {
        link: Some(Link::new(&source.meta.arn, lag, request.call.now)),
        markers: source.markers.clone(),
        course: Course::through(
            request.call.now,
            &request.core.latency,
            &[("creating", CREATING)],
            Then::Rest,
        ),
        ..create::made(request, (&id, tags), settings, feet)
    };
    create::insert(rds, request, &replica)
}

/// The source, which must be able to feed one more replica.
fn source(rds: &Rds, request: &Request<'_>) -> Result<Instance, AwsError> {
    if request.params.get("SourceDBClusterIdentifier").is_some() {
        return Err(AwsError::not_implemented(
            "rds",
            "CreateDBInstanceReadReplica with SourceDBClusterIdentifier",
        ));
    }
    let named = request.required("SourceDBInstanceIdentifier")?;
    let arn = request.named("db", named);
    let own = format!(":{}:db:", request.call.caller.account);
    let (found, count) = rds.with(|state| {
        let found = state.instances.get(&arn).filter(|it| it.meta.arn.contains(&own));
        (found.cloned(), state.replicas(&arn).count())
    });
    let source = found.ok_or_else(|| instance_missing(named))?;
    if source.cluster.is_some() {
        return Err(instance_state(
            "A member of a DB cluster cannot be the source of a read replica",
        ));
    }
    if request.core.outages.region_lost(region_of(&arn)) || !source.is_available() {
        return Err(instance_state(format!(
            "Source instance {} is not in available state.",
            name_of(&arn)
        )));
    }
    if source.settings.retention_days == 0 {
        return Err(instance_state(
            "Automated backups are not enabled for this database instance. To enable automated backups, use \
             ModifyDBInstance to set the backup retention period to a non-zero value.",
        ));
    }
    let refusal = (
        "InstanceQuotaExceeded",
        "The request would result in the source exceeding the allowed number of read replicas.",
    );
    request.within_quota(QUOTA, count, refusal)?;
    Ok(source)
}

/// The replica's key: its source's in the same region, one of its own region elsewhere.
fn key(request: &Request<'_>, source: &Instance, is_far: bool) -> Result<Option<String>, AwsError> {
    let named = request.params.get("KmsKeyId").filter(|named| !named.is_empty());
    match (&source.settings.kms_key, named) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(clash(
            "You can't create an encrypted read replica from an unencrypted DB instance.",
        )),
        (Some(_), Some(_)) if !is_far => Err(clash(
            "Your request does not require the KMS key parameter. Please remove the KMS key parameter and try your request \
             again.",
        )),
        (Some(key), None) if !is_far => Ok(Some(key.clone())),
        (Some(_), None) => Err(clash(
            "You must specify a KMS key of this AWS Region for an encrypted read replica of a source in another one.",
        )),
        (Some(_), Some(named)) => read::usable_key(request, named).map(Some),
    }
}

/// A replica stands beside its source unless the call says otherwise.
fn ground_of(rds: &Rds, request: &Request<'_>, source: &Instance, is_far: bool) -> Result<Ground, AwsError> {
    if is_far || request.params.get("DBSubnetGroupName").is_some() {
        return ground(rds, request);
    }
    let group = subnet_group(rds, request, Some(&source.settings.subnet_group))?;
    on(request, group)
}

fn settings(
    request: &Request<'_>,
    source: &Instance,
    ground: &Ground,
    kms_key: Option<String>,
) -> Result<Settings, AwsError> {
    let from = &source.settings;
    let class = request.params.get("DBInstanceClass").unwrap_or(&from.class);
    catalog::engine(&from.engine)?.check_class(class)?;
    Ok(Settings {
        engine: from.engine.clone(),
        version: from.version.clone(),
        class: class.to_owned(),
        storage_gib: from.storage_gib,
        storage_type: from.storage_type.clone(),
        iops: from.iops,
        master_username: from.master_username.clone(),
        db_name: from.db_name.clone(),
        kms_key,
        multi_az: request.flag("MultiAZ")?.unwrap_or(false),
        auto_minor: request
            .flag("AutoMinorVersionUpgrade")?
            .unwrap_or(from.auto_minor),
        // A replica makes no backups of its own until it is told to.
        retention_days: 0,
        ..read::placed(request, from.port, ground)?
    })
}

/// Makes a replica a database of its own: what had not reached it by now never will.
pub(super) fn promote(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let replica = permitted(rds, request)?;
    let retention = read::retention(request)?;
    if replica.link.is_none() {
        return Err(instance_state(format!(
            "DB Instance {} is not a read replica.",
            replica.meta.id
        )));
    }
    if replica.status() != "available" {
        return Err(instance_state(format!(
            "Read replica {} is not in available state.",
            replica.meta.id
        )));
    }
    if let Some(window) = request.params.get("PreferredBackupWindow") {
        super::window::check(window, &replica.settings.maintenance_window)
            .map_err(|refusal| invalid(refusal.message))?;
    }
    let mut stages = vec![("modifying", PROMOTING)];
    if retention.is_none_or(|days| days > 0) {
        stages.push(("backing-up", FIRST_BACKUP));
    }
    let course = Course::through(request.call.now, &request.core.latency, &stages, Then::Rest);
    rds.with(|state| {
        event::record(state, &replica.meta, request.call.now, event::PROMOTED);
        changed(state, &replica.meta.arn, |instance| {
            instance.link = None;
            instance.settings.retention_days = retention.unwrap_or(1);
            if let Some(window) = request.params.get("PreferredBackupWindow") {
                window.clone_into(&mut instance.settings.backup_window);
            }
            instance.course = course;
        })
    })
}
