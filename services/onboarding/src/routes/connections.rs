//! `/v1/connections`.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::header::ETAG;
use http::{HeaderMap, StatusCode, Uri};
use serde::{Deserialize, Serialize};
use service_kit::{
    Caller, IdPath, IfMatch, Mutation, Page, Problem, ProblemBody, Query, Reply, Trigger, etag, not_modified,
};
use tenant_model::connection::{Cause, Denier, Ender, RESIDUAL_SESSION};
use tenant_model::{Action, AwsAccountId, Connection, ConnectionId, ConnectionState, TenantId, authorize};
use tenant_store::connections::{Evidence, StandingDoubt};
use utoipa::ToSchema;

use super::ListQuery;
use crate::App;
use crate::change::{Change, Opened};
use crate::connections::{self, NewConnection, Setup, check_again_in, create_in, revoke_in};

/// A tenant's AWS account and how far it is proven.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Connection)]
pub struct ConnectionView {
    /// Identity.
    #[schema(value_type = String, example = "con_01jd3v7q8wcy0tn5x2m4kz9e6f")]
    pub id: ConnectionId,
    /// Whose account.
    #[schema(value_type = String)]
    pub tenant_id: TenantId,
    /// The account as declared.
    #[schema(value_type = String, example = "222222222222")]
    pub aws_account_id: AwsAccountId,
    /// Where the role's stack is made.
    pub region: String,
    /// The role that we expect.
    pub role_arn: String,
    /// `awaiting_role`, `verifying`, `ready`, `quarantined` or `revoked`.
    pub state: String,
    /// Clean rounds of probes so far, while `verifying`.
    pub clean_rounds: Option<u32>,
    /// When it was last proven, while `ready`.
    pub proven_at: Option<DateTime<Utc>>,
    /// What was found, while `quarantined`: `lock_open`, `trust_unsafe`, `role_too_wide`, `wrong_account`,
    /// `access_lost`, `role_deleted`, `trust_changed`, `permission_missing` or `region_disabled`.
    pub cause: Option<String>,
    /// What is wrong and how to mend it, while `quarantined`.
    pub problem: Option<String>,
    /// What the end means, once it is `revoked`.
    pub ended: Option<EndView>,
    /// How often we have looked.
    pub check_count: i32,
    /// How the role is made.
    pub setup: SetupView,
    /// When the connection was made.
    pub created_at: DateTime<Utc>,
    /// When anything last changed.
    pub updated_at: DateTime<Utc>,
    /// Grows by one with each change.
    pub version: i64,
}

/// How a connection ended.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EndView {
    /// When.
    pub at: DateTime<Utc>,
    /// `tenant`, `operator`, `offboarding` or `unknown`.
    #[schema(value_type = String)]
    pub by: Ender,
    /// Until when a session that was open then could still be used at AWS, at most. We dropped ours at once; delete
    /// the role's stack and nothing is left.
    pub residual_until: DateTime<Utc>,
}

/// How a tenant makes the role that lets us in.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SetupView {
    /// CloudFormation's page with everything filled in.
    pub quick_create_url: String,
    /// The same as a command of the AWS CLI.
    pub cli_command: String,
    /// The same for Terraform. Generated and not verified: we have not run it.
    pub terraform_unverified: String,
    /// The stack's name.
    pub stack_name: String,
    /// The stack's parameters.
    pub parameters: BTreeMap<String, String>,
}

impl From<Setup> for SetupView {
    fn from(setup: Setup) -> Self {
        Self {
            quick_create_url: setup.quick_create_url,
            cli_command: setup.cli_command,
            terraform_unverified: setup.terraform_unverified,
            stack_name: setup.stack_name,
            parameters: setup
                .parameters
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        }
    }
}

