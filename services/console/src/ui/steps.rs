//! Work as a list of steps, and the stages of a wizard.

use maud::{Markup, html};

use super::{Icon, icon};

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StepState {
    Todo,
    Running,
    Waiting,
    Done,
    Failed,
}

impl StepState {
    const fn class(self) -> &'static str {
        match self {
            Self::Todo => "todo",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Todo => "not started",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    const fn icon(self) -> Icon {
        match self {
            Self::Todo => Icon::Circle,
            Self::Running => Icon::Spinner,
            Self::Waiting => Icon::Pause,
            Self::Done => Icon::Check,
            Self::Failed => Icon::Cross,
        }
    }
}

/// One step: what, why, how far, and how to help it along.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// What is done or checked.
    pub(crate) name: String,
    /// Why it matters, or what was found.
    pub(crate) detail: String,
    /// Where it stands.
    pub(crate) state: StepState,
    /// When, or how long it took.
    pub(crate) when: String,
    /// What a person can do about it.
    pub(crate) fix: Option<String>,
}

/// The steps in order. The list itself is not announced; a line beside it is.
pub(crate) fn steps(steps: &[Step]) -> Markup {
    html! {
        ol.steps {
            @for step in steps {
                li.step.(step.state.class()) {
                    span.mark { (icon(step.state.icon())) }
                    div {
                        div.name { (step.name) span.hidden { ": " (step.state.words()) } }
                        @if !step.detail.is_empty() { div.sub { (step.detail) } }
                        @if let Some(fix) = &step.fix { div.fix { (fix) } }
                    }
                    div.when { (step.when) }
                }
            }
        }
    }
}

/// The stages of a wizard; `current` counts from 0, and stages before it are done.
pub(crate) fn stages(names: &[&str], current: usize) -> Markup {
    html! {
        ol.progress aria-label="Stages" {
            @for (index, name) in names.iter().enumerate() {
                li.done[index < current] aria-current=[(index == current).then_some("step")] {
                    (name)
                    @if index < current { span.hidden { " (done)" } }
                }
            }
        }
    }
}
