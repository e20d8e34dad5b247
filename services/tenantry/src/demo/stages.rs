//! The stages of the demo, in order. Each leaves its figures behind.

use std::time::Instant;

use anyhow::ensure;
use local::accounts::{CUSTOMER_ACCOUNTS, CUSTOMER_ROLE_TEMPLATE, deploy_role_stack};
use secrecy::SecretString;
use serde_json::Value;
use tenantry::Client;
use tenantry::journey::{Customer, Journey, parameters, wait_for};

use super::report::Figures;
use super::workers::Worker;
use super::world::World;
use crate::progress::Progress;

const OPERATOR: &str = "operator@isv.example";
const PASSWORD: &str = "lantern harbour winter 1912";
const REGION: &str = "eu-central-1";
/// What a customer forgets who writes the trust policy by hand.
const EXTERNAL_ID_CONDITION: &str =
    "              StringEquals:\n                sts:ExternalId: !Ref ExternalId\n";
/// The worker is killed once so many resources of the deployment in hand exist: in the middle of the graph.
const RESOURCES_BEFORE_THE_KILL: usize = 3;
const LOOK_INTERVAL: std::time::Duration = std::time::Duration::from_millis(20);

/// The demo between two stages.
pub(super) struct Tour {
    pub(super) world: World,
    pub(super) operator: Client,
    pub(super) customers: Vec<Customer>,
    pub(super) figures: Figures,
    provisioners: Vec<Worker>,
}

impl Tour {
    /// A fresh world with an operator in it, and two provisioning workers as processes of their own.
    pub(super) async fn start(progress: &mut Progress) -> anyhow::Result<Self> {
        progress.stage("Start PostgreSQL, AWS and all services");
        let world = World::start().await?;
        let environment = world.environment();
        let provisioners = vec![
            Worker::spawn("tenant-provisioning", &environment)?,
            Worker::spawn("tenant-provisioning", &environment)?,
        ];
        let password = SecretString::from(PASSWORD.to_owned());
        let onboarding = &world.composition.onboarding;
        onboarding::sign_in::create_operator(onboarding, &OPERATOR.parse()?, Some(&password)).await?;
        let operator = journey(&world)?.sign_in(OPERATOR, PASSWORD).await?;
        Ok(Self {
            world,
            operator,
            customers: Vec::new(),
            figures: Figures::default(),
            provisioners,
        })
    }

    /// One customer's way from signup to a ready deployment, with nothing in the way.
    pub(super) async fn first_customer(&mut self, progress: &mut Progress) -> anyhow::Result<()> {
        progress.stage("A customer signs up, connects its account, gets its VPC");
        let begun = Instant::now();
        let (customer, connection) = self.welcome("Acme Analytics", 0).await?;
        let (operation, _) = customer.approve_deployment(&connection, REGION).await?;
        customer.await_operation(&operation).await?;
        self.figures.signup_to_ready_ms = u64::try_from(begun.elapsed().as_millis())?;
        Ok(())
    }

    /// A role that lets anybody in is found and refused, with the statement at fault.
    pub(super) async fn insecure_role(&mut self, progress: &mut Progress) -> anyhow::Result<()> {
        progress.stage("A role without the external id is refused");
        let journey = journey(&self.world)?;
        let account = CUSTOMER_ACCOUNTS[4];
        let careless = journey
            .sign_up("Careless Corp", "ada@careless.example", PASSWORD)
            .await?;
        let declared = journey.declare(&careless, account).await?;
        let open = CUSTOMER_ROLE_TEMPLATE.replace(EXTERNAL_ID_CONDITION, "");
        ensure!(
            open != CUSTOMER_ROLE_TEMPLATE,
            "the template has the condition that is to be forgotten"
        );
        deploy_role_stack(self.world.local_aws()?, account, &open, &parameters(&declared)?).await?;
        let path = format!("/v1/connections/{}", declared["id"].as_str().unwrap_or_default());
        wait_for(&careless.api, &path, "state", &["quarantined"]).await?;
        self.figures.insecure_roles_refused += 1;
        Ok(())
    }

