//! Incidents of AWS itself, and the connections that need somebody.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use tenant_model::ids::{ConnectionId, TenantId};

use crate::ui::{self, Column, Icon, Tone, pill};

/// A region that gave no answer about several accounts.
#[derive(Clone, Debug)]
pub(crate) struct IncidentRow {
    pub(crate) region: String,
    pub(crate) began_at: DateTime<Utc>,
    pub(crate) ended_at: Option<DateTime<Utc>>,
    pub(crate) accounts: i32,
}

/// A connection in trouble.
#[derive(Clone, Debug)]
pub(crate) struct TroubleRow {
    pub(crate) connection: ConnectionId,
    pub(crate) tenant: TenantId,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) tone: Tone,
    /// The cause or the doubt in a word.
    pub(crate) kind: String,
    /// What it means.
    pub(crate) words: String,
    pub(crate) since: DateTime<Utc>,
}

/// The whole content.
pub(crate) fn content(incidents: &[IncidentRow], troubles: &[TroubleRow]) -> Markup {
    html! {
        (ui::head(&[], &html! { h1 { "Incidents" } }, &html! { "Silence of AWS about several accounts at once is one incident, and no connection changes for it." }, &html! {}))
        (regions(incidents))
        (connections(troubles))
    }
}

fn regions(rows: &[IncidentRow]) -> Markup {
    let body = html! {
        @if rows.is_empty() { (ui::empty(Icon::Check, "No incident", "AWS answers in every region that we use.", &html! {})) }
        @else { table.table.cards {
            caption.hidden { "Incidents, newest first" }
            (ui::headings(&[Column::text("Region"), Column::text("State"), Column::text("Began"), Column::text("Ended"), Column::number("Accounts")], None))
            tbody { @for row in rows {
                tr {
                    th scope="row" { (row.region) }
                    td data-label="State" { @if row.ended_at.is_some() { (pill(Tone::Plain, "Ended")) } @else { (pill(Tone::Bad, "Open")) } }
                    td data-label="Began" { (ui::time_precise(row.began_at)) }
                    td data-label="Ended" { @match row.ended_at { Some(at) => (ui::time_precise(at)), None => span.muted { "—" } } }
                    td.num data-label="Accounts" { (row.accounts) }
                }
            } }
        } }
    };
    ui::flush_card("AWS", &html! {}, &body)
}

fn connections(rows: &[TroubleRow]) -> Markup {
    let body = html! {
        @if rows.is_empty() { (ui::empty(Icon::Check, "No connection needs anybody", "Every proven role still answers as it must.", &html! {})) }
        @else { table.table.cards {
            caption.hidden { "Connections in trouble" }
            (ui::headings(&[Column::text("Account"), Column::text("Finding"), Column::text("Since"), Column::text("Tenant")], None))
            tbody { @for row in rows { (line(row)) } }
        } }
    };
    ui::flush_card(
        "Connections",
        &html! { p { "Frozen, or without a clear answer." } },
        &body,
    )
}

fn line(row: &TroubleRow) -> Markup {
    html! {
        tr {
            th scope="row" { a href={ "/connections/" (row.connection) } { (row.account) } span.sub { (row.region) } }
            td data-label="Finding" { (pill(row.tone, &row.kind)) span.sub { (row.words) } }
            td data-label="Since" { (ui::time_precise(row.since)) }
            td data-label="Tenant" { a.id href={ "/tenants/" (row.tenant) } { (row.tenant) } }
        }
    }
}
