//! The operator's pages: the fleet, what may be done to a tenant, exports, quarantine.

use std::collections::HashMap;

use analytics_export::exports as export_service;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse;
use chrono::TimeDelta;
use onboarding::incidents as incident_service;
use onboarding::tenants::{self as tenant_service, TenantQuery};
use serde::Deserialize;
use serde_json::Value;
use service_kit::ProblemBody;
use tenant_model::deployment::Deployment;
use tenant_model::export::MeterTotal;
use tenant_model::{Action, ConnectionState, Tenant, TenantId, TenantState};
use tenant_provisioning::deployments as deployment_service;
use usage_metering::{balance, quarantine as quarantine_service};

use super::connections::{KeyForm, id};
use super::deployments::{DeleteFields, confirmed};
use super::{Answer, page, refused_form, tenant, usage};
use crate::api::Change;
use crate::app::Site;
use crate::layout::Place;
use crate::pages::deployments::delete_form;
use crate::pages::exports::{self as export_pages, ExportRow, MeterRow};
use crate::pages::fleet::{self as pages, FleetPage, FleetRow};
use crate::pages::incidents::{self as incident_pages, IncidentRow, TroubleRow};
use crate::pages::overview;
use crate::pages::quarantine::{self as quarantine_pages, QuarantineRow};
use crate::respond;
use crate::ui::{Sort, Tone};
use crate::visit::{Fields, Refused, Visit};

/// The fleet is listed whole up to here; a larger one is filtered.
const TENANTS_MAX: u32 = 500;
const EXPORTS_SHOWN: i64 = 50;
const HELD_SHOWN: i64 = 100;
/// Most of a raw record that is shown.
const RAW_BYTES_MAX: usize = 4 * 1024;

#[derive(Debug, Default, Deserialize)]
pub(super) struct FleetQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    sort: String,
}

pub(super) async fn fleet(State(site): State<Site>, visit: Visit, Query(query): Query<FleetQuery>) -> Answer {
    visit.require(Action::OperateFleet, None)?;
    let view = fleet_view(&site, &visit, &query).await?;
    if visit.fragment {
        return Ok(pages::table(&view).into_response());
    }
    Ok(page(&visit, (Place::Fleet, "Fleet"), &pages::content(&view)))
}

/// Tenants in the order they came, at most [`TENANTS_MAX`].
pub(super) async fn tenants(
    site: &Site,
    visit: &Visit,
    state: Option<TenantState>,
) -> Result<Vec<Tenant>, Refused> {
    let query = TenantQuery {
        state,
        after: None,
        limit: TENANTS_MAX,
    };
    Ok(
        tenant_service::list(&site.app.onboarding, &visit.principal, &query)
            .await?
            .items,
    )
}

