//! RDS: instances, read replicas, snapshots, backups, Aurora clusters and global clusters.
//!
//! No database runs. An instance stands in its subnets with interfaces, goes through AWS's states on the endpoint's
//! clock, fails over when its zone is lost, and holds numbered markers that drills write: replicas, snapshots and
//! backups hold the markers that had reached them, so that a measured RPO is real. All regions share one state, because
//! replicas, copies and global clusters reach across them. Sources: RDS API reference (2014-10-31); RDS and Aurora user
//! guides.

mod backup;
mod catalog;
mod cluster;
mod cluster_change;
mod control;
mod course;
mod create;
mod delete;
mod describe;
mod event;
mod global;
mod global_move;
mod instance;
mod lifecycle;
mod modify;
mod placement;
mod read;
mod replica;
mod replication;
mod request;
mod restore;
mod settle;
mod snapshot;
mod state;
mod subnet_group;
mod tags;
mod view;
mod window;

use std::sync::{Arc, Mutex};

use self::request::Request;
use self::state::Databases;
use crate::control::InventoryItem;
use crate::core::Core;
use crate::error::AwsError;
use crate::lock;
use crate::protocol::{Protocol, Reply, Xml};
use crate::service::{Call, Service};

pub use control::{DatabaseView, MarkerRefused};

/// The service.
#[derive(Default)]
pub(crate) struct Rds {
    state: Mutex<Databases>,
}

type Operation = fn(&Rds, &Request<'_>) -> Result<Xml, AwsError>;

#[async_trait::async_trait]
impl Service for Rds {
    fn signing_name(&self) -> &'static str {
        "rds"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Query {
            namespace: "http://rds.amazonaws.com/doc/2014-10-31/",
        }
    }

    async fn call(&self, core: &Arc<Core>, call: &Call) -> Result<Reply, AwsError> {
        let operation =
            operation(&call.operation).ok_or_else(|| AwsError::not_implemented("rds", &call.operation))?;
        operation(self, &Request::new(core, call)?).map(Reply::from)
    }

    fn inventory(&self, _core: &Core) -> Vec<InventoryItem> {
        self.with(|state| state.inventory())
    }

    fn snapshot(&self) -> serde_json::Value {
        self.with(|state| serde_json::json!(*state))
    }

    fn restore(&self, state: serde_json::Value) -> Result<(), serde_json::Error> {
        let restored = serde_json::from_value(state)?;
        self.with(|state| *state = restored);
        Ok(())
    }
}

impl Rds {
    /// Lets time pass for every database: what waits is done, lost zones have their effect, replicas follow.
    pub(crate) fn look(&self, core: &Core) {
        settle::look(self, core);
    }

    /// Works on the state. `work` must not ask a peer.
    fn with<R>(&self, work: impl FnOnce(&mut Databases) -> R) -> R {
        work(&mut lock::held(&self.state))
    }
}

fn operation(name: &str) -> Option<Operation> {
    instance_operation(name).or_else(|| cluster_operation(name))
}

fn instance_operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateDBSubnetGroup" => subnet_group::create,
        "DescribeDBSubnetGroups" => subnet_group::describe,
        "DeleteDBSubnetGroup" => subnet_group::delete,
        "CreateDBInstance" => create::create,
        "DescribeDBInstances" => describe::instances,
        "ModifyDBInstance" => modify::modify,
        "RebootDBInstance" => lifecycle::reboot,
        "StopDBInstance" => lifecycle::stop,
        "StartDBInstance" => lifecycle::start,
        "DeleteDBInstance" => delete::delete,
        "CreateDBInstanceReadReplica" => replica::create,
        "PromoteReadReplica" => replica::promote,
        "CreateDBSnapshot" => snapshot::create,
        "DescribeDBSnapshots" => snapshot::describe,
        "CopyDBSnapshot" => snapshot::copy,
        "DeleteDBSnapshot" => snapshot::delete,
        "RestoreDBInstanceFromDBSnapshot" => restore::from_snapshot,
        "RestoreDBInstanceToPointInTime" => restore::to_point_in_time,
        "StartDBInstanceAutomatedBackupsReplication" => backup::start,
        "StopDBInstanceAutomatedBackupsReplication" => backup::stop,
        "DescribeDBInstanceAutomatedBackups" => backup::describe,
        "DescribeEvents" => event::describe,
        "AddTagsToResource" => tags::add,
        "ListTagsForResource" => tags::list,
        "RemoveTagsFromResource" => tags::remove,
        _ => return None,
    })
}

fn cluster_operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateDBCluster" => cluster::create,
        "DescribeDBClusters" => cluster::describe,
        "ModifyDBCluster" => cluster_change::modify,
        "DeleteDBCluster" => cluster_change::delete,
        "FailoverDBCluster" => cluster_change::fail_over,
        "CreateGlobalCluster" => global::create,
        "DescribeGlobalClusters" => global::describe,
        "DeleteGlobalCluster" => global::delete,
        "RemoveFromGlobalCluster" => global_move::remove,
        "SwitchoverGlobalCluster" => global_move::switch_over,
        "FailoverGlobalCluster" => global_move::fail_over,
        _ => return None,
    })
}
