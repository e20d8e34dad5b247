//! The people of a tenant.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use service_kit::ProblemBody;
use tenant_model::ids::TenantId;

use crate::ui::{self, Column, Field, Icon, Tone, field, form_start, pill, problem, time};

/// One person as a row.
#[derive(Clone, Debug)]
pub(crate) struct PersonRow {
    pub(crate) email: String,
    pub(crate) role: String,
    pub(crate) active: bool,
    pub(crate) since: DateTime<Utc>,
}

/// What the page is drawn from.
#[derive(Clone, Debug)]
pub(crate) struct PeoplePage<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) rows: &'a [PersonRow],
    pub(crate) may_change: bool,
    pub(crate) key: &'a str,
    pub(crate) email: &'a str,
    /// A sentence about what has just been done.
    pub(crate) done: Option<&'a str>,
    pub(crate) problem: Option<&'a ProblemBody>,
}

/// The whole content.
pub(crate) fn content(view: &PeoplePage<'_>) -> Markup {
    html! {
        (ui::head(&[], &html! { h1 { "People" } }, &html! { "Admins may change things; members may look." }, &html! {}))
        @if let Some(done) = view.done { (ui::note(Tone::Good, done, &html! {})) }
        @if view.may_change { section.card { header { h2 { "Invite somebody" } } div.body { (form(view)) } } }
        section.card {
            header { h2 { "In your organisation" } }
            @if view.rows.is_empty() { (ui::empty(Icon::People, "Nobody here", "Invite the first person.", &html! {})) }
            @else { div.flush { table.table.cards {
                caption.hidden { "People" }
                (ui::headings(&[Column::text("E-mail"), Column::text("Role"), Column::text("State"), Column::text("Since")], None))
                tbody { @for row in view.rows { tr {
                    th scope="row" { (row.email) }
                    td data-label="Role" { (row.role) }
                    td data-label="State" { @if row.active { (pill(Tone::Good, "Active")) } @else { (pill(Tone::Plain, "Left")) } }
                    td data-label="Since" { (time(row.since)) }
                } } }
            } } }
        }
    }
}

/// The form alone.
pub(crate) fn form(view: &PeoplePage<'_>) -> Markup {
    let action = format!("/tenants/{}/invitations", view.tenant);
    html! {
        form.form method="post" action=(action) {
            @if let Some(refused) = view.problem { (problem(refused)) }
            (form_start(view.key))
            div.inline-form {
                (field(&Field { name: "email", label: "E-mail", kind: "email", value: view.email, ..Field::default() }, view.problem))
                (ui::select("role", "Role", &[("member", "Member"), ("admin", "Admin")], "member"))
                button.btn.primary type="submit" { "Invite person" }
            }
        }
    }
}
