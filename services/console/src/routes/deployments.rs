//! Deployments: choosing one, looking at it, ending it.

use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};
use service_kit::{Problem, ProblemBody, kinds};
use tenant_model::blueprint::Design;
use tenant_model::deployment::Deployment;
use tenant_model::operation::Operation;
use tenant_model::plan::instance_types;
use tenant_model::resource::ResourceRecord;
use tenant_model::{Action, DeploymentId, TenantId};
use tenant_provisioning::{deployments as service, operations};

use super::connections::{KeyForm, id, rows as connection_rows};
use super::{Answer, refused_form, tenant_page};
use crate::api::Change;
use crate::app::Site;
use crate::layout::Place;
use crate::pages::connections::Phase;
use crate::pages::deployments::{
    self as pages, ChangeForm, DeleteForm, DeploymentPage, DeploymentRow, NewDeployment, ResourceRow,
    Steering,
};
use crate::respond;
use crate::visit::{Fields, Refused, Visit};

const AT: (Place, &str) = (Place::Deployments, "Deployments");
const SHOWN: u32 = 500;

/// The regions that can be chosen, with the names people know them by.
pub(super) fn regions(site: &Site) -> Vec<(String, String)> {
    let codes = &site.app.provisioning.config.regions;
    codes
        .iter()
        .map(|code| {
            (
                code.clone(),
                place_name(code).map_or_else(|| code.clone(), |name| format!("{name} ({code})")),
            )
        })
        .collect()
}

/// <https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html>
fn place_name(code: &str) -> Option<&'static str> {
    match code {
        "eu-central-1" => Some("Frankfurt"),
        "eu-west-1" => Some("Ireland"),
        "eu-west-2" => Some("London"),
        "eu-north-1" => Some("Stockholm"),
        "us-east-1" => Some("N. Virginia"),
        "us-east-2" => Some("Ohio"),
        "us-west-2" => Some("Oregon"),
        _ => None,
    }
}

pub(super) async fn list(State(site): State<Site>, visit: Visit, Path(tenant): Path<String>) -> Answer {
    let tenant = id(&tenant)?;
    let frame = visit.tenant(&site, tenant).await?;
    let rows = rows(&site, tenant).await?;
    let connected = connection_rows(&site, &visit, tenant)
        .await?
        .iter()
        .any(|row| row.phase == Phase::Ready);
    let content = pages::list(
        tenant,
        &rows,
        visit.may(Action::ChangeTenant, Some(tenant)),
        connected,
    );
    Ok(tenant_page(&visit, &frame, AT, &content))
}

/// A tenant's deployments, newest first. The caller has seen that the viewer may see the tenant.
pub(super) async fn rows(site: &Site, tenant: TenantId) -> Result<Vec<DeploymentRow>, Refused> {
    let found = service::list(&site.app.provisioning, Some(tenant), None, SHOWN).await?;
    Ok(found.iter().rev().map(row).collect())
}

