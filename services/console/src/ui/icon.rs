//! Line icons, drawn for this console on a 24 by 24 grid. They only ever stand beside words.

use maud::{Markup, PreEscaped, html};

/// What a page may show beside a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Icon {
    Alert,
    Arrow,
    Check,
    Chevron,
    Circle,
    Cloud,
    Copy,
    Cross,
    Down,
    Export,
    Fleet,
    Home,
    Key,
    List,
    Mail,
    Moon,
    Pause,
    People,
    Server,
    SignOut,
    Spinner,
    Sun,
    System,
    Up,
    Usage,
}

/// The icon as inline SVG, hidden from screen readers because the word beside it says the same.
pub(crate) fn icon(icon: Icon) -> Markup {
    html! {
        svg.icon viewBox="0 0 24 24" aria-hidden="true" focusable="false" { (PreEscaped(strokes(icon))) }
    }
}

/// The mark of the product: four tenants in one house.
pub(crate) fn logo() -> Markup {
    html! {
        svg viewBox="0 0 32 32" aria-hidden="true" focusable="false" {
            rect width="32" height="32" rx="8" fill="#2f5bd9" {}
            g fill="#fff" {
                rect x="7" y="7" width="8" height="8" rx="2" {}
                rect x="17" y="7" width="8" height="8" rx="2" opacity=".55" {}
                rect x="7" y="17" width="8" height="8" rx="2" opacity=".55" {}
                rect x="17" y="17" width="8" height="8" rx="2" {}
            }
        }
    }
}

const fn strokes(icon: Icon) -> &'static str {
    match icon {
        Icon::Alert => r#"<path d="M12 4 21 19.5H3Z"/><path d="M12 10v4M12 17v.01"/>"#,
        Icon::Arrow => r#"<path d="M5 12h14M13 6l6 6-6 6"/>"#,
        Icon::Check => r#"<path d="m5 12.5 4.5 4.5L19 7"/>"#,
        Icon::Chevron => r#"<path d="m9 6 6 6-6 6"/>"#,
        Icon::Circle => r#"<circle cx="12" cy="12" r="4"/>"#,
        Icon::Cloud => r#"<path d="M7 18.5a4.5 4.5 0 0 1-.4-9A6 6 0 0 1 18 11a3.8 3.8 0 0 1-.6 7.5Z"/>"#,
        Icon::Copy => {
            r#"<rect x="9" y="9" width="11" height="11" rx="2"/><path d="M5 15H4V5a1 1 0 0 1 1-1h10v1"/>"#
        }
        Icon::Cross => r#"<path d="m6 6 12 12M18 6 6 18"/>"#,
        Icon::Down => r#"<path d="m6 9 6 6 6-6"/>"#,
        Icon::Export => r#"<path d="m12 3 8 4.5v9L12 21l-8-4.5v-9Z"/><path d="m4 7.5 8 4.5 8-4.5M12 12v9"/>"#,
        Icon::Fleet => {
            r#"<rect x="4" y="4" width="7" height="7" rx="1.5"/><rect x="13" y="4" width="7" height="7" rx="1.5"/><rect x="4" y="13" width="7" height="7" rx="1.5"/><rect x="13" y="13" width="7" height="7" rx="1.5"/>"#
        }
        Icon::Home => {
            r#"<path d="m4 11 8-7 8 7v8a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1Z"/><path d="M10 20v-6h4v6"/>"#
        }
        Icon::Key => r#"<circle cx="8" cy="15" r="4"/><path d="m11 12 9-9M16 7l3 3"/>"#,
        Icon::List => r#"<path d="M8 6h12M8 12h12M8 18h12M4 6v.01M4 12v.01M4 18v.01"/>"#,
        Icon::Mail => r#"<rect x="3" y="5" width="18" height="14" rx="2"/><path d="m3.5 7 8.5 6 8.5-6"/>"#,
        Icon::Moon => r#"<path d="M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.500 10.500Z"/>"#,
        Icon::Pause => r#"<path d="M9 6v12M15 6v12"/>"#,
        Icon::People => {
            r#"<circle cx="9" cy="8" r="3.500"/><path d="M2.500 20a6.500 6.500 0 0 1 13 0M16 5a3.500 3.500 0 0 1 0 6.500M18 14.500a6.500 6.500 0 0 1 3.500 5.500"/>"#
        }
        Icon::Server => {
            r#"<rect x="4" y="4" width="16" height="7" rx="1.500"/><rect x="4" y="13" width="16" height="7" rx="1.500"/><path d="M8 7.500v.01M8 16.500v.01"/>"#
        }
        Icon::SignOut => r#"<path d="M10 4H5v16h5M15 8l4 4-4 4M19 12H9"/>"#,
        Icon::Spinner => r#"<path d="M12 4a8 8 0 1 1-7.400 5"/>"#,
        Icon::Sun => {
            r#"<circle cx="12" cy="12" r="4"/><path d="M12 3v1M12 20v1M3 12h1M20 12h1M5.600 5.600l.7.7M17.700 17.700l.7.7M5.600 18.400l.7-.7M17.700 6.300l.7-.7"/>"#
        }
        Icon::System => r#"<rect x="3" y="4" width="18" height="12" rx="2"/><path d="M9 20h6M12 16v4"/>"#,
        Icon::Up => r#"<path d="m6 15 6-6 6 6"/>"#,
        Icon::Usage => r#"<path d="M4 4v16h16M8 16v-4M12 16V8M16 16v-6M20 16V6"/>"#,
    }
}
