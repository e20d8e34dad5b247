//! A tenant's own pages: at a glance, keys, people, audit.

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use http::StatusCode;
use onboarding::{api_keys as key_service, audit as audit_service, people as people_service};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::json;
use service_kit::ProblemBody;
use tenant_model::audit::{Entry, verify};
use tenant_model::{Action, ApiKey, ApiKeyId, Membership, Scope, Tenant, TenantId, User};
use usage_metering::balance;

use super::connections::{KeyForm, id, rows as connection_rows};
use super::deployments::rows as deployment_rows;
use super::{Answer, tenant_page, usage};
use crate::api::Change;
use crate::app::Site;
use crate::layout::{Place, TenantFrame};
use crate::pages::api_keys::{self as key_pages, KeyRow, KeysPage};
use crate::pages::audit::{self as audit_pages, AuditPage, AuditRow};
use crate::pages::deployments::DeleteForm;
use crate::pages::overview::{self as pages, OperatorActions, OverviewPage};
use crate::pages::people::{self as people_pages, PeoplePage, PersonRow};
use crate::respond;
use crate::visit::{Fields, People, Refused, Visit, role_words};

const SHOWN: u32 = 200;
/// The audit page reads a chain from its beginning, to check it; longer chains are shown unchecked.
const CHAIN_PAGES_MAX: usize = 20;
const CHAIN_PAGE: u32 = 500;
const AUDIT_SHOWN: usize = 100;

pub(super) async fn overview(State(site): State<Site>, visit: Visit, Path(tenant): Path<String>) -> Answer {
    let tenant = onboarding::tenants::find(&site.app.onboarding, &visit.principal, id(&tenant)?).await?;
    overview_page(&site, &visit, &tenant, None).await
}

/// The page again after a refused deletion, or for the first time.
pub(super) async fn overview_page(
    site: &Site,
    visit: &Visit,
    tenant: &Tenant,
    problem: Option<ProblemBody>,
) -> Result<Response, Refused> {
    let frame = TenantFrame {
        id: tenant.id,
        name: tenant.name.clone(),
    };
    let today = site.kit().clock.now().date_naive();
    let sheet = balance::sheet(
        &site.app.metering,
        Some(tenant.id),
        (today, today + TimeDelta::days(1)),
    )
    .await;
    let keys = key_service::list(&site.app.onboarding, &visit.principal, tenant.id, None, SHOWN).await?;
    let view = OverviewPage {
        tenant: tenant.id,
        name: tenant.name.clone(),
        state: tenant.state.name().to_owned(),
        since: tenant.created_at,
        connection: connection_rows(site, visit, tenant.id).await?.into_iter().next(),
        deployment: deployment_rows(site, tenant.id).await?.into_iter().next(),
        events_today: sheet.map_err(usage::failed)?.total.accepted,
        meter: first_meter(site, tenant.id).await?,
        keys: keys.items.iter().filter(|key| key.revoked_at.is_none()).count(),
        may_change: visit.may(Action::ChangeTenant, Some(tenant.id)),
        operator: visit
            .may(Action::OperateFleet, None)
            .then(|| operator_actions(site, tenant, problem)),
    };
    Ok(tenant_page(
        visit,
        &frame,
        (Place::Overview, "Overview"),
        &pages::content(&view),
    ))
}

/// The amounts per hour of the first meter that counted anything in the last day.
async fn first_meter(site: &Site, tenant: TenantId) -> Result<Option<(String, Vec<Decimal>)>, Refused> {
    let meters = usage_metering::meters::list(&site.app.metering)
        .await
        .map_err(usage::failed)?;
    for meter in meters.iter().take(3) {
        let answer = usage::answer(site, Some(tenant), meter.definition.key().as_str(), "24h").await?;
        let hours: Vec<Decimal> = usage::points(&answer)
            .into_iter()
            .map(|(_, amount)| amount)
            .collect();
        if hours.iter().any(|amount| !amount.is_zero()) {
            return Ok(Some((meter.definition.name().to_owned(), hours)));
        }
    }
    Ok(None)
}

pub(super) fn operator_actions(
    site: &Site,
    tenant: &Tenant,
    problem: Option<ProblemBody>,
) -> OperatorActions {
    let delete = DeleteForm {
        action: format!("/tenants/{}/delete", tenant.id),
        name: tenant.name.clone(),
        version: tenant.version,
        key: site.form_key(),
        problem,
    };
    OperatorActions {
        version: tenant.version,
        key: site.form_key(),
        delete,
    }
}

