//! Connect AWS: the account's id, the role, and the proof that the role's lock holds.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use service_kit::ProblemBody;
use tenant_model::ids::{ConnectionId, TenantId};

use crate::pages::deployments::{DeleteForm, delete_form};
use crate::ui::{self, Field, Icon, Step, Tone, field, form_start, pill, problem, submit, time};

/// The stages of the wizard, shown on its pages.
pub(crate) const STAGES: [&str; 4] = ["Connect AWS", "Choose deployment", "Review plan", "Progress"];

/// Where a connection stands, in the words of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    AwaitingRole,
    Verifying,
    Ready,
    Refused,
    Revoked,
}

impl Phase {
    /// The state as a pill.
    pub(crate) fn pill(self) -> Markup {
        match self {
            Self::AwaitingRole => pill(Tone::Busy, "Waiting for the role"),
            Self::Verifying => pill(Tone::Busy, "Verifying"),
            Self::Ready => pill(Tone::Good, "Ready"),
            Self::Refused => pill(Tone::Bad, "Refused"),
            Self::Revoked => pill(Tone::Plain, "Disconnected"),
        }
    }
}

/// One connection as a row.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionRow {
    pub(crate) id: ConnectionId,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) phase: Phase,
    pub(crate) created_at: DateTime<Utc>,
}

/// One connection as a page.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionPage {
    pub(crate) id: ConnectionId,
    pub(crate) tenant: TenantId,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) external_id: String,
    pub(crate) role_arn: String,
    pub(crate) phase: Phase,
    /// The address of the quick-create page at AWS.
    pub(crate) quick_create: String,
    /// The same by the command line.
    pub(crate) command: String,
    /// The same for Terraform, not verified.
    pub(crate) terraform: String,
    /// The template, to read before it is trusted.
    pub(crate) template: String,
    /// What is checked, in order.
    pub(crate) checks: Vec<Step>,
    /// When STS was last asked.
    pub(crate) checked_at: Option<DateTime<Utc>>,
    /// Why the role was refused, and what to change.
    pub(crate) refused: Option<String>,
    /// The key of the development button; none where there is no local AWS.
    pub(crate) dev_key: Option<String>,
    /// Whether the viewer may go on to choose a deployment.
    pub(crate) may_change: bool,
    /// Where the page stands; what comes later is sent to it.
    pub(crate) place: i64,
    /// Why nothing is proven at the moment, and since when.
    pub(crate) doubt: Option<(String, DateTime<Utc>)>,
    /// Since when AWS gives no answer about several accounts of the region.
    pub(crate) incident: Option<DateTime<Utc>>,
    /// How it ended.
    pub(crate) ended: Option<Ended>,
    /// The newest signed rounds first.
    pub(crate) proofs: Vec<ProofRow>,
    /// The key of "check now"; none for who may not change anything, and at the end.
    pub(crate) check_key: Option<String>,
    /// The form that ends the connection; none for who may not, and at the end.
    pub(crate) end: Option<DeleteForm>,
    /// Whether what the viewer wants fits; none before the account is proven.
    pub(crate) preflight: Option<PreflightCard>,
}

/// The end of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) at: DateTime<Utc>,
    /// By whom, in words.
    pub(crate) by: &'static str,
    /// Until when a session that was open could still be used at AWS.
    pub(crate) residual_until: DateTime<Utc>,
}

/// One signed round.
#[derive(Clone, Debug)]
pub(crate) struct ProofRow {
    pub(crate) at: DateTime<Utc>,
    pub(crate) tone: Tone,
    /// What it showed, in words.
    pub(crate) words: &'static str,
    /// What was asked, in words.
    pub(crate) asked: String,
    /// Where the signed document is.
    pub(crate) href: String,
}

/// What the button that ends a connection says.
pub(crate) const END_BUTTON: &str = "Disconnect account";
/// What ending one means.
pub(crate) const END_WORDS: &str = "We stop using the role at once, for good. What runs in your account goes on running \
    and nobody operates it. Reconnecting makes a new connection with a new external id.";

/// The last wish and its checks.
#[derive(Clone, Debug)]
pub(crate) struct PreflightCard {
    pub(crate) connection: ConnectionId,
    /// Nobody has looked yet.
    pub(crate) pending: bool,
    pub(crate) checks: Vec<Step>,
    pub(crate) checked_at: Option<DateTime<Utc>>,
    pub(crate) wish: WishForm,
    /// The key of the form; none for who may not change anything.
    pub(crate) key: Option<String>,
}