async fn fleet_view(site: &Site, visit: &Visit, query: &FleetQuery) -> Result<FleetPage, Refused> {
    let tenants = tenants(site, visit, None).await?;
    let deployments = deployment_service::list(&site.app.provisioning, None, None, TENANTS_MAX).await?;
    let latest: HashMap<TenantId, &Deployment> = deployments.iter().map(|one| (one.tenant_id, one)).collect();
    let today = site.kit().clock.now().date_naive();
    let sheet = balance::sheet(&site.app.metering, None, (today, today + TimeDelta::days(1)))
        .await
        .map_err(usage::failed)?;
    let events: HashMap<TenantId, i64> = sheet
        .items
        .iter()
        .map(|line| (line.tenant_id, line.numbers.accepted))
        .collect();
    let rows = tenants
        .iter()
        .map(|tenant| fleet_row(tenant, latest.get(&tenant.id).copied(), events.get(&tenant.id)));
    let sort = Sort::parse(if query.sort.is_empty() {
        "-events"
    } else {
        &query.sort
    });
    Ok(FleetPage {
        rows: chosen(rows, query, &sort),
        tenants: count(tenants.len()),
        active: count(
            tenants
                .iter()
                .filter(|tenant| tenant.state == TenantState::Active)
                .count(),
        ),
        ready: count(
            deployments
                .iter()
                .filter(|one| one.phase.name() == "ready")
                .count(),
        ),
        events_today: sheet.total.accepted,
        q: query.q.clone(),
        state: query.state.clone(),
        sort,
        next: None,
    })
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn fleet_row(tenant: &Tenant, deployment: Option<&Deployment>, events: Option<&i64>) -> FleetRow {
    FleetRow {
        tenant: tenant.id,
        name: tenant.name.clone(),
        state: tenant.state.name().to_owned(),
        deployment: deployment.map(|one| one.phase.name().to_owned()),
        region: deployment.map(|one| one.region.to_string()),
        events_today: events.copied().unwrap_or_default(),
    }
}

/// The rows that match the filter, in the order asked for.
fn chosen(rows: impl Iterator<Item = FleetRow>, query: &FleetQuery, sort: &Sort) -> Vec<FleetRow> {
    let start = query.q.trim().to_lowercase();
    let mut rows: Vec<FleetRow> = rows
        .filter(|row| row.name.to_lowercase().starts_with(&start))
        .filter(|row| query.state.is_empty() || row.state == query.state)
        .collect();
    rows.sort_by(|left, right| {
        let order = match sort.by.as_str() {
            "state" => left.state.cmp(&right.state),
            "deployment" => left.deployment.cmp(&right.deployment),
            "region" => left.region.cmp(&right.region),
            "events" => left.events_today.cmp(&right.events_today),
            _ => left.name.to_lowercase().cmp(&right.name.to_lowercase()),
        };
        let order = if sort.descending { order.reverse() } else { order };
        order.then_with(|| left.name.cmp(&right.name))
    });
    rows
}

#[derive(Debug, Deserialize)]
pub(super) struct VerbFields {
    version: i64,
    idempotency_key: String,
}

pub(super) async fn suspend(
    site: State<Site>,
    visit: Visit,
    tenant: Path<String>,
    form: Fields<VerbFields>,
) -> Answer {
    verb(site, visit, tenant, (form, "suspend")).await
}

pub(super) async fn resume(
    site: State<Site>,
    visit: Visit,
    tenant: Path<String>,
    form: Fields<VerbFields>,
) -> Answer {
    verb(site, visit, tenant, (form, "resume")).await
}

async fn verb(
    State(site): State<Site>,
    visit: Visit,
    Path(tenant): Path<String>,
    (Fields(form), verb): (Fields<VerbFields>, &str),
) -> Answer {
    let tenant: TenantId = id(&tenant)?;
    let mut change = Change::post(
        format!("/v1/tenants/{tenant}/{verb}"),
        &form.idempotency_key,
        Value::Null,
    );
    change.version = Some(form.version);
    site.api.call(Some(&visit.principal), change).await?;
    Ok(respond::go(visit.fragment, &format!("/tenants/{tenant}")))
}

pub(super) async fn delete(
    State(site): State<Site>,
    visit: Visit,
    Path(tenant): Path<String>,
    Fields(form): Fields<DeleteFields>,
) -> Answer {
    let tenant = tenant_service::find(&site.app.onboarding, &visit.principal, id(&tenant)?).await?;
    visit.require(Action::OperateFleet, Some(tenant.id))?;
    let done = match confirmed(&form, &tenant.name) {
        Ok(()) => end(&site, &visit, tenant.id, &form).await,
        Err(problem) => Err(problem),
    };
    let Err(problem) = done else {
        return Ok(respond::go(visit.fragment, &format!("/tenants/{}", tenant.id)));
    };
    let again = tenant::operator_actions(&site, &tenant, Some(problem.clone()));
    let whole = tenant::overview_page(&site, &visit, &tenant, Some(problem.clone())).await?;
    let fragment = delete_form(&again.delete, overview::DELETE_WORDS, overview::DELETE_BUTTON);
    Ok(refused_form(problem, visit.fragment, fragment, |_| whole))
}

async fn end(site: &Site, visit: &Visit, id: TenantId, form: &DeleteFields) -> Result<(), ProblemBody> {
    let change = Change::delete(
        format!("/v1/tenants/{id}"),
        &form.idempotency_key,
        Some(form.version),
    );
    site.api.call(Some(&visit.principal), change).await?;
    Ok(())
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct ExportsQuery {
    /// Set after a window was asked to close.
    closing: Option<u8>,
}

pub(super) async fn exports(
    State(site): State<Site>,
    visit: Visit,
    Query(query): Query<ExportsQuery>,
) -> Answer {
    visit.require(Action::ManageExports, None)?;
    let found = export_service::list(&site.app.export, None, EXPORTS_SHOWN)
        .await
        .map_err(usage::failed)?;
    let rows: Vec<ExportRow> = found.iter().map(export_row).collect();
    let done = query
        .closing
        .map(|_| "The window is being closed. Its export appears here in a moment.");
    let content = export_pages::content(&rows, Some(&site.form_key()), done);
    Ok(page(&visit, (Place::Exports, "Exports"), &content))
}

fn export_row(export: &export_service::Export) -> ExportRow {
    let (batch, sides) = (&export.batch, export.sides());
    let stored = sides.stored.as_ref().or_else(|| batch.totals());
    let delivery = export.deliveries.first();
    let counted = sides.source.is_some() && sides.stored.is_some() && sides.warehouse.is_some();
    ExportRow {
        id: batch.id,
        dataset: batch.identity.dataset.clone(),
        state: delivery
            .map_or_else(|| batch.state().name(), |delivery| delivery.state.name())
            .to_owned(),
        positions: (batch.identity.window.lo(), batch.identity.window.hi() - 1),
        cut_at: batch.created_at,
        source: sides.source.as_ref().map(tenant_model::export::Totals::rows),
        files: stored.map(tenant_model::export::Totals::rows),
        warehouse: sides.warehouse.as_ref().map(tenant_model::export::Totals::rows),
        balanced: counted.then(|| export.balanced()),
        meters: export.meters().into_iter().map(meter_row).collect(),
    }
}

fn meter_row(sides: export_service::MeterSides) -> MeterRow {
    let sum =
        |total: Option<MeterTotal>| total.map_or_else(|| "—".to_owned(), |total| total.quantity.to_string());
    MeterRow {
        meter: sides.meter,
        source: sum(sides.source),
        files: sum(sides.stored),
        warehouse: sum(sides.warehouse),
    }
}

pub(super) async fn close_window(
    State(site): State<Site>,
    visit: Visit,
    Fields(form): Fields<KeyForm>,
) -> Answer {
    let change = Change::post("/v1/exports".to_owned(), &form.idempotency_key, Value::Null);
    site.api.call(Some(&visit.principal), change).await?;
    Ok(respond::go(visit.fragment, "/exports?closing=1"))
}

pub(super) async fn incidents(State(site): State<Site>, visit: Visit) -> Answer {
    let app = &site.app.onboarding;
    let found = incident_service::list(app, &visit.principal).await?;
    let rows: Vec<IncidentRow> = found
        .into_iter()
        .map(|incident| IncidentRow {
            region: incident.region,
            began_at: incident.began_at,
            ended_at: incident.ended_at,
            accounts: incident.accounts,
        })
        .collect();
    let troubled = incident_service::list_troubled(app, &visit.principal).await?;
    let troubles: Vec<TroubleRow> = troubled.iter().filter_map(trouble).collect();
    let content = incident_pages::content(&rows, &troubles);
    Ok(page(&visit, (Place::Incidents, "Incidents"), &content))
}

/// A finding comes before a doubt.
fn trouble(found: &incident_service::Troubled) -> Option<TroubleRow> {
    let connection = &found.connection;
    let (tone, kind, words, since) = match (&connection.state, &found.doubt) {
        (ConnectionState::Quarantined { cause, since, .. }, _) => {
            (Tone::Bad, cause.name(), cause.words(), *since)
        }
        (_, Some(standing)) => (
            Tone::Warn,
            standing.doubt.name(),
            standing.doubt.words().to_owned(),
            standing.since,
        ),
        (_, None) => return None,
    };
    Some(TroubleRow {
        connection: connection.id,
        tenant: connection.tenant_id,
        account: connection.aws_account_id.to_string(),
        region: connection.region.clone(),
        tone,
        kind: crate::format::words(kind),
        words,
        since,
    })
}

pub(super) async fn quarantine(State(site): State<Site>, visit: Visit) -> Answer {
    visit.require(Action::OperateFleet, None)?;
    let held = quarantine_service::list(&site.app.metering, None, None, HELD_SHOWN)
        .await
        .map_err(usage::failed)?;
    let rows: Vec<QuarantineRow> = held
        .iter()
        .map(|thing| QuarantineRow {
            at: thing.first_seen,
            tenant: thing.tenant_id,
            reason: crate::format::words(thing.reason.as_str()),
            detail: thing.detail.clone(),
            shard: thing.shard_id.clone(),
            sequence: thing.position.to_string(),
            raw: String::from_utf8_lossy(&thing.raw[..thing.raw.len().min(RAW_BYTES_MAX)]).into_owned(),
        })
        .collect();
    Ok(page(
        &visit,
        (Place::Quarantine, "Quarantine"),
        &quarantine_pages::content(&rows),
    ))
}