pub(super) async fn api_keys(State(site): State<Site>, visit: Visit, Path(tenant): Path<String>) -> Answer {
    keys_page(&site, &visit, id(&tenant)?, Shown::default()).await
}

/// What a keys page shows besides the keys.
#[derive(Default)]
struct Shown<'a> {
    name: &'a str,
    secret: Option<&'a str>,
    problem: Option<&'a ProblemBody>,
}

async fn keys_page(site: &Site, visit: &Visit, tenant: TenantId, shown: Shown<'_>) -> Answer {
    let frame = visit.tenant(site, tenant).await?;
    let keys = key_service::list(&site.app.onboarding, &visit.principal, tenant, None, SHOWN).await?;
    let rows: Vec<KeyRow> = keys.items.iter().rev().map(|key| key_row(site, key)).collect();
    let key = site.form_key();
    let view = KeysPage {
        tenant,
        rows: &rows,
        may_change: visit.may(Action::ManagePeople, Some(tenant)),
        key: &key,
        name: shown.name,
        problem: shown.problem,
        secret: shown.secret,
        base_url: &site.app.onboarding.config.public_url,
    };
    Ok(tenant_page(
        visit,
        &frame,
        (Place::ApiKeys, "API keys"),
        &key_pages::content(&view),
    ))
}

