//! Changing, failing over and deleting an Aurora cluster.

use chrono::TimeDelta;

use super::cluster::{one, permitted};
use super::course::{Course, Then};
use super::request::{Request, clash, cluster_missing, cluster_state, global_state, invalid};
use super::settle::CLUSTER_FAILING_OVER;
use super::state::{Cluster, Databases};
use super::{Rds, catalog, placement, read, window};
use crate::error::AwsError;
use crate::protocol::Xml;

const DELETING: TimeDelta = TimeDelta::minutes(2);

pub(super) fn modify(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let cluster = permitted(rds, request, request.required("DBClusterIdentifier")?)?;
    for name in ["NewDBClusterIdentifier", "EngineVersion"] {
        if request.params.get(name).is_some() {
            return Err(AwsError::not_implemented(
                "rds",
                &format!("ModifyDBCluster with {name}"),
            ));
        }
    }
    require_available(&cluster)?;
    let mut settings = cluster.settings.clone();
    if let Some(days) = read::retention(request)? {
        if days == 0 {
            return Err(invalid(
                "Invalid backup retention period 0. Must be between 1 and 35",
            ));
        }
        settings.retention_days = days;
    }
    if let Some(password) = request.params.get("MasterUserPassword") {
        catalog::engine(&settings.engine)?.check_password(password)?;
    }
    let text = |name: &str, old: &str| request.params.get(name).unwrap_or(old).to_ascii_lowercase();
    settings.backup_window = text("PreferredBackupWindow", &settings.backup_window);
    settings.maintenance_window = text("PreferredMaintenanceWindow", &settings.maintenance_window);
    window::check(&settings.backup_window, &settings.maintenance_window)?;
    settings.port = read::port(request, "Port")?.unwrap_or(settings.port);
    settings.deletion_protection = request
        .flag("DeletionProtection")?
        .unwrap_or(settings.deletion_protection);
    settings.copies_tags = request
        .flag("CopyTagsToSnapshot")?
        .unwrap_or(settings.copies_tags);
    if !request
        .strings("VpcSecurityGroupIds", "VpcSecurityGroupId")
        .is_empty()
    {
        settings.group_ids = placement::security_groups(request, &settings.vpc_id)?;
    }
    rds.with(|state| changed(state, &cluster.meta.arn, |cluster| cluster.settings = settings))
}

fn require_available(cluster: &Cluster) -> Result<(), AwsError> {
    if cluster.status() != "available" {
        return Err(cluster_state(format!(
            "DB cluster {} is not in available state: it is {}.",
            cluster.meta.id,
            cluster.status()
        )));
    }
    Ok(())
}

fn changed(state: &mut Databases, arn: &str, change: impl FnOnce(&mut Cluster)) -> Result<Xml, AwsError> {
    let cluster = state.clusters.get_mut(arn).ok_or_else(|| cluster_missing(arn))?;
    change(cluster);
    let cluster = cluster.clone();
    Ok(one(state, &cluster))
}

/// Makes a reader the writer: the one named, or the one of the lowest tier.
pub(super) fn fail_over(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let cluster = permitted(rds, request, request.required("DBClusterIdentifier")?)?;
    require_available(&cluster)?;
    if cluster.link.is_some() {
        return Err(cluster_state(
            "A secondary cluster of a global cluster has no writer to fail over",
        ));
    }
    let writer = cluster.writer.clone().unwrap_or_default();
    let heir = match request.params.get("TargetDBInstanceIdentifier") {
        Some(named) => Some(target(rds, request, (&cluster, &writer), named)?),
        None => rds.with(|state| state.heir(&cluster.meta.arn, &writer, Some(request.core))),
    };
    let heir = heir.ok_or_else(|| {
        cluster_state("Cannot failover cluster: it has no DB instance that could become the writer")
    })?;
    let stages = [("failing-over", CLUSTER_FAILING_OVER)];
    let course = Course::through(request.call.now, &request.core.latency, &stages, Then::FailOver);
    rds.with(|state| {
        changed(state, &cluster.meta.arn, |cluster| {
            cluster.heir = Some(heir);
            cluster.course = course;
        })
    })
}

fn target(
    rds: &Rds,
    request: &Request<'_>,
    (cluster, writer): (&Cluster, &str),
    named: &str,
) -> Result<String, AwsError> {
    let arn = request.named("db", named);
    if arn == writer {
        return Err(invalid(format!("{named} is the writer already")));
    }
    let member = rds.with(|state| state.instances.get(&arn).cloned());
    let member = member.filter(|member| member.cluster.as_ref() == Some(&cluster.meta.arn));
    let member = member.ok_or_else(|| invalid(format!("{named} is not a member of the DB cluster")))?;
    if !member.is_available() {
        return Err(super::request::instance_state(format!(
            "Instance {} is not in available state.",
            member.meta.id
        )));
    }
    Ok(arn)
}

pub(super) fn delete(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let cluster = permitted(rds, request, request.required("DBClusterIdentifier")?)?;
    let skips = request.flag("SkipFinalSnapshot")?.unwrap_or(false);
    match (skips, request.params.get("FinalDBSnapshotIdentifier")) {
        (true, Some(_)) => {
            let why = "FinalDBSnapshotIdentifier can't be specified when SkipFinalSnapshot is enabled.";
            return Err(clash(why));
        }
        (false, None) => {
            let why = "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.";
            return Err(clash(why));
        }
        (false, Some(_)) => {
            return Err(AwsError::not_implemented(
                "rds",
                "DeleteDBCluster with FinalDBSnapshotIdentifier",
            ));
        }
        (true, None) => {}
    }
    if cluster.settings.deletion_protection {
        return Err(clash(
            "Cannot delete protected Cluster, please disable deletion protection and try again.",
        ));
    }
    rds.with(|state| {
        refuse_in_use(state, &cluster)?;
        let stages = [("deleting", DELETING)];
        let course = Course::through(request.call.now, &request.core.latency, &stages, Then::Gone);
        changed(state, &cluster.meta.arn, |cluster| cluster.course = course)
    })
}

fn refuse_in_use(state: &Databases, cluster: &Cluster) -> Result<(), AwsError> {
    if cluster.status() == "deleting" {
        return Err(cluster_state("The DB cluster is already being deleted"));
    }
    let mut members = state.members(&cluster.meta.arn);
    if members.any(|member| member.status() != "deleting") {
        return Err(cluster_state(
            "Cluster cannot be deleted, it still contains DB instances in non-deleting state.",
        ));
    }
    let Some(global) = &cluster.global else {
        return Ok(());
    };
    let writer = state
        .globals
        .get(global)
        .and_then(|global| global.writer.as_ref());
    if writer == Some(&cluster.meta.arn) && state.clusters_of(global).count() > 1 {
        return Err(global_state(
            "Unable to delete cluster that is a primary member of global cluster while there are other global cluster \
             members",
        ));
    }
    Err(cluster_state(
        "This cluster is a part of a global cluster, please remove it from globalcluster first",
    ))
}
