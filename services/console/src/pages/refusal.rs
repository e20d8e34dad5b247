//! A whole page for a refusal: not found, not allowed, not now.

use maud::{Markup, html};
use service_kit::ProblemBody;

use crate::layout::{self, Theme};
use crate::ui;

/// The problem in its own words, with a way on.
pub(crate) fn page(theme: Theme, problem: &ProblemBody) -> Markup {
    let content = html! {
        div.form {
            div {
                p.muted { (problem.status) }
                h1 { (problem.title) }
                @if let Some(detail) = &problem.detail { p.lede { (detail) } }
                @if let Some(next) = &problem.next_action { p.lede { (next.text) } }
            }
            (ui::button_link("/", "Go to the start page", true))
        }
    };
    layout::gate(theme, &problem.title, &content, &html! {})
}
