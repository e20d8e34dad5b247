//! Connecting an AWS account.

use axum::extract::{Path, Query, State};
use maud::Markup;
use onboarding::connections as service;
use onboarding::evidence::{self, Proof};
use onboarding::incidents;
use onboarding::template::ROLE_TEMPLATE;
use serde::Deserialize;
use serde_json::json;
use service_kit::ProblemBody;
use service_kit::{Problem, kinds, sse};
use tenant_model::connection::{ConnectionState, RESIDUAL_SESSION, Verdict};
use tenant_model::disclosure;
use tenant_model::simulation::ESCALATIONS;
use tenant_model::{Action, Connection, ConnectionId, TenantId};

use super::deployments::{DeleteFields, confirmed};
use super::proof_steps::checks;
use super::{Answer, refused_form, tenant_page};
use crate::api::Change;
use crate::app::{RoleStack, Site};
use crate::layout::Place;
use crate::live::{self, Look};
use crate::pages::connections::{
    self as pages, ConnectionPage, ConnectionRow, Ended, NewConnection, Phase, ProofRow,
};
use crate::pages::deployments::{DeleteForm, delete_form};
use crate::pages::permissions::{self as permission_pages, PermissionsPage};
use crate::respond;
use crate::routes::deployments::regions;
use crate::ui::Tone;
use crate::visit::{Fields, Refused, Visit};

const AT: (Place, &str) = (Place::Connections, "AWS account");
const SHOWN: u32 = 100;
const PROOFS_SHOWN: u32 = 10;

pub(super) async fn list(State(site): State<Site>, visit: Visit, Path(tenant): Path<String>) -> Answer {
    let tenant = id(&tenant)?;
    let frame = visit.tenant(&site, tenant).await?;
    let rows = rows(&site, &visit, tenant).await?;
    let content = pages::list(tenant, &rows, visit.may(Action::ChangeTenant, Some(tenant)));
    Ok(tenant_page(&visit, &frame, AT, &content))
}

/// The connections of a tenant, newest first.
pub(super) async fn rows(
    site: &Site,
    visit: &Visit,
    tenant: TenantId,
) -> Result<Vec<ConnectionRow>, Refused> {
    let found = service::list(&site.app.onboarding, &visit.principal, Some(tenant), None, SHOWN).await?;
    Ok(found.items.iter().rev().map(row).collect())
}

fn row(connection: &Connection) -> ConnectionRow {
    ConnectionRow {
        id: connection.id,
        account: connection.aws_account_id.to_string(),
        region: connection.region.clone(),
        phase: phase(&connection.state),
        created_at: connection.created_at,
    }
}

const fn phase(state: &ConnectionState) -> Phase {
    match state {
        ConnectionState::AwaitingRole => Phase::AwaitingRole,
        ConnectionState::Verifying { .. } => Phase::Verifying,
        ConnectionState::Ready { .. } => Phase::Ready,
        ConnectionState::Quarantined { .. } => Phase::Refused,
        ConnectionState::Revoked { .. } => Phase::Revoked,
    }
}

pub(super) async fn new(State(site): State<Site>, visit: Visit, Path(tenant): Path<String>) -> Answer {
    let tenant = id(&tenant)?;
    visit.require(Action::ChangeTenant, Some(tenant))?;
    let frame = visit.tenant(&site, tenant).await?;
    let (key, regions) = (site.form_key(), regions(&site));
    let regions: Vec<_> = regions
        .iter()
        .map(|(code, words)| (code.as_str(), words.as_str()))
        .collect();
    let region = &site.app.onboarding.config.region;
    let view = NewConnection {
        tenant,
        account: "",
        region,
        regions: &regions,
        key: &key,
        problem: None,
    };
    Ok(tenant_page(&visit, &frame, AT, &pages::new(&view)))
}

#[derive(Debug, Deserialize)]
pub(super) struct NewForm {
    aws_account_id: String,
    region: String,
    idempotency_key: String,
}

