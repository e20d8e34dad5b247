//! Sign in.

use maud::{Markup, html};
use service_kit::ProblemBody;

use crate::layout::{self, Theme};
use crate::ui::{Field, field, note, problem};
use crate::ui::{Tone, submit_wide};

/// What the form is drawn from.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SignIn<'a> {
    /// What was typed before.
    pub(crate) email: &'a str,
    /// Where to go afterwards: a path of ours.
    pub(crate) to: &'a str,
    /// A sentence about what has just been done.
    pub(crate) done: Option<&'a str>,
    pub(crate) problem: Option<&'a ProblemBody>,
}

/// The whole page.
pub(crate) fn page(theme: Theme, view: &SignIn<'_>) -> Markup {
    let aside = html! { "New here? " a href="/sign-up" { "Create an account" } };
    layout::gate(theme, "Sign in", &form(view), &aside)
}

/// The form alone, as a refusal brings it back.
pub(crate) fn form(view: &SignIn<'_>) -> Markup {
    html! {
        form.form method="post" action="/sign-in" hx-post="/sign-in" hx-swap="outerHTML" hx-disable="find button" {
            div { h1 { "Sign in" } p.lede { "To your organisation’s data platform." } }
            @if let Some(done) = view.done { (note(Tone::Good, done, &html! {})) }
            @if let Some(refused) = view.problem { (problem(refused)) }
            input type="hidden" name="to" value=(view.to);
            (field(&Field { name: "email", label: "E-mail", kind: "email", value: view.email, autocomplete: "username", ..Field::default() }, view.problem))
            (field(&Field { name: "password", label: "Password", kind: "password", autocomplete: "current-password", ..Field::default() }, view.problem))
            (submit_wide("Sign in"))
        }
    }
}