/// What was typed last.
#[derive(Clone, Debug, Default)]
pub(crate) struct WishForm {
    pub(crate) instance_type: String,
    pub(crate) vpc_cidr: String,
    pub(crate) existing_vpc: bool,
    /// What a network of the tenant's own has to have.
    pub(crate) network_needs: String,
    /// Sizes to choose from.
    pub(crate) sold: Vec<&'static str>,
}

/// The list, or the first step when there is none.
pub(crate) fn list(tenant: TenantId, rows: &[ConnectionRow], may_change: bool) -> Markup {
    let add = html! { @if may_change { (ui::button_link(&format!("/tenants/{tenant}/connections/new"), "Connect AWS account", true)) } };
    html! {
        (ui::head(&[], &html! { h1 { "AWS account" } }, &html! { "Where your deployments run, reached through a role that you own and can remove." }, &html! { @if !rows.is_empty() { (add) } }))
        section.card {
            @if rows.is_empty() {
                (ui::empty(Icon::Cloud, "No AWS account yet", "Connect the account that your data platform shall run in. It takes about two minutes.", &add))
            } @else {
                div.flush { table.table.cards {
                    caption.hidden { "Connected AWS accounts" }
                    (ui::headings(&[ui::Column::text("Account"), ui::Column::text("State"), ui::Column::text("Region"), ui::Column::text("Connected since")], None))
                    tbody { @for row in rows { (line(row)) } }
                } }
            }
        }
    }
}

fn line(row: &ConnectionRow) -> Markup {
    html! {
        tr {
            th scope="row" { a href={ "/connections/" (row.id) } { (row.account) } }
            td data-label="State" { (row.phase.pill()) }
            td data-label="Region" { (row.region) }
            td data-label="Connected since" { (time(row.created_at)) }
        }
    }
}

/// The form of the first step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewConnection<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) account: &'a str,
    pub(crate) region: &'a str,
    pub(crate) regions: &'a [(&'a str, &'a str)],
    pub(crate) key: &'a str,
    pub(crate) problem: Option<&'a ProblemBody>,
}

/// The first step: only the account's number is asked for.
pub(crate) fn new(view: &NewConnection<'_>) -> Markup {
    html! {
        (ui::stages(&STAGES, 0))
        (ui::head(&[], &html! { h1 { "Connect your AWS account" } }, &html! { "Your data platform runs in your own account. We ask for its number; you create one role there, and we prove that only we can use it." }, &html! {}))
        section.card { div.body { (new_form(view)) } }
    }
}

/// Its form alone.
pub(crate) fn new_form(view: &NewConnection<'_>) -> Markup {
    let action = format!("/tenants/{}/connections", view.tenant);
    html! {
        form.form method="post" action=(action) hx-post=(action) hx-swap="outerHTML" hx-disable="find button" {
            @if let Some(refused) = view.problem { (problem(refused)) }
            (form_start(view.key))
            (field(&Field {
                name: "aws_account_id", label: "AWS account id", value: view.account, class: "code short", inputmode: Some("numeric"), pattern: Some("[0-9]{12}"),
                maxlength: Some(12), hint: "Twelve digits. You find it in the AWS console under your name at the top right.", ..Field::default()
            }, view.problem))
            (ui::select("region", "Region of the role’s stack", view.regions, view.region))
            (ui::actions(&submit("Continue")))
        }
    }
}

/// One connection: how to create the role, and what the proof says so far.
pub(crate) fn show(view: &ConnectionPage) -> Markup {
    let title = html! { h1 { "AWS account " (view.account) } };
    html! {
        div id="stages" { (stages(view)) }
        (ui::head(&[("AWS account", format!("/tenants/{}/connections", view.tenant))], &title, &html! { "Region " (view.region) }, &html! {}))
        div.columns {
            div id="role" {
                (aside(view))
            }
            div hx-sse:connect={ "/connections/" (view.id) "/live?after=" (view.place) } hx-sse:close="done" hx-swap="innerMorph" { (live(view)) }
        }
    }
}

