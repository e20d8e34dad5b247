//! Usage of the whole fleet: per meter over time, and the tenants that use most.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use rust_decimal::Decimal;
use tenant_model::ids::TenantId;

use crate::format;
use crate::pages::usage::{Balance, RANGES, balance_card};
use crate::respond;
use crate::ui::{self, Chart, Column, Icon};

/// What the page is drawn from.
#[derive(Clone, Debug)]
pub(crate) struct FleetUsagePage {
    pub(crate) meters: Vec<(String, String)>,
    pub(crate) meter: String,
    pub(crate) unit: String,
    pub(crate) range: String,
    pub(crate) watermark: Option<DateTime<Utc>>,
    pub(crate) chart: Option<Chart>,
    /// Most active first.
    pub(crate) top: Vec<TopRow>,
    pub(crate) balance: Option<Balance>,
}

/// One of the most active tenants.
#[derive(Clone, Debug)]
pub(crate) struct TopRow {
    pub(crate) tenant: TenantId,
    pub(crate) name: String,
    pub(crate) amount: Decimal,
}

/// The whole content.
pub(crate) fn content(view: &FleetUsagePage) -> Markup {
    html! {
        (ui::head(&[], &html! { h1 { "Usage" } }, &html! { "All tenants together. Times are in UTC." }, &html! {}))
        div.stack id="usage" { (body(view)) }
    }
}

/// The part that a choice replaces.
pub(crate) fn body(view: &FleetUsagePage) -> Markup {
    html! {
        (chooser(view))
        div.columns {
            div { @if let Some(chart) = &view.chart { (series(view, chart)) } @if let Some(balance) = &view.balance { (balance_card(balance)) } }
            div { (ui::flush_card("Most active tenants", &html! { span.muted.small { (view.unit) } }, &top(&view.top))) }
        }
    }
}

fn series(view: &FleetUsagePage, chart: &Chart) -> Markup {
    html! {
        section.card {
            header { h2 { "Over time" } @if let Some(at) = view.watermark { span.muted.small { "Complete until " (ui::time_precise(at)) } } }
            div.body { (ui::chart(chart)) (ui::more("Show data", &ui::chart_table(chart))) }
        }
    }
}

fn chooser(view: &FleetUsagePage) -> Markup {
    let meters: Vec<(&str, &str)> = view
        .meters
        .iter()
        .map(|(key, name)| (key.as_str(), name.as_str()))
        .collect();
    html! {
        form.chooser method="get" action="/usage" hx-get="/usage" hx-trigger="change" hx-target="#usage" hx-replace-url="true" {
            label.hidden for="meter" { "Meter" }
            (ui::select_options("meter", &meters, &view.meter))
            input type="hidden" name="range" value=(view.range);
            noscript { button.btn type="submit" { "Show" } }
            nav.segments aria-label="Time range" {
                @for (range, words) in RANGES {
                    a href={ "/usage?" (respond::query(&[("meter", &view.meter), ("range", range)])) } aria-current=[(range == view.range).then_some("true")] { (words) }
                }
            }
        }
    }
}

fn top(rows: &[TopRow]) -> Markup {
    let largest = rows.iter().map(|row| row.amount).max().unwrap_or_default();
    html! {
        @if rows.is_empty() { (ui::empty(Icon::Usage, "No usage in this span", "Nothing was reported for this meter.", &html! {})) }
        @else {
            table.table {
                caption.hidden { "Most active tenants" }
                (ui::headings(&[Column::text("Tenant"), Column::text("Share of the largest"), Column::number("Amount")], None))
                tbody { @for row in rows { tr {
                    th scope="row" { a href={ "/tenants/" (row.tenant) "/usage" } { (row.name) } }
                    td { (ui::share_bar(row.amount, largest)) }
                    td.num { (format::brief(row.amount)) }
                } } }
            }
        }
    }
}
