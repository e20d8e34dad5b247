//! CreateDBInstance: an instance alone, or a member of an Aurora cluster.

use chrono::TimeDelta;

use super::course::{Course, Then};
use super::instance::{Foot, Instance, Settings};
use super::placement::{self, Ground, ground, settle_down};
use super::request::{Request, clash, cluster_missing, cluster_state, identifier, missing};
use super::state::{Cluster, Databases, Tags, below};
use super::{Rds, catalog, event, read, view};
use crate::error::AwsError;
use crate::protocol::Xml;

pub(super) const QUOTA: &str = "L-7B6409FD";
const IDENTIFIER_MAX: usize = 63;
/// A cluster has a writer and fifteen readers.
const MEMBERS_MAX: usize = 16;
/// Times that are typical on AWS for a small instance.
pub(super) const CREATING: TimeDelta = TimeDelta::minutes(5);
pub(super) const FIRST_BACKUP: TimeDelta = TimeDelta::minutes(2);

/// What a member of a cluster takes from the cluster.
const OF_CLUSTER: [&str; 10] = [
    "AllocatedStorage",
    "MasterUsername",
    "MasterUserPassword",
    "ManageMasterUserPassword",
    "DBName",
    "BackupRetentionPeriod",
    "DeletionProtection",
    "StorageEncrypted",
    "KmsKeyId",
    "VpcSecurityGroupIds.VpcSecurityGroupId.1",
];

pub(super) fn create(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let tags = request.tags()?;
    let id = new_identifier(rds, request, &tags)?;
    let engine = catalog::engine(request.required("Engine")?)?;
    if let Some(named) = request.params.get("DBClusterIdentifier") {
        return join(rds, request, (&id, tags), named);
    }
    if engine.is_aurora() {
        return Err(missing("DBClusterIdentifier"));
    }
    let ground = ground(rds, request)?;
    let settings = read::instance(request, engine, &ground)?;
    let feet = settle_down(request, &ground, &id, settings.multi_az)?;
    let mut stages = vec![("creating", CREATING)];
    if settings.retention_days > 0 {
        stages.push(("backing-up", FIRST_BACKUP));
    }
    let instance = made(request, (&id, tags), settings, feet);
    let instance = Instance {
        course: Course::through(request.call.now, &request.core.latency, &stages, Then::Rest),
        ..instance
    };
    insert(rds, request, &instance)
}

/// The name of a new instance, once the caller may make it and has room for it.
pub(super) fn new_identifier(rds: &Rds, request: &Request<'_>, tags: &Tags) -> Result<String, AwsError> {
    identifier_in(rds, request, "DBInstanceIdentifier", tags)
}

/// The same under another parameter's name.
pub(super) fn identifier_in(
    rds: &Rds,
    request: &Request<'_>,
    parameter: &str,
    tags: &Tags,
) -> Result<String, AwsError> {
    let id = identifier(parameter, request.required(parameter)?, IDENTIFIER_MAX)?;
    let arn = request.arn("db", &id);
    request.permit(&arn, tags, tags)?;
    let (is_taken, count) = rds.with(|state| {
        let here = below(&state.instances, &request.arn("db", "")).count();
        (state.instances.contains_key(&arn), here)
    });
    if is_taken {
        return Err(already_exists());
    }
    request.within_quota(
        QUOTA,
        count,
        (
            "InstanceQuotaExceeded",
            "The request would result in the user exceeding the allowed number of DB instances.",
        ),
    )?;
    Ok(id)
}

fn already_exists() -> AwsError {
    AwsError::bad("DBInstanceAlreadyExists", "DB instance already exists")
}

/// An instance as it is made, at rest.
pub(super) fn made(
    request: &Request<'_>,
    (id, tags): (&str, Tags),
    settings: Settings,
    (foot, standby): (Foot, Option<Foot>),
) -> Instance {
    Instance {
        meta: request.meta("db", id, tags),
        resource_id: request.resource_id("db-"),
        settings,
        foot,
        standby,
        course: Course::default(),
        stopped_at: None,
        pending: None,
        link: None,
        cluster: None,
        markers: Vec::new(),
        is_cut_off: false,
    }
}