fn key_row(site: &Site, key: &ApiKey) -> KeyRow {
    let may = key.scopes.iter().map(|scope| match scope {
        Scope::UsageWrite => "Report usage",
        Scope::UsageRead => "Read usage",
    });
    KeyRow {
        id: key.id,
        name: key.name.clone(),
        prefix: format!("tnk_live_{}", key.public_id),
        scopes: may.collect::<Vec<_>>().join(", "),
        created_at: key.created_at,
        last_used_at: key.last_used_at,
        revoked: key.revoked_at.is_some(),
        revoke_key: site.form_key(),
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct KeyFields {
    name: String,
    scope: String,
    idempotency_key: String,
}

/// The answer holds the secret and is shown once: sending the form again shows the list without it.
pub(super) async fn make_key(
    State(site): State<Site>,
    visit: Visit,
    Path(tenant): Path<String>,
    Fields(form): Fields<KeyFields>,
) -> Answer {
    let tenant: TenantId = id(&tenant)?;
    let body = json!({ "name": form.name, "scopes": [form.scope] });
    let change = Change::post(
        format!("/v1/tenants/{tenant}/api-keys"),
        &form.idempotency_key,
        body,
    );
    match site.api.call(Some(&visit.principal), change).await {
        Ok(made) => {
            let secret = made.body.get("secret").and_then(|secret| secret.as_str());
            keys_page(
                &site,
                &visit,
                tenant,
                Shown {
                    secret,
                    ..Shown::default()
                },
            )
            .await
        }
        Err(problem) => {
            let shown = Shown {
                name: &form.name,
                secret: None,
                problem: Some(&problem),
            };
            with_status(keys_page(&site, &visit, tenant, shown).await, &problem)
        }
    }
}

/// A whole page that brings a form back keeps the refusal's status.
fn with_status(page: Answer, problem: &ProblemBody) -> Answer {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
    Ok((status, page?).into_response())
}

pub(super) async fn revoke_key(
    State(site): State<Site>,
    visit: Visit,
    Path((tenant, key)): Path<(String, String)>,
    Fields(form): Fields<KeyForm>,
) -> Answer {
    let (tenant, key): (TenantId, ApiKeyId) = (id(&tenant)?, id(&key)?);
    let change = Change::delete(format!("/v1/api-keys/{key}"), &form.idempotency_key, None);
    site.api.call(Some(&visit.principal), change).await?;
    Ok(respond::go(
        visit.fragment,
        &format!("/tenants/{tenant}/api-keys"),
    ))
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct PeopleQuery {
    /// Set after somebody was invited.
    invited: Option<u8>,
}

pub(super) async fn people(
    State(site): State<Site>,
    visit: Visit,
    Path(tenant): Path<String>,
    Query(query): Query<PeopleQuery>,
) -> Answer {
    let done = query.invited.map(|_| "The invitation is on its way.");
    people_page(&site, &visit, id(&tenant)?, ("", done, None)).await
}

async fn people_page(
    site: &Site,
    visit: &Visit,
    tenant: TenantId,
    (email, done, problem): (&str, Option<&str>, Option<&ProblemBody>),
) -> Answer {
    let frame = visit.tenant(site, tenant).await?;
    let found = people_service::list(&site.app.onboarding, &visit.principal, tenant, None, SHOWN).await?;
    let rows: Vec<PersonRow> = found.items.iter().map(person_row).collect();
    let key = site.form_key();
    let may_change = visit.may(Action::ManagePeople, Some(tenant));
    let view = PeoplePage {
        tenant,
        rows: &rows,
        may_change,
        key: &key,
        email,
        done,
        problem,
    };
    Ok(tenant_page(
        visit,
        &frame,
        (Place::People, "People"),
        &people_pages::content(&view),
    ))
}

fn person_row(user: &User) -> PersonRow {
    let role = match &user.membership {
        Membership::Tenant { role, .. } => role_words(*role),
        Membership::Operator => "Operator",
    };
    PersonRow {
        email: user.email.to_string(),
        role: role.to_owned(),
        active: user.active,
        since: user.created_at,
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct InviteFields {
    email: String,
    role: String,
    idempotency_key: String,
}

pub(super) async fn invite(
    State(site): State<Site>,
    visit: Visit,
    Path(tenant): Path<String>,
    Fields(form): Fields<InviteFields>,
) -> Answer {
    let tenant: TenantId = id(&tenant)?;
    let body = json!({ "email": form.email, "role": form.role });
    let change = Change::post(
        format!("/v1/tenants/{tenant}/invitations"),
        &form.idempotency_key,
        body,
    );
    match site.api.call(Some(&visit.principal), change).await {
        Ok(_) => Ok(respond::go(
            visit.fragment,
            &format!("/tenants/{tenant}/users?invited=1"),
        )),
        Err(problem) => {
            let page = people_page(&site, &visit, tenant, (&form.email, None, Some(&problem))).await;
            with_status(page, &problem)
        }
    }
}

pub(super) async fn audit(State(site): State<Site>, visit: Visit, Path(tenant): Path<String>) -> Answer {
    let tenant: TenantId = id(&tenant)?;
    let frame = visit.tenant(&site, tenant).await?;
    let (entries, whole) = chain(&site, &visit, tenant).await?;
    let people = visit.people(&site, tenant).await?;
    let row = |entry| audit_row(entry, &people);
    let view = AuditPage {
        rows: entries.iter().rev().take(AUDIT_SHOWN).map(row).collect(),
        chain_holds: whole.then(|| verify(&entries).is_ok()),
        older: None,
    };
    Ok(tenant_page(
        &visit,
        &frame,
        (Place::Audit, "Audit"),
        &audit_pages::content(&view),
    ))
}

/// The entries of a tenant from the first, and whether these are all.
async fn chain(site: &Site, visit: &Visit, tenant: TenantId) -> Result<(Vec<Entry>, bool), Refused> {
    let mut entries: Vec<Entry> = Vec::new();
    for _ in 0..CHAIN_PAGES_MAX {
        let after = entries.last().map_or(0, |entry| entry.content.sequence);
        let page = audit_service::list(
            &site.app.onboarding,
            &visit.principal,
            Some(tenant),
            after,
            CHAIN_PAGE,
        )
        .await?;
        let last = page.next_cursor.is_none();
        entries.extend(page.items);
        if last {
            return Ok((entries, true));
        }
    }
    Ok((entries, false))
}

fn audit_row(entry: &Entry, people: &People) -> AuditRow {
    let content = &entry.content;
    AuditRow {
        sequence: content.sequence,
        at: content.at,
        actor: people.name(&content.actor),
        action: content.action.clone(),
        subject: content.subject.clone(),
        detail: words_of(&content.detail).unwrap_or_default(),
    }
}

/// Names and values in one line. A value that has fields of its own is these fields.
fn words_of(detail: &serde_json::Value) -> Option<String> {
    let field = |(name, value): (&String, &serde_json::Value)| {
        words_of(value).unwrap_or_else(|| format!("{name} {}", plain(value)))
    };
    let fields = detail.as_object()?.iter().map(field);
    Some(fields.collect::<Vec<_>>().join(", "))
}

fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
