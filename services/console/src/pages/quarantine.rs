//! Usage that was received and not counted, with the reason.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use tenant_model::ids::TenantId;

use crate::ui::{self, Column, Icon, Tone, pill};

/// One record kept aside.
#[derive(Clone, Debug)]
pub(crate) struct QuarantineRow {
    pub(crate) at: DateTime<Utc>,
    pub(crate) tenant: Option<TenantId>,
    pub(crate) reason: String,
    pub(crate) detail: String,
    pub(crate) shard: String,
    pub(crate) sequence: String,
    /// What was received, as text.
    pub(crate) raw: String,
}

/// The whole content.
pub(crate) fn content(rows: &[QuarantineRow]) -> Markup {
    html! {
        (ui::head(&[], &html! { h1 { "Quarantine" } }, &html! { "Received from the stream and not counted. It never blocks what comes after." }, &html! {}))
        section.card {
            @if rows.is_empty() { (ui::empty(Icon::Check, "Nothing in quarantine", "Everything that was received could be read.", &html! {})) }
            @else { div.flush { table.table.cards {
                caption.hidden { "Quarantined records, newest first" }
                (ui::headings(&[Column::text("Reason"), Column::text("Received"), Column::text("Tenant"), Column::text("Record")], None))
                tbody { @for row in rows { (line(row)) } }
            } } }
        }
    }
}

fn line(row: &QuarantineRow) -> Markup {
    html! {
        tr {
            th scope="row" { (pill(Tone::Warn, &row.reason)) span.sub { (row.detail) } }
            td data-label="Received" { (ui::time_precise(row.at)) }
            td data-label="Tenant" { @match row.tenant { Some(id) => a.id href={ "/tenants/" (id) } { (id) }, None => span.muted { "Unknown" } } }
            td.bare.grow { span.id { (row.shard) " · " (row.sequence) } (ui::more("Show record", &html! { div.snippet.tall { pre tabindex="0" { (row.raw) } } })) }
        }
    }
}
