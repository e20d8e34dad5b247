//! One operation: its plan, its approval, its progress.

use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Value, json};
use service_kit::{Problem, kinds, sse};
use tenant_model::operation::{Operation, Step as ModelStep, StepState as ModelStepState};
use tenant_model::{Action, OperationId};
use tenant_provisioning::{operations as service, what_moved};

use super::connections::id;
use super::{Answer, refused_form, tenant_page};
use crate::api::Change;
use crate::app::Site;
use crate::format;
use crate::layout::Place;
use crate::live::{self, Look};
use crate::pages::operation::{self as pages, Agreement, OperationPage};
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
    let agreement = &mut view.agreement;
    agreement.alone = agreement.alone.take().map(|actor| people.name(&actor));
    agreement.by = agreement.by.iter().map(|actor| people.name(actor)).collect();
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
        // The operation shows the present plan from now on, and says what changed.
        Err(problem) if problem.code == kinds::PLAN_STALE.code => {
            Ok(respond::go(visit.fragment, &address(operation.id)))
        }
        Err(problem) => {
            let frame = visit.tenant(&site, operation.tenant_id).await?;
            let mut view = view(&site, &visit, &operation, 0);
            let fragment = pages::approve_form(&view, &operation.plan, Some(&problem));
            view.problem = Some(problem.clone());
            let whole = |_: &_| tenant_page(&visit, &frame, AT, &pages::content(&view));
            Ok(refused_form(problem, visit.fragment, fragment, whole))
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct CancelForm {
    /// What becomes of work under way.
    then: Option<String>,
    idempotency_key: String,
}

pub(super) async fn cancel(
    State(site): State<Site>,
    visit: Visit,
    Path(operation): Path<String>,
    Fields(form): Fields<CancelForm>,
) -> Answer {
    let operation = visible(&site, &visit, &operation).await?;
    let keep = form.then.as_deref() == Some("keep");
    let then = if keep { "keep" } else { "rollback" };
    let change = Change::post(
        format!("/v1/operations/{}/cancel?then={then}", operation.id),
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
        plan: Some(operation.plan.clone()),
        agreement: agreement(operation),
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

fn agreement(operation: &Operation) -> Agreement {
    let contract = &operation.contract;
    let by = contract.approvers(&operation.plan.hash).into_iter();
    Agreement {
        needed: usize::from(contract.quorum.approvals),
        alone: contract.quorum.alone.clone(),
        by: by.map(str::to_owned).collect(),
        changed: contract.superseded.as_ref().map(|older| what_moved(&older.moved)),
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