pub(super) async fn create(
    State(site): State<Site>,
    visit: Visit,
    Path(tenant): Path<String>,
    Fields(form): Fields<NewForm>,
) -> Answer {
    let tenant = id(&tenant)?;
    let frame = visit.tenant(&site, tenant).await?;
    // People copy account ids with the dashes and spaces that AWS shows them with.
    let account: String = form
        .aws_account_id
        .chars()
        .filter(|sign| !matches!(sign, ' ' | '-'))
        .collect();
    let body = json!({ "aws_account_id": account, "region": form.region });
    let change = Change::post(
        format!("/v1/tenants/{tenant}/connections"),
        &form.idempotency_key,
        body,
    );
    match site.api.call(Some(&visit.principal), change).await {
        Ok(made) => Ok(respond::go(visit.fragment, &made.page())),
        Err(problem) => {
            let (key, regions) = (site.form_key(), regions(&site));
            let regions: Vec<_> = regions
                .iter()
                .map(|(code, words)| (code.as_str(), words.as_str()))
                .collect();
            let view = NewConnection {
                tenant,
                account: &form.aws_account_id,
                region: &form.region,
                regions: &regions,
                key: &key,
                problem: Some(&problem),
            };
            let whole = |_: &_| tenant_page(&visit, &frame, AT, &pages::new(&view));
            Ok(refused_form(
                problem.clone(),
                visit.fragment,
                pages::new_form(&view),
                whole,
            ))
        }
    }
}

