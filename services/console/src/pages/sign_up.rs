//! Sign up, the wait for the mail, and the addresses that mails lead to.

use maud::{Markup, html};
use service_kit::ProblemBody;

use crate::layout::{self, Theme};
use crate::ui::{self, Field, Icon, field, form_start, problem, submit_wide};

/// What the form is drawn from.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SignUp<'a> {
    pub(crate) organisation: &'a str,
    pub(crate) email: &'a str,
    pub(crate) key: &'a str,
    pub(crate) problem: Option<&'a ProblemBody>,
}

/// The whole page.
pub(crate) fn page(theme: Theme, view: &SignUp<'_>) -> Markup {
    let aside = html! { "Already have an account? " a href="/sign-in" { "Sign in" } };
    layout::gate(theme, "Create an account", &form(view), &aside)
}

/// The form alone.
pub(crate) fn form(view: &SignUp<'_>) -> Markup {
    html! {
        form.form method="post" action="/sign-up" hx-post="/sign-up" hx-swap="outerHTML" hx-disable="find button" {
            div { h1 { "Create an account" } p.lede { "Your data platform, in your own AWS account." } }
            @if let Some(refused) = view.problem { (problem(refused)) }
            (form_start(view.key))
            (field(&Field { name: "organisation", label: "Organisation", value: view.organisation, autocomplete: "organization", maxlength: Some(120), ..Field::default() }, view.problem))
            (field(&Field { name: "email", label: "Work e-mail", kind: "email", value: view.email, autocomplete: "username", ..Field::default() }, view.problem))
            (new_password(view.problem))
            (submit_wide("Create account"))
        }
    }
}

/// After the form, whether the address was known or not.
pub(crate) fn sent(theme: Theme, outbox: bool) -> Markup {
    let content = html! {
        div.form {
            (ui::icon(Icon::Mail))
            div {
                h1 { "Check your mail" }
                p.lede { "If the address can be used, a message with a link is on its way. The link works once, for 72 hours." }
            }
            @if outbox { (ui::button_link("/outbox", "Open the outbox", true)) }
        }
    };
    layout::gate(
        theme,
        "Check your mail",
        &content,
        &html! { a href="/sign-in" { "Back to sign in" } },
    )
}

/// Where the link in the mail leads. A button follows it, because mail scanners open links.
pub(crate) fn verify(theme: Theme, token: &str, refused: Option<&ProblemBody>) -> Markup {
    layout::gate(
        theme,
        "Confirm your e-mail",
        &verify_form(token, refused),
        &html! { a href="/sign-up" { "Start again" } },
    )
}

/// The button alone.
pub(crate) fn verify_form(token: &str, refused: Option<&ProblemBody>) -> Markup {
    html! {
        form.form method="post" action="/verify" hx-post="/verify" hx-swap="outerHTML" hx-disable="find button" {
            div { h1 { "Confirm your e-mail" } p.lede { "One click, and your organisation is ready to use." } }
            @if let Some(refused) = refused { (problem(refused)) }
            input type="hidden" name="token" value=(token);
            (submit_wide("Confirm e-mail"))
        }
    }
}

/// Where an invitation leads.
pub(crate) fn invitation(theme: Theme, token: &str, refused: Option<&ProblemBody>) -> Markup {
    layout::gate(
        theme,
        "Accept the invitation",
        &invitation_form(token, refused),
        &html! {},
    )
}

/// Its form alone.
pub(crate) fn invitation_form(token: &str, refused: Option<&ProblemBody>) -> Markup {
    html! {
        form.form method="post" action="/invitation" hx-post="/invitation" hx-swap="outerHTML" hx-disable="find button" {
            div { h1 { "Accept the invitation" } p.lede { "Choose a password to join your organisation." } }
            @if let Some(refused) = refused { (problem(refused)) }
            input type="hidden" name="token" value=(token);
            (new_password(refused))
            (submit_wide("Join organisation"))
        }
    }
}

fn new_password(refused: Option<&ProblemBody>) -> Markup {
    let password = Field {
        name: "password",
        label: "Password",
        kind: "password",
        hint: "At least 15 characters. A sentence is easier to remember than a riddle.",
        autocomplete: "new-password",
        ..Field::default()
    };
    field(&password, refused)
}
