//! Words for the tests: tenants with a connected account, and workers that can be stopped at any call.

#![allow(dead_code, reason = "each file of tests uses its part")]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_access::{Aws, CallObserver, StepClass, session_policy::STEP_CLASSES};
use chrono::{DateTime, Utc};
use futures_util::{FutureExt, future::BoxFuture};
use local::{World, accounts};
use local_aws::InventoryItem;
use tenant_model::{
    Connection, ConnectionState, ExternalId, Tenant, TenantState,
    account::{role_arn, role_name},
    blueprint::NetworkChoice,
    contract::Retention,
    deployment::{Deployment, Phase, Profile},
    ids::{ConnectionId, DeploymentId, OperationId, TenantId},
    operation::{Operation, OperationKind},
    resource::ResourceState,
};
use tenant_provisioning::{App, Pass, ProvisioningConfig, deployments, operations, pass};
use tenant_store::{connections, tenants};
use tokio::sync::Notify;

/// Passes after which a deployment that has not arrived never will.
const PASSES_MAX: usize = 400;

/// A world with the provisioning service on it.
pub(crate) struct Installation {
    pub(crate) world: World,
    pub(crate) app: App,
    pub(crate) interrupter: Arc<Interrupter>,
    /// What is asked for.
    pub(crate) profile: Profile,
    /// Whether highly available deployments have a database.
    pub(crate) database: bool,
    /// In which network.
    pub(crate) network: NetworkChoice,
}

/// A tenant whose account is connected.
pub(crate) struct Customer {
    pub(crate) tenant_id: TenantId,
    pub(crate) connection_id: ConnectionId,
    pub(crate) account: String,
}

impl Installation {
    pub(crate) async fn start() -> Self {
        let world = World::start().await;
        let interrupter = Arc::new(Interrupter::default());
        let observer = Arc::clone(&interrupter) as Arc<dyn CallObserver>;
        let aws = Aws::connect_observed(world.aws.settings().clone(), Some(observer)).await;
        let app = App {
            kit: world.kit.clone(),
            stores: world.stores.clone(),
            aws,
            config: ProvisioningConfig::local(),
        };
        Self {
            world,
            app,
            interrupter,
            profile: Profile::Single,
            database: true,
            network: NetworkChoice::default(),
        }
    }

    /// A tenant whose account has our role, proven.
    pub(crate) async fn customer(&self, number: usize) -> Customer {
        let now = self.app.kit.clock.now();
        let tenant_id = TenantId::from_uuid(self.app.kit.ids.uuid());
        let account = format!("7{number:011}");
        let connection = connection(&self.app, (tenant_id, &account), now);
        let tenant = Tenant {
            id: tenant_id,
            name: format!("Customer {number}"),
            state: TenantState::Active,
            created_at: now,
            updated_at: now,
            version: 1,
        };
        let mut tx = self.app.stores.begin_ops().await.expect("a transaction");
        tenants::insert(&mut tx, &tenant).await.expect("a tenant");
        connections::insert(&mut tx, &connection)
            .await
            .expect("a connection");
        tx.commit().await.expect("a commit");
        let stack = self
            .world
            .deploy_role_stack(&account, &parameters(&connection))
            .await;
        assert_eq!(stack.status, "CREATE_COMPLETE");
        Customer {
            tenant_id,
            connection_id: connection.id,
            account,
        }
    }

    fn has_database(&self) -> bool {
        self.database && self.profile == Profile::HighlyAvailable
    }

    /// Asks for a deployment and approves its plan.
    pub(crate) async fn approved(&self, customer: &Customer) -> Operation {
        let planned = self.requested(customer).await;
        operations::approve(&self.app, "usr_test", planned.id, &planned.plan.hash)
            .await
            .expect("the plan is fresh")
    }

