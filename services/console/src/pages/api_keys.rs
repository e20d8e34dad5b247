//! API keys of a tenant. A secret is shown once, in the reply that made it.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use service_kit::ProblemBody;
use tenant_model::ids::{ApiKeyId, TenantId};

use crate::ui::{self, Column, Field, Icon, Tone, field, form_start, pill, problem, time};

/// One key as a row.
#[derive(Clone, Debug)]
pub(crate) struct KeyRow {
    pub(crate) id: ApiKeyId,
    pub(crate) name: String,
    /// The start of the key, by which people know it.
    pub(crate) prefix: String,
    pub(crate) scopes: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) last_used_at: Option<DateTime<Utc>>,
    pub(crate) revoked: bool,
    /// The key of the form that revokes it.
    pub(crate) revoke_key: String,
}

/// What the page is drawn from.
#[derive(Clone, Debug)]
pub(crate) struct KeysPage<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) rows: &'a [KeyRow],
    pub(crate) may_change: bool,
    pub(crate) key: &'a str,
    pub(crate) name: &'a str,
    pub(crate) problem: Option<&'a ProblemBody>,
    /// A secret that was made just now.
    pub(crate) secret: Option<&'a str>,
    /// Where events are sent, for the example.
    pub(crate) base_url: &'a str,
}

/// The whole content.
pub(crate) fn content(view: &KeysPage<'_>) -> Markup {
    html! {
        (ui::head(&[], &html! { h1 { "API keys" } }, &html! { "Your data platform reports usage with one of these. A key belongs to your organisation and to nobody else." }, &html! {}))
        @if let Some(secret) = view.secret { (shown_once(view, secret)) }
        @if view.may_change { section.card { header { h2 { "Make a key" } } div.body { (form(view)) } } }
        section.card {
            header { h2 { "Keys" } }
            @if view.rows.is_empty() { (ui::empty(Icon::Key, "No key yet", "Make one, then send your first event.", &html! {})) }
            @else { div.flush { (table(view)) } }
        }
    }
}

fn shown_once(view: &KeysPage<'_>, secret: &str) -> Markup {
    let example = format!(
        "curl {}/v1/usage-events \\\n  -H 'Authorization: Bearer {secret}' \\\n  -H 'Content-Type: application/cloudevents+json' \\\n  -d '{{\"specversion\":\"1.0\",\"id\":\"evt-1\",\"source\":\"my-platform\",\"type\":\"query.completed\",\"data\":{{\"rows\":500}}}}'",
        view.base_url
    );
    ui::note(
        Tone::Good,
        "Copy your new key now",
        &html! {
            p { "It is shown this once. We keep only its hash." }
            (ui::snippet("secret", secret))
            (ui::more("Send a first event", &ui::snippet("example", &example)))
        },
    )
}

/// The form alone.
pub(crate) fn form(view: &KeysPage<'_>) -> Markup {
    let action = format!("/tenants/{}/api-keys", view.tenant);
    html! {
        form.form method="post" action=(action) {
            @if let Some(refused) = view.problem { (problem(refused)) }
            (form_start(view.key))
            div.inline-form {
                (field(&Field { name: "name", label: "Name", value: view.name, hint: "", maxlength: Some(80), ..Field::default() }, view.problem))
                (ui::select("scope", "May", &[("usage-write", "Report usage"), ("usage-read", "Read usage")], "usage-write"))
                button.btn.primary type="submit" { "Make key" }
            }
        }
    }
}

fn table(view: &KeysPage<'_>) -> Markup {
    let columns = [
        Column::text("Name"),
        Column::text("May"),
        Column::text("State"),
        Column::text("Made"),
        Column::text("Last used"),
        Column::text(""),
    ];
    html! {
        table.table.cards {
            caption.hidden { "API keys" }
            (ui::headings(&columns[..if view.may_change { 6 } else { 5 }], None))
            tbody { @for row in view.rows { (line(row, view)) } }
        }
    }
}

fn line(row: &KeyRow, view: &KeysPage<'_>) -> Markup {
    html! {
        tr {
            th scope="row" { (row.name) span.sub.id { (row.prefix) "…" } }
            td data-label="May" { (row.scopes) }
            td data-label="State" { @if row.revoked { (pill(Tone::Plain, "Revoked")) } @else { (pill(Tone::Good, "Active")) } }
            td data-label="Made" { (time(row.created_at)) }
            td data-label="Last used" { @match row.last_used_at { Some(at) => (time(at)), None => span.muted { "Never" } } }
            @if view.may_change {
                td.act { @if !row.revoked { (ui::action_form(&format!("/tenants/{}/api-keys/{}/revoke", view.tenant, row.id), &row.revoke_key, "danger small", "Revoke key")) } }
            }
        }
    }
}