/// Whether a design fits into the account. While nobody has looked the card asks again by itself.
pub(crate) fn preflight(card: &PreflightCard, refused: Option<&ProblemBody>) -> Markup {
    let address = format!("/connections/{}/preflight", card.connection);
    let again = card.pending.then_some(address.as_str());
    html! {
        section.card id="preflight" hx-get=[again] hx-trigger=[again.map(|_| "load delay:1s")] hx-swap=[again.map(|_| "outerHTML")] {
            header { h2 { "Does it fit?" } p { "What we would make, checked against your account as it is. Nothing is made." } }
            div.body {
                @if card.pending { p.muted role="status" { "Looking into your account …" } }
                (ui::steps(&card.checks))
                @if let Some(key) = &card.key { (wish_form(&address, &card.wish, (key, refused))) }
            }
            @if let Some(at) = card.checked_at { footer { span { "Looked at " (ui::time_precise(at)) } } }
        }
    }
}

fn wish_form(address: &str, wish: &WishForm, (key, refused): (&str, Option<&ProblemBody>)) -> Markup {
    let sizes: Vec<_> = wish.sold.iter().map(|size| (*size, *size)).collect();
    let networks = [
        ("new", "A new network"),
        ("existing", "My network tagged tenantry:use"),
    ];
    html! {
        form.form method="post" action=(address) hx-post=(address) hx-target="#preflight" hx-swap="outerHTML" hx-disable="find button" {
            @if let Some(refused) = refused { (problem(refused)) }
            (form_start(key))
            (ui::select("instance_type", "Size", &sizes, &wish.instance_type))
            (ui::select("network", "Network", &networks, if wish.existing_vpc { "existing" } else { "new" }))
            (field(&Field {
                name: "vpc_cidr", label: "Block of the new network", value: &wish.vpc_cidr, class: "code short",
                hint: "Between /16 and /28, such as 10.42.0.0/16. Not used for a network of yours.", ..Field::default()
            }, refused))
            p.muted.small { "A network of yours is found by its tag tenantry:use = your tenant id. It needs: " (wish.network_needs) " We change nothing in it that we did not make." }
            (ui::actions(&submit("Check again")))
        }
    }
}

fn stages(view: &ConnectionPage) -> Markup {
    html! { @if view.phase != Phase::Revoked { (ui::stages(&STAGES, usize::from(view.phase == Phase::Ready))) } }
}

/// What stands beside the live part: how to make the role, whether it fits, and how to end it.
fn aside(view: &ConnectionPage) -> Markup {
    html! {
        (role(view))
        @if let Some(card) = &view.preflight { (preflight(card, None)) }
        @if let Some(end) = &view.end { (ui::danger_card("Disconnect this account", &delete_form(end, END_WORDS, END_BUTTON))) }
    }
}

fn role(view: &ConnectionPage) -> Markup {
    match view.phase {
        Phase::Ready | Phase::Revoked => identity(view),
        Phase::AwaitingRole | Phase::Verifying | Phase::Refused => create_role(view),
    }
}

/// What a listening page is sent: the live part, and when the phase has changed also the parts around it, so that
/// nobody is asked to create a role that is there. Else they stay as they are, with what the reader has unfolded and
/// typed.
pub(crate) fn update(view: &ConnectionPage, phase_changed: bool) -> Markup {
    html! {
        (live(view))
        @if phase_changed { (ui::partial("#stages", &stages(view))) (ui::partial("#role", &aside(view))) }
    }
}

/// The part that keeps itself up to date.
pub(crate) fn live(view: &ConnectionPage) -> Markup {
    html! {
        section.card {
            header { h2 { "Checks" } (view.phase.pill()) }
            div.body {
                p.hidden role="status" { (summary(view)) }
                @if let Some(since) = view.incident { (incident(view, since)) }
                @else if let Some((words, since)) = &view.doubt { (doubt(words, *since)) }
                @match view.phase {
                    Phase::AwaitingRole => p.muted { "This page notices by itself when the role exists. You may close it and come back." }
                    Phase::Verifying => p.muted { "The role answers. Now we prove that it refuses everybody who lacks your external id." }
                    Phase::Ready => (ready(view))
                    Phase::Refused => (ui::note(Tone::Bad, "The role is not safe to use", &html! { @if let Some(why) = &view.refused { p { (why) } } }))
                    Phase::Revoked => (ended(view))
                }
                (ui::steps(&view.checks))
                @if let Some(key) = &view.check_key { (ui::actions(&ui::action_form(&format!("/connections/{}/verify", view.id), key, "small", "Check now"))) }
            }
            @if let Some(at) = view.checked_at {
                footer {
                    span { "Last asked " (ui::time_precise(at)) }
                    a href={ "/v1/connections/" (view.id) "/evidence" } download { "Download signed evidence" }
                }
            }
        }
        @if !view.proofs.is_empty() { (proofs(view)) }
    }
}

