//! One operation: its plan, its approval, its progress.

use axum::extract::{Path, Query, State};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};
use service_kit::{Problem, kinds, sse};
use tenant_model::operation::{Operation, Step as ModelStep, StepState as ModelStepState};
use tenant_model::plan::{Change as ModelChange, Plan, PlanLine};
use tenant_model::{Action, OperationId};
use tenant_provisioning::operations as service;

use super::connections::{KeyForm, id};
use super::{Answer, refused_form, tenant_page};
use crate::api::Change;
use crate::app::Site;
use crate::format;
use crate::layout::Place;
use crate::live::{self, Look};
use crate::pages::operation::{self as pages, Change as Sign, OperationPage, PlanRow, PlanView};
use crate::respond;
use crate::ui::{Step, StepState};
use crate::visit::{Fields, Refused, Visit};

const AT: (Place, &str) = (Place::Deployments, "Operation");

/// An operation that the viewer may see; another tenant's does not exist.
async fn visible(site: &Site, visit: &Visit, operation: &str) -> Result<Operation, Refused> {
    let found = service::find(
        &site.app.provisioning,
        visit.principal.tenant_id(),
        id(operation)?,
    )
    .await?;
    visit.require(Action::ReadTenant, Some(found.tenant_id))?;
    Ok(found)
}

pub(super) async fn show(State(site): State<Site>, visit: Visit, Path(operation): Path<String>) -> Answer {
    let operation = visible(&site, &visit, &operation).await?;
    let frame = visit.tenant(&site, operation.tenant_id).await?;
    // The events first: what changes after them is sent again, and every event is a whole value.
    let after = last_event(&site, &operation, 0).await?;
    let people = visit.people(&site, operation.tenant_id).await?;
    let mut view = view(&site, &visit, &operation, after);
    view.requested_by = people.name(&view.requested_by);
    view.approved_by = view.approved_by.map(|actor| people.name(&actor));
    Ok(tenant_page(&visit, &frame, AT, &pages::content(&view)))
}

async fn last_event(site: &Site, operation: &Operation, after: i64) -> Result<i64, Refused> {
    let events = service::events(&site.app.provisioning, operation, after).await?;
    Ok(events.last().map_or(after, |event| event.sequence))
}

#[derive(Debug, Deserialize)]
pub(super) struct LiveQuery {
    after: Option<i64>,
}

pub(super) async fn live(
    State(site): State<Site>,
    visit: Visit,
    Path(operation): Path<String>,
    Query(query): Query<LiveQuery>,
) -> Answer {
    let operation = visible(&site, &visit, &operation).await?;
    let after = sse::after(&visit.headers, query.after)?;
    let stopping = site.kit().stopping.clone();
    let look = move |after| {
        let (site, visit, operation) = (site.clone(), visit.clone(), operation.clone());
        async move { look(&site, &visit, &operation, after).await.ok() }
    };
    Ok(live::respond(after, &stopping, look))
}

async fn look(site: &Site, visit: &Visit, seen: &Operation, after: i64) -> Result<Look, Refused> {
    let place = last_event(site, seen, after).await?;
    let operation = service::find(&site.app.provisioning, Some(seen.tenant_id), seen.id).await?;
    let view = view(site, visit, &operation, place);
    Ok(Look {
        place,
        over: operation.state.is_final(),
        fragment: pages::update(&view),
    })
}

#[derive(Debug, Deserialize)]
pub(super) struct ApproveForm {
    plan_hash: String,
    idempotency_key: String,
}