/// Adds an instance and answers with it; gives its interfaces back when another call was first.
pub(super) fn insert(rds: &Rds, request: &Request<'_>, instance: &Instance) -> Result<Xml, AwsError> {
    let taken = rds.with(|state| {
        if state.instances.contains_key(&instance.meta.arn) {
            return true;
        }
        event::record(state, &instance.meta, request.call.now, event::CREATED);
        state
            .instances
            .insert(instance.meta.arn.clone(), instance.clone());
        false
    });
    if taken {
        placement::step_off(request, &instance.foot);
        if let Some(standby) = &instance.standby {
            placement::step_off(request, standby);
        }
        return Err(already_exists());
    }
    rds.with(|state| Ok(view::one_instance(state, instance)))
}

/// Makes a member of a cluster.
fn join(rds: &Rds, request: &Request<'_>, (id, tags): (&str, Tags), named: &str) -> Result<Xml, AwsError> {
    let cluster = rds.with(|state| open_cluster(state, request, named))?;
    let settings = member_settings(request, &cluster)?;
    let group = placement::subnet_group(rds, request, Some(&cluster.settings.subnet_group))?;
    let ground = Ground {
        group,
        group_ids: cluster.settings.group_ids.clone(),
        is_public: settings.is_public,
    };
    let feet = settle_down(request, &ground, id, false)?;
    let instance = Instance {
        cluster: Some(cluster.meta.arn.clone()),
        course: Course::through(
            request.call.now,
            &request.core.latency,
            &[("creating", CREATING)],
            Then::Rest,
        ),
        ..made(request, (id, tags), settings, feet)
    };
    rds.with(|state| crown(state, &cluster.meta.arn, &instance.meta.arn));
    insert(rds, request, &instance)
}

/// The first member of a cluster that is not a secondary writes.
fn crown(state: &mut Databases, cluster_arn: &str, instance_arn: &str) {
    if let Some(cluster) = state.clusters.get_mut(cluster_arn)
        && cluster.link.is_none()
        && cluster.writer.is_none()
    {
        cluster.writer = Some(instance_arn.to_owned());
    }
}

fn open_cluster(state: &Databases, request: &Request<'_>, named: &str) -> Result<Cluster, AwsError> {
    let arn = request.named("cluster", named);
    let cluster = state.clusters.get(&arn).ok_or_else(|| cluster_missing(named))?;
    if !["available", "creating"].contains(&cluster.status()) {
        let why = format!("DB cluster {named} is not in a state that takes a new instance");
        return Err(cluster_state(why));
    }
    if state.members(&arn).count() >= MEMBERS_MAX {
        return Err(AwsError::bad(
            "InstanceQuotaExceeded",
            "A DB cluster has at most 16 DB instances",
        ));
    }
    Ok(cluster.clone())
}

fn member_settings(request: &Request<'_>, cluster: &Cluster) -> Result<Settings, AwsError> {
    let engine = catalog::engine(request.required("Engine")?)?;
    if engine.name != cluster.settings.engine {
        return Err(clash(format!(
            "The engine name requested ({}) doesn't match the engine of the DB cluster ({})",
            engine.name, cluster.settings.engine
        )));
    }
    let surplus = OF_CLUSTER.iter().find(|name| request.params.get(name).is_some());
    if let Some(name) = surplus {
        let name = name.split('.').next().unwrap_or(name);
        return Err(clash(format!(
            "The requested DB Instance will be a member of a DB Cluster. Set {name} for the DB Cluster."
        )));
    }
    if request.flag("MultiAZ")? == Some(true) {
        return Err(clash(
            "MultiAZ is not valid for a member of an Aurora DB cluster.",
        ));
    }
    let class = request.required("DBInstanceClass")?;
    engine.check_class(class)?;
    let tier = request.number("PromotionTier")?.unwrap_or(1);
    if !(0..=15).contains(&tier) {
        return Err(super::request::invalid(
            "The promotion tier must be between 0 and 15",
        ));
    }
    Ok(Settings {
        class: class.to_owned(),
        promotion_tier: tier,
        storage_gib: 1,
        storage_type: "aurora".to_owned(),
        is_public: request.flag("PubliclyAccessible")?.unwrap_or(false),
        deletion_protection: false,
        secret: None,
        ..cluster.settings.clone()
    })
}