fn incident(view: &ConnectionPage, since: DateTime<Utc>) -> Markup {
    ui::note(
        Tone::Warn,
        "AWS gives no answer in this region",
        &html! { p { "Several accounts in " (view.region) " are without an answer since " (ui::time_precise(since)) ". Nothing is wrong with your role, and nothing of yours is changed; we go on by ourselves." } },
    )
}

fn doubt(words: &str, since: DateTime<Utc>) -> Markup {
    ui::note(
        Tone::Warn,
        "No clear answer at the moment",
        &html! { p { (words) " Since " (ui::time_precise(since)) "." } },
    )
}

fn ended(view: &ConnectionPage) -> Markup {
    html! {
        @if let Some(end) = &view.ended {
            p { "Disconnected " (end.by) ", " (ui::time_precise(end.at)) "." }
            p.muted { "We dropped our sessions at once. One that was open then could be used at AWS until " (ui::time_precise(end.residual_until)) " at the latest. Delete the role’s stack in your account and nothing is left." }
        }
    }
}

/// Each round was signed when it was found.
fn proofs(view: &ConnectionPage) -> Markup {
    html! {
        section.card {
            header { h2 { "Proofs" } p { "Each round is signed when it is made, and kept." } }
            div.flush { table.table.cards {
                caption.hidden { "Signed rounds, newest first" }
                (ui::headings(&[ui::Column::text("Round"), ui::Column::text("Asked"), ui::Column::text("Document")], None))
                tbody { @for row in &view.proofs {
                    tr {
                        th scope="row" { (pill(row.tone, row.words)) span.sub { (ui::time_precise(row.at)) } }
                        td data-label="Asked" { (row.asked) }
                        td data-label="Document" { a href=(row.href) download { "Download" } }
                    }
                } }
            } }
        }
    }
}

fn summary(view: &ConnectionPage) -> String {
    let done = view
        .checks
        .iter()
        .filter(|check| check.state == ui::StepState::Done)
        .count();
    format!("{done} of {} checks passed", view.checks.len())
}

fn ready(view: &ConnectionPage) -> Markup {
    ui::note(
        Tone::Good,
        "Your account is connected",
        &html! {
            p { "The role works, and every wrong key was refused." }
            @if view.may_change {
                (ui::actions(&ui::button_link(&format!("/tenants/{}/deployments/new", view.tenant), "Choose deployment", true)))
            }
        },
    )
}

fn create_role(view: &ConnectionPage) -> Markup {
    html! {
        section.card {
            header { h2 { "Create the role in your account" } p { "One CloudFormation stack with one role. Nothing else is created." } }
            div.body {
                div.actions {
                    a.btn.primary href=(view.quick_create) target="_blank" rel="noopener" { "Create role in AWS" (ui::icon(Icon::Arrow)) }
                    span.muted.small { "Opens AWS in a new tab. Sign in there as an administrator and choose “Create stack”." }
                }
                p { a href={ "/tenants/" (view.tenant) "/permissions" } { "Read what we may do in your account" } ", each permission with its reason." }
                @if let Some(key) = &view.dev_key {
                    form method="post" action={ "/connections/" (view.id) "/deploy-role" } {
                        (form_start(key))
                        button.btn.dev type="submit" { "Create the role in the local AWS" }
                    }
                }
                (ui::more("Use the command line instead", &ui::snippet("command", &view.command)))
                (ui::more("Use Terraform (generated, not verified)", &ui::snippet_tall("terraform", &view.terraform)))
                (ui::more("Read the template first", &ui::snippet_tall("template", &view.template)))
            }
        }
        (identity(view))
    }
}

fn identity(view: &ConnectionPage) -> Markup {
    ui::card(
        "What the role is bound to",
        &html! {
            (ui::facts(&[
                ("Role", html! { code { (view.role_arn) } }),
                ("External id", html! { code { (view.external_id) } }),
                ("Connection", ui::short_id(&view.id.to_string())),
            ]))
            p.muted.small { "The external id is made by us, for this account only. A request without it is refused by your role, so nobody can talk us into using it for them." }
        },
    )
}