    /// Asks for the end of a deployment, and lets two people approve its plan.
    pub(crate) async fn deleted(&self, id: DeploymentId) -> Operation {
        let planned = deployments::request_deletion(&self.app, "usr_test", id, &Retention::default())
            .await
            .expect("a plan");
        self.agreed(&planned).await
    }

    /// Two people approve a plan.
    pub(crate) async fn agreed(&self, planned: &Operation) -> Operation {
        operations::approve(&self.app, "usr_test", planned.id, &planned.plan.hash)
            .await
            .expect("the plan is fresh");
        operations::approve(&self.app, "usr_second", planned.id, &planned.plan.hash)
            .await
            .expect("the plan is fresh")
    }

    /// Waits for the plan with which an offboarding begins, and approves it.
    pub(crate) async fn left(&self, id: DeploymentId) -> Operation {
        let tenant_id = self.deployment(id).await.tenant_id;
        for _ in 0..PASSES_MAX {
            let asked = operations::of_deployment(&self.app, tenant_id, id)
                .await
                .expect("operations");
            let last = asked.last().expect("one at least");
            if last.kind == OperationKind::Delete {
                return self.agreed(last).await;
            }
            self.work().await;
        }
        panic!("no plan of the deletion came");
    }

    pub(crate) async fn requested(&self, customer: &Customer) -> Operation {
        let new = deployments::NewDeployment {
            connection_id: customer.connection_id,
            profile: self.profile,
            region: "eu-central-1".to_owned(),
            instance_type: None,
            database: self.has_database(),
            network: self.network.clone(),
        };
        deployments::request(&self.app, "usr_test", customer.tenant_id, &new)
            .await
            .expect("a plan")
    }

    pub(crate) async fn deployment(&self, id: DeploymentId) -> Deployment {
        deployments::find(&self.app, None, id)
            .await
            .expect("the deployment")
    }

    pub(crate) async fn operation(&self, id: OperationId) -> Operation {
        operations::find(&self.app, None, id)
            .await
            .expect("the operation")
    }

    /// Lets workers work and time pass until the deployment reaches `phase`.
    pub(crate) async fn until(&self, id: DeploymentId, phase: Phase) {
        for _ in 0..PASSES_MAX {
            if self.deployment(id).await.phase == phase {
                return;
            }
            self.work().await;
        }
        let deployment = self.deployment(id).await;
        let operations = operations::of_deployment(&self.app, deployment.tenant_id, id).await;
        let operations = operations.expect("operations");
        let problems: Vec<_> = operations
            .iter()
            .map(|one| (one.kind, one.state, &one.problem))
            .collect();
        let (records, _) = deployments::resources(&self.app, &deployment)
            .await
            .expect("resources");
        let unsettled: Vec<_> = records
            .iter()
            .filter(|one| one.state != ResourceState::Ready)
            .collect();
        panic!(
            "never {phase:?}: {:?} {:?} {problems:?} {unsettled:#?}",
            deployment.phase, deployment.blocked
        );
    }

    /// One pass, which may be interrupted; then its worker is dead and its lease runs out.
    pub(crate) async fn work(&self) {
        let app = self.app.clone();
        let worker = tokio::spawn(async move { pass(&app, "a worker").await });
        let stop = worker.abort_handle();
        tokio::select! {
            ended = worker => match ended.expect("no panic") {
                Ok(Pass::Idle) => self.world.advance(Duration::from_secs(1)).await,
                Ok(Pass::Worked | Pass::Overtaken) => {}
                Err(error) => panic!("{error:?}"),
            },
            () = self.interrupter.reached.notified() => {
                stop.abort();
                self.world.expire_leases().await;
            }
        }
    }

    /// Lets so much time pass that everything that stands is looked at again, until nothing is due.
    pub(crate) async fn look_again(&self) {
        self.world.advance(self.app.config.drift_interval * 2).await;
        for _ in 0..PASSES_MAX {
            match pass(&self.app, "a worker").await.expect("a pass") {
                Pass::Idle => return,
                Pass::Worked | Pass::Overtaken => {}
            }
        }
        panic!("there is always something due");
    }

