//! What was done, by whom, when: the audit chain as a table.

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use crate::ui::{self, Column, Icon, Tone, pill};

/// One entry.
#[derive(Clone, Debug)]
pub(crate) struct AuditRow {
    pub(crate) sequence: i64,
    pub(crate) at: DateTime<Utc>,
    pub(crate) actor: String,
    pub(crate) action: String,
    pub(crate) subject: String,
    pub(crate) detail: String,
}

/// What the page is drawn from.
#[derive(Clone, Debug)]
pub(crate) struct AuditPage {
    /// Newest first.
    pub(crate) rows: Vec<AuditRow>,
    /// Whether the chain was recomputed and holds; none when it was not checked.
    pub(crate) chain_holds: Option<bool>,
    /// The address of the older entries.
    pub(crate) older: Option<String>,
}

/// The whole content.
pub(crate) fn content(view: &AuditPage) -> Markup {
    html! {
        (ui::head(&[], &html! { h1 { "Audit" } @if let Some(holds) = view.chain_holds { (chain(holds)) } }, &html! { "Every change, written in the same step as the change itself. Each entry is chained to the one before." }, &html! {}))
        section.card {
            @if view.rows.is_empty() { (ui::empty(Icon::List, "No entry yet", "The first change will be the first entry.", &html! {})) }
            @else { div.flush { table.table.cards {
                caption.hidden { "Audit entries, newest first" }
                (ui::headings(&[Column::number("No."), Column::text("When"), Column::text("Action"), Column::text("By"), Column::text("Detail")], None))
                tbody { @for row in &view.rows { (line(row)) } }
            } } }
            @if let Some(older) = &view.older { footer { a href=(older) { "Older entries" } } }
        }
    }
}

fn chain(holds: bool) -> Markup {
    if holds {
        pill(Tone::Good, "Chain holds")
    } else {
        pill(Tone::Bad, "Chain is broken")
    }
}

fn line(row: &AuditRow) -> Markup {
    html! {
        tr {
            td.num data-label="No." { (row.sequence) }
            td data-label="When" { (ui::time_precise(row.at)) }
            th scope="row" { (row.action) span.sub.id { (row.subject) } }
            td.who data-label="By" { (row.actor) }
            td data-label="Detail" { span.id { (row.detail) } }
        }
    }
}