fn row(deployment: &Deployment) -> DeploymentRow {
    DeploymentRow {
        id: deployment.id,
        phase: deployment.phase.name().to_owned(),
        profile: deployment.profile.name().to_owned(),
        region: deployment.region.to_string(),
        instance_type: deployment.instance_type.clone(),
        created_at: deployment.created_at,
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct NewForm {
    connection_id: String,
    profile: String,
    region: String,
    instance_type: String,
    database: Option<String>,
    idempotency_key: String,
}

pub(super) async fn new(State(site): State<Site>, visit: Visit, Path(tenant): Path<String>) -> Answer {
    let tenant = id(&tenant)?;
    visit.require(Action::ChangeTenant, Some(tenant))?;
    let frame = visit.tenant(&site, tenant).await?;
    let offer = Offer::of(&site, &visit, tenant).await?;
    let content = offer.with(None, pages::new);
    Ok(tenant_page(&visit, &frame, AT, &content))
}

pub(super) async fn create(
    State(site): State<Site>,
    visit: Visit,
    Path(tenant): Path<String>,
    Fields(form): Fields<NewForm>,
) -> Answer {
    let tenant = id(&tenant)?;
    let frame = visit.tenant(&site, tenant).await?;
    let body = json!({
        "connection_id": form.connection_id, "profile": form.profile, "region": form.region,
        "instance_type": form.instance_type, "database": form.database.as_deref() == Some("true"),
    });
    let change = Change::post(
        format!("/v1/tenants/{tenant}/deployments"),
        &form.idempotency_key,
        body,
    );
    match site.api.call(Some(&visit.principal), change).await {
        Ok(made) => Ok(respond::go(visit.fragment, &made.page())),
        Err(problem) => {
            let offer = Offer::of(&site, &visit, tenant).await?;
            let again = Some((&form, &problem));
            let whole = |_: &_| tenant_page(&visit, &frame, AT, &offer.with(again, pages::new));
            Ok(refused_form(
                problem.clone(),
                visit.fragment,
                offer.with(again, pages::new_form),
                whole,
            ))
        }
    }
}

/// What can be chosen.
struct Offer {
    tenant: TenantId,
    connections: Vec<(String, String)>,
    regions: Vec<(String, String)>,
    key: String,
}

impl Offer {
    async fn of(site: &Site, visit: &Visit, tenant: TenantId) -> Result<Self, Refused> {
        let connections = connection_rows(site, visit, tenant).await?;
        let ready = connections.iter().filter(|row| row.phase == Phase::Ready);
        Ok(Self {
            tenant,
            connections: ready
                .map(|row| (row.id.to_string(), row.account.clone()))
                .collect(),
            regions: regions(site),
            key: site.form_key(),
        })
    }

    fn with(
        &self,
        again: Option<(&NewForm, &ProblemBody)>,
        draw: impl Fn(&NewDeployment<'_>) -> maud::Markup,
    ) -> maud::Markup {
        let pairs = |list: &[(String, String)]| {
            list.iter()
                .map(|(one, two)| (one.clone(), two.clone()))
                .collect::<Vec<_>>()
        };
        let (connections, regions) = (pairs(&self.connections), pairs(&self.regions));
        let connections: Vec<_> = connections
            .iter()
            .map(|(one, two)| (one.as_str(), two.as_str()))
            .collect();
        let regions: Vec<_> = regions
            .iter()
            .map(|(one, two)| (one.as_str(), two.as_str()))
            .collect();
        let types: Vec<_> = instance_types().map(|name| (name, name)).collect();
        let typed = again.map(|(form, _)| form);
        draw(&NewDeployment {
            tenant: self.tenant,
            connections: &connections,
            regions: &regions,
            instance_types: &types,
            connection: typed.map_or("", |form| &form.connection_id),
            region: typed.map_or("", |form| &form.region),
            instance_type: typed.map_or(service::DEFAULT_INSTANCE_TYPE, |form| &form.instance_type),
            profile: typed.map_or("single", |form| &form.profile),
            database: typed.and_then(|form| form.database.as_deref()).unwrap_or("false"),
            key: &self.key,
            problem: again.map(|(_, problem)| problem),
        })
    }
}

/// A deployment that the viewer may see; another tenant's does not exist.
async fn visible(site: &Site, visit: &Visit, deployment: &str) -> Result<Deployment, Refused> {
    let found = service::find(
        &site.app.provisioning,
        visit.principal.tenant_id(),
        id(deployment)?,
    )
    .await?;
    visit.require(Action::ReadTenant, Some(found.tenant_id))?;
    Ok(found)
}

pub(super) async fn show(State(site): State<Site>, visit: Visit, Path(deployment): Path<String>) -> Answer {
    let deployment = visible(&site, &visit, &deployment).await?;
    let frame = visit.tenant(&site, deployment.tenant_id).await?;
    let view = view(&site, &visit, &deployment).await?;
    Ok(tenant_page(
        &visit,
        &frame,
        (Place::Deployments, "Deployment"),
        &pages::show(deployment.tenant_id, &view),
    ))
}

async fn view(site: &Site, visit: &Visit, deployment: &Deployment) -> Result<DeploymentPage, Refused> {
    let app = &site.app.provisioning;
    let (records, _) = service::resources(app, deployment).await?;
    let connection =
        onboarding::connections::find(&site.app.onboarding, &visit.principal, deployment.connection_id)
            .await?;
    let latest = latest_operation(site, deployment).await?;
    let ends = matches!(
        deployment.phase.name(),
        "deleting" | "deleted" | "cancelled" | "planned"
    );
    let may_change = visit.may(Action::ChangeTenant, Some(deployment.tenant_id));
    let deletable = may_change && !ends;
    let changeable = may_change && matches!(deployment.phase.name(), "ready" | "provisioning");
    let over = matches!(deployment.phase.name(), "deleted" | "cancelled" | "planned");
    let design = match changeable {
        true => Some(service::design(app, deployment).await?),
        false => None,
    };
    let address = records.iter().find_map(address);
    Ok(DeploymentPage {
        id: deployment.id,
        phase: deployment.phase.name().to_owned(),
        profile: deployment.profile.name().to_owned(),
        region: deployment.region.to_string(),
        account: connection.aws_account_id.to_string(),
        instance_type: deployment.instance_type.clone(),
        blocked: deployment.blocked.clone(),
        address,
        created_at: deployment.created_at,
        operation: latest.map(|operation| operation.id),
        resources: records.iter().map(resource).collect(),
        change: design.map(|design| change_form(site, deployment, (&design, None))),
        steering: Steering {
            paused: deployment.paused,
            drift_policy: deployment.drift_policy.name().to_owned(),
            key: (may_change && !over).then(|| site.form_key()),
        },
        delete: deletable.then(|| delete_form(site, deployment, None)),
    })
}

fn address(record: &ResourceRecord) -> Option<String> {
    (record.kind.name() == "elastic_ip")
        .then(|| record.aws_id.clone())
        .flatten()
}

fn resource(record: &ResourceRecord) -> ResourceRow {
    ResourceRow {
        name: record.name.clone(),
        kind: record.kind.name().to_owned(),
        state: record.state.name().to_owned(),
        physical_id: record.aws_id.clone(),
    }
}

async fn latest_operation(site: &Site, deployment: &Deployment) -> Result<Option<Operation>, Refused> {
    Ok(
        operations::of_deployment(&site.app.provisioning, deployment.tenant_id, deployment.id)
            .await?
            .pop(),
    )
}

/// The text that must be typed to end a deployment.
fn name_of(deployment: &Deployment) -> String {
    format!("{} in {}", deployment.profile.name(), deployment.region)
}

fn delete_form(site: &Site, deployment: &Deployment, problem: Option<ProblemBody>) -> DeleteForm {
    DeleteForm {
        action: format!("/deployments/{}/delete", deployment.id),
        name: name_of(deployment),
        version: deployment.version,
        key: site.form_key(),
        problem,
    }
}

fn change_form(
    site: &Site,
    deployment: &Deployment,
    (design, problem): (&Design, Option<ProblemBody>),
) -> ChangeForm {
    ChangeForm {
        action: format!("/deployments/{}/change", deployment.id),
        instance_types: instance_types().map(str::to_owned).collect(),
        instance_type: design.instance_type.clone(),
        profile: design.profile.name().to_owned(),
        database: design.database,
        version: deployment.version,
        key: site.form_key(),
        problem,
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct ChangeFields {
    instance_type: String,
    profile: String,
    database: String,
    version: i64,
    idempotency_key: String,
}

pub(super) async fn change(
    State(site): State<Site>,
    visit: Visit,
    Path(deployment): Path<String>,
    Fields(form): Fields<ChangeFields>,
) -> Answer {
    let deployment = visible(&site, &visit, &deployment).await?;
    let wish = json!({
        "instance_type": form.instance_type, "profile": form.profile, "database": form.database == "true",
    });
    let path = format!("/v1/deployments/{}", deployment.id);
    let asked = Change::patch(path, &form.idempotency_key, (form.version, wish));
    match site.api.call(Some(&visit.principal), asked).await {
        Ok(planned) => Ok(respond::go(visit.fragment, &planned.page())),
        Err(problem) => {
            let frame = visit.tenant(&site, deployment.tenant_id).await?;
            let mut view = view(&site, &visit, &deployment).await?;
            let mut again = view.change.take().unwrap_or_default();
            again.instance_type = form.instance_type;
            again.problem = Some(problem.clone());
            let fragment = pages::change_form(&again);
            view.change = Some(again);
            let whole = |_: &_| tenant_page(&visit, &frame, AT, &pages::show(deployment.tenant_id, &view));
            Ok(refused_form(problem, visit.fragment, fragment, whole))
        }
    }
}

pub(super) async fn pause(
    State(site): State<Site>,
    visit: Visit,
    Path(deployment): Path<String>,
    Fields(form): Fields<KeyForm>,
) -> Answer {
    steer(
        &site,
        &visit,
        &deployment,
        ("pause", &form.idempotency_key, Value::Null),
    )
    .await
}

pub(super) async fn resume(
    State(site): State<Site>,
    visit: Visit,
    Path(deployment): Path<String>,
    Fields(form): Fields<KeyForm>,
) -> Answer {
    steer(
        &site,
        &visit,
        &deployment,
        ("resume", &form.idempotency_key, Value::Null),
    )
    .await
}

#[derive(Debug, Deserialize)]
pub(super) struct DriftFields {
    policy: String,
    idempotency_key: String,
}

pub(super) async fn drift_policy(
    State(site): State<Site>,
    visit: Visit,
    Path(deployment): Path<String>,
    Fields(form): Fields<DriftFields>,
) -> Answer {
    let policy = json!({ "policy": form.policy });
    steer(
        &site,
        &visit,
        &deployment,
        ("drift-policy", &form.idempotency_key, policy),
    )
    .await
}

async fn steer(
    site: &Site,
    visit: &Visit,
    deployment: &str,
    (verb, key, body): (&str, &str, Value),
) -> Answer {
    let deployment = visible(site, visit, deployment).await?;
    let change = Change::post(format!("/v1/deployments/{}/{verb}", deployment.id), key, body);
    site.api.call(Some(&visit.principal), change).await?;
    Ok(respond::go(
        visit.fragment,
        &format!("/deployments/{}", deployment.id),
    ))
}

#[derive(Debug, Deserialize)]
pub(super) struct DeleteFields {
    pub(super) confirm: String,
    pub(super) version: i64,
    pub(super) idempotency_key: String,
}

pub(super) async fn delete(
    State(site): State<Site>,
    visit: Visit,
    Path(deployment): Path<String>,
    Fields(form): Fields<DeleteFields>,
) -> Answer {
    let deployment = visible(&site, &visit, &deployment).await?;
    let done = match confirmed(&form, &name_of(&deployment)) {
        Ok(()) => end(&site, &visit, deployment.id, &form).await,
        Err(problem) => Err(problem),
    };
    match done {
        Ok(page) => Ok(respond::go(visit.fragment, &page)),
        Err(problem) => {
            let frame = visit.tenant(&site, deployment.tenant_id).await?;
            let mut view = view(&site, &visit, &deployment).await?;
            let again = delete_form(&site, &deployment, Some(problem.clone()));
            let fragment = pages::delete_deployment(&again);
            view.delete = Some(again);
            let whole = |_: &_| tenant_page(&visit, &frame, AT, &pages::show(deployment.tenant_id, &view));
            Ok(refused_form(problem, visit.fragment, fragment, whole))
        }
    }
}

/// Refuses the end of something whose name was not typed.
pub(super) fn confirmed(form: &DeleteFields, name: &str) -> Result<(), ProblemBody> {
    if form.confirm.trim() == name {
        return Ok(());
    }
    let wrong = Problem::of(&kinds::VALIDATION_FAILED).error(
        "/confirm",
        "not-the-name",
        format!("Type “{name}”, as it is written above."),
    );
    Err(wrong.body().clone())
}

async fn end(
    site: &Site,
    visit: &Visit,
    id: DeploymentId,
    form: &DeleteFields,
) -> Result<String, ProblemBody> {
    let change = Change::delete(
        format!("/v1/deployments/{id}"),
        &form.idempotency_key,
        Some(form.version),
    );
    Ok(site.api.call(Some(&visit.principal), change).await?.page())
}