pub(super) async fn show(State(site): State<Site>, visit: Visit, Path(connection): Path<String>) -> Answer {
    let connection = service::find(&site.app.onboarding, &visit.principal, id(&connection)?).await?;
    let frame = visit.tenant(&site, connection.tenant_id).await?;
    let view = view(&site, &visit, &connection).await?;
    Ok(tenant_page(&visit, &frame, AT, &pages::show(&view)))
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct AfterQuery {
    after: Option<i64>,
}

pub(super) async fn live(
    State(site): State<Site>,
    visit: Visit,
    Path(connection): Path<String>,
    Query(query): Query<AfterQuery>,
) -> Answer {
    let connection = id(&connection)?;
    service::find(&site.app.onboarding, &visit.principal, connection).await?;
    let after = sse::after(&visit.headers, query.after)?;
    let stopping = site.kit().stopping.clone();
    let look = move |after| {
        let (site, visit) = (site.clone(), visit.clone());
        async move { look(&site, &visit, (connection, after)).await.ok() }
    };
    Ok(live::respond(after, &stopping, look))
}

async fn look(site: &Site, visit: &Visit, (id, after): (ConnectionId, i64)) -> Result<Look, Refused> {
    let app = &site.app.onboarding;
    let connection = service::find(app, &visit.principal, id).await?;
    service::note_watched(app, &connection).await?;
    let (place, over) = (place(&connection), phase(&connection.state) == Phase::Revoked);
    let fragment = if place > after || over {
        let view = view(site, visit, &connection).await?;
        pages::update(&view, place % PHASES != after % PHASES)
    } else {
        Markup::default()
    };
    Ok(Look {
        place,
        over,
        fragment,
    })
}

/// More than there are phases.
const PHASES: i64 = 8;

/// Version and looks only grow, and every change makes one of them grow; the rest says which phase was shown.
fn place(connection: &Connection) -> i64 {
    let phase = match phase(&connection.state) {
        Phase::AwaitingRole => 1,
        Phase::Verifying => 2,
        Phase::Refused => 3,
        Phase::Ready => 4,
        Phase::Revoked => 5,
    };
    (connection.version + i64::from(connection.check_count)) * PHASES + phase
}

/// Ends the connection once the account's number was typed. The version is the present one: while the page was open
/// the connection was looked at and changed by itself.
pub(super) async fn disconnect(
    State(site): State<Site>,
    visit: Visit,
    Path(connection): Path<String>,
    Fields(form): Fields<DeleteFields>,
) -> Answer {
    let connection = service::find(&site.app.onboarding, &visit.principal, id(&connection)?).await?;
    let done = match confirmed(&form, connection.aws_account_id.as_str()) {
        Ok(()) => end(&site, &visit, &connection, &form).await,
        Err(problem) => Err(problem),
    };
    let Err(problem) = done else {
        return Ok(respond::go(
            visit.fragment,
            &format!("/connections/{}", connection.id),
        ));
    };
    let frame = visit.tenant(&site, connection.tenant_id).await?;
    let mut view = view(&site, &visit, &connection).await?;
    let again = end_form(&site, &connection, Some(problem.clone()));
    let fragment = delete_form(&again, pages::END_WORDS, pages::END_BUTTON);
    view.end = Some(again);
    let whole = |_: &_| tenant_page(&visit, &frame, AT, &pages::show(&view));
    Ok(refused_form(problem, visit.fragment, fragment, whole))
}

async fn end(
    site: &Site,
    visit: &Visit,
    connection: &Connection,
    form: &DeleteFields,
) -> Result<(), ProblemBody> {
    let path = format!("/v1/connections/{}", connection.id);
    let change = Change::delete(path, &form.idempotency_key, Some(connection.version));
    site.api.call(Some(&visit.principal), change).await?;
    Ok(())
}

fn end_form(site: &Site, connection: &Connection, problem: Option<ProblemBody>) -> DeleteForm {
    DeleteForm {
        action: format!("/connections/{}/disconnect", connection.id),
        name: connection.aws_account_id.to_string(),
        version: connection.version,
        key: site.form_key(),
        problem,
    }
}

/// What we may do in the tenant's account, each permission with its reason.
pub(super) async fn permissions(
    State(site): State<Site>,
    visit: Visit,
    Path(tenant): Path<String>,
) -> Answer {
    let tenant = id(&tenant)?;
    let frame = visit.tenant(&site, tenant).await?;
    let view = PermissionsPage {
        tenant,
        granted: disclosure::permissions(),
        denied: ESCALATIONS,
    };
    let at = (Place::Connections, "What we may do");
    Ok(tenant_page(&visit, &frame, at, &permission_pages::content(&view)))
}

#[derive(Debug, Deserialize)]
pub(super) struct KeyForm {
    pub(super) idempotency_key: String,
}

pub(super) async fn check_again(
    State(site): State<Site>,
    visit: Visit,
    Path(connection): Path<String>,
    Fields(form): Fields<KeyForm>,
) -> Answer {
    let connection: ConnectionId = id(&connection)?;
    let path = format!("/v1/connections/{connection}/verify");
    let change = Change::post(path, &form.idempotency_key, serde_json::Value::Null);
    site.api.call(Some(&visit.principal), change).await?;
    Ok(respond::go(visit.fragment, &format!("/connections/{connection}")))
}

/// Development only: does what the customer's administrator would do in the AWS console.
pub(super) async fn deploy_role(
    State(site): State<Site>,
    visit: Visit,
    Path(connection): Path<String>,
) -> Answer {
    let tool = site
        .app
        .dev
        .as_ref()
        .and_then(|dev| dev.deploy_role_stack.clone());
    let tool = tool.ok_or_else(Refused::not_found)?;
    let connection = service::find(&site.app.onboarding, &visit.principal, id(&connection)?).await?;
    visit.require(Action::ChangeTenant, Some(connection.tenant_id))?;
    let setup = service::setup(&site.app.onboarding, &connection);
    let stack = RoleStack {
        account: connection.aws_account_id.clone(),
        region: connection.region.clone(),
        stack_name: setup.stack_name,
        parameters: setup
            .parameters
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        template: ROLE_TEMPLATE,
    };
    tool.deploy(stack)
        .await
        .map_err(|error| Problem::of(&kinds::UNAVAILABLE).detail(error.to_string()))?;
    Ok(respond::go(
        visit.fragment,
        &format!("/connections/{}", connection.id),
    ))
}

async fn view(site: &Site, visit: &Visit, connection: &Connection) -> Result<ConnectionPage, Refused> {
    let app = &site.app.onboarding;
    let evidence = service::list_evidence(app, &visit.principal, connection.id, 1).await?;
    let last = evidence.first();
    let setup = service::setup(app, connection);
    let wire = onboarding::routes::connections::ConnectionView::new(app, connection);
    let may_change = visit.may(Action::ChangeTenant, Some(connection.tenant_id));
    let dev = site
        .app
        .dev
        .as_ref()
        .is_some_and(|dev| dev.deploy_role_stack.is_some());
    let over = phase(&connection.state) == Phase::Revoked;
    let proofs = evidence::list_rounds(app, &visit.principal, connection.id, (None, PROOFS_SHOWN)).await?;
    let doubt = service::find_doubt(app, &visit.principal, connection.id).await?;
    let incident = incidents::find_open(app, &connection.region).await?;
    let fault = last
        .and_then(|round| round.statement.as_ref())
        .map(|fault| format!("Statement {}: {}", fault.number, fault.why));
    Ok(ConnectionPage {
        id: connection.id,
        tenant: connection.tenant_id,
        account: connection.aws_account_id.to_string(),
        region: connection.region.clone(),
        external_id: connection.external_id.expose().to_owned(),
        role_arn: connection.role_arn.clone(),
        phase: phase(&connection.state),
        quick_create: setup.quick_create_url,
        command: setup.cli_command,
        terraform: setup.terraform_unverified,
        template: ROLE_TEMPLATE.to_owned(),
        checks: checks(
            &connection.state,
            last.map(|round| &round.answers),
            fault.as_deref(),
        ),
        checked_at: last.map(|round| round.at),
        refused: wire.problem,
        dev_key: (dev && may_change).then(|| site.form_key()),
        may_change,
        place: place(connection),
        doubt: doubt
            .filter(|_| !over)
            .map(|standing| (standing.doubt.words().to_owned(), standing.since)),
        incident: incident.filter(|_| !over).map(|incident| incident.began_at),
        ended: ended(&connection.state),
        proofs: proofs
            .items
            .iter()
            .map(|proof| proof_row(connection.id, proof))
            .collect(),
        check_key: (may_change && !over).then(|| site.form_key()),
        end: (may_change && !over).then(|| end_form(site, connection, None)),
        preflight: super::preflight::of(site, visit, connection).await,
    })
}

fn ended(state: &ConnectionState) -> Option<Ended> {
    match state {
        ConnectionState::Revoked { at, by } => Some(Ended {
            at: *at,
            by: by.words(),
            residual_until: *at + RESIDUAL_SESSION,
        }),
        ConnectionState::AwaitingRole
        | ConnectionState::Verifying { .. }
        | ConnectionState::Ready { .. }
        | ConnectionState::Quarantined { .. } => None,
    }
}

fn proof_row(id: ConnectionId, proof: &Proof) -> ProofRow {
    let answers = &proof.evidence.answers;
    let (tone, words) = match &proof.evidence.verdict {
        Verdict::Clean => (Tone::Good, "Proven"),
        Verdict::Holds => (Tone::Good, "Still there"),
        Verdict::RoleRefuses { .. } => (Tone::Bad, "Role refuses us"),
        Verdict::Refused { .. } => (Tone::Bad, "Refused"),
        Verdict::Unknown { .. } => (Tone::Warn, "No clear answer"),
    };
    let dry_runs = answers.needed.len() + answers.forbidden.len();
    let simulated = answers.simulated_needed.len() + answers.simulated_forbidden.len();
    ProofRow {
        at: proof.evidence.at,
        tone,
        words,
        asked: format!("{dry_runs} dry runs, {simulated} simulated"),
        href: format!("/v1/connections/{id}/proofs/{}", proof.round),
    }
}

/// An id in an address; what cannot be one does not exist.
pub(super) fn id<T: std::str::FromStr>(text: &str) -> Result<T, Refused> {
    text.parse().map_err(|_| Refused::not_found())
}
