//! `/v1/connections/{id}/preflight`.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use service_kit::{Caller, IdPath, Mutation, Problem, ProblemBody, Reply};
use tenant_model::ConnectionId;
use tenant_model::deployment::Profile;
use tenant_model::given_network::{GivenNetwork, GivenSubnet, SubnetNeeds};
use tenant_model::preflight::{Check, CheckResult, NetworkWish};
use tenant_store::preflights::Preflight;
use utoipa::ToSchema;

use crate::App;
use crate::change::{Change, Opened};
use crate::preflight::{self, NewWish, ask_in};

/// What shall fit into the account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartPreflight {
    /// `single` and the like; one machine, if absent.
    #[serde(default)]
    #[schema(example = "single")]
    profile: Option<String>,
    /// Size of the machine; the smallest we sell, if absent.
    #[serde(default)]
    #[schema(example = "m6i.large")]
    instance_type: Option<String>,
    /// Address block of a new network; ours, if absent.
    #[serde(default)]
    #[schema(example = "10.42.0.0/16")]
    vpc_cidr: Option<String>,
    /// Look at the VPC tagged `tenantry:use` with the tenant's id instead of planning a new one.
    #[serde(default)]
    existing_vpc: bool,
}

/// A wish and what it came to.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Preflight)]
pub struct PreflightView {
    /// `pending` until a worker has looked, then `passed`, `failed` or `unknown`.
    pub state: String,
    /// The sequence of resources.
    #[schema(value_type = String)]
    pub profile: Profile,
    /// Size of the machine.
    pub instance_type: String,
    /// Address block of the new network; null for the tenant's own.
    pub vpc_cidr: Option<String>,
    /// Whether the tenant's own network was looked at.
    pub existing_vpc: bool,
    /// What a network of the tenant's own has to have for the profile.
    pub network_needs: String,
    /// The tenant's own network with the subnets that will be used, once it has what it needs.
    pub network: Option<GivenNetworkView>,
    /// Every check; none hides another.
    pub checks: Vec<CheckView>,
    /// When somebody asked.
    pub asked_at: DateTime<Utc>,
    /// When it was looked at.
    pub checked_at: Option<DateTime<Utc>>,
}

/// A network of the tenant's with the subnets that will be used.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = GivenNetwork)]
pub struct GivenNetworkView {
    /// AWS's id of the VPC.
    pub vpc: String,
    /// Public subnets, one for each zone.
    pub public_subnets: Vec<String>,
    /// Private subnets, one for each of the same zones, where the profile needs any.
    pub private_subnets: Vec<String>,
}

impl From<GivenNetwork> for GivenNetworkView {
    fn from(given: GivenNetwork) -> Self {
        let ids = |subnets: Vec<GivenSubnet>| subnets.into_iter().map(|subnet| subnet.id).collect();
        Self {
            vpc: given.vpc,
            public_subnets: ids(given.public),
            private_subnets: ids(given.private),
        }
    }
}

/// One check.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = PreflightCheck)]
pub struct CheckView {
    /// `region`, `zones`, `vcpus`, `addresses`, `vpcs`, `nat_gateways`, `load_balancers`, `network`, `peerings`,
    /// `encryption_key`, `service_roles`, `permissions` or `simulated_permissions`.
    pub name: String,
    /// Why it matters.
    pub why: String,
    /// `passed`, `failed` or `unknown`.
    pub result: String,
    /// What was seen, or why it was not.
    pub found: String,
    /// What to do about it, when it failed.
    pub fix: Option<String>,
}

impl From<&Check> for CheckView {
    fn from(check: &Check) -> Self {
        let (result, found, fix) = match &check.result {
            CheckResult::Passed { found } => ("passed", found.clone(), None),
            CheckResult::Failed { found, fix } => ("failed", found.clone(), Some(fix.clone())),
            CheckResult::Unknown { reason } => {
                ("unknown", format!("AWS answered {reason}; we ask again"), None)
            }
        };
        Self {
            name: check.name.clone(),
            why: check.why.clone(),
            result: result.to_owned(),
            found,
            fix,
        }
    }
}