impl ConnectionView {
    /// The wire view of a connection.
    #[must_use]
    pub fn new(app: &App, connection: &Connection) -> Self {
        let (mut clean_rounds, mut proven_at, mut cause, mut problem) = (None, None, None, None);
        let mut ended = None;
        match &connection.state {
            ConnectionState::Verifying { clean_rounds: rounds } => clean_rounds = Some(*rounds),
            ConnectionState::Ready { proven_at: at } => proven_at = Some(*at),
            ConnectionState::Quarantined { cause: found, .. } => {
                (cause, problem) = (Some(found.name().to_owned()), Some(explain(found, connection)));
            }
            ConnectionState::Revoked { at, by } => {
                ended = Some(EndView {
                    at: *at,
                    by: *by,
                    residual_until: *at + RESIDUAL_SESSION,
                });
            }
            ConnectionState::AwaitingRole => {}
        }
        Self {
            id: connection.id,
            tenant_id: connection.tenant_id,
            aws_account_id: connection.aws_account_id.clone(),
            region: connection.region.clone(),
            role_arn: connection.role_arn.clone(),
            state: connection.state.name().to_owned(),
            clean_rounds,
            proven_at,
            cause,
            problem,
            ended,
            check_count: connection.check_count,
            setup: connections::setup(app, connection).into(),
            created_at: connection.created_at,
            updated_at: connection.updated_at,
            version: connection.version,
        }
    }
}

/// What is wrong, how to mend it, and that we notice by ourselves.
#[must_use]
pub fn explain(cause: &Cause, connection: &Connection) -> String {
    let role = &connection.role_arn;
    let again = "We look again by ourselves.";
    match cause {
        Cause::LockOpen { .. } => format!(
            "The role {role} lets in somebody without your external id. Update its stack with our template, \
             or restore StringEquals on sts:ExternalId in its trust policy. {again}"
        ),
        Cause::TrustUnsafe => format!(
            "The trust policy of the role {role} admits more than our broker under your external id; the evidence \
             names the statement. Update its stack with our template. {again}"
        ),
        Cause::RoleTooWide { action } => format!(
            "The role {role} may do {action} outside of what carries your tenant's tag. Detach what was attached to \
             it beside our template. {again}"
        ),
        Cause::WrongAccount { found } => format!(
            "The role lies in account {found}, declared was {}. End this connection and connect {found}, \
             or make the stack in {}.",
            connection.aws_account_id, connection.aws_account_id
        ),
        Cause::AccessLost => format!(
            "The role {role} does not let us in any more: it was deleted, or its trust policy changed. \
             Make its stack again. {again}"
        ),
        Cause::RoleDeleted => format!("The role {role} was deleted. Make its stack again. {again}"),
        Cause::TrustChanged => format!(
            "The role {role} is there, but its trust policy does not let us in any more. Update its stack with our \
             template. {again}"
        ),
        Cause::PermissionMissing { action, by } => missing(role, action, *by),
        Cause::RegionDisabled { region } => format!(
            "The region {region} is switched off in your account. Enable it under Account, AWS Regions, or connect \
             in another region. {again}"
        ),
    }
}

fn missing(role: &str, action: &str, by: Denier) -> String {
    let cure = match by {
        Denier::Role => "the role's own policy does not allow it. Update its stack with our template.",
        Denier::Boundary => {
            "its permissions boundary does not allow it. Take our template's boundary, or widen yours by this action."
        }
        Denier::Organisation => {
            "a service control policy of your organisation denies it. Ask its administrator for an exception for \
             the path /tenantry/."
        }
        Denier::Unclear => "the role, its boundary or your organisation denies it.",
    };
    format!("The role {role} may not do {action}: {cure} We look again by ourselves.")
}

/// One round of probes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EvidenceView {
    /// When.
    pub at: DateTime<Utc>,
    /// What STS answered to each probe.
    #[schema(value_type = Object)]
    pub answers: serde_json::Value,
    /// What that proves.
    #[schema(value_type = Object)]
    pub verdict: serde_json::Value,
    /// The trust policy's statement at fault, in words.
    pub fault: Option<String>,
}

impl From<Evidence> for EvidenceView {
    fn from(evidence: Evidence) -> Self {
        let json = |value: Result<serde_json::Value, _>| value.unwrap_or_default();
        Self {
            at: evidence.at,
            answers: json(serde_json::to_value(&evidence.answers)),
            verdict: json(serde_json::to_value(&evidence.verdict)),
            fault: evidence.statement.map(|fault| {
                let name = fault.sid.map_or_else(String::new, |sid| format!(" ({sid})"));
                format!(
                    "Statement {}{name} of the trust policy: {}",
                    fault.number, fault.why
                )
            }),
        }
    }
}

