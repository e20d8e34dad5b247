//! Aurora global clusters: making, describing and deleting them. They belong to an account and to no region.

use super::catalog;
use super::course::Course;
use super::instance::LinkState;
use super::request::{
    Request, clash, cluster_missing, cluster_state, global_missing, global_state, identifier,
};
use super::state::{Cluster, Databases, Global, Meta, Tags, below};
use super::{Rds, view};
use crate::error::AwsError;
use crate::protocol::Xml;

/// The ARN of a global cluster: it has an account and no region.
pub(super) fn arn_of(request: &Request<'_>, named: &str) -> String {
    if named.starts_with("arn:") {
        return named.to_owned();
    }
    prefix(request) + &named.to_lowercase()
}

fn prefix(request: &Request<'_>) -> String {
    format!("arn:aws:rds::{}:global-cluster:", request.call.caller.account)
}

pub(super) fn create(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let tags = request.tags()?;
    let named = request.required("GlobalClusterIdentifier")?;
    let id = identifier("GlobalClusterIdentifier", named, 63)?;
    let arn = arn_of(request, &id);
    request.permit(&arn, &tags, &tags)?;
    let source = match request.params.get("SourceDBClusterIdentifier") {
        Some(named) => Some(source(rds, request, named)?),
        None => None,
    };
    let global = match &source {
        Some(cluster) => around(request, (arn, id, tags), cluster)?,
        None => empty(request, (arn, id, tags))?,
    };
    rds.with(|state| {
        if state.globals.contains_key(&global.meta.arn) {
            return Err(AwsError::bad(
                "GlobalClusterAlreadyExistsFault",
                format!("Global cluster {} already exists", global.meta.id),
            ));
        }
        let member = source.and_then(|source| state.clusters.get_mut(&source.meta.arn));
        if let Some(member) = member {
            member.global = Some(global.meta.arn.clone());
        }
        state.globals.insert(global.meta.arn.clone(), global.clone());
        Ok(one(state, &global))
    })
}

/// The cluster that becomes the primary.
fn source(rds: &Rds, request: &Request<'_>, named: &str) -> Result<Cluster, AwsError> {
    let arn = request.named("cluster", named);
    let found = rds.with(|state| state.clusters.get(&arn).cloned());
    let own = found.filter(|cluster| cluster.meta.account == request.call.caller.account);
    let cluster = own.ok_or_else(|| cluster_missing(named))?;
    request.permit(&arn, &cluster.meta.tags, &Tags::new())?;
    if cluster.global.is_some() {
        return Err(cluster_state(
            "The DB cluster is already a member of a global cluster",
        ));
    }
    if cluster.status() != "available" {
        return Err(cluster_state(format!(
            "DB cluster {} is not in available state: it is {}.",
            cluster.meta.id,
            cluster.status()
        )));
    }
    Ok(cluster)
}

type Named = (String, String, Tags);

fn around(request: &Request<'_>, named: Named, cluster: &Cluster) -> Result<Global, AwsError> {
    for name in ["Engine", "EngineVersion", "DatabaseName", "StorageEncrypted"] {
        if request.params.get(name).is_some() {
            return Err(clash(format!(
                "When creating global cluster from existing db cluster, value for {name} should not be specified since it \
                 will be inherited from source cluster"
            )));
        }
    }
    Ok(Global {
        engine: cluster.settings.engine.clone(),
        version: cluster.settings.version.clone(),
        db_name: cluster.settings.db_name.clone(),
        is_encrypted: cluster.settings.kms_key.is_some(),
        writer: Some(cluster.meta.arn.clone()),
        ..bare(request, named)?
    })
}

fn empty(request: &Request<'_>, named: Named) -> Result<Global, AwsError> {
    let engine = request.params.get("Engine").ok_or_else(|| {
        clash("When creating standalone global cluster, value for engineName should be specified")
    })?;
    let engine = catalog::engine(engine)?;
    if !engine.is_aurora() {
        return Err(clash(format!(
            "The engine {} has no global clusters",
            engine.name
        )));
    }
    Ok(Global {
        engine: engine.name.to_owned(),
        version: engine.version(request.params.get("EngineVersion"))?,
        db_name: super::read::database_name(request)?,
        is_encrypted: request.flag("StorageEncrypted")?.unwrap_or(false),
        ..bare(request, named)?
    })
}

fn bare(request: &Request<'_>, (arn, id, tags): Named) -> Result<Global, AwsError> {
    Ok(Global {
        meta: Meta {
            arn,
            region: "global".to_owned(),
            ..request.meta("global-cluster", &id, tags)
        },
        resource_id: request.resource_id("cluster-"),
        engine: String::new(),
        version: String::new(),
        db_name: None,
        is_encrypted: false,
        deletion_protection: request.flag("DeletionProtection")?.unwrap_or(false),
        writer: None,
        course: Course::default(),
        moving: None,
    })
}

