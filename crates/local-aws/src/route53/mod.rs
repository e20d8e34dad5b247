//! Route 53: hosted zones, record sets, health checks, and what a resolver would answer.
//!
//! A global service: one state for all regions, reached with credentials scoped to `us-east-1`. Health checks follow
//! the endpoint's own instances and load balancers. Source: Route 53 API reference (2013-04-01).

mod change;
mod distance;
mod health;
mod health_rules;
mod record;
mod request;
mod resolve;
mod state;
mod tags;
mod view;
mod zone;

use std::sync::{Arc, Mutex};

use self::request::Request;
use self::state::Dns;
use crate::control::InventoryItem;
use crate::core::Core;
use crate::error::AwsError;
use crate::lock;
use crate::protocol::{Protocol, Reply};
use crate::service::{Call, Service};

pub use resolve::{DnsAnswer, DnsQuestion};

/// The service.
#[derive(Default)]
pub(crate) struct Route53 {
    state: Mutex<Dns>,
}

#[async_trait::async_trait]
impl Service for Route53 {
    fn signing_name(&self) -> &'static str {
        "route53"
    }

    fn protocol(&self) -> Protocol {
        Protocol::RestXml {
            namespace: "https://route53.amazonaws.com/doc/2013-04-01/",
        }
    }

    fn route(&self, method: &http::Method, path: &str, query: &str) -> Option<&'static str> {
        request::route(method, path, query)
    }

    async fn call(&self, core: &Arc<Core>, call: &Call) -> Result<Reply, AwsError> {
        let request = Request { core, call };
        match call.operation.as_str() {
            "CreateHostedZone" => zone::create(self, &request),
            "GetHostedZone" => zone::get(self, &request),
            "ListHostedZones" => zone::list(self, &request),
            "ListHostedZonesByName" => zone::list_by_name(self, &request),
            "DeleteHostedZone" => zone::delete(self, &request),
            "GetChange" => zone::get_change(self, &request),
            "ChangeResourceRecordSets" => change::apply(self, &request),
            "ListResourceRecordSets" => change::list(self, &request),
            "CreateHealthCheck" => health::create(self, &request),
            "GetHealthCheck" => health::get(self, &request),
            "ListHealthChecks" => health::list(self, &request),
            "UpdateHealthCheck" => health::update(self, &request),
            "DeleteHealthCheck" => health::delete(self, &request),
            "GetHealthCheckStatus" => health::status(self, &request),
            "ChangeTagsForResource" => tags::change(self, &request),
            "ListTagsForResource" => tags::list(self, &request),
            "ListTagsForResources" => tags::list_many(self, &request),
            other => Err(AwsError::not_implemented("route53", other)),
        }
    }

    fn inventory(&self, _core: &Core) -> Vec<InventoryItem> {
        self.with(|state| {
            let item =
                |kind: &str, (account, id): (&str, &str), tags: &state::Tags, by: &str| InventoryItem {
                    account: account.to_owned(),
                    region: "global".to_owned(),
                    kind: format!("route53:{kind}"),
                    id: id.to_owned(),
                    tags: tags.clone(),
                    created_by: by.to_owned(),
                };
            let zones = state.zones.values().map(|zone| {
                item(
                    "hostedzone",
                    (&zone.account, &zone.id),
                    &zone.tags,
                    &zone.created_by,
                )
            });
            let checks = state.checks.values().map(|check| {
                item(
                    "healthcheck",
                    (&check.account, &check.id),
                    &check.tags,
                    &check.created_by,
                )
            });
            zones.chain(checks).collect()
        })
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

impl Route53 {
    /// Looks through every health check once more. Called before every call and before time moves.
    pub(crate) fn look(&self, core: &Core) {
        health::look(self, core);
    }

    /// Works on the state. `work` must not ask a peer.
    fn with<R>(&self, work: impl FnOnce(&mut Dns) -> R) -> R {
        work(&mut lock::held(&self.state))
    }
}
