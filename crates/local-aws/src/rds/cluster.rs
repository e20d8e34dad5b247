//! Aurora clusters: making and describing them.

use chrono::TimeDelta;

use super::course::{Course, Then};
use super::global;
use super::instance::{Link, Settings, host};
use super::placement::{Ground, ground};
use super::request::{
    Request, clash, cluster_missing, global_missing, global_state, identifier, invalid, name_of,
};
use super::state::{Cluster, Databases, Global, Tags, below};
use super::{Rds, catalog, read, view};
use crate::error::AwsError;
use crate::protocol::Xml;

const QUOTA: &str = "L-952B80B8";
const CREATING: TimeDelta = TimeDelta::minutes(2);
/// A global cluster has a primary and at most ten secondaries, each in a region of its own.
const SECONDARIES_MAX: usize = 10;
/// Aurora replicates between regions with a lag under a second, typically.
pub(super) const LAG: TimeDelta = TimeDelta::seconds(1);
const FILTERS: [&str; 4] = [
    "db-cluster-id",
    "db-cluster-resource-id",
    "engine",
    "clone-group-id",
];

/// What a secondary cluster takes from the primary.
const OF_PRIMARY: [&str; 4] = [
    "MasterUsername",
    "MasterUserPassword",
    "ManageMasterUserPassword",
    "DatabaseName",
];

pub(super) fn create(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let tags = request.tags()?;
    let id = new_identifier(rds, request, &tags)?;
    let engine = catalog::engine(request.required("Engine")?)?;
    if !engine.is_aurora() {
        return Err(AwsError::not_implemented(
            "rds",
            "CreateDBCluster for Multi-AZ DB clusters",
        ));
    }
    if request.params.get("ReplicationSourceIdentifier").is_some() {
        return Err(AwsError::not_implemented(
            "rds",
            "CreateDBCluster with ReplicationSourceIdentifier",
        ));
    }
    let ground = ground(rds, request)?;
    let global = match request.params.get("GlobalClusterIdentifier") {
        Some(named) => Some(open_global(rds, request, named)?),
        None => None,
    };
    let primary = global.as_ref().and_then(|global| global.writer.clone());
    let settings = match (&global, &primary) {
        (Some(global), Some(primary)) => secondary(rds, request, &ground, (global, primary))?,
        (Some(global), None) => primary_of(request, &ground, global)?,
        (None, _) => read::shared(request, engine, &ground)?,
    };
    if settings.retention_days == 0 {
        return Err(invalid(
            "Invalid backup retention period 0. Must be between 1 and 35",
        ));
    }
    let cluster = made(request, (&id, tags), settings, &ground);
    let cluster = Cluster {
        link: primary.map(|primary| Link::new(&primary, LAG, request.call.now)),
        global: global.map(|global| global.meta.arn),
        ..cluster
    };
    insert(rds, &cluster)
}

fn new_identifier(rds: &Rds, request: &Request<'_>, tags: &Tags) -> Result<String, AwsError> {
    let id = identifier(
        "DBClusterIdentifier",
        request.required("DBClusterIdentifier")?,
        63,
    )?;
    let arn = request.arn("cluster", &id);
    request.permit(&arn, tags, tags)?;
    let (is_taken, count) = rds.with(|state| {
        let here = below(&state.clusters, &request.arn("cluster", "")).count();
        (state.clusters.contains_key(&arn), here)
    });
    if is_taken {
        return Err(already_exists());
    }
    let refusal = (
        "DBClusterQuotaExceededFault",
        "The user attempted to create a new DB cluster and the user has already reached the maximum allowed DB cluster quota.",
    );
    request.within_quota(QUOTA, count, refusal)?;
    Ok(id)
}

fn already_exists() -> AwsError {
    AwsError::bad("DBClusterAlreadyExistsFault", "DB Cluster already exists")
}

fn made(request: &Request<'_>, (id, tags): (&str, Tags), settings: Settings, ground: &Ground) -> Cluster {
    let mut zones: Vec<String> = ground
        .group
        .subnets
        .iter()
        .map(|(_, zone)| zone.clone())
        .collect();
    zones.sort();
    zones.dedup();
    Cluster {
        meta: request.meta("cluster", id, tags),
        resource_id: request.resource_id("cluster-"),
        settings,
        zones,
        course: Course::through(
            request.call.now,
            &request.core.latency,
            &[("creating", CREATING)],
            Then::Rest,
        ),
        writer: None,
        heir: None,
        global: None,
        link: None,
        markers: Vec::new(),
    }
}