impl From<Preflight> for PreflightView {
    fn from(preflight: Preflight) -> Self {
        let checks: Vec<CheckView> = preflight.checks.iter().flatten().map(CheckView::from).collect();
        let any = |result: &str| checks.iter().any(|check| check.result == result);
        let state = if preflight.checks.is_none() {
            "pending"
        } else if any("failed") {
            "failed"
        } else if any("unknown") {
            "unknown"
        } else {
            "passed"
        };
        let vpc_cidr = match &preflight.wish.network {
            NetworkWish::New { cidr } => Some(cidr.to_string()),
            NetworkWish::Existing => None,
        };
        Self {
            state: state.to_owned(),
            profile: preflight.wish.profile,
            network_needs: SubnetNeeds::of(preflight.wish.profile).words(),
            network: preflight.network.map(GivenNetworkView::from),
            instance_type: preflight.wish.instance_type,
            existing_vpc: vpc_cidr.is_none(),
            vpc_cidr,
            checks,
            asked_at: preflight.asked_at,
            checked_at: preflight.checked_at,
        }
    }
}

/// Check whether something fits into the account. A worker looks at once and again until it does
#[utoipa::path(post, path = "/v1/connections/{id}/preflight", operation_id = "connection_preflight_start",
    tag = "connections",
    params(("id" = String, Path), ("Idempotency-Key" = String, Header, description = "Makes a retry harmless")),
    request_body = StartPreflight, security(("bearer" = [])),
    responses(
        (status = 202, description = "The wish is written down", body = PreflightView),
        (status = 400, body = ProblemBody, description = "malformed-body, idempotency-key-missing"),
        (status = 401, body = ProblemBody, description = "not-signed-in, credential-expired"),
        (status = 403, body = ProblemBody, description = "not-allowed, cross-site-request"),
        (status = 404, body = ProblemBody, description = "not-found"),
        (status = 409, body = ProblemBody, description = "request-in-progress"),
        (status = 422, body = ProblemBody, description = "validation-failed, unknown-field, idempotency-key-reused"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn start_preflight(
    State(app): State<App>,
    IdPath(id): IdPath<ConnectionId>,
    mutation: Mutation<StartPreflight>,
) -> Result<Reply, Problem> {
    let StartPreflight {
        profile,
        instance_type,
        vpc_cidr,
        existing_vpc,
    } = mutation.body;
    let new = NewWish {
        profile,
        instance_type,
        vpc_cidr,
        existing_vpc,
    };
    match Change::open(&app, mutation.caller.tenant_id(), &mutation.request).await? {
        Opened::Replay(reply) => Ok(reply),
        Opened::New(mut change) => {
            let asked = ask_in(&app, &mut change.tx, &mutation.caller, (id, &new)).await?;
            let location = format!("/v1/connections/{id}/preflight");
            Ok(change
                .finish(Reply::accepted(&location, &PreflightView::from(asked)))
                .await?)
        }
    }
}

/// See what was last checked, each check with why it matters and how to fix it
#[utoipa::path(get, path = "/v1/connections/{id}/preflight", operation_id = "connection_preflight",
    tag = "connections",
    params(("id" = String, Path)), security(("bearer" = [])),
    responses(
        (status = 200, description = "The wish and its checks", body = PreflightView),
        (status = 401, body = ProblemBody, description = "not-signed-in, credential-expired"),
        (status = 403, body = ProblemBody, description = "not-allowed"),
        (status = 404, body = ProblemBody, description = "not-found, also before anything was checked"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn get_preflight(
    State(app): State<App>,
    Caller(caller): Caller,
    IdPath(id): IdPath<ConnectionId>,
) -> Result<axum::Json<PreflightView>, Problem> {
    let found = preflight::find(&app, &caller, id).await?;
    Ok(axum::Json(found.into()))
}
