//! Words in shapes: pills, ids, times, and text to copy.

use chrono::{DateTime, SecondsFormat, Utc};
use maud::{Markup, html};

use super::{Icon, icon};
use crate::format;

/// How a state feels. Colour follows tone, but the icon and the word say it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Good,
    Busy,
    Warn,
    Bad,
}

impl Tone {
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Good => "good",
            Self::Busy => "busy",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }

    pub(crate) const fn icon(self) -> Icon {
        match self {
            Self::Plain => Icon::Circle,
            Self::Good => Icon::Check,
            Self::Busy => Icon::Spinner,
            Self::Warn | Self::Bad => Icon::Alert,
        }
    }
}

/// A state in a word.
pub(crate) fn pill(tone: Tone, words: &str) -> Markup {
    html! { span.pill.(tone.class()) { (icon(tone.icon())) (words) } }
}

/// An id that may be long, in the fixed-width face.
pub(crate) fn short_id(id: &str) -> Markup {
    html! { span.id { (id) } }
}

/// A moment to the minute: in UTC from the server, in the viewer's zone where script runs, UTC always in the title.
pub(crate) fn time(at: DateTime<Utc>) -> Markup {
    html! {
        local-time { time.nowrap datetime=(machine(at)) title={ (format::moment(at)) } { (format::moment(at)) } }
    }
}

/// A moment to the second.
pub(crate) fn time_precise(at: DateTime<Utc>) -> Markup {
    html! {
        local-time seconds {
            time.nowrap datetime=(machine(at)) title={ (format::moment_precise(at)) } { (format::moment_precise(at)) }
        }
    }
}

/// Text to copy, with a button for it where script runs.
pub(crate) fn snippet(id: &str, text: &str) -> Markup {
    html! { div.snippet { pre id=(id) { (text) } (copy_button(id)) } }
}

/// A long text to read and copy, scrolling in its own box.
pub(crate) fn snippet_tall(id: &str, text: &str) -> Markup {
    html! { div.snippet.tall { pre id=(id) tabindex="0" { (text) } (copy_button(id)) } }
}

fn copy_button(id: &str) -> Markup {
    html! {
        copy-text for=(id) hidden {
            button.btn.quiet.small type="button" { (icon(Icon::Copy)) span aria-live="polite" { "Copy" } }
        }
    }
}

fn machine(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