/// A connection with its latest rounds.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ConnectionDetail {
    /// The connection.
    #[serde(flatten)]
    pub connection: ConnectionView,
    /// Why nothing is proven at the moment: AWS is slow or silent, or the clocks differ. Never a state.
    pub doubt: Option<DoubtView>,
    /// The newest rounds of probes first.
    pub evidence: Vec<EvidenceView>,
}

/// Why the last rounds proved nothing.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DoubtView {
    /// `throttled`, `clock`, `no_answer` or `unclear`.
    pub kind: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// What it means.
    pub meaning: String,
}

impl From<StandingDoubt> for DoubtView {
    fn from(standing: StandingDoubt) -> Self {
        Self {
            kind: standing.doubt.name().to_owned(),
            since: standing.since,
            meaning: standing.doubt.words().to_owned(),
        }
    }
}

/// The account to connect.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateConnection {
    /// Twelve digits.
    #[schema(example = "222222222222")]
    aws_account_id: String,
    /// Where the role's stack is made; ours, if absent.
    #[serde(default)]
    #[schema(example = "eu-central-1")]
    region: Option<String>,
}

/// Connect an AWS account: the reply says how to make the role; we notice by ourselves when it works.
#[utoipa::path(post, path = "/v1/tenants/{tenant_id}/connections", operation_id = "connection_create",
    tag = "connections",
    params(("tenant_id" = String, Path), ("Idempotency-Key" = String, Header, description = "Makes a retry harmless")),
    request_body = CreateConnection, security(("bearer" = [])),
    responses(
        (status = 201, description = "The connection waits for the role", body = ConnectionView),
        (status = 400, body = ProblemBody, description = "malformed-body, idempotency-key-missing"),
        (status = 401, body = ProblemBody, description = "not-signed-in, credential-expired"),
        (status = 403, body = ProblemBody, description = "not-allowed, cross-site-request"),
        (status = 404, body = ProblemBody, description = "not-found"),
        (status = 409, body = ProblemBody, description = "already-exists, tenant-suspended, request-in-progress"),
        (status = 422, body = ProblemBody, description = "validation-failed, unknown-field, idempotency-key-reused"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn create_connection(
    State(app): State<App>,
    IdPath(tenant_id): IdPath<TenantId>,
    mutation: Mutation<CreateConnection>,
) -> Result<Reply, Problem> {
    let CreateConnection {
        aws_account_id,
        region,
    } = mutation.body;
    let new = NewConnection {
        tenant_id,
        aws_account_id,
        region,
    };
    authorize(&mutation.caller, Action::ChangeTenant, Some(tenant_id))?;
    match Change::open(&app, Some(tenant_id), &mutation.request).await? {
        Opened::Replay(reply) => Ok(reply),
        Opened::New(mut change) => {
            let connection = create_in(&app, &mut change.tx, &mutation.caller, &new).await?;
            let location = format!("/v1/connections/{}", connection.id);
            let reply = Reply::created(&location, &ConnectionView::new(&app, &connection));
            Ok(change.finish(reply.etag(connection.version)).await?)
        }
    }
}

/// List connections.
#[utoipa::path(get, path = "/v1/connections", operation_id = "connection_list", tag = "connections",
    params(ListQuery), security(("bearer" = [])),
    responses(
        (status = 200, description = "Connections in the order they were made", body = Page<ConnectionView>),
        (status = 400, body = ProblemBody, description = "bad-query, bad-cursor, cursor-mismatch"),
        (status = 401, body = ProblemBody, description = "not-signed-in, credential-expired"),
        (status = 403, body = ProblemBody, description = "not-allowed"),
        (status = 404, body = ProblemBody, description = "not-found"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn list_connections(
    State(app): State<App>,
    Caller(caller): Caller,
    uri: Uri,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let tenant_id = query.tenant(&caller);
    let page = query.page();
    let filter = tenant_id.map_or_else(|| "fleet".to_owned(), |id| id.to_string());
    let after = page.after(&filter)?;
    let found = connections::list(&app, &caller, tenant_id, after, page.limit()?).await?;
    Ok(found
        .map(|connection| ConnectionView::new(&app, &connection))
        .respond(&uri))
}

/// See one connection and the evidence of its proof.
#[utoipa::path(get, path = "/v1/connections/{id}", operation_id = "connection_get", tag = "connections",
    params(("id" = String, Path)), security(("bearer" = [])),
    responses(
        (status = 200, description = "The connection", body = ConnectionDetail),
        (status = 304, description = "Not changed since If-None-Match"),
        (status = 401, body = ProblemBody, description = "not-signed-in, credential-expired"),
        (status = 403, body = ProblemBody, description = "not-allowed"),
        (status = 404, body = ProblemBody, description = "not-found"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn get_connection(
    State(app): State<App>,
    Caller(caller): Caller,
    IdPath(id): IdPath<ConnectionId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let found = connections::find(&app, &caller, id).await?;
    if not_modified(&headers, found.version) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, etag(found.version))]).into_response());
    }
    let evidence = connections::list_evidence(&app, &caller, id, 10).await?;
    let connection = ConnectionView::new(&app, &found);
    let evidence = evidence.into_iter().map(EvidenceView::from).collect();
    let doubt = connections::find_doubt(&app, &caller, id)
        .await?
        .map(DoubtView::from);
    let detail = ConnectionDetail {
        connection,
        doubt,
        evidence,
    };
    Ok(([(ETAG, etag(found.version))], axum::Json(detail)).into_response())
}

/// Look at the role now instead of at the next turn.
#[utoipa::path(post, path = "/v1/connections/{id}/verify", operation_id = "connection_verify", tag = "connections",
    params(("id" = String, Path), ("Idempotency-Key" = String, Header, description = "Makes a retry harmless")),
    security(("bearer" = [])),
    responses(
        (status = 202, description = "The next round begins", body = ConnectionView),
        (status = 400, body = ProblemBody, description = "idempotency-key-missing"),
        (status = 401, body = ProblemBody, description = "not-signed-in, credential-expired"),
        (status = 403, body = ProblemBody, description = "not-allowed, cross-site-request"),
        (status = 404, body = ProblemBody, description = "not-found"),
        (status = 409, body = ProblemBody, description = "invalid-transition, request-in-progress"),
        (status = 422, body = ProblemBody, description = "idempotency-key-reused"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn verify_connection(
    State(app): State<App>,
    IdPath(id): IdPath<ConnectionId>,
    trigger: Trigger,
) -> Result<Reply, Problem> {
    match Change::open(&app, trigger.caller.tenant_id(), &trigger.request).await? {
        Opened::Replay(reply) => Ok(reply),
        Opened::New(mut change) => {
            let connection = check_again_in(&app, &mut change.tx, &trigger.caller, id).await?;
            let location = format!("/v1/connections/{id}");
            let reply = Reply::accepted(&location, &ConnectionView::new(&app, &connection));
            Ok(change.finish(reply.etag(connection.version)).await?)
        }
    }
}

/// End a connection for good. Reconnecting makes a new one.
#[utoipa::path(delete, path = "/v1/connections/{id}", operation_id = "connection_delete", tag = "connections",
    params(("id" = String, Path), ("If-Match" = String, Header, description = "The ETag that was seen")),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The ended connection", body = ConnectionView),
        (status = 401, body = ProblemBody, description = "not-signed-in, credential-expired"),
        (status = 403, body = ProblemBody, description = "not-allowed, cross-site-request"),
        (status = 404, body = ProblemBody, description = "not-found"),
        (status = 409, body = ProblemBody, description = "request-in-progress"),
        (status = 412, body = ProblemBody, description = "stale-version"),
        (status = 428, body = ProblemBody, description = "if-match-missing"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn delete_connection(
    State(app): State<App>,
    IdPath(id): IdPath<ConnectionId>,
    headers: HeaderMap,
    trigger: Trigger,
) -> Result<Reply, Problem> {
    match Change::open(&app, trigger.caller.tenant_id(), &trigger.request).await? {
        Opened::Replay(reply) => Ok(reply),
        Opened::New(mut change) => {
            let IfMatch(seen) = IfMatch::from_headers(&headers)?;
            let connection = revoke_in(&app, &mut change.tx, &trigger.caller, (id, Some(seen))).await?;
            let reply = Reply::ok(&ConnectionView::new(&app, &connection));
            Ok(change.finish(reply.etag(connection.version)).await?)
        }
    }
}