    /// Two more deployments, while one of the two workers is killed in the middle of one.
    pub(super) async fn provision_through_a_kill(&mut self, progress: &mut Progress) -> anyhow::Result<()> {
        progress.stage("Two more customers; a provisioning worker is killed on the way");
        let mut operations = Vec::new();
        for (name, number) in [("Globex Data", 1), ("Initech Insights", 2)] {
            let (customer, connection) = self.welcome(name, number).await?;
            let (operation, _) = customer.approve_deployment(&connection, REGION).await?;
            operations.push((customer, operation));
        }
        while self.resources_in(CUSTOMER_ACCOUNTS[2])? < RESOURCES_BEFORE_THE_KILL {
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        self.kill_a_provisioner().await?;
        for (customer, operation) in &operations {
            customer.await_operation(operation).await?;
        }
        for account in &CUSTOMER_ACCOUNTS[..3] {
            self.figures.resources_created += self.resources_in(account)? as u64;
        }
        Ok(())
    }

    /// Deletes the first tenant, and looks in its account and not in our tables what is left.
    pub(super) async fn offboard(&mut self, progress: &mut Progress) -> anyhow::Result<()> {
        progress.stage("The operator deletes a tenant; nothing may be left");
        let path = format!("/v1/tenants/{}", self.customers[0].tenant_id);
        self.operator.delete(&path).await?;
        // The tenant's only admin agrees to the plan; an operator alone could not.
        self.customers[0].approve_deletion().await?;
        wait_for(&self.operator, &path, "state", &["deleted"]).await?;
        self.figures.resources_left_after_delete = self.resources_in(CUSTOMER_ACCOUNTS[0])? as u64;
        Ok(())
    }

    /// Verifies every audit chain.
    pub(super) async fn audit(&mut self, progress: &mut Progress) -> anyhow::Result<()> {
        progress.stage("Verify the audit chains");
        let report = tenantry::audit::verify_all(&self.world.composition.stores).await?;
        self.figures.audit_entries = report.entries;
        self.figures.audit_chain_ok = report.broken.is_empty();
        Ok(())
    }

    /// Ends the world and gives what was found.
    pub(super) async fn finish(self) -> anyhow::Result<Figures> {
        drop(self.provisioners);
        self.world.stop().await?;
        Ok(self.figures)
    }

    /// Signs a customer up and connects its account.
    async fn welcome(&mut self, organisation: &str, number: usize) -> anyhow::Result<(Customer, String)> {
        let journey = journey(&self.world)?;
        let email = format!("ada@customer{number}.example");
        let customer = journey.sign_up(organisation, &email, PASSWORD).await?;
        let connection = journey.connect(&customer, CUSTOMER_ACCOUNTS[number]).await?;
        let proven = customer.api.get(&format!("/v1/connections/{connection}")).await?;
        self.figures.probes_refused += refusals(&proven);
        self.customers.push(customer.clone());
        Ok((customer, connection))
    }

    async fn kill_a_provisioner(&mut self) -> anyhow::Result<()> {
        if let Some(worker) = self.provisioners.pop() {
            worker.kill().await?;
            self.figures.provisioning_workers_killed += 1;
        }
        Ok(())
    }

    /// What lives in an account and carries a deployment's tag, by the local AWS's own inventory.
    fn resources_in(&self, account: &str) -> anyhow::Result<usize> {
        let inventory = self.world.local_aws()?.control().inventory_of(account);
        Ok(inventory
            .iter()
            .filter(|item| item.tags.contains_key("tenantry:deployment"))
            .count())
    }
}

fn journey(world: &World) -> anyhow::Result<Journey<'_>> {
    Ok(Journey {
        api: world.api.clone(),
        onboarding: &world.composition.onboarding,
        local_aws: world.local_aws()?,
    })
}

/// Negative probes that were answered with exactly `AccessDenied`, over the rounds of the proof.
fn refusals(connection: &Value) -> u64 {
    let rounds = connection["evidence"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let refused = |round: &Value| {
        ["none", "random", "other_tenants"]
            .iter()
            .filter(|probe| round["answers"][**probe]["answer"] == "access_denied")
            .count() as u64
    };
    rounds.iter().map(refused).sum()
}
