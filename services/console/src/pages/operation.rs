//! One operation: the plan to approve, then the steps as they happen.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use service_kit::ProblemBody;
use tenant_model::ids::{DeploymentId, OperationId};
use tenant_model::plan::Plan;

use crate::format;
use crate::pages::connections::STAGES;
use crate::pages::plan;
use crate::ui::{self, Step, StepState, Tone, form_start, pill, problem};

/// Who must agree to a plan, and who has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Agreement {
    /// Different people that it takes.
    pub(crate) needed: usize,
    /// Whose approval is enough alone.
    pub(crate) alone: Option<String>,
    /// Who has approved the plan that is shown.
    pub(crate) by: Vec<String>,
    /// What has changed since an older plan, in words; none when there was no older one.
    pub(crate) changed: Option<String>,
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
    pub(crate) plan: Option<Plan>,
    pub(crate) agreement: Agreement,
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
                div { (stop(view)) @if let Some(plan) = &view.plan { (ui::flush_card("Plan", &html! { span.muted.small { (plan::cost_in_words(plan)) } }, &plan::difference(plan, true))) } }
            }
        }
    }
}

/// Work under way is withdrawn with a word on what it has done so far.
fn stop(view: &OperationPage) -> Markup {
    let withdrawable = matches!(view.kind.as_str(), "provision" | "change") && !view.is_over();
    let back = if view.kind == "change" {
        "Turning back makes the design from before the wanted one again."
    } else {
        "Turning back takes down what was made so far."
    };
    html! {
        @if let Some(key) = view.key.as_ref().filter(|_| withdrawable) {
            (ui::card("Stop", &html! {
                p { "A call under way ends. " (back) " Keeping leaves everything as it is then." }
                div.actions { (stop_form(view, key, ("rollback", "Stop and turn back"))) (stop_form(view, key, ("keep", "Stop and keep"))) }
            }))
        }
    }
}

fn stop_form(view: &OperationPage, key: &str, (then, words): (&str, &str)) -> Markup {
    html! {
        form method="post" action={ "/operations/" (view.id) "/cancel" } {
            (form_start(key))
            input type="hidden" name="then" value=(then);
            button.btn.quiet type="submit" { (words) }
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
        (true, true) => "Review the plan".to_owned(),
        (true, false) => format!("Review the plan: {}", format::words(&view.kind).to_lowercase()),
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

fn review(view: &OperationPage, plan: &Plan) -> Markup {
    html! {
        @if let Some(changed) = &view.agreement.changed {
            (ui::note(Tone::Warn, "The plan is not the one that was shown before", &html! { p { (changed) " Nothing was done. This is the plan as it is now." } }))
        }
        div.columns {
            div {
                (ui::flush_card("What will be done", &html! { span.muted.small { (plan::tally(plan)) } }, &plan::difference(plan, false)))
                (ui::flush_card("What it costs in your account", &html! { span.muted.small { (plan::cost_in_words(plan)) } }, &plan::cost(plan)))
                (ui::flush_card("After a fault", &html! {}, &plan::recovery(plan)))
                (ui::card("What your account must have and allow", &plan::needs(plan)))
            }
            div { (ui::card("Approve", &html! { (approve_form(view, plan, None)) (withdraw(view)) })) }
        }
    }
}

/// A form of its own: with script, a form is sent to its own address whichever button was pressed.
fn withdraw(view: &OperationPage) -> Markup {
    let action = format!("/operations/{}/cancel", view.id);
    html! { @if let Some(key) = &view.key { (ui::action_form(&action, key, "quiet", "Withdraw plan")) } }
}

/// The approval names the plan by its hash, so that nobody approves what he has not seen.
pub(crate) fn approve_form(view: &OperationPage, plan: &Plan, refused: Option<&ProblemBody>) -> Markup {
    let action = format!("/operations/{}/approve", view.id);
    let mut facts = vec![
        ("Cost", html! { b { (plan::cost_in_words(plan)) } }),
        ("Takes", plan::duration(plan)),
        ("Downtime", plan::downtime(plan)),
    ];
    if !plan.kept.is_empty() {
        facts.push(("Stays", plan::kept(plan)));
    }
    facts.push((
        "Plan",
        html! { code { (plan.hash.chars().take(12).collect::<String>()) } },
    ));
    html! {
        form.form method="post" action=(action) hx-post=(action) hx-swap="outerHTML" hx-disable="find button" {
            @if let Some(refused) = refused { (problem(refused)) }
            (plan::irreversible(plan))
            (ui::facts(&facts))
            (agreement(&view.agreement))
            @match &view.key {
                Some(key) => {
                    (form_start(key))
                    input type="hidden" name="plan_hash" value=(plan.hash);
                    div.actions { (approve_button(view)) }
                }
                None => p.muted { "An admin of your organisation can approve this plan." },
            }
        }
    }
}

fn approve_button(view: &OperationPage) -> Markup {
    let last = view.agreement.by.len() + 1 >= view.agreement.needed;
    html! {
        @if view.kind == "delete" { button.btn.danger type="submit" { (if last { "Approve and delete" } else { "Approve deletion" }) } }
        @else { button.btn.primary type="submit" { "Approve plan" } }
    }
}

/// Said only where it takes more than one.
fn agreement(agreement: &Agreement) -> Markup {
    html! {
        @if agreement.needed > 1 {
            p {
                "Takes the approval of " (agreement.needed) " different people. "
                @if agreement.by.is_empty() { "Nobody has approved it yet." }
                @else { "Approved by " (agreement.by.join(", ")) "; one more is needed." }
                @if let Some(alone) = &agreement.alone { " The approval of " (alone) " alone is enough: the organisation has no other admin." }
            }
        }
    }
}
