//! Connecting an AWS account.

use axum::extract::{Path, State};
use onboarding::connections as service;
use serde::Deserialize;
use serde_json::json;
use service_kit::{Problem, kinds, sse};
use tenant_model::connection::{
    Answer as StsAnswer, ConnectionState, ProbeRound, Trial, TrialOutcome, TrustReading,
};
use tenant_model::{Action, Connection, ConnectionId, TenantId};

use super::{Answer, ROLE_TEMPLATE, refused_form, tenant_page};
use crate::api::Change;
use crate::app::{RoleStack, Site};
use crate::layout::Place;
use crate::live::{self, Look};
use crate::pages::connections::{self as pages, ConnectionPage, ConnectionRow, NewConnection, Phase};
use crate::respond;
use crate::routes::deployments::regions;
use crate::ui::{Step, StepState};
use crate::visit::{Fields, Refused, Visit};

const AT: (Place, &str) = (Place::Connections, "AWS account");
const SHOWN: u32 = 100;

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

pub(super) async fn live(State(site): State<Site>, visit: Visit, Path(connection): Path<String>) -> Answer {
    let connection = id(&connection)?;
    service::find(&site.app.onboarding, &visit.principal, connection).await?;
    let after = sse::after(&visit.headers, None)?;
    let stopping = site.kit().stopping.clone();
    let look = move |_| {
        let (site, visit) = (site.clone(), visit.clone());
        async move { look(&site, &visit, connection).await.ok() }
    };
    Ok(live::respond(after, &stopping, look))
}

async fn look(site: &Site, visit: &Visit, id: ConnectionId) -> Result<Look, Refused> {
    let connection = service::find(&site.app.onboarding, &visit.principal, id).await?;
    let view = view(site, visit, &connection).await?;
    Ok(Look {
        // Both only grow, and every change makes one of them grow.
        place: connection.version + i64::from(connection.check_count),
        over: matches!(view.phase, Phase::Ready | Phase::Revoked),
        fragment: pages::update(&view),
    })
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
        preflight: super::preflight::of(site, visit, connection).await,
    })
}

/// Each probe of the last round by name, with what STS answered.
fn checks(state: &ConnectionState, round: Option<&ProbeRound>, fault: Option<&str>) -> Vec<Step> {
    let probe = |name: &str, answer: Option<&StsAnswer>, opens: bool| {
        let (state, detail) = outcome(answer, opens);
        let fix = (state == StepState::Failed).then(|| fault.unwrap_or(fix(opens)).to_owned());
        Step {
            name: name.to_owned(),
            detail,
            state,
            when: String::new(),
            fix,
        }
    };
    let mut checks = vec![
        probe(
            "The right external id opens the role",
            round.map(|round| &round.right_before),
            true,
        ),
        probe("No external id is refused", round.map(|round| &round.none), false),
        probe(
            "A random external id is refused",
            round.map(|round| &round.random),
            false,
        ),
        probe(
            "Another tenant’s external id is refused",
            round.map(|round| &round.other_tenants),
            false,
        ),
        probe(
            "The right external id still opens it",
            round.map(|round| &round.right_after),
            true,
        ),
    ];
    checks.extend(permissions(round));
    if *state == ConnectionState::AwaitingRole {
        // A role that is not there refuses everybody; that is no finding yet.
        for check in &mut checks {
            (check.state, check.detail, check.fix) = (StepState::Todo, String::new(), None);
        }
        checks[0].state = StepState::Running;
        checks[0].detail = "The role does not answer yet.".to_owned();
    }
    checks
}

/// What the trust policy says, and what dry runs show of the role's permissions.
fn permissions(round: Option<&ProbeRound>) -> [Step; 3] {
    let (trust, fix) = match round.and_then(|round| round.trust.as_ref()) {
        None => ((StepState::Todo, String::new()), None),
        Some(TrustReading::Sound) => (
            (
                StepState::Done,
                "It names our broker and your external id".to_owned(),
            ),
            None,
        ),
        Some(TrustReading::AtFault { statement }) => (
            (StepState::Failed, "It admits more".to_owned()),
            Some(format!("Statement {}: {}", statement.number, statement.why)),
        ),
        Some(TrustReading::Denied) => (
            (StepState::Failed, "The role may not read itself".to_owned()),
            None,
        ),
        Some(TrustReading::SessionRefused) => {
            ((StepState::Failed, "Session tags are refused".to_owned()), None)
        }
        Some(TrustReading::Unread { reason }) => (
            (
                StepState::Waiting,
                format!("No clear answer ({reason}); we ask again"),
            ),
            None,
        ),
    };
    let trials = |trials: fn(&ProbeRound) -> &Vec<Trial>, allowed| tried(round.map(trials), allowed);
    let template = || "Update the role’s stack with our template.".to_owned();
    let step = |name: &str, (state, detail): (StepState, String), fix: Option<String>| Step {
        name: name.to_owned(),
        detail,
        fix: (state == StepState::Failed).then(|| fix.unwrap_or_else(template)),
        state,
        when: String::new(),
    };
    [
        step("The trust policy admits nobody else", trust, fix),
        step(
            "The role may do what the work needs",
            trials(|round| &round.needed, true),
            None,
        ),
        step(
            "The role may do nothing beyond it",
            trials(|round| &round.forbidden, false),
            None,
        ),
    ]
}

/// Dry runs in one line. They stop at the first one that is not as it must be.
fn tried(trials: Option<&Vec<Trial>>, must_be_allowed: bool) -> (StepState, String) {
    let Some(last) = trials.and_then(|trials| trials.last()) else {
        return (StepState::Todo, String::new());
    };
    let count = trials.map_or(0, Vec::len);
    match (&last.outcome, must_be_allowed) {
        (TrialOutcome::Allowed, true) => (StepState::Done, format!("{count} dry runs allowed")),
        (TrialOutcome::Refused { .. }, false) => (StepState::Done, format!("{count} dry runs refused")),
        (TrialOutcome::Allowed, false) => (StepState::Failed, format!("{} is allowed", last.action)),
        (TrialOutcome::Refused { .. }, true) => (StepState::Failed, format!("{} is refused", last.action)),
        (TrialOutcome::Unknown { reason }, _) => (
            StepState::Waiting,
            format!("No clear answer ({reason}); we ask again"),
        ),
    }
}

fn outcome(answer: Option<&StsAnswer>, opens: bool) -> (StepState, String) {
    match (answer, opens) {
        (None, _) => (StepState::Todo, String::new()),
        (Some(StsAnswer::Assumed), true) => (StepState::Done, "Assumed".to_owned()),
        (Some(StsAnswer::Assumed), false) => (StepState::Failed, "Credentials were given".to_owned()),
        (Some(StsAnswer::AccessDenied), true) => (StepState::Failed, "Refused".to_owned()),
        (Some(StsAnswer::AccessDenied), false) => (StepState::Done, "Refused, as it must be".to_owned()),
        (Some(StsAnswer::Unknown { reason }), _) => (
            StepState::Waiting,
            format!("No clear answer ({reason}); we ask again"),
        ),
    }
}

const fn fix(opens: bool) -> &'static str {
    if opens {
        "Create the role’s stack again from our template, or restore its trust policy."
    } else {
        "Restore the condition StringEquals on sts:ExternalId in the role’s trust policy, or update its stack with our template."
    }
}

/// An id in an address; what cannot be one does not exist.
pub(super) fn id<T: std::str::FromStr>(text: &str) -> Result<T, Refused> {
    text.parse().map_err(|_| Refused::not_found())
}
