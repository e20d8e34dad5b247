//! Usage of a tenant: what was counted, until when the count is complete, and whether the books balance.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use rust_decimal::Decimal;
use service_kit::ProblemBody;
use tenant_model::ids::TenantId;

use crate::format;
use crate::ui::{self, Chart, Column, Figure, Icon, Tone, pill};

/// The spans that can be chosen: the name in the address and the words.
pub(crate) const RANGES: [(&str, &str); 3] = [("24h", "24 hours"), ("7d", "7 days"), ("30d", "30 days")];

/// What the page is drawn from.
#[derive(Clone, Debug)]
pub(crate) struct UsagePage {
    pub(crate) tenant: TenantId,
    /// Meters: key and name.
    pub(crate) meters: Vec<(String, String)>,
    pub(crate) meter: String,
    pub(crate) unit: String,
    pub(crate) range: String,
    pub(crate) total: Decimal,
    /// The same span before, when it is known.
    pub(crate) before: Option<Decimal>,
    pub(crate) peak: Decimal,
    /// Every event before this moment has been counted.
    pub(crate) watermark: Option<DateTime<Utc>>,
    pub(crate) chart: Option<Chart>,
    /// Windows and amounts, newest first.
    pub(crate) rows: Vec<(DateTime<Utc>, Decimal)>,
    pub(crate) balance: Balance,
    /// Why the figures could not be read.
    pub(crate) failed: Option<ProblemBody>,
}

/// Where every received event went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Balance {
    pub(crate) received: i64,
    pub(crate) accepted: i64,
    pub(crate) duplicate: i64,
    pub(crate) conflict: i64,
    pub(crate) rejected: i64,
    pub(crate) quarantined: i64,
}

impl Balance {
    pub(crate) const fn balances(self) -> bool {
        self.accepted + self.duplicate + self.conflict + self.rejected + self.quarantined == self.received
    }
}

/// The whole content.
pub(crate) fn content(view: &UsagePage) -> Markup {
    html! {
        (ui::head(&[], &html! { h1 { "Usage" } }, &html! { "Counted once per event, exactly, as it arrives. Times are in UTC." }, &html! {}))
        div id="usage" { (body(view)) }
    }
}

/// The part that a choice replaces.
pub(crate) fn body(view: &UsagePage) -> Markup {
    html! {
        div.stack {
            (chooser(view))
            @if let Some(failed) = &view.failed { (ui::problem(failed)) }
            @else {
                (ui::figures(&figures(view)))
                (series(view))
                (balance_card(&view.balance))
            }
        }
    }
}

/// The address of the page with another choice; everything chosen is in it.
fn address(view: &UsagePage, meter: &str, range: &str) -> String {
    let meter = percent_encoding::utf8_percent_encode(meter, percent_encoding::NON_ALPHANUMERIC);
    format!("/tenants/{}/usage?meter={meter}&range={range}", view.tenant)
}

fn chooser(view: &UsagePage) -> Markup {
    let meters: Vec<(&str, &str)> = view
        .meters
        .iter()
        .map(|(key, name)| (key.as_str(), name.as_str()))
        .collect();
    let action = format!("/tenants/{}/usage", view.tenant);
    html! {
        form.chooser method="get" action=(action) hx-get=(action) hx-trigger="change" hx-target="#usage" hx-replace-url="true" {
            label.hidden for="meter" { "Meter" }
            (ui::select_options("meter", &meters, &view.meter))
            input type="hidden" name="range" value=(view.range);
            noscript { button.btn type="submit" { "Show" } }
            nav.segments aria-label="Time range" {
                @for (range, words) in RANGES {
                    a href=(address(view, &view.meter, range)) aria-current=[(range == view.range).then_some("true")] { (words) }
                }
            }
        }
    }
}

fn figures(view: &UsagePage) -> [Figure; 3] {
    let window = if view.range == "24h" || view.range == "7d" {
        "hour"
    } else {
        "day"
    };
    [
        Figure {
            name: "Total".to_owned(),
            value: format::brief(view.total),
            note: Some(html! { (format::quantity(view.total)) " " (view.unit) }),
        },
        Figure {
            name: "Span before".to_owned(),
            value: view.before.map_or_else(|| "—".to_owned(), format::brief),
            note: Some(html! { (change(view)) }),
        },
        Figure {
            name: format!("Busiest {window}"),
            value: format::brief(view.peak),
            note: Some(html! { (view.unit) }),
        },
    ]
}

fn change(view: &UsagePage) -> String {
    let Some(before) = view.before.filter(|before| !before.is_zero()) else {
        return "Nothing to compare with".to_owned();
    };
    let percent = ((view.total - before) * Decimal::ONE_HUNDRED / before).round();
    let sign = if percent.is_sign_positive() { "+" } else { "" };
    format!("{sign}{} % since then", format::quantity(percent))
}

fn series(view: &UsagePage) -> Markup {
    html! {
        section.card {
            header {
                h2 { (name_of(view)) }
                @match view.watermark {
                    Some(at) => span.muted.small { "Complete until " (ui::time_precise(at)) },
                    None => span.muted.small { "No event has been counted yet" },
                }
            }
            div.body {
                @match &view.chart {
                    Some(chart) => {
                        (ui::chart(chart))
                        (ui::more("Show data", &data(view)))
                    }
                    None => (ui::empty(Icon::Usage, "No usage in this span", "Report events with an API key, and they appear here within seconds.", &ui::button_link(&format!("/tenants/{}/api-keys", view.tenant), "See API keys", false))),
                }
            }
        }
    }
}

fn name_of(view: &UsagePage) -> &str {
    view.meters
        .iter()
        .find(|(key, _)| *key == view.meter)
        .map_or(view.meter.as_str(), |(_, name)| name)
}

fn data(view: &UsagePage) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Data" {
            table.table {
                caption.hidden { (name_of(view)) " per window" }
                thead { tr { th scope="col" { "From (UTC)" } th.num scope="col" { (format::words(&view.unit)) } } }
                tbody { @for (at, value) in &view.rows {
                    tr { th scope="row" { (format::moment(*at)) } td.num { (format::quantity(*value)) } }
                } }
            }
        }
    }
}

/// Every event that was received, by what became of it.
pub(crate) fn balance_card(balance: &Balance) -> Markup {
    let rows = [
        ("Accepted", balance.accepted, "Counted in the figures above"),
        ("Duplicate", balance.duplicate, "Delivered again, counted once"),
        (
            "Conflicting",
            balance.conflict,
            "Came again with another content, kept aside",
        ),
        ("Rejected", balance.rejected, "Refused when sent, with the reason"),
        (
            "Quarantined",
            balance.quarantined,
            "Kept aside for a person to look at",
        ),
    ];
    let verdict = if balance.balances() {
        pill(Tone::Good, "Balances")
    } else {
        pill(Tone::Bad, "Does not balance")
    };
    ui::flush_card(
        "Where every event went",
        &verdict,
        &html! {
            table.table {
                caption.hidden { "Received events by outcome" }
                (ui::headings(&[Column::text("Outcome"), Column::number("Events")], None))
                tbody {
                    @for (name, number, words) in rows {
                        tr { th scope="row" { (name) span.sub { (words) } } td.num { (format::count(number)) } }
                    }
                    tr { th scope="row" { "Received" } td.num { b { (format::count(balance.received)) } } }
                }
            }
        },
    )
}
