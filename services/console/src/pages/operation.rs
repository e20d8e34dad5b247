//! One operation: the plan to approve, then the steps as they happen.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use service_kit::ProblemBody;
use tenant_model::ids::{DeploymentId, OperationId};

use crate::format;
use crate::pages::connections::STAGES;
use crate::ui::{self, Column, Step, StepState, Tone, form_start, pill, problem};

/// One line of a plan.
#[derive(Clone, Debug)]
pub(crate) struct PlanRow {
    pub(crate) change: Change,
    pub(crate) resource: String,
    pub(crate) why: String,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
}

/// What a line does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Create,
    Alter,
    Delete,
}

impl Change {
    const fn parts(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Create => ("create", "+", "Create"),
            Self::Alter => ("change", "~", "Change"),
            Self::Delete => ("delete", "−", "Delete"),
        }
    }
}

/// A plan that waits for approval or was approved.
#[derive(Clone, Debug)]
pub(crate) struct PlanView {
    pub(crate) hash: String,
    pub(crate) rows: Vec<PlanRow>,
    /// What costs something, and how much in a month.
    pub(crate) costs: Vec<(String, String)>,
    /// The monthly sum in words, with the date of its prices.
    pub(crate) cost: String,
    pub(crate) cost_note: String,
}

/// One operation as a page.
#[derive(Clone, Debug)]
pub(crate) struct OperationPage {
    pub(crate) id: OperationId,
    pub(crate) kind: String,
    pub(crate) state: String,
    pub(crate) deployment: Option<DeploymentId>,
    pub(crate) percent: u8,
    pub(crate) steps: Vec<Step>,
    pub(crate) plan: Option<PlanView>,
    pub(crate) problem: Option<ProblemBody>,
    pub(crate) requested_at: DateTime<Utc>,
    pub(crate) requested_by: String,
    pub(crate) approved_by: Option<String>,
    /// The event after which the page listens.
    pub(crate) after: i64,
    /// The key of the forms; none for a viewer who may not change anything.
    pub(crate) key: Option<String>,
}

impl OperationPage {
    fn waits_for_approval(&self) -> bool {
        self.state == "awaiting_approval"
    }

    /// Whether nothing more will happen.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state.as_str(), "succeeded" | "failed" | "cancelled")
    }

    fn is_first_deployment(&self) -> bool {
        self.kind == "provision"
    }
}

/// The state of an operation as a pill.
pub(crate) fn state_pill(state: &str) -> Markup {
    let tone = match state {
        "succeeded" => Tone::Good,
        "failed" => Tone::Bad,
        "cancelled" | "planned" => Tone::Plain,
        "awaiting_approval" | "waiting" => Tone::Warn,
        _ => Tone::Busy,
    };
    pill(tone, &format::words(state))
}

/// The whole page.
pub(crate) fn content(view: &OperationPage) -> Markup {
    let crumbs: Vec<_> = view
        .deployment
        .iter()
        .map(|id| ("Deployment", format!("/deployments/{id}")))
        .collect();
    let lede = html! { "Requested " (ui::time(view.requested_at)) " by " (view.requested_by) @if let Some(approver) = &view.approved_by { ", approved by " (approver) } };
    html! {
        div id="stages" { (stages(view)) }
        (ui::head(&crumbs, &html! { h1 id="title" { (title(view)) } }, &lede, &html! {}))
        @if view.waits_for_approval() {
            @if let Some(plan) = &view.plan { (review(view, plan)) }
        } @else {
            div.columns {
                div hx-sse:connect={ "/operations/" (view.id) "/live?after=" (view.after) } hx-sse:close="done" hx-swap="innerMorph" { (live(view)) }
                div { @if let Some(plan) = &view.plan { (ui::flush_card("Plan", &html! { span.muted.small { (plan.cost) } }, &plan_table(plan, true))) } }
            }
        }
    }
}

fn stages(view: &OperationPage) -> Markup {
    let stage = if view.waits_for_approval() {
        2
    } else {
        3 + usize::from(view.state == "succeeded")
    };
    html! { @if view.is_first_deployment() { (ui::stages(&STAGES, stage)) } }
}

fn title(view: &OperationPage) -> String {
    match (view.waits_for_approval(), view.is_first_deployment()) {
        (true, _) => "Review the plan".to_owned(),
        (false, true) => first_deployment(&view.state).to_owned(),
        (false, false) => format::words(&view.kind),
    }
}

fn first_deployment(state: &str) -> &'static str {
    match state {
        "succeeded" => "The deployment is ready",
        "failed" => "The deployment was not created",
        "cancelled" => "The plan was withdrawn",
        _ => "Creating the deployment",
    }
}

/// What a listening page is sent: the live part, and at the end also the heading, which else would say that the
/// work goes on.
pub(crate) fn update(view: &OperationPage) -> Markup {
    html! {
        (live(view))
        @if view.is_over() { (ui::partial("#stages", &stages(view))) (ui::partial("#title", &html! { (title(view)) })) }
    }
}