pub(super) async fn approve(
    State(site): State<Site>,
    visit: Visit,
    Path(operation): Path<String>,
    Fields(form): Fields<ApproveForm>,
) -> Answer {
    let operation = visible(&site, &visit, &operation).await?;
    let path = format!("/v1/operations/{}/approve", operation.id);
    let change = Change::post(
        path,
        &form.idempotency_key,
        json!({ "plan_hash": form.plan_hash }),
    );
    match site.api.call(Some(&visit.principal), change).await {
        Ok(_) => Ok(respond::go(visit.fragment, &address(operation.id))),
        Err(problem) => {
            let frame = visit.tenant(&site, operation.tenant_id).await?;
            let mut view = view(&site, &visit, &operation, 0);
            let plan = plan(&operation.plan);
            let fragment = pages::approve_form(&view, &plan, Some(&problem));
            view.problem = Some(problem.clone());
            let whole = |_: &_| tenant_page(&visit, &frame, AT, &pages::content(&view));
            Ok(refused_form(problem, visit.fragment, fragment, whole))
        }
    }
}

pub(super) async fn cancel(
    State(site): State<Site>,
    visit: Visit,
    Path(operation): Path<String>,
    Fields(form): Fields<KeyForm>,
) -> Answer {
    let operation = visible(&site, &visit, &operation).await?;
    let change = Change::post(
        format!("/v1/operations/{}/cancel", operation.id),
        &form.idempotency_key,
        Value::Null,
    );
    site.api.call(Some(&visit.principal), change).await?;
    Ok(respond::go(visit.fragment, &address(operation.id)))
}

fn address(id: OperationId) -> String {
    format!("/operations/{id}")
}

fn view(site: &Site, visit: &Visit, operation: &Operation, after: i64) -> OperationPage {
    let may_change = visit.may(Action::ChangeTenant, Some(operation.tenant_id));
    let failed = |words: &String| {
        Problem::of(&kinds::INTERNAL)
            .detail(words.as_str())
            .body()
            .clone()
    };
    OperationPage {
        id: operation.id,
        kind: operation.kind.name().to_owned(),
        state: operation.state.name().to_owned(),
        deployment: Some(operation.deployment_id),
        percent: operation.percent(),
        steps: operation.steps.iter().map(step).collect(),
        plan: Some(plan(&operation.plan)),
        problem: operation.problem.as_ref().map(|words| service_kit::ProblemBody {
            title: "The operation did not succeed".to_owned(),
            next_action: None,
            ..failed(words)
        }),
        requested_at: operation.created_at,
        requested_by: operation.requested_by.clone(),
        approved_by: operation.approved_by.clone(),
        after,
        key: may_change.then(|| site.form_key()),
    }
}

fn step(step: &ModelStep) -> Step {
    let state = match step.state {
        ModelStepState::Pending => StepState::Todo,
        ModelStepState::Running => StepState::Running,
        ModelStepState::Done => StepState::Done,
        ModelStepState::Failed => StepState::Failed,
    };
    let took = step
        .started_at
        .zip(step.finished_at)
        .map(|(from, to)| format::duration(to - from));
    let detail = step.detail.clone().unwrap_or_else(|| step.why.clone());
    Step {
        name: format::words(&step.name),
        detail,
        state,
        when: took.unwrap_or_default(),
        fix: None,
    }
}

fn plan(plan: &Plan) -> PlanView {
    let cost = &plan.cost;
    let lines = plan.lines.iter().map(plan_row);
    let costs = cost
        .lines
        .iter()
        .map(|line| (line.item.clone(), format!("{} USD", line.monthly_usd)));
    PlanView {
        hash: plan.hash.clone(),
        rows: lines.collect(),
        costs: costs.collect(),
        cost: format!("{} USD per month", money(&cost.monthly_usd)),
        cost_note: format!(
            "List prices of {} in {}, {}",
            cost.prices_as_of, cost.prices_region, cost.confidence
        ),
    }
}

fn money(text: &str) -> String {
    text.parse::<Decimal>()
        .map_or_else(|_| text.to_owned(), |amount| format!("{:.2}", amount.round_dp(2)))
}

fn plan_row(line: &PlanLine) -> PlanRow {
    let change = match line.change {
        ModelChange::Create => Sign::Create,
        ModelChange::Update => Sign::Alter,
        ModelChange::Delete => Sign::Delete,
    };
    PlanRow {
        change,
        resource: format::words(&line.resource),
        why: line.why.clone(),
        before: line.before.clone(),
        after: line.after.clone(),
    }
}
