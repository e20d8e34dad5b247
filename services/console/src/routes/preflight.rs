//! Whether what somebody wants fits into a connected account.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use maud::Markup;
use onboarding::routes::{CheckView, PreflightView};
use onboarding::{connections as service, preflight};
use serde::Deserialize;
use serde_json::json;
use service_kit::ProblemBody;
use tenant_model::plan::instance_types;
use tenant_model::{Action, Connection, ConnectionId};

use super::Answer;
use super::connections::id;
use crate::api::Change;
use crate::app::Site;
use crate::pages::connections::{self as pages, PreflightCard, WishForm};
use crate::respond;
use crate::ui::{Step, StepState};
use crate::visit::{Fields, Refused, Visit};

/// The card of one connection; none before anything was wished for.
pub(super) async fn of(site: &Site, visit: &Visit, connection: &Connection) -> Option<PreflightCard> {
    let app = &site.app.onboarding;
    let found = preflight::find(app, &visit.principal, connection.id).await.ok()?;
    let view = PreflightView::from(found);
    let may_change = visit.may(Action::ChangeTenant, Some(connection.tenant_id));
    Some(PreflightCard {
        connection: connection.id,
        pending: view.checked_at.is_none(),
        checks: view.checks.iter().map(step).collect(),
        checked_at: view.checked_at,
        wish: WishForm {
            instance_type: view.instance_type,
            vpc_cidr: view.vpc_cidr.unwrap_or_default(),
            existing_vpc: view.existing_vpc,
            network_needs: view.network_needs,
            sold: instance_types().collect(),
        },
        key: may_change.then(|| site.form_key()),
    })
}

fn step(check: &CheckView) -> Step {
    let name = match check.name.as_str() {
        "region" => "The region is enabled",
        "zones" => "The machine is offered",
        "vcpus" => "vCPUs are left",
        "addresses" => "An address is left",
        "vpcs" => "A network is left",
        "nat_gateways" => "NAT gateways are left",
        "load_balancers" => "A load balancer is left",
        "network" => "The network fits",
        "peerings" => "It can be joined to your others",
        "encryption_key" => "Disks can be encrypted",
        "service_roles" => "AWS’s services have their roles",
        "permissions" => "The role may do it",
        "simulated_permissions" => "The role may do the rest (simulated)",
        other => other,
    };
    let state = match check.result.as_str() {
        "passed" => StepState::Done,
        "failed" => StepState::Failed,
        _ => StepState::Waiting,
    };
    Step {
        name: name.to_owned(),
        detail: format!("{} {}.", check.why, check.found),
        state,
        when: String::new(),
        fix: check.fix.clone(),
    }
}

pub(super) async fn card(State(site): State<Site>, visit: Visit, Path(connection): Path<String>) -> Answer {
    let found = service::find(&site.app.onboarding, &visit.principal, id(&connection)?).await?;
    Ok(shown(&site, &visit, &found, None).await?.into_response())
}

async fn shown(
    site: &Site,
    visit: &Visit,
    connection: &Connection,
    refused: Option<&ProblemBody>,
) -> Result<Markup, Refused> {
    let card = of(site, visit, connection).await.ok_or_else(Refused::not_found)?;
    Ok(pages::preflight(&card, refused))
}

#[derive(Debug, Deserialize)]
pub(super) struct AskForm {
    instance_type: String,
    network: String,
    vpc_cidr: String,
    idempotency_key: String,
}

pub(super) async fn ask(
    State(site): State<Site>,
    visit: Visit,
    Path(connection): Path<String>,
    Fields(form): Fields<AskForm>,
) -> Answer {
    let connection: ConnectionId = id(&connection)?;
    let body = json!({
        "instance_type": form.instance_type,
        "vpc_cidr": (form.network != "existing").then_some(&form.vpc_cidr),
        "existing_vpc": form.network == "existing",
    });
    let path = format!("/v1/connections/{connection}/preflight");
    let change = Change::post(path, &form.idempotency_key, body);
    let asked = site.api.call(Some(&visit.principal), change).await;
    let refused = match asked {
        Ok(_) if !visit.fragment => return Ok(respond::go(false, &format!("/connections/{connection}"))),
        Ok(_) => None,
        Err(problem) if !visit.fragment => return Err(Refused(problem)),
        Err(problem) => Some(problem),
    };
    let found = service::find(&site.app.onboarding, &visit.principal, connection).await?;
    let mut card = of(&site, &visit, &found).await.ok_or_else(Refused::not_found)?;
    if refused.is_some() {
        // What was typed is kept.
        card.wish.vpc_cidr = form.vpc_cidr;
        card.wish.instance_type = form.instance_type;
    }
    Ok(pages::preflight(&card, refused.as_ref()).into_response())
}