/// The part that keeps itself up to date.
pub(crate) fn live(view: &OperationPage) -> Markup {
    html! {
        section.card {
            header { h2 { "Progress" } (state_pill(&view.state)) }
            div.body {
                p.hidden role="status" { (summary(view)) }
                (ui::percent_bar(view.percent, bar_class(view), &format!("{} percent done", view.percent)))
                @if view.state == "succeeded" { (finished(view)) }
                @if let Some(refused) = &view.problem { (problem(refused)) }
                (ui::steps(&view.steps))
            }
            footer { span.id { (view.id) } @if !view.is_over() { span { "You may close this page; the work goes on." } } }
        }
    }
}

fn bar_class(view: &OperationPage) -> &'static str {
    match view.state.as_str() {
        "succeeded" => "good",
        "failed" => "bad",
        _ => "",
    }
}

fn summary(view: &OperationPage) -> String {
    let at = view
        .steps
        .iter()
        .position(|step| step.state != StepState::Done)
        .unwrap_or(view.steps.len());
    match view.steps.get(at) {
        Some(step) => format!("Step {} of {}: {}", at + 1, view.steps.len(), step.name),
        None => format!("All {} steps are done", view.steps.len()),
    }
}

fn finished(view: &OperationPage) -> Markup {
    ui::note(
        Tone::Good,
        "Done",
        &html! {
            p { "Everything is as planned, seen in your account." }
            @if let Some(deployment) = view.deployment {
                (ui::actions(&ui::button_link(&format!("/deployments/{deployment}"), "See connection details", true)))
            }
        },
    )
}

fn review(view: &OperationPage, plan: &PlanView) -> Markup {
    html! {
        div.columns {
            div { (ui::flush_card("What will be done", &html! { span.muted.small { (tally(&plan.rows)) } }, &plan_table(plan, false))) }
            div { (ui::card("Approve", &html! { (approve_form(view, plan, None)) (withdraw(view)) })) }
        }
    }
}

/// A form of its own: with script, a form is sent to its own address whichever button was pressed.
fn withdraw(view: &OperationPage) -> Markup {
    let action = format!("/operations/{}/cancel", view.id);
    html! { @if let Some(key) = &view.key { (ui::action_form(&action, key, "quiet", "Withdraw plan")) } }
}

fn tally(rows: &[PlanRow]) -> String {
    let of = |change| rows.iter().filter(|row| row.change == change).count();
    format!(
        "{} to create, {} to change, {} to delete",
        of(Change::Create),
        of(Change::Alter),
        of(Change::Delete)
    )
}

fn plan_table(plan: &PlanView, brief: bool) -> Markup {
    let columns = [
        Column::text("Change"),
        Column::text("Resource"),
        Column::text("What it will be"),
    ];
    let columns = &columns[..if brief { 2 } else { 3 }];
    html! {
        table.table.cards[!brief] {
            caption.hidden { "Planned changes" }
            (ui::headings(columns, None))
            tbody { @for row in &plan.rows { (plan_line(row, brief)) } }
        }
    }
}

fn plan_line(row: &PlanRow, brief: bool) -> Markup {
    let (class, sign, words) = row.change.parts();
    html! {
        tr {
            td data-label="Change" { span.diff.(class) title=(words) { (sign) span.hidden { (words) } } }
            th scope="row" { (row.resource) span.sub { (row.why) } }
            @if !brief {
                td data-label="What it will be" {
                    @if let Some(before) = &row.before { span.sub { "Now " (before) } }
                    @match &row.after { Some(after) => (after), None => span.muted { "Gone" } }
                }
            }
        }
    }
}

fn costs(plan: &PlanView) -> Markup {
    html! {
        b { (plan.cost) }
        @for (item, amount) in &plan.costs { span.sub { (item) ", " (amount) } }
        span.sub { (plan.cost_note) }
    }
}

/// The approval names the plan by its hash, so that nobody approves what he has not seen.
pub(crate) fn approve_form(view: &OperationPage, plan: &PlanView, refused: Option<&ProblemBody>) -> Markup {
    let action = format!("/operations/{}/approve", view.id);
    html! {
        form.form method="post" action=(action) hx-post=(action) hx-swap="outerHTML" hx-disable="find button" {
            @if let Some(refused) = refused { (problem(refused)) }
            (ui::facts(&[
                ("Estimated cost", costs(plan)),
                ("Undo", html! { "Deleting the deployment removes everything listed here." }),
                ("Plan", html! { code { (plan.hash.chars().take(12).collect::<String>()) } }),
            ]))
            @match &view.key {
                Some(key) => {
                    (form_start(key))
                    input type="hidden" name="plan_hash" value=(plan.hash);
                    div.actions {
                        button.btn.primary type="submit" { "Approve plan" }
                    }
                }
                None => p.muted { "An admin of your organisation can approve this plan." },
            }
        }
    }
}