    /// What is in the customer's account under a deployment's tags: (logical name, kind) with counts.
    pub(crate) fn inventory(&self, customer: &Customer) -> BTreeMap<(String, String), usize> {
        let mut counts = BTreeMap::new();
        for item in self.tagged(customer) {
            let name = item.tags.get("tenantry:resource").cloned().unwrap_or_default();
            *counts.entry((name, item.kind)).or_default() += 1;
        }
        counts
    }

    fn tagged(&self, customer: &Customer) -> Vec<InventoryItem> {
        let mut items = self.world.control.inventory_of(&customer.account);
        items.retain(|item| item.tags.contains_key("tenantry:deployment"));
        items
    }

    /// Exactly one live thing for each name, and nothing else.
    pub(crate) fn assert_whole(&self, customer: &Customer, why: &str) {
        let expected = match self.profile {
            Profile::Single => SINGLE,
            Profile::HighlyAvailable => HIGHLY_AVAILABLE,
        };
        let of_database = |name: &str| name.starts_with("database") && !self.has_database();
        let expected: BTreeMap<_, _> = expected
            .iter()
            .filter(|(name, ..)| !of_database(name))
            .map(|(name, kind, count)| (((*name).to_owned(), (*kind).to_owned()), *count))
            .collect();
        assert_eq!(self.inventory(customer), expected, "{why}");
    }

    /// Nothing of ours is left; the account keeps what it came with, and the role.
    pub(crate) fn assert_empty(&self, customer: &Customer, why: &str) {
        assert_eq!(self.tagged(customer), [], "{why}");
        // Roles of services come with their first use and are the account's own.
        let of_role = |item: &&InventoryItem| {
            item.created_by.contains("assumed-role/tenantry-") && !item.id.contains("role/aws-service-role/")
        };
        let items = self.world.control.inventory_of(&customer.account);
        assert_eq!(
            items.iter().filter(of_role).collect::<Vec<_>>(),
            Vec::<&InventoryItem>::new(),
            "{why}"
        );
    }
}

/// What stands under which name, and how often.
type Standing = &'static [(&'static str, &'static str, usize)];

const SINGLE: Standing = &[
    ("elastic-ip", "ec2:elastic-ip", 1),
    ("instance", "ec2:instance", 1),
    ("instance", "ec2:network-interface", 1),
    ("instance", "ec2:volume", 1),
    ("internet-gateway", "ec2:internet-gateway", 1),
    ("route-table", "ec2:route-table", 1),
    ("security-group", "ec2:security-group", 1),
    ("subnet", "ec2:subnet", 1),
    ("vpc", "ec2:vpc", 1),
];

const HIGHLY_AVAILABLE: Standing = &[
    ("application-security-group", "ec2:security-group", 1),
    ("auto-scaling-group", "autoscaling:autoScalingGroup", 1),
    ("certificate", "acm:certificate", 1),
    ("database", "rds:db", 1),
    ("database-security-group", "ec2:security-group", 1),
    ("database-subnets", "rds:subgrp", 1),
    ("internet-gateway", "ec2:internet-gateway", 1),
    ("launch-template", "ec2:launch-template", 1),
    ("load-balancer", "elasticloadbalancing:loadbalancer", 1),
    ("machine", "ec2:instance", 2),
    ("machine", "ec2:network-interface", 2),
    ("machine", "ec2:volume", 2),
    ("nat-address-a", "ec2:elastic-ip", 1),
    ("nat-address-b", "ec2:elastic-ip", 1),
    ("nat-gateway-a", "ec2:natgateway", 1),
    ("nat-gateway-b", "ec2:natgateway", 1),
    ("private-route-table-a", "ec2:route-table", 1),
    ("private-route-table-b", "ec2:route-table", 1),
    ("private-subnet-a", "ec2:subnet", 1),
    ("private-subnet-b", "ec2:subnet", 1),
    ("route-table", "ec2:route-table", 1),
    ("s3-endpoint", "ec2:vpc-endpoint", 1),
    ("security-group", "ec2:security-group", 1),
    ("subnet", "ec2:subnet", 1),
    ("subnet-b", "ec2:subnet", 1),
    ("target-group", "elasticloadbalancing:targetgroup", 1),
    ("vpc", "ec2:vpc", 1),
];

