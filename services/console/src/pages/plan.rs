//! A plan as people read it before they agree to it: the difference, the money, the time, and what does not come back.

use chrono::TimeDelta;
use maud::{Markup, html};
use rust_decimal::Decimal;
use tenant_model::plan::{Change, CostLine, Plan, PlanLine, Promise};

use crate::format;
use crate::ui::{self, Column, Tone};

/// Class, sign and word of what happens to a resource.
const fn parts(change: Change) -> (&'static str, &'static str, &'static str) {
    match change {
        Change::Create => ("create", "+", "Create"),
        Change::Update => ("change", "~", "Change"),
        Change::Delete => ("delete", "−", "Delete"),
    }
}

/// How much of each there is, in words.
pub(crate) fn tally(plan: &Plan) -> String {
    let of = |change| plan.lines.iter().filter(|line| line.change == change).count();
    format!(
        "{} to create, {} to change, {} to delete",
        of(Change::Create),
        of(Change::Update),
        of(Change::Delete)
    )
}

/// The difference, resource by resource; brief beside the progress of the work.
pub(crate) fn difference(plan: &Plan, brief: bool) -> Markup {
    let columns = [
        Column::text("Change"),
        Column::text("Resource"),
        Column::text("Before and after"),
    ];
    let columns = &columns[..if brief { 2 } else { 3 }];
    html! {
        table.table.cards[!brief] {
            caption.hidden { "Planned changes" }
            (ui::headings(columns, None))
            tbody { @for line in &plan.lines { (difference_line(line, brief)) } }
        }
    }
}

fn difference_line(line: &PlanLine, brief: bool) -> Markup {
    let (class, sign, words) = parts(line.change);
    html! {
        tr {
            td data-label="Change" { span.diff.(class) title=(words) { (sign) span.hidden { (words) } } }
            th scope="row" { (format::words(&line.resource)) span.sub { (line.why) } }
            @if !brief {
                td data-label="Before and after" {
                    (before_and_after(line))
                    @if line.change != Change::Create && !line.reason.is_empty() { span.sub { (line.reason) } }
                }
            }
        }
    }
}

fn before_and_after(line: &PlanLine) -> Markup {
    match (&line.before, &line.after) {
        (Some(before), Some(after)) if before == after => html! { (after) },
        (Some(before), Some(after)) => html! { s.muted { (before) } " → " (after) },
        (None, Some(after)) => html! { (after) },
        (Some(before), None) => html! { s.muted { (before) } " → gone" },
        (None, None) => html! { span.muted { "—" } },
    }
}

/// The money, line by line.
pub(crate) fn cost(plan: &Plan) -> Markup {
    let cost = &plan.cost;
    let columns = [
        Column::text("USD a month"),
        Column::number("Now"),
        Column::number("Afterwards"),
        Column::number("Difference"),
    ];
    let sum = CostLine {
        item: "Together".to_owned(),
        before_monthly_usd: cost.before_monthly_usd.clone(),
        monthly_usd: cost.monthly_usd.clone(),
        delta_monthly_usd: cost.delta_monthly_usd.clone(),
    };
    html! {
        table.table {
            caption.hidden { "Cost before and after" }
            (ui::headings(&columns, None))
            tbody { @for line in cost.lines.iter().chain([&sum]) { (cost_line(line)) } }
        }
        p.note-line.muted.small { "Prices of " (cost.prices_as_of) " in " (cost.prices_region) ": " (cost.confidence) "." }
    }
}

fn cost_line(line: &CostLine) -> Markup {
    html! {
        tr {
            th scope="row" { (line.item) }
            td.num { (amount(&line.before_monthly_usd)) }
            td.num { (amount(&line.monthly_usd)) }
            td.num { (signed(&line.delta_monthly_usd)) }
        }
    }
}

/// The difference in a month in words, for places where one figure is enough.
pub(crate) fn cost_in_words(plan: &Plan) -> String {
    let cost = &plan.cost;
    if cost.before_monthly_usd == "0.00" {
        return format!("{} USD a month", amount(&cost.monthly_usd));
    }
    format!(
        "{} USD a month ({})",
        amount(&cost.monthly_usd),
        signed(&cost.delta_monthly_usd)
    )
}

fn amount(text: &str) -> String {
    text.parse::<Decimal>()
        .map_or_else(|_| text.to_owned(), |amount| format!("{:.2}", amount.round_dp(2)))
}

fn signed(text: &str) -> String {
    let amount = amount(text);
    match amount.strip_prefix('-') {
        Some(less) => format!("−{less}"),
        None if amount == "0.00" => amount,
        None => format!("+{amount}"),
    }
}

