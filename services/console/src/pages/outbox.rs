//! Mails that development does not send.

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use crate::layout::{self, Theme};
use crate::ui::{self, Icon, time};

/// One mail.
#[derive(Clone, Debug)]
pub(crate) struct MailView {
    pub(crate) recipient: String,
    pub(crate) subject: String,
    pub(crate) body: String,
    pub(crate) at: DateTime<Utc>,
}

/// The mails, newest first.
pub(crate) fn content(mails: &[MailView]) -> Markup {
    html! {
        (ui::head(&[], &html! { h1 { "Outbox" } }, &html! { "Mails that would have been sent. This page exists in development only." }, &html! {}))
        @if mails.is_empty() {
            section.card { (ui::empty(Icon::Mail, "No mail yet", "Create an account or invite somebody, and the message appears here.", &ui::button_link("/sign-up", "Create an account", false))) }
        }
        @for mail in mails {
            section.card {
                header { h2 { (mail.subject) } span.muted.small { (mail.recipient) " · " (time(mail.at)) } }
                div.body { p.mail { (with_links(&mail.body)) } }
            }
        }
    }
}

/// The page for somebody who is not signed in yet and looks for the first mail.
pub(crate) fn page(theme: Theme, content: &Markup) -> Markup {
    layout::document(
        theme,
        "Outbox",
        &html! { div.bare { main id="content" { div.wrap.narrow { (content) } } } },
    )
}

/// The plain text of a mail, its own addresses as links. Only http addresses become links.
fn with_links(text: &str) -> Markup {
    html! {
        @for (index, word) in text.split(' ').enumerate() {
            @if index > 0 { " " }
            @for (line, part) in word.split('\n').enumerate() {
                @if line > 0 { br; }
                @if part.starts_with("http://") || part.starts_with("https://") { a href=(part) { (part) } } @else { (part) }
            }
        }
    }
}
