//! The in-process control surface.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::control::{CallRecord, FaultRule, InventoryItem, LagSettings, LatencyModel, Outage, Used};
use crate::endpoint::Endpoint;
use crate::iam::service_role;
use crate::rds::{DatabaseView, MarkerRefused};
use crate::route53::{DnsAnswer, DnsQuestion};

/// A handle on one endpoint. Cloning is cheap; all clones speak to the same endpoint.
#[derive(Clone)]
pub struct Control {
    pub(crate) endpoint: Arc<Endpoint>,
}

/// Keys of a role that do not expire: what a task role gives its process.
#[derive(Clone, Serialize)]
pub struct ServiceCredentials {
    /// Access key id.
    pub access_key_id: String,
    /// Secret access key.
    pub secret_access_key: String,
    /// Session token, sent with every call.
    pub session_token: String,
}

impl std::fmt::Debug for ServiceCredentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ServiceCredentials")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

impl Control {
    /// The endpoint's time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.endpoint.core.clock.now()
    }

    /// Moves the endpoint's clock forward.
    pub fn advance(&self, by: TimeDelta) {
        let core = &self.endpoint.core;
        core.look();
        core.clock.advance(by);
        core.look();
        core.mark_dirty();
    }

    /// Every live resource of every account, sorted.
    #[must_use]
    pub fn inventory(&self) -> Vec<InventoryItem> {
        self.endpoint.inventory()
    }

    /// Every live resource of one account.
    #[must_use]
    pub fn inventory_of(&self, account: &str) -> Vec<InventoryItem> {
        let mut items = self.inventory();
        items.retain(|item| item.account == account);
        items
    }

    /// The log of calls, oldest first: the last 50,000 that moved records and objects, and the last 200,000 others.
    #[must_use]
    pub fn calls(&self) -> Vec<CallRecord> {
        self.endpoint.core.calls.all()
    }

    /// Empties the log of calls.
    pub fn clear_calls(&self) {
        self.endpoint.core.calls.clear();
    }

    /// Keeps what sessions of roles ask to be allowed from now on, or no longer; what was kept goes. Off at start.
    pub fn record_permissions(&self, on: bool) {
        self.endpoint.core.used.switch(on);
    }

    /// What sessions of an account's roles asked to be allowed while it was recorded, sorted.
    #[must_use]
    pub fn permissions_used(&self, account: &str) -> Vec<Used> {
        self.endpoint.core.used.of(account)
    }

    /// Adds a fault behind those in force; false when a thousand are, and for a rule about roles that names calls.
    pub fn add_fault(&self, rule: FaultRule) -> bool {
        let outcome = self.endpoint.core.faults.add(rule);
        self.endpoint.core.mark_dirty();
        outcome
    }

    /// The fault rules in force.
    #[must_use]
    pub fn faults(&self) -> Vec<FaultRule> {
        self.endpoint.core.faults.rules()
    }

    /// Ends the fault rules that equal this one, whatever they have hit so far; false when there are none.
    pub fn remove_fault(&self, rule: &FaultRule) -> bool {
        let outcome = self.endpoint.core.faults.remove(rule);
        self.endpoint.core.mark_dirty();
        outcome
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        self.endpoint.core.faults.clear();
        self.endpoint.core.mark_dirty();
    }

    /// Sets the consistency lag; the default settings switch it off.
    pub fn set_lag(&self, settings: LagSettings) {
        self.endpoint.core.lag.set(settings);
        self.endpoint.core.mark_dirty();
    }

    /// Sets how long things take; nothing takes time at start.
    pub fn set_latency(&self, model: LatencyModel) {
        self.endpoint.core.latency.set(model);
        self.endpoint.core.mark_dirty();
    }

    /// Loses a zone or a region until [`Self::end_outage`].
    pub fn begin_outage(&self, outage: Outage) {
        // What had happened until now, such as the rows that had reached a replica, happened before the outage.
        self.endpoint.core.look();
        self.endpoint.core.outages.begin(outage);
        self.endpoint.core.mark_dirty();
        self.endpoint.core.look();
    }

    /// Brings a lost zone or region back.
    pub fn end_outage(&self, outage: &Outage) {
        self.endpoint.core.outages.end(outage);
        self.endpoint.core.mark_dirty();
        self.endpoint.core.look();
    }

    /// The outages in force.
    #[must_use]
    pub fn outages(&self) -> Vec<Outage> {
        self.endpoint.core.outages.all()
    }

    /// Ends every outage.
    pub fn end_outages(&self) {
        self.endpoint.core.outages.end_all();
        self.endpoint.core.mark_dirty();
        self.endpoint.core.look();
    }

    /// The service control policies in force, by account.
    #[must_use]
    pub fn scps(&self) -> BTreeMap<String, String> {
        self.endpoint.core.guardrails.all()
    }

    /// Sets the service control policy of an account, or ends it.
    ///
    /// # Errors
    /// What is wrong with the document, in IAM's words.
    pub fn set_scp(&self, account: &str, document: Option<&str>) -> Result<(), String> {
        let outcome = self.endpoint.core.guardrails.set(account, document);
        self.endpoint.core.mark_dirty();
        outcome
    }

    /// Says that a customer, by its identifier or account, subscribed to a Marketplace product.
    pub fn subscribe(&self, product: &str, dimensions: &[&str], customer: &str) {
        let marketplace = &self.endpoint.core.peers.marketplace;
        marketplace.subscribe(product, dimensions, customer);
        self.endpoint.core.mark_dirty();
    }

    /// Ends a Marketplace subscription.
    pub fn unsubscribe(&self, product: &str, customer: &str) {
        self.endpoint
            .core
            .peers
            .marketplace
            .unsubscribe(product, customer);
        self.endpoint.core.mark_dirty();
    }

    /// Says which account sells a Marketplace product: no other may meter it.
    pub fn sell(&self, product: &str, seller: &str) {
        self.endpoint.core.peers.marketplace.sell(product, seller);
        self.endpoint.core.mark_dirty();
    }

    /// Grants an account a licence of a Marketplace product, by the licence's ARN, from now on.
    pub fn grant_license(&self, arn: &str, product: &str, account: &str) {
        let core = &self.endpoint.core;
        core.peers
            .marketplace
            .grant(arn, (product, account), core.clock.now());
        core.mark_dirty();
    }

    /// Ends a Marketplace licence; what was used before can be reported for another hour.
    pub fn end_license(&self, arn: &str) {
        let core = &self.endpoint.core;
        core.peers.marketplace.end_licence(arn, core.clock.now());
        core.mark_dirty();
    }

    /// The state of everything but streams and objects, which keep their own files: resources, clock, rules and
    /// switches. It holds keys: not for a log.
    #[must_use]
    pub fn snapshot(&self) -> serde_json::Value {
        serde_json::json!(crate::persist::gather(&self.endpoint))
    }

    /// Takes an endpoint back to a snapshot. Its clock stays where it is if it is further.
    ///
    /// # Errors
    /// When the snapshot is of another shape, says which part; the endpoint then stays as it is.
    pub fn restore(&self, snapshot: serde_json::Value) -> Result<(), String> {
        let saved =
            serde_json::from_value(snapshot).map_err(|error| format!("this is no snapshot: {error}"))?;
        crate::persist::take_back(&self.endpoint, saved).map_err(|refused| refused.to_string())
    }

    /// Applies a service quota to an account in a region; false for a code that is not known.
    pub fn set_quota(&self, (account, region): (&str, &str), code: &str, value: u64) -> bool {
        let quotas = &self.endpoint.core.peers.service_quotas;
        quotas.set((account, region), code, value)
    }

    /// What public DNS would answer.
    #[must_use]
    pub fn resolve(&self, question: &DnsQuestion) -> DnsAnswer {
        let core = &self.endpoint.core;
        core.look();
        core.peers.route53.resolve(core, question)
    }

    /// A database, an instance or an Aurora cluster, as its clients see it; `None` when no such ARN is there.
    #[must_use]
    pub fn database(&self, arn: &str) -> Option<DatabaseView> {
        let core = &self.endpoint.core;
        core.look();
        core.peers.rds.view(core, arn)
    }

    /// Commits a numbered row to a database. Replicas, snapshots and backups hold it once such a row would have
    /// reached them, so that the last marker found after a failover is the measured RPO.
    ///
    /// # Errors
    /// Whatever would have refused the row.
    pub fn write_marker(&self, arn: &str, number: u64) -> Result<(), MarkerRefused> {
        let core = &self.endpoint.core;
        core.look();
        core.peers.rds.write_marker(core, arn, number)
    }

    /// Sets how far a read replica or a secondary cluster is behind its source; false when it follows none.
    pub fn set_replica_lag(&self, arn: &str, lag: TimeDelta) -> bool {
        let core = &self.endpoint.core;
        core.look();
        core.peers.rds.set_lag(arn, lag)
    }

    /// Holds Kinesis's rates against callers, or not: 1 MiB and 1,000 records per shard and second, and how often an
    /// account may call each operation. Off at start; seconds are those of the endpoint's clock.
    pub fn enforce_kinesis_rates(&self, on: bool) {
        self.endpoint
            .core
            .kinesis_rates
            .store(on, std::sync::atomic::Ordering::Relaxed);
        self.endpoint.core.mark_dirty();
    }

    /// Lets the Redshift Data API know these clusters and workgroups only; `None`, as at start, takes every name for
    /// one of the warehouse's.
    pub fn limit_warehouse_targets(&self, names: Option<&[&str]>) {
        self.endpoint.core.peers.redshift_data.limit_targets(names);
    }

    /// Lets the Redshift Data API forget every statement that has ended, as it does after a day.
    pub fn forget_statements(&self) {
        self.endpoint.core.peers.redshift_data.forget_history();
    }

    /// Keys for a process that runs under the role, as ECS gives them to a task; they do not expire. A role that
    /// does not exist yet is made, with AWS's `AdministratorAccess` in its own account and a trust for ECS tasks only.
    ///
    /// `None` when the ARN is not a role's.
    #[must_use]
    pub fn service_credentials(&self, role_arn: &str) -> Option<ServiceCredentials> {
        service_role::credentials(&self.endpoint.core, role_arn)
    }

    /// Makes a role that Redshift may take for COPY, with AWS's `AdministratorAccess` in its own account, unless a
    /// role of that name is there; false when the ARN is not a role's.
    pub fn ensure_warehouse_role(&self, role_arn: &str) -> bool {
        service_role::ensure_warehouse_role(&self.endpoint.core, role_arn)
    }
}