/// What is lost for good, to be seen before anything is approved.
pub(crate) fn irreversible(plan: &Plan) -> Markup {
    html! {
        @if !plan.irreversible.is_empty() {
            (ui::note(Tone::Warn, "This cannot be undone", &html! { ul { @for words in &plan.irreversible { li { (sentence(words)) } } } }))
        }
    }
}

/// What stays after a deletion.
pub(crate) fn kept(plan: &Plan) -> Markup {
    html! {
        @for kept in &plan.kept {
            span.sub {
                (sentence(&kept.what))
                @if let Some(days) = kept.days { ", for " (format::things(i64::from(days), "day", "days")) }
                " (" (kept.why) ")"
            }
        }
    }
}

/// How long it takes, and what determines that.
pub(crate) fn duration(plan: &Plan) -> Markup {
    let timing = &plan.timing;
    html! {
        "About " (seconds(timing.expected_seconds))
        details.more {
            summary { "What takes how long" }
            div { ul {
                @for step in &timing.critical_path {
                    li { (format::words(&step.resource)) ": " (seconds(step.seconds)) span.sub { (sentence(&step.source)) } }
                }
            } p.muted.small { (sentence(&timing.confidence)) "." } }
        }
    }
}

/// How long nothing is served.
pub(crate) fn downtime(plan: &Plan) -> Markup {
    let timing = &plan.timing;
    html! {
        @match timing.downtime_seconds {
            Some(0) => "None",
            Some(time) => { "About " (seconds(time)) },
            None => "From then on",
        }
        @if !timing.downtime.is_empty() { span.sub { (sentence(&timing.downtime)) } }
    }
}

fn seconds(seconds: u32) -> String {
    format::duration(TimeDelta::seconds(i64::from(seconds)))
}

/// What a fault costs before and after, with what a drill has shown.
pub(crate) fn recovery(plan: &Plan) -> Markup {
    let (before, after) = (&plan.recovery.before, &plan.recovery.after);
    let faults: Vec<&str> = ["instance", "zone"].into_iter().collect();
    let of = |promises: &[Promise], fault: &str| promises.iter().find(|one| one.fault == fault).cloned();
    let columns = [
        Column::text("Loss of"),
        Column::text("Now"),
        Column::text("Afterwards"),
    ];
    html! {
        table.table {
            caption.hidden { "Time and data that a fault costs" }
            (ui::headings(&columns, None))
            tbody { @for fault in faults {
                tr {
                    th scope="row" { (lost(fault)) }
                    td { (promise(of(before, fault).as_ref())) }
                    td { (promise(of(after, fault).as_ref())) }
                }
            } }
        }
    }
}

fn lost(fault: &str) -> &str {
    match fault {
        "instance" => "a machine",
        "zone" => "a zone",
        other => other,
    }
}

fn promise(promise: Option<&Promise>) -> Markup {
    let Some(promise) = promise else {
        return html! { span.muted { "nothing is promised" } };
    };
    let data = match promise.rpo_seconds {
        0 => "no data".to_owned(),
        time => format!("data of {}", seconds(time)),
    };
    let measured = promise.measured_rto_seconds.map_or_else(
        || "measured: none yet".to_owned(),
        |time| format!("measured: {}", seconds(time)),
    );
    html! { "Back within " (seconds(promise.rto_seconds)) ", " (data) span.sub { (measured) } span.sub { (sentence(&promise.how)) } }
}

/// What the account must have and allow.
pub(crate) fn needs(plan: &Plan) -> Markup {
    html! {
        @if plan.needs.quotas.is_empty() { p { "Nothing more than the account has in use already." } }
        @else { ul {
            @for quota in &plan.needs.quotas {
                li { (quota.more) " more " (quota.name) span.sub { "Quota " code { (quota.code) } ", preflight check “" (format::words(&quota.check)) "”" } }
            }
        } }
        @for need in &plan.needs.permissions {
            details.more {
                summary { "Permissions to " (class(&need.class)) " (" (need.actions.len()) ")" }
                div { p.muted.small { "Proof: " (need.proof) "." } ul { @for action in &need.actions { li { code { (action) } } } } }
            }
        }
    }
}

fn class(name: &str) -> &str {
    match name {
        "observe" => "look",
        "network" => "make the network",
        "compute" => "make and run machines",
        "delete" => "take away",
        other => other,
    }
}

/// A part of the model's words as the beginning of a sentence.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}
