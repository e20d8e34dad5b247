//! Deployments of a tenant: the list, the choice of a new one, and one in detail.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use service_kit::ProblemBody;
use tenant_model::ids::{DeploymentId, OperationId, TenantId};

use crate::format;
use crate::pages::connections::STAGES;
use crate::ui::{self, Column, Field, Icon, Tone, field, form_start, pill, problem, submit, time};

/// One deployment as a row.
#[derive(Clone, Debug)]
pub(crate) struct DeploymentRow {
    pub(crate) id: DeploymentId,
    pub(crate) phase: String,
    pub(crate) profile: String,
    pub(crate) region: String,
    pub(crate) instance_type: String,
    pub(crate) created_at: DateTime<Utc>,
}

/// The phase of a deployment as a pill; the word is the wire's.
pub(crate) fn phase_pill(phase: &str) -> Markup {
    let tone = match phase {
        "ready" | "present" | "done" => Tone::Good,
        "degraded" | "drifted" | "stopped" | "suspended" => Tone::Warn,
        "failed" | "stuck" | "parked" => Tone::Bad,
        "deleted" | "absent" | "planned" | "cancelled" => Tone::Plain,
        _ => Tone::Busy,
    };
    pill(tone, &format::words(phase))
}

/// The list, or the way to the first.
pub(crate) fn list(tenant: TenantId, rows: &[DeploymentRow], may_change: bool, connected: bool) -> Markup {
    let add = html! { @if may_change { (new_link(tenant, connected)) } };
    html! {
        (ui::head(&[], &html! { h1 { "Deployments" } }, &html! { "Each is a data platform of its own, in its own network in your account." }, &html! { @if !rows.is_empty() { (add) } }))
        section.card {
            @if rows.is_empty() {
                (ui::empty(Icon::Server, "No deployment yet", first_step(connected), &add))
            } @else {
                div.flush { table.table.cards {
                    caption.hidden { "Deployments" }
                    (ui::headings(&[Column::text("Deployment"), Column::text("State"), Column::text("Size"), Column::text("Created")], None))
                    tbody { @for row in rows { (line(row)) } }
                } }
            }
        }
    }
}

fn first_step(connected: bool) -> &'static str {
    if connected {
        "Your account is connected. Choose what shall run in it, and see every resource before anything is created."
    } else {
        "First connect the AWS account that it shall run in."
    }
}

fn new_link(tenant: TenantId, connected: bool) -> Markup {
    if connected {
        ui::button_link(
            &format!("/tenants/{tenant}/deployments/new"),
            "Choose deployment",
            true,
        )
    } else {
        ui::button_link(
            &format!("/tenants/{tenant}/connections/new"),
            "Connect AWS account",
            true,
        )
    }
}

fn line(row: &DeploymentRow) -> Markup {
    html! {
        tr {
            th scope="row" {
                a href={ "/deployments/" (row.id) } { (format::words(&row.profile)) " in " (row.region) }
                span.sub.id { (row.id) }
            }
            td data-label="State" { (phase_pill(&row.phase)) }
            td data-label="Size" { code { (row.instance_type) } }
            td data-label="Created" { (time(row.created_at)) }
        }
    }
}

/// The form of a new deployment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewDeployment<'a> {
    pub(crate) tenant: TenantId,
    /// Ready connections: id and words.
    pub(crate) connections: &'a [(&'a str, &'a str)],
    pub(crate) regions: &'a [(&'a str, &'a str)],
    pub(crate) instance_types: &'a [(&'a str, &'a str)],
    pub(crate) connection: &'a str,
    pub(crate) region: &'a str,
    pub(crate) instance_type: &'a str,
    pub(crate) profile: &'a str,
    /// `true` or `false`.
    pub(crate) database: &'a str,
    pub(crate) key: &'a str,
    pub(crate) problem: Option<&'a ProblemBody>,
}

const NO_OR_YES: [(&str, &str); 2] = [("false", "No"), ("true", "Yes, in both zones")];

/// The choice. Nothing is created by it: the next page shows the plan.
pub(crate) fn new(view: &NewDeployment<'_>) -> Markup {
    html! {
        (ui::stages(&STAGES, 1))
        (ui::head(&[], &html! { h1 { "Choose your deployment" } }, &html! { "Nothing is created yet. The next page lists every resource, with its cost, for you to approve." }, &html! {}))
        section.card { div.body {
            @if view.connections.is_empty() {
                (ui::empty(Icon::Cloud, "No connected account is ready", "A deployment needs an AWS account whose role has been proven.", &ui::button_link(&format!("/tenants/{}/connections", view.tenant), "See AWS account", true)))
            } @else { (new_form(view)) }
        } }
    }
}