fn connection(app: &App, (tenant_id, account): (TenantId, &str), now: DateTime<Utc>) -> Connection {
    let aws_account_id = account.parse().expect("twelve digits");
    Connection {
        id: ConnectionId::from_uuid(app.kit.ids.uuid()),
        tenant_id,
        role_arn: role_arn(&aws_account_id, tenant_id),
        aws_account_id,
        region: "eu-central-1".to_owned(),
        external_id: ExternalId::from_random(app.kit.ids.secret_bytes()),
        state: ConnectionState::Ready { proven_at: now },
        check_count: 0,
        created_at: now,
        updated_at: now,
        version: 1,
    }
}

fn parameters(connection: &Connection) -> BTreeMap<String, String> {
    [
        ("VendorAccountId", accounts::ISV_ACCOUNT.to_owned()),
        ("BrokerRoleArn", accounts::BROKER_ROLE_ARN.to_owned()),
        ("ExternalId", connection.external_id.expose().to_owned()),
        ("RoleName", role_name(connection.tenant_id)),
        ("TenantId", connection.tenant_id.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// Stops a worker at a chosen call that changes something: before it is sent, or when its answer is there.
#[derive(Debug, Default)]
pub(crate) struct Interrupter {
    state: Mutex<Plan>,
    pub(crate) reached: Notify,
    pub(crate) released: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Plan {
    calls: usize,
    /// Calls are made side by side, so their answers are counted apart.
    answers: usize,
    at: Option<(usize, Moment)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Before,
    After,
}

impl Interrupter {
    /// Counts from here, and stops the worker at the `call`-th change.
    pub(crate) fn arm(&self, call: usize, moment: Moment) {
        *self.state.lock().expect("not poisoned") = Plan {
            calls: 0,
            answers: 0,
            at: Some((call, moment)),
        };
    }

    /// Counts from here and stops nobody. Returns how many changes there were since the last time.
    pub(crate) fn disarm(&self) -> usize {
        std::mem::take(&mut *self.state.lock().expect("not poisoned")).calls
    }

    /// True if the chosen call was not reached.
    pub(crate) fn is_armed(&self) -> bool {
        self.state.lock().expect("not poisoned").at.is_some()
    }

    fn meet(&self, operation: &str, moment: Moment) -> BoxFuture<'static, ()> {
        if !changes(operation) {
            return std::future::ready(()).boxed();
        }
        let mut plan = self.state.lock().expect("not poisoned");
        let count = match moment {
            Moment::Before => &mut plan.calls,
            Moment::After => &mut plan.answers,
        };
        *count += 1;
        let reached = *count;
        if plan.at != Some((reached, moment)) {
            return std::future::ready(()).boxed();
        }
        plan.at = None;
        self.reached.notify_one();
        let released = Arc::clone(&self.released);
        async move { released.notified().await }.boxed()
    }
}

impl CallObserver for Interrupter {
    fn before(&self, operation: &str) -> BoxFuture<'static, ()> {
        self.meet(operation, Moment::Before)
    }

    fn after(&self, operation: &str) -> BoxFuture<'static, ()> {
        self.meet(operation, Moment::After)
    }
}

pub(crate) fn changes(operation: &str) -> bool {
    STEP_CLASSES
        .into_iter()
        .filter(|class| !class.only_looks())
        .flat_map(StepClass::actions)
        .any(|action| action.split(':').nth(1) == Some(operation))
}
