//! Exports to the warehouse: what was closed, what lies in S3, what the warehouse counted.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use rust_decimal::Decimal;
use tenant_model::ids::ExportId;

use crate::format;
use crate::ui::{self, Column, Icon, Tone, form_start, pill};

/// One batch as a row. Rows and sums are what each side counted by itself.
#[derive(Clone, Debug)]
pub(crate) struct ExportRow {
    pub(crate) id: ExportId,
    pub(crate) dataset: String,
    pub(crate) state: String,
    pub(crate) from: DateTime<Utc>,
    pub(crate) to: DateTime<Utc>,
    pub(crate) source: Side,
    pub(crate) files: Side,
    pub(crate) warehouse: Side,
}

/// What one side counted; none when it has not counted yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Side {
    pub(crate) rows: Option<i64>,
    pub(crate) sum: Option<Decimal>,
}

impl ExportRow {
    fn balanced(&self) -> Option<bool> {
        let all = [self.source, self.files, self.warehouse];
        let complete = all.iter().all(|side| side.rows.is_some());
        complete.then(|| self.source == self.files && self.files == self.warehouse)
    }
}

/// The whole content.
pub(crate) fn content(rows: &[ExportRow], key: Option<&str>, done: Option<&str>) -> Markup {
    let close = html! {
        @if let Some(key) = key {
            form method="post" action="/exports" { (form_start(key)) button.btn.primary type="submit" { "Close window now" } }
        }
    };
    html! {
        (ui::head(&[], &html! { h1 { "Exports" } }, &html! { "Closed windows of usage, as Parquet in S3 and as rows in Redshift. Each side is counted by itself." }, &close))
        @if let Some(done) = done { (ui::note(Tone::Good, done, &html! {})) }
        section.card {
            @if rows.is_empty() { (ui::empty(Icon::Export, "No export yet", "Close the present window, or wait until the hour is over.", &html! {})) }
            @else { div.flush { (table(rows)) } }
        }
    }
}

fn table(rows: &[ExportRow]) -> Markup {
    let columns = [
        Column::text("Window (UTC)"),
        Column::text("State"),
        Column::number("Source"),
        Column::number("S3"),
        Column::number("Redshift"),
        Column::text("Balance"),
    ];
    html! {
        table.table.cards {
            caption.hidden { "Exported windows, newest first" }
            (ui::headings(&columns, None))
            tbody { @for row in rows { (line(row)) } }
        }
    }
}

fn line(row: &ExportRow) -> Markup {
    let balanced = row.balanced();
    html! {
        tr.warned[balanced == Some(false)] {
            th scope="row" { (format::moment(row.from)) " – " (row.to.format("%H:%M")) span.sub { (format::words(&row.dataset)) " · " span.id { (row.id) } } }
            td data-label="State" { (state(&row.state)) }
            td.num data-label="Source" { (side(&row.source)) }
            td.num data-label="S3" { (side(&row.files)) }
            td.num data-label="Redshift" { (side(&row.warehouse)) }
            td data-label="Balance" { @match balanced {
                Some(true) => (pill(Tone::Good, "Balanced")),
                Some(false) => (pill(Tone::Bad, "Differs")),
                None => (pill(Tone::Plain, "Not yet")),
            } }
        }
    }
}

fn side(side: &Side) -> Markup {
    html! {
        @match side.rows { Some(rows) => (format::things(rows, "row", "rows")), None => span.muted { "—" } }
        @if let Some(sum) = side.sum { span.sub { "Σ " (format::quantity(sum)) } }
    }
}

fn state(state: &str) -> Markup {
    let tone = match state {
        "loaded" | "verified" | "done" | "committed" | "reconciled" => Tone::Good,
        "failed" | "stuck" | "parked" => Tone::Bad,
        _ => Tone::Busy,
    };
    pill(tone, &format::words(state))
}