/// Its form alone.
pub(crate) fn new_form(view: &NewDeployment<'_>) -> Markup {
    let action = format!("/tenants/{}/deployments", view.tenant);
    html! {
        form.form method="post" action=(action) hx-post=(action) hx-swap="outerHTML" hx-disable="find button" {
            @if let Some(refused) = view.problem { (problem(refused)) }
            (form_start(view.key))
            fieldset.field {
                legend { "Profile" }
                div.halves {
                    label.choice {
                        input type="radio" name="profile" value="single" checked[view.profile != "highly-available"];
                        div { b { "Single" } span.sub { "One instance with an encrypted volume and a fixed address, in a network of its own. For trials and for work that may wait." } }
                    }
                    label.choice {
                        input type="radio" name="profile" value="highly-available" checked[view.profile == "highly-available"];
                        div { b { "Highly available" } span.sub { "Machines in two availability zones behind a load balancer. One zone can be lost within two minutes, and no data with it." } }
                    }
                }
            }
            div.halves {
                (ui::select("connection_id", "AWS account", view.connections, view.connection))
                (ui::select("region", "Region", view.regions, view.region))
                (ui::select("instance_type", "Instance type", view.instance_types, view.instance_type))
                (ui::select("database", "Database of its own (highly available only)", &NO_OR_YES, view.database))
            }
            (ui::actions(&submit("Review plan")))
        }
    }
}

/// One resource in the customer's account.
#[derive(Clone, Debug)]
pub(crate) struct ResourceRow {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) state: String,
    pub(crate) physical_id: Option<String>,
}

/// One deployment in detail.
#[derive(Clone, Debug)]
pub(crate) struct DeploymentPage {
    pub(crate) id: DeploymentId,
    pub(crate) phase: String,
    pub(crate) profile: String,
    pub(crate) region: String,
    pub(crate) account: String,
    pub(crate) instance_type: String,
    /// Why it does not go on at the moment.
    pub(crate) blocked: Option<String>,
    pub(crate) address: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) operation: Option<OperationId>,
    pub(crate) resources: Vec<ResourceRow>,
    pub(crate) change: Option<ChangeForm>,
    pub(crate) steering: Steering,
    pub(crate) delete: Option<DeleteForm>,
}

/// The form that asks for another design.
#[derive(Clone, Debug, Default)]
pub(crate) struct ChangeForm {
    pub(crate) action: String,
    pub(crate) instance_types: Vec<String>,
    pub(crate) instance_type: String,
    pub(crate) profile: String,
    pub(crate) database: bool,
    pub(crate) version: i64,
    pub(crate) key: String,
    pub(crate) problem: Option<ProblemBody>,
}

/// Whether the work rests, and what is done about drift.
#[derive(Clone, Debug, Default)]
pub(crate) struct Steering {
    pub(crate) paused: bool,
    pub(crate) drift_policy: String,
    /// The key of the forms; none for a viewer who may not change anything.
    pub(crate) key: Option<String>,
}

/// The form that asks for the end of something by its name.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeleteForm {
    pub(crate) action: String,
    /// The text that must be typed.
    pub(crate) name: String,
    pub(crate) version: i64,
    pub(crate) key: String,
    pub(crate) problem: Option<ProblemBody>,
}

/// One deployment in detail.
pub(crate) fn show(tenant: TenantId, view: &DeploymentPage) -> Markup {
    let crumbs = [("Deployments", format!("/tenants/{tenant}/deployments"))];
    let title =
        html! { h1 { (format::words(&view.profile)) " in " (view.region) } (phase_pill(&view.phase)) };
    let watch = html! { @if let Some(operation) = view.operation { (ui::button_link(&format!("/operations/{operation}"), "See latest operation", false)) } };
    html! {
        (ui::head(&crumbs, &title, &html! { span.id { (view.id) } }, &watch))
        @if let Some(why) = &view.blocked { (ui::note(Tone::Warn, "Waiting", &html! { p { (why) } })) }
        div.columns {
            div { (ui::flush_card("Resources in your account", &html! { span.muted.small { (format::things(view.resources.len() as i64, "resource", "resources")) } }, &resources(&view.resources))) }
            div {
                (connect(view))
                (ui::card("Design", &ui::facts(&[
                    ("AWS account", html! { (view.account) }),
                    ("Region", html! { (view.region) }),
                    ("Profile", html! { (format::words(&view.profile)) }),
                    ("Instance type", html! { code { (view.instance_type) } }),
                    ("Created", time(view.created_at)),
                ])))
                @if let Some(change) = &view.change { (ui::card("Change this deployment", &change_form(change))) }
                (ui::card("Work", &steering(view)))
                @if let Some(delete) = &view.delete { (ui::danger_card("Delete this deployment", &delete_deployment(delete))) }
            }
        }
    }
}

