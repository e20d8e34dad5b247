//! The operator's view of all tenants.

use maud::{Markup, html};
use rust_decimal::Decimal;
use tenant_model::ids::TenantId;

use crate::format;
use crate::pages::deployments::phase_pill;
use crate::pages::overview::state_pill;
use crate::ui::{self, Column, Figure, Icon, Sort};

/// One tenant as a row.
#[derive(Clone, Debug)]
pub(crate) struct FleetRow {
    pub(crate) tenant: TenantId,
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) deployment: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) events_today: i64,
}

/// What the page is drawn from.
#[derive(Clone, Debug)]
pub(crate) struct FleetPage {
    pub(crate) rows: Vec<FleetRow>,
    pub(crate) tenants: i64,
    pub(crate) active: i64,
    pub(crate) ready: i64,
    pub(crate) events_today: i64,
    /// The start of the names to show.
    pub(crate) q: String,
    /// The state to show, or empty for all.
    pub(crate) state: String,
    pub(crate) sort: Sort,
    /// The address of the next page.
    pub(crate) next: Option<String>,
}

const STATES: [(&str, &str); 5] = [
    ("", "All states"),
    ("active", "Active"),
    ("suspended", "Suspended"),
    ("offboarding", "Offboarding"),
    ("deleted", "Deleted"),
];

/// The whole content.
pub(crate) fn content(view: &FleetPage) -> Markup {
    html! {
        (ui::head(&[], &html! { h1 { "Fleet" } }, &html! { "Every tenant and what runs for it." }, &html! {}))
        (ui::figures(&[
            figure("Tenants", view.tenants, "known"),
            figure("Active", view.active, "may deploy and report"),
            figure("Ready deployments", view.ready, "converged"),
            figure("Events today", view.events_today, "accepted and counted"),
        ]))
        section.card {
            div.body { (filters(view)) }
            div.flush id="fleet" { (table(view)) }
        }
    }
}

fn figure(name: &str, number: i64, note: &str) -> Figure {
    Figure {
        name: name.to_owned(),
        value: format::brief(Decimal::from(number)),
        note: Some(html! { (note) }),
    }
}

fn filters(view: &FleetPage) -> Markup {
    html! {
        form.chooser method="get" action="/tenants" hx-get="/tenants" hx-trigger="input changed delay:250ms, change, submit" hx-target="#fleet" hx-replace-url="true" role="search" {
            label.hidden for="q" { "Name starts with" }
            input.input id="q" name="q" type="search" value=(view.q) placeholder="Find a tenant by name" autocomplete="off" maxlength="120";
            label.hidden for="state" { "State" }
            (ui::select_options("state", &STATES, &view.state))
            input type="hidden" name="sort" value=(view.sort.text());
            noscript { button.btn type="submit" { "Filter" } }
        }
    }
}

/// The rows; the part that a filter replaces.
pub(crate) fn table(view: &FleetPage) -> Markup {
    let columns = [
        Column::text("Tenant").by("name"),
        Column::text("State").by("state"),
        Column::text("Deployment").by("deployment"),
        Column::text("Region").by("region"),
        Column::number("Events today").by("events"),
    ];
    let address = |sort: &str| address(view, sort);
    html! {
        @if view.rows.is_empty() {
            (ui::empty(Icon::Fleet, "No tenant matches", "Change the filter, or wait for the first sign-up.", &html! {}))
        } @else {
            table.table.cards {
                caption.hidden { "Tenants" }
                (ui::headings(&columns, Some((&view.sort, &address))))
                tbody { @for row in &view.rows { (line(row)) } }
            }
        }
        @if let Some(next) = &view.next { p.more-rows { a.btn.small href=(next) { "Next page" } } }
    }
}

fn address(view: &FleetPage, sort: &str) -> String {
    let query = [
        ("q", view.q.as_str()),
        ("state", view.state.as_str()),
        ("sort", sort),
    ];
    format!("/tenants?{}", crate::respond::query(&query))
}

fn line(row: &FleetRow) -> Markup {
    html! {
        tr {
            th scope="row" { a href={ "/tenants/" (row.tenant) } { (row.name) } }
            td data-label="State" { (state_pill(&row.state)) }
            td data-label="Deployment" { @match &row.deployment { Some(phase) => (phase_pill(phase)), None => span.muted { "None" } } }
            td data-label="Region" { (row.region.as_deref().unwrap_or("—")) }
            td.num data-label="Events today" { (format::count(row.events_today)) }
        }
    }
}
