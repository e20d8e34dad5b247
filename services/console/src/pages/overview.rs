//! A tenant at a glance. For its own people: what to do next. For operators: the same, and what they may do to it.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use rust_decimal::Decimal;
use tenant_model::ids::TenantId;

use crate::format;
use crate::pages::connections::ConnectionRow;
use crate::pages::deployments::{DeleteForm, DeploymentRow, delete_form, phase_pill};
use crate::ui::{self, Figure, Icon, Tone, pill};

/// What the page is drawn from.
#[derive(Clone, Debug)]
pub(crate) struct OverviewPage {
    pub(crate) tenant: TenantId,
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) since: DateTime<Utc>,
    pub(crate) connection: Option<ConnectionRow>,
    pub(crate) deployment: Option<DeploymentRow>,
    /// Usage events accepted since midnight, UTC.
    pub(crate) events_today: i64,
    /// The meter shown, its amount per hour over the last day, oldest first.
    pub(crate) meter: Option<(String, Vec<Decimal>)>,
    pub(crate) keys: usize,
    pub(crate) may_change: bool,
    /// What an operator may do; none for the tenant's own people.
    pub(crate) operator: Option<OperatorActions>,
}

/// What deleting a tenant means.
pub(crate) const DELETE_WORDS: &str =
    "Removes every resource in its account and ends all access. This cannot be undone.";
/// The button that does it.
pub(crate) const DELETE_BUTTON: &str = "Delete tenant";

/// What an operator may do to a tenant, in its present state.
#[derive(Clone, Debug)]
pub(crate) struct OperatorActions {
    pub(crate) version: i64,
    pub(crate) key: String,
    pub(crate) delete: DeleteForm,
}

/// The state of a tenant as a pill; the word is the wire's.
pub(crate) fn state_pill(state: &str) -> Markup {
    let tone = match state {
        "active" => Tone::Good,
        "suspended" => Tone::Warn,
        "offboarding" => Tone::Busy,
        _ => Tone::Plain,
    };
    pill(tone, &format::words(state))
}

/// The whole content.
pub(crate) fn content(view: &OverviewPage) -> Markup {
    html! {
        (ui::head(&[], &html! { h1 { (view.name) } (state_pill(&view.state)) }, &html! { "Since " (ui::time(view.since)) }, &html! {}))
        @if view.state == "suspended" { (ui::note(Tone::Warn, "This organisation is suspended", &html! { p { "Compute is stopped. Data and addresses are kept, and nothing is billed." } })) }
        @if view.operator.is_none() && view.deployment.is_none() && view.state == "active" { (start(view)) }
        (ui::figures(&figures(view)))
        div.columns {
            div { (usage(view)) }
            div { (deployment(view)) @if let Some(operator) = &view.operator { (steer(view, operator)) } }
        }
    }
}

fn start(view: &OverviewPage) -> Markup {
    let connected = view.connection.is_some();
    let (words, href, button) = match &view.connection {
        None => (
            "Connect the AWS account that your data platform shall run in. It takes about two minutes.",
            format!("/tenants/{}/connections/new", view.tenant),
            "Connect AWS account",
        ),
        Some(row) if row.phase == super::connections::Phase::Ready => (
            "Your account is connected. Choose what shall run in it.",
            format!("/tenants/{}/deployments/new", view.tenant),
            "Choose deployment",
        ),
        Some(row) => (
            "Your account is waiting for its role.",
            format!("/connections/{}", row.id),
            "Continue",
        ),
    };
    html! {
        section.card {
            header { h2 { "Get started" } }
            div.body {
                (ui::stages(&super::connections::STAGES, usize::from(connected)))
                p { (words) }
                @if view.may_change { (ui::actions(&ui::button_link(&href, button, true))) }
            }
        }
    }
}

fn figures(view: &OverviewPage) -> [Figure; 3] {
    let state = |words: Option<Markup>| words.unwrap_or_else(|| html! { "Not yet" });
    [
        Figure {
            name: "Events today".to_owned(),
            value: format::count(view.events_today),
            note: Some(html! { "Accepted and counted" }),
        },
        Figure {
            name: "AWS account".to_owned(),
            value: view
                .connection
                .as_ref()
                .map_or_else(|| "—".to_owned(), |row| row.account.clone()),
            note: Some(state(view.connection.as_ref().map(|row| row.phase.pill()))),
        },
        Figure {
            name: "API keys".to_owned(),
            value: view.keys.to_string(),
            note: Some(html! { a href={ "/tenants/" (view.tenant) "/api-keys" } { "See API keys" } }),
        },
    ]
}

fn usage(view: &OverviewPage) -> Markup {
    let all = html! { a href={ "/tenants/" (view.tenant) "/usage" } { "See usage" } };
    html! {
        section.card {
            header { h2 { "Usage, last 24 hours" } (all) }
            div.body {
                @match &view.meter {
                    Some((name, hours)) => {
                        p { b { (format::quantity(hours.iter().sum())) } " " span.muted { (name) } }
                        (ui::sparkline(hours, &format!("{name} per hour over the last day")))
                    }
                    None => (ui::empty(Icon::Usage, "No usage yet", "Events reported with an API key appear here within seconds.", &html! {})),
                }
            }
        }
    }
}

fn deployment(view: &OverviewPage) -> Markup {
    ui::card(
        "Deployment",
        &html! {
            @match &view.deployment {
                Some(row) => (ui::facts(&[
                    ("State", phase_pill(&row.phase)),
                    ("Size", html! { code { (row.instance_type) } }),
                    ("Region", html! { (row.region) }),
                    ("Details", html! { a href={ "/deployments/" (row.id) } { "See deployment" } }),
                ])),
                None => p.muted { "Nothing is deployed." },
            }
        },
    )
}

fn steer(view: &OverviewPage, operator: &OperatorActions) -> Markup {
    let verb = |verb: &str, words: &str| {
        html! {
            form method="post" action={ "/tenants/" (view.tenant) "/" (verb) } {
                (ui::form_start(&operator.key))
                input type="hidden" name="version" value=(operator.version);
                button.btn type="submit" { (words) }
            }
        }
    };
    html! {
        @if view.state == "active" || view.state == "suspended" {
            (ui::card("Operate", &html! {
                @if view.state == "active" { p.muted { "Suspending stops compute and refuses usage. Data and addresses stay." } (verb("suspend", "Suspend tenant")) }
                @else { p.muted { "Resuming starts compute again." } (verb("resume", "Resume tenant")) }
            }))
            (ui::danger_card("Delete this tenant", &delete_form(&operator.delete, DELETE_WORDS, DELETE_BUTTON)))
        }
    }
}