/// Adds a cluster; the first of a global cluster is its primary.
fn insert(rds: &Rds, cluster: &Cluster) -> Result<Xml, AwsError> {
    rds.with(|state| {
        if state.clusters.contains_key(&cluster.meta.arn) {
            return Err(already_exists());
        }
        let global = cluster.global.as_ref().and_then(|arn| state.globals.get_mut(arn));
        if let Some(global) = global
            && cluster.link.is_none()
        {
            global.writer = Some(cluster.meta.arn.clone());
        }
        state.clusters.insert(cluster.meta.arn.clone(), cluster.clone());
        Ok(one(state, cluster))
    })
}

/// A global cluster that can take one more cluster, in a region where it has none.
fn open_global(rds: &Rds, request: &Request<'_>, named: &str) -> Result<Global, AwsError> {
    let arn = global::arn_of(request, named);
    let (found, members) = rds.with(|state| {
        let members: Vec<String> = state.clusters_of(&arn).map(|it| it.meta.region.clone()).collect();
        (state.globals.get(&arn).cloned(), members)
    });
    let global = found.ok_or_else(|| global_missing(named))?;
    request.permit(&arn, &global.meta.tags, &request.tags()?)?;
    if global.status() != "available" {
        let why = format!("Global cluster {named} is {}", global.status());
        return Err(global_state(why));
    }
    if members.contains(&request.call.region) {
        let why = "The global cluster already has a DB cluster in this AWS Region";
        return Err(global_state(why));
    }
    if members.len() > SECONDARIES_MAX {
        return Err(global_state(
            "A global cluster has at most 10 secondary DB clusters",
        ));
    }
    Ok(global)
}

/// A primary's settings must fit the global cluster that was made before it.
fn primary_of(request: &Request<'_>, ground: &Ground, global: &Global) -> Result<Settings, AwsError> {
    let engine = catalog::engine(&global.engine)?;
    fits(request, global)?;
    let settings = read::shared(request, engine, ground)?;
    if settings.kms_key.is_some() != global.is_encrypted {
        return Err(clash("The cluster must be encrypted as the global cluster is"));
    }
    Ok(Settings {
        version: global.version.clone(),
        db_name: settings.db_name.or(global.db_name.clone()),
        ..settings
    })
}

fn fits(request: &Request<'_>, global: &Global) -> Result<(), AwsError> {
    let asked = request
        .params
        .get("EngineVersion")
        .filter(|asked| *asked != global.version);
    if request.params.get("Engine") != Some(&global.engine) || asked.is_some() {
        return Err(clash(format!(
            "The engine and version must be those of the global cluster: {} {}",
            global.engine, global.version
        )));
    }
    Ok(())
}

/// A secondary's settings: the primary's, at its own place and with a key of its own.
fn secondary(
    rds: &Rds,
    request: &Request<'_>,
    ground: &Ground,
    (global, primary): (&Global, &str),
) -> Result<Settings, AwsError> {
    let surplus = OF_PRIMARY.iter().find(|name| request.params.get(name).is_some());
    if let Some(name) = surplus {
        return Err(clash(format!(
            "Cannot specify {name} for a secondary cluster of a global cluster"
        )));
    }
    fits(request, global)?;
    let primary = rds.with(|state| state.clusters.get(primary).cloned());
    let primary = primary.ok_or_else(|| global_state("The global cluster has no primary DB cluster"))?;
    if primary.status() != "available" {
        return Err(super::request::cluster_state(
            "The primary DB cluster is not available",
        ));
    }
    let kms_key = match (&primary.settings.kms_key, request.params.get("KmsKeyId")) {
        (None, None) if request.flag("StorageEncrypted")? != Some(true) => None,
        (None, _) => return Err(clash("The primary DB cluster is not encrypted")),
        (Some(_), Some(named)) => Some(read::usable_key(request, named)?),
        (Some(_), None) => {
            return Err(clash(
                "For encrypted cross-region replica, kmsKeyId should be explicitly specified",
            ));
        }
    };
    Ok(Settings {
        engine: primary.settings.engine.clone(),
        version: primary.settings.version.clone(),
        master_username: primary.settings.master_username.clone(),
        db_name: primary.settings.db_name.clone(),
        kms_key,
        ..read::placed(request, primary.settings.port, ground)?
    })
}

pub(super) fn describe(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let named = request
        .params
        .get("DBClusterIdentifier")
        .filter(|named| !named.is_empty());
    request.permit_describing("cluster", named)?;
    let filters = request.filters(&FILTERS)?;
    rds.with(|state| {
        let here = below(&state.clusters, &request.arn("cluster", ""));
        let mut found: Vec<Cluster> = here.filter(|it| accepts(&filters, it)).cloned().collect();
        if let Some(named) = named {
            let arn = request.named("cluster", named);
            found.retain(|cluster| cluster.meta.arn == arn);
            if found.is_empty() {
                return Err(cluster_missing(named));
            }
        }
        let page = request.page(found, |cluster| &cluster.meta.arn)?;
        let mut xml = Xml::new();
        xml.node("DBClusters", |xml| {
            for cluster in &page.items {
                xml.node("DBCluster", |xml| show(xml, state, cluster));
            }
        });
        xml.optional("Marker", page.next);
        Ok(xml)
    })
}

