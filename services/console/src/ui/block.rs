//! Blocks of a page: headings, cards, figures, notes, problems, and what to say when there is nothing.

use maud::{Markup, html};
use service_kit::ProblemBody;

use super::{Icon, Tone, icon};

/// The heading of a page: the one `h1`, a sentence below it, and what can be done beside it.
pub(crate) fn head(crumbs: &[(&str, String)], title: &Markup, lede: &Markup, actions: &Markup) -> Markup {
    html! {
        div.head {
            div {
                @if !crumbs.is_empty() {
                    nav aria-label="Where you are" {
                        ol.crumbs { @for (words, href) in crumbs { li { a href=(href) { (words) } } } }
                    }
                }
                div.title { (title) }
                @if !lede.0.is_empty() { p.lede { (lede) } }
            }
            @if !actions.0.is_empty() { div.actions { (actions) } }
        }
    }
}

/// A titled block with room around its content.
pub(crate) fn card(title: &str, body: &Markup) -> Markup {
    html! { section.card { header { h2 { (title) } } div.body { (body) } } }
}

/// A titled block whose table reaches its edges. `beside` stands right of the title.
pub(crate) fn flush_card(title: &str, beside: &Markup, body: &Markup) -> Markup {
    html! { section.card { header { h2 { (title) } (beside) } div.flush { (body) } } }
}

/// A titled block for what cannot be undone.
pub(crate) fn danger_card(title: &str, body: &Markup) -> Markup {
    html! { section.card.danger { header { h2 { (title) } } div.body { (body) } } }
}

/// One figure to see first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figure {
    /// What is counted.
    pub(crate) name: String,
    /// The figure as it is shown.
    pub(crate) value: String,
    /// What it is compared to, or since when it holds.
    pub(crate) note: Option<Markup>,
}

/// The figures of a page in one row.
pub(crate) fn figures(figures: &[Figure]) -> Markup {
    html! {
        dl.figures {
            @for figure in figures {
                div.figure {
                    dt { (figure.name) }
                    dd { (figure.value) }
                    @if let Some(note) = &figure.note { dd.remark { (note) } }
                }
            }
        }
    }
}

/// Names and values.
pub(crate) fn facts(rows: &[(&str, Markup)]) -> Markup {
    html! { dl.facts { @for (name, value) in rows { dt { (name) } dd { (value) } } } }
}

/// A sentence that must be seen.
pub(crate) fn note(tone: Tone, title: &str, body: &Markup) -> Markup {
    html! { div.note.(tone.class()) { (icon(tone.icon())) div { b { (title) } (body) } } }
}

/// A refusal in the problem's own words, with what to do next.
pub(crate) fn problem(problem: &ProblemBody) -> Markup {
    html! {
        div.note.bad role="alert" tabindex="-1" {
            (icon(Icon::Alert))
            div {
                b { (title_of(problem)) }
                @if let Some(detail) = &problem.detail { p { (detail) } }
                @if problem.errors.len() > 1 { ul { @for error in &problem.errors { li { (error.detail) } } } }
                @if let Some(next) = problem.next_action.as_ref().filter(|_| problem.errors.is_empty()) {
                    p {
                        (next.text)
                        @if let Some(href) = &next.href { " " a href=(href) rel="noopener" { "Open" } }
                    }
                }
            }
        }
    }
}

/// The problem's title; where fields of a form are marked, what to do with them.
fn title_of(problem: &ProblemBody) -> &str {
    match problem.errors.len() {
        0 => &problem.title,
        1 => "One field needs another look",
        _ => "Some fields need another look",
    }
}

/// Nothing here yet: why, and the next step.
pub(crate) fn empty(picture: Icon, title: &str, words: &str, next: &Markup) -> Markup {
    html! {
        div.empty {
            (icon(picture))
            b { (title) }
            p { (words) }
            @if !next.0.is_empty() { div.actions { (next) } }
        }
    }
}

/// A part of a live answer that belongs elsewhere on the page.
pub(crate) fn partial(target: &str, content: &Markup) -> Markup {
    html! { hx-partial hx-target=(target) hx-swap="innerHTML" { (content) } }
}

/// Buttons side by side.
pub(crate) fn actions(buttons: &Markup) -> Markup {
    html! { div.actions { (buttons) } }
}

/// A link that looks like the button it is.
pub(crate) fn button_link(href: &str, words: &str, primary: bool) -> Markup {
    html! { a.btn.primary[primary] href=(href) { (words) } }
}

/// Places that belong together; the present one is marked.
pub(crate) fn tabs(label: &str, places: &[(&str, String, bool)]) -> Markup {
    html! {
        nav.tabs aria-label=(label) {
            @for (words, href, here) in places { a href=(href) aria-current=[here.then_some("page")] { (words) } }
        }
    }
}