/// Asks for another size or profile; with nothing different, for what drifted to be put right.
pub(crate) fn change_form(view: &ChangeForm) -> Markup {
    let types: Vec<_> = view
        .instance_types
        .iter()
        .map(|name| (name.as_str(), name.as_str()))
        .collect();
    let profiles = [("single", "Single"), ("highly-available", "Highly available")];
    html! {
        form.form method="post" action=(view.action) hx-post=(view.action) hx-swap="outerHTML" hx-disable="find button" {
            p { "Nothing changes yet. The next page shows the difference, its cost and its downtime, for you to approve. With nothing different it puts right what drifted." }
            @if let Some(refused) = &view.problem { (problem(refused)) }
            (form_start(&view.key))
            input type="hidden" name="version" value=(view.version);
            (ui::select("instance_type", "Instance type", &types, &view.instance_type))
            @if view.profile == "single" { (ui::select("profile", "Profile", &profiles, &view.profile)) }
            @else { input type="hidden" name="profile" value=(view.profile); }
            @if !view.database { (ui::select("database", "Database of its own (highly available only)", &NO_OR_YES, "false")) }
            @else { input type="hidden" name="database" value="true"; }
            (ui::actions(&submit("Review change")))
        }
    }
}

fn steering(view: &DeploymentPage) -> Markup {
    let (at, steering) = (format!("/deployments/{}", view.id), &view.steering);
    let policies = [("alert", "Tell us"), ("repair", "Tell us and put it right")];
    let drift = format!("{at}/drift-policy");
    html! {
        p { @if steering.paused { "Paused: nothing is called in your account until the work is resumed." } @else { "Work goes on by itself. Pausing lets a call under way end and makes no other." } }
        @if let Some(key) = &steering.key {
            @if steering.paused { (ui::action_form(&format!("{at}/resume"), key, "primary", "Resume work")) }
            @else { (ui::action_form(&format!("{at}/pause"), key, "quiet", "Pause work")) }
            form.form method="post" action=(drift) {
                (form_start(key))
                (ui::select("policy", "When something is not as planned", &policies, &steering.drift_policy))
                (ui::actions(&html! { button.btn type="submit" { "Set" } }))
            }
        }
    }
}

/// The form that ends a deployment.
pub(crate) fn delete_deployment(view: &DeleteForm) -> Markup {
    let words = "Nothing is removed yet. The next page lists everything that goes and stays; the deletion begins when two people have approved it.";
    delete_form(view, words, "Review deletion")
}

fn connect(view: &DeploymentPage) -> Markup {
    ui::card(
        "Connection details",
        &html! {
            @match &view.address {
                Some(address) => (ui::facts(&[("Elastic IP", ui::snippet("address", address)), ("Protocol", html! { "HTTPS, port 443" })])),
                None => p.muted { "The address is known as soon as the deployment is ready." },
            }
        },
    )
}

fn resources(rows: &[ResourceRow]) -> Markup {
    html! {
        @if rows.is_empty() { (ui::empty(Icon::Server, "Nothing exists yet", "Resources appear here as they are created.", &html! {})) }
        @else {
            table.table.cards {
                caption.hidden { "Resources" }
                (ui::headings(&[Column::text("Resource"), Column::text("State"), Column::text("Id at AWS")], None))
                tbody { @for row in rows {
                    tr {
                        th scope="row" { (format::words(&row.kind)) span.sub { (row.name) } }
                        td data-label="State" { (phase_pill(&row.state)) }
                        td data-label="Id at AWS" { span.id { (row.physical_id.as_deref().unwrap_or("—")) } }
                    }
                } }
            }
        }
    }
}

/// Asks for the name before the button does anything; the server compares it.
pub(crate) fn delete_form(view: &DeleteForm, words: &str, button: &str) -> Markup {
    html! {
        form.form method="post" action=(view.action) hx-post=(view.action) hx-swap="outerHTML" hx-disable="find button" {
            p { (words) }
            @if let Some(refused) = &view.problem { (problem(refused)) }
            (form_start(&view.key))
            input type="hidden" name="version" value=(view.version);
            (field(&Field { name: "confirm", label: &format!("Type “{}” to confirm", view.name), ..Field::default() }, view.problem.as_ref()))
            div { button.btn.danger type="submit" { (button) } }
        }
    }
}