fn accepts(filters: &[(String, Vec<String>)], cluster: &Cluster) -> bool {
    filters.iter().all(|(name, values)| {
        let own = match name.as_str() {
            "db-cluster-id" => &cluster.meta.id,
            "db-cluster-resource-id" => &cluster.resource_id,
            "engine" => &cluster.settings.engine,
            // Clones are not built, so that no cluster is in a clone group.
            _ => "",
        };
        values
            .iter()
            .any(|value| value == own || *value == cluster.meta.arn)
    })
}

/// The cluster of a name, once the caller may do to it what the call is.
pub(super) fn permitted(rds: &Rds, request: &Request<'_>, named: &str) -> Result<Cluster, AwsError> {
    let arn = request.named("cluster", named);
    let found = rds.with(|state| state.clusters.get(&arn).cloned());
    let has = found.as_ref().map(|it| it.meta.tags.clone()).unwrap_or_default();
    request.permit(&arn, &has, &Tags::new())?;
    let own = found.filter(|cluster| cluster.meta.account == request.call.caller.account);
    own.ok_or_else(|| cluster_missing(named))
}

/// An answer that holds one cluster.
pub(super) fn one(state: &Databases, cluster: &Cluster) -> Xml {
    let mut xml = Xml::new();
    xml.node("DBCluster", |xml| show(xml, state, cluster));
    xml
}

fn show(xml: &mut Xml, state: &Databases, cluster: &Cluster) {
    let (meta, settings) = (&cluster.meta, &cluster.settings);
    let reader = format!("cluster-ro-{}", meta.id);
    xml.leaf("DBClusterIdentifier", &meta.id)
        .leaf("DBClusterArn", &meta.arn)
        .leaf("DbClusterResourceId", &cluster.resource_id)
        .leaf("Status", cluster.status())
        .leaf("Engine", &settings.engine)
        .leaf("EngineVersion", &settings.version)
        .leaf("EngineMode", "provisioned")
        .leaf("MasterUsername", &settings.master_username)
        .optional("DatabaseName", settings.db_name.as_ref())
        .leaf("ClusterCreateTime", view::time(meta.created_at))
        .leaf(
            "Endpoint",
            host(&format!("cluster-{}", meta.id), &meta.account, &meta.region),
        )
        .leaf("ReaderEndpoint", host(&reader, &meta.account, &meta.region))
        .leaf("Port", settings.port)
        .leaf("MultiAZ", spans_zones(state, cluster))
        .leaf("AllocatedStorage", 1)
        .leaf("StorageEncrypted", settings.kms_key.is_some())
        .optional("KmsKeyId", settings.kms_key.as_ref())
        .leaf("DBSubnetGroup", &settings.subnet_group)
        .leaf("BackupRetentionPeriod", settings.retention_days)
        .leaf("PreferredBackupWindow", &settings.backup_window)
        .leaf("PreferredMaintenanceWindow", &settings.maintenance_window)
        .leaf("DeletionProtection", settings.deletion_protection)
        .leaf("CopyTagsToSnapshot", settings.copies_tags)
        .leaf("IAMDatabaseAuthenticationEnabled", settings.iam_auth)
        .optional("GlobalClusterIdentifier", cluster.global.as_deref().map(name_of))
        .optional(
            "ReplicationSourceIdentifier",
            cluster.link.as_ref().map(|link| &link.source),
        );
    xml.node("AvailabilityZones", |xml| {
        for zone in &cluster.zones {
            xml.leaf("AvailabilityZone", zone);
        }
    });
    members(xml, state, cluster);
    view::security_groups(xml, &settings.group_ids);
    view::tags(xml, &meta.tags);
}

fn spans_zones(state: &Databases, cluster: &Cluster) -> bool {
    let mut zones: Vec<&str> = state
        .members(&cluster.meta.arn)
        .map(|it| it.foot.zone.as_str())
        .collect();
    zones.sort_unstable();
    zones.dedup();
    zones.len() > 1
}

fn members(xml: &mut Xml, state: &Databases, cluster: &Cluster) {
    xml.node("DBClusterMembers", |xml| {
        for member in state.members(&cluster.meta.arn) {
            let writes = cluster.writer.as_ref() == Some(&member.meta.arn);
            xml.node("DBClusterMember", |xml| {
                xml.leaf("DBInstanceIdentifier", &member.meta.id)
                    .leaf("IsClusterWriter", writes)
                    .leaf("DBClusterParameterGroupStatus", "in-sync")
                    .leaf("PromotionTier", member.settings.promotion_tier);
            });
        }
    });
}
