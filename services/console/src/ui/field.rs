//! Forms. Every form posts without script; with it, a refusal comes back in its place with the input kept.

use maud::{Markup, html};
use service_kit::ProblemBody;

use super::{Icon, icon};

/// One field of a form.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Field<'a> {
    /// The name in the form and in the problem's pointer.
    pub(crate) name: &'a str,
    /// What it asks for.
    pub(crate) label: &'a str,
    /// `type` of the input; `text` when empty.
    pub(crate) kind: &'a str,
    /// What was typed before.
    pub(crate) value: &'a str,
    /// A sentence below.
    pub(crate) hint: &'a str,
    /// The browser's hint for password managers and the like.
    pub(crate) autocomplete: &'a str,
    /// A pattern the browser checks; the server checks again.
    pub(crate) pattern: Option<&'a str>,
    /// `numeric` and the like, for telephones.
    pub(crate) inputmode: Option<&'a str>,
    /// Further classes: `code`, `short`.
    pub(crate) class: &'a str,
    /// The longest text taken.
    pub(crate) maxlength: Option<u16>,
}

/// A labelled input with its hint and, when refused, its reason.
pub(crate) fn field(field: &Field<'_>, problem: Option<&ProblemBody>) -> Markup {
    let wrong = wrong(field.name, problem);
    let hint_id = format!("{}-hint", field.name);
    let wrong_id = format!("{}-wrong", field.name);
    let described = match (field.hint.is_empty(), wrong) {
        (_, Some(_)) => Some(wrong_id.as_str()),
        (false, None) => Some(hint_id.as_str()),
        (true, None) => None,
    };
    html! {
        div.field {
            label for=(field.name) { (field.label) }
            input.input.(field.class) id=(field.name) name=(field.name) value=(field.value) required
                type=(if field.kind.is_empty() { "text" } else { field.kind })
                autocomplete=(if field.autocomplete.is_empty() { "off" } else { field.autocomplete })
                pattern=[field.pattern] inputmode=[field.inputmode] maxlength=[field.maxlength]
                aria-invalid=[wrong.map(|_| "true")] aria-describedby=[described];
            @if let Some(words) = wrong { p.wrong id=(wrong_id) { (icon(Icon::Alert)) (words) } }
            @if !field.hint.is_empty() { p.hint id=(hint_id) { (field.hint) } }
        }
    }
}

/// A labelled choice of one in a list of (value, words).
pub(crate) fn select(name: &str, label: &str, options: &[(&str, &str)], chosen: &str) -> Markup {
    html! {
        div.field {
            label for=(name) { (label) }
            (select_options(name, options, chosen))
        }
    }
}

/// The bare list, for places where its label stands elsewhere.
pub(crate) fn select_options(name: &str, options: &[(&str, &str)], chosen: &str) -> Markup {
    html! {
        select.input id=(name) name=(name) {
            @for (value, words) in options { option value=(value) selected[*value == chosen] { (words) } }
        }
    }
}

/// The hidden field that makes a double click one effect.
pub(crate) fn form_start(key: &str) -> Markup {
    html! { input type="hidden" name="idempotency_key" value=(key); }
}

/// The button that sends a form: a verb and its object.
pub(crate) fn submit(words: &str) -> Markup {
    html! { button.btn.primary type="submit" { (words) } }
}

/// The button of a form that fills its card.
pub(crate) fn submit_wide(words: &str) -> Markup {
    html! { button.btn.primary.wide type="submit" { (words) } }
}

/// A form of one button.
pub(crate) fn action_form(action: &str, key: &str, class: &str, words: &str) -> Markup {
    html! {
        form method="post" action=(action) { (form_start(key)) button.btn.(class) type="submit" { (words) } }
    }
}

/// The reason why the field was refused: the last part of a pointer is the field's name.
fn wrong<'a>(name: &str, problem: Option<&'a ProblemBody>) -> Option<&'a str> {
    let errors = &problem?.errors;
    let error = errors
        .iter()
        .find(|error| error.pointer.rsplit('/').next() == Some(name))?;
    Some(&error.detail)
}
