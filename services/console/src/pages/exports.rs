//! Exports to the warehouse: what was closed, what lies in S3, what the warehouse counted.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use tenant_model::ids::ExportId;

use crate::format;
use crate::ui::{self, Column, Icon, Tone, form_start, pill};

/// One batch as a row. Each side is what it counted by itself.
#[derive(Clone, Debug)]
pub(crate) struct ExportRow {
    pub(crate) id: ExportId,
    pub(crate) dataset: String,
    pub(crate) state: String,
    /// First and last booking position.
    pub(crate) positions: (i64, i64),
    pub(crate) cut_at: DateTime<Utc>,
    pub(crate) source: Option<i64>,
    pub(crate) files: Option<i64>,
    pub(crate) warehouse: Option<i64>,
    /// Whether rows and sums of all meters are equal; none before all have counted.
    pub(crate) balanced: Option<bool>,
    pub(crate) meters: Vec<MeterRow>,
}

/// One meter of a batch: rows and sum in words, side by side.
#[derive(Clone, Debug)]
pub(crate) struct MeterRow {
    pub(crate) meter: String,
    pub(crate) source: String,
    pub(crate) files: String,
    pub(crate) warehouse: String,
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
        Column::text("Window"),
        Column::text("State"),
        Column::number("Source rows"),
        Column::number("S3 rows"),
        Column::number("Redshift rows"),
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
    html! {
        tr.warned[row.balanced == Some(false)] {
            th scope="row" {
                (ui::time_precise(row.cut_at))
                span.sub { (format::words(&row.dataset)) " " (format::count(row.positions.0)) " – " (format::count(row.positions.1)) }
                span.sub.id { (row.id) }
                @if !row.meters.is_empty() { (ui::more("Sums per meter", &sums(&row.meters))) }
            }
            td data-label="State" { (state(&row.state)) }
            td.num data-label="Source rows" { (side(row.source)) }
            td.num data-label="S3 rows" { (side(row.files)) }
            td.num data-label="Redshift rows" { (side(row.warehouse)) }
            td data-label="Balance" { @match row.balanced {
                Some(true) => (pill(Tone::Good, "Balanced")),
                Some(false) => (pill(Tone::Bad, "Differs")),
                None => (pill(Tone::Plain, "Not yet")),
            } }
        }
    }
}

fn sums(meters: &[MeterRow]) -> Markup {
    html! {
        table.table {
            caption.hidden { "Sums per meter" }
            (ui::headings(&[Column::text("Meter"), Column::number("Source"), Column::number("S3"), Column::number("Redshift")], None))
            tbody { @for row in meters { tr {
                th scope="row" { (row.meter) }
                td.num { (row.source) }
                td.num { (row.files) }
                td.num { (row.warehouse) }
            } } }
        }
    }
}

fn side(rows: Option<i64>) -> Markup {
    html! { @match rows { Some(rows) => (format::count(rows)), None => span.muted { "—" } } }
}

fn state(state: &str) -> Markup {
    let tone = match state {
        "verified" => Tone::Good,
        "failed" => Tone::Bad,
        _ => Tone::Busy,
    };
    pill(tone, &format::words(state))
}