/// The global cluster that the call names, once the caller may do to it what the call is.
pub(super) fn permitted(rds: &Rds, request: &Request<'_>) -> Result<Global, AwsError> {
    let named = request.required("GlobalClusterIdentifier")?;
    let arn = arn_of(request, named);
    let found = rds.with(|state| state.globals.get(&arn).cloned());
    let has = found.as_ref().map(|it| it.meta.tags.clone()).unwrap_or_default();
    request.permit(&arn, &has, &Tags::new())?;
    let own = found.filter(|global| global.meta.account == request.call.caller.account);
    own.ok_or_else(|| global_missing(named))
}

pub(super) fn describe(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let named = request
        .params
        .get("GlobalClusterIdentifier")
        .filter(|named| !named.is_empty());
    request.permit(&arn_of(request, named.unwrap_or("*")), &Tags::new(), &Tags::new())?;
    let filters = request.filters(&["db-cluster-id", "region"])?;
    rds.with(|state| {
        let mut found: Vec<Global> = below(&state.globals, &prefix(request)).cloned().collect();
        found.retain(|global| accepts(&filters, state, global));
        if let Some(named) = named {
            let arn = arn_of(request, named);
            found.retain(|global| global.meta.arn == arn);
            if found.is_empty() {
                return Err(global_missing(named));
            }
        }
        let page = request.page(found, |global| &global.meta.arn)?;
        let mut xml = Xml::new();
        xml.node("GlobalClusters", |xml| {
            for global in &page.items {
                xml.node("GlobalClusterMember", |xml| show(xml, state, global));
            }
        });
        xml.optional("Marker", page.next);
        Ok(xml)
    })
}

fn accepts(filters: &[(String, Vec<String>)], state: &Databases, global: &Global) -> bool {
    filters.iter().all(|(name, values)| {
        let mut members = state.clusters_of(&global.meta.arn);
        members.any(|member| match name.as_str() {
            "region" => values.contains(&member.meta.region),
            _ => values.contains(&member.meta.arn) || values.contains(&member.meta.id),
        })
    })
}

pub(super) fn delete(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let global = permitted(rds, request)?;
    if global.deletion_protection {
        return Err(clash(
            "Cannot delete protected Cluster, please disable deletion protection and try again.",
        ));
    }
    rds.with(|state| {
        if state.clusters_of(&global.meta.arn).next().is_some() {
            let why = format!("Global Cluster {} is not empty", global.meta.arn);
            return Err(global_state(why));
        }
        let mut answer = Xml::new();
        answer.node("GlobalCluster", |xml| show(xml, state, &global));
        state.globals.remove(&global.meta.arn);
        Ok(answer)
    })
}

impl Global {
    pub(super) fn status(&self) -> &str {
        self.course.status().unwrap_or("available")
    }
}

/// An answer that holds one global cluster.
pub(super) fn one(state: &Databases, global: &Global) -> Xml {
    let mut xml = Xml::new();
    xml.node("GlobalCluster", |xml| show(xml, state, global));
    xml
}

fn show(xml: &mut Xml, state: &Databases, global: &Global) {
    xml.leaf("GlobalClusterIdentifier", &global.meta.id)
        .leaf("GlobalClusterArn", &global.meta.arn)
        .leaf("GlobalClusterResourceId", &global.resource_id)
        .leaf("Status", global.status())
        .leaf("Engine", &global.engine)
        .leaf("EngineVersion", &global.version)
        .optional("DatabaseName", global.db_name.as_ref())
        .leaf("StorageEncrypted", global.is_encrypted)
        .leaf("DeletionProtection", global.deletion_protection);
    let members: Vec<&Cluster> = state.clusters_of(&global.meta.arn).collect();
    xml.node("GlobalClusterMembers", |xml| {
        for member in &members {
            let writes = global.writer.as_ref() == Some(&member.meta.arn);
            xml.node("GlobalClusterMember", |xml| {
                one_member(xml, member, if writes { &members } else { &[] });
                xml.leaf("IsWriter", writes);
            });
        }
    });
    if let Some(moving) = &global.moving {
        xml.node("FailoverState", |xml| {
            xml.leaf("Status", "failing-over")
                .leaf("FromDbClusterArn", &moving.from)
                .leaf("ToDbClusterArn", &moving.to)
                .leaf("IsDataLossAllowed", moving.loses_data);
        });
    }
    view::tags(xml, &global.meta.tags);
}

/// A member; `all` holds the members among which the readers of a primary are.
fn one_member(xml: &mut Xml, member: &Cluster, all: &[&Cluster]) {
    let is_behind = member
        .link
        .as_ref()
        .is_some_and(|link| link.state != LinkState::Replicating);
    xml.leaf("DBClusterArn", &member.meta.arn)
        .leaf("GlobalWriteForwardingStatus", "disabled")
        .leaf(
            "SynchronizationStatus",
            if is_behind { "pending-resync" } else { "connected" },
        );
    xml.node("Readers", |xml| {
        for reader in all.iter().filter(|other| other.meta.arn != member.meta.arn) {
            xml.leaf("member", &reader.meta.arn);
        }
    });
}

/// The global cluster as it stands after a change.
pub(super) fn refreshed(state: &Databases, global: &Global) -> Global {
    state.globals.get(&global.meta.arn).unwrap_or(global).clone()
}
