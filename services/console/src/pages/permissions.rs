//! What we may do in a customer's account, for its security team.

use maud::{Markup, html};
use tenant_model::disclosure::{Disclosed, foreign_words};
use tenant_model::ids::TenantId;
use tenant_model::simulation::Escalation;

use crate::ui::{self, Column, Tone, pill};

/// What the page is drawn from.
#[derive(Clone, Debug)]
pub(crate) struct PermissionsPage {
    pub(crate) tenant: TenantId,
    /// Every action of the role, sorted.
    pub(crate) granted: Vec<Disclosed>,
    /// What the same policy denies.
    pub(crate) denied: &'static [Escalation],
}

/// The whole content.
pub(crate) fn content(view: &PermissionsPage) -> Markup {
    let (looks, changes): (Vec<_>, Vec<_>) = view.granted.iter().partition(|one| one.looks);
    let back = format!("/tenants/{}/connections", view.tenant);
    html! {
        (ui::head(&[("AWS account", back)], &html! { h1 { "What we may do" } }, &html! { "Everything that the role in your account allows, with the reason. The role’s policy, its permissions boundary and the policy of every session are compiled from this list." }, &html! {}))
        (bounds())
        (group("Changes", "Only what carries your tenant’s tag, or is tagged with it as it is made.", &changes))
        (group("Looks", "These calls read and change nothing.", &looks))
        (closed(view.denied))
    }
}

fn bounds() -> Markup {
    ui::card(
        "What holds beside the list",
        &html! {
            ul {
                li { "The role can only be assumed with your external id, by one role of ours. Sessions last 15 minutes." }
                li { "Each session is narrowed to one kind of step, one region and your tenant’s tag. Your CloudTrail names the operation and the person." }
                li { "The policy is the role’s permissions boundary too: whatever else is attached to the role adds nothing." }
                li { "Delete the role’s stack and all access ends. What runs goes on running." }
            }
        },
    )
}

fn group(title: &str, words: &str, rows: &[&Disclosed]) -> Markup {
    let columns = [
        Column::text("Permission"),
        Column::text("What for"),
        Column::text("On what, under which condition"),
    ];
    ui::flush_card(
        title,
        &html! { p { (rows.len()) " permissions. " (words) } },
        &html! {
            table.table.cards {
                caption.hidden { (title) }
                (ui::headings(&columns, None))
                tbody { @for row in rows { (line(row)) } }
            }
        },
    )
}

fn line(row: &Disclosed) -> Markup {
    html! {
        tr {
            th scope="row" { code { (row.action) } span.sub { "in steps: " (row.steps.join(", ")) } }
            td data-label="What for" { (row.reason) }
            td data-label="On what" {
                @for target in &row.on {
                    div { (target.resource) @if target.condition != "none" { span.sub { (target.condition) } } }
                }
            }
        }
    }
}

fn closed(denied: &[Escalation]) -> Markup {
    let columns = [
        Column::text("Denied"),
        Column::text("On"),
        Column::text("What it would give"),
    ];
    ui::flush_card(
        "Known ways to more, closed",
        &html! { p { (denied.len()) " ways. Each is asked of IAM’s policy simulator with every proof (simulated, not tried)." } },
        &html! {
            table.table.cards {
                caption.hidden { "Denied actions" }
                (ui::headings(&columns, None))
                tbody { @for way in denied {
                    tr {
                        th scope="row" { code { (way.action) } }
                        td data-label="On" { (foreign_words(way.on)) }
                        td data-label="What it would give" { (pill(Tone::Good, "Denied")) " " (way.gives) }
                    }
                } }
            }
        },
    )
}
