//! The frame around a page: head, navigation, skip link, and the quiet frame of the pages before sign-in.

use maud::{DOCTYPE, Markup, html};
use tenant_model::ids::TenantId;

use crate::assets;
use crate::ui::{self, Icon, icon, logo};

/// What the viewer chose to see by; rendered on the root, so there is no flash and no script.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Theme {
    /// As the system says.
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    /// The name in the cookie and in the form.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Anything unknown is the default.
    pub(crate) fn parse(text: &str) -> Self {
        match text {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }

    fn attribute(self) -> Option<&'static str> {
        (self != Self::System).then_some(self.name())
    }
}

/// Where in the navigation a page stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Overview,
    Connections,
    Deployments,
    Usage,
    ApiKeys,
    People,
    Audit,
    Fleet,
    FleetUsage,
    Exports,
    Incidents,
    Quarantine,
    Outbox,
}

/// The tenant that a page is about.
#[derive(Clone, Debug)]
pub(crate) struct TenantFrame {
    pub(crate) id: TenantId,
    pub(crate) name: String,
}

/// What the frame says about the person who looks.
#[derive(Clone, Debug)]
pub(crate) struct Shell {
    /// The person's address.
    pub(crate) email: String,
    /// The person's role in words.
    pub(crate) role: String,
    /// The person's organisation; none for the ISV's own people.
    pub(crate) own: Option<(TenantId, String)>,
    pub(crate) theme: Theme,
    /// Whether the outbox of unsent mails can be read here.
    pub(crate) outbox: bool,
}

impl Shell {
    const fn is_operator(&self) -> bool {
        self.own.is_none()
    }
}

/// A whole page for somebody who is signed in.
pub(crate) fn page(shell: &Shell, place: Place, title: &str, content: &Markup) -> Markup {
    let body = html! {
        a.skip href="#content" { "Skip to content" }
        div.shell {
            (side(shell, place))
            main.main id="content" tabindex="-1" { div.wrap { (content) } }
        }
    };
    document(shell.theme, title, &body)
}

/// A whole page about one tenant: operators see where they are and the tenant's other pages.
pub(crate) fn tenant_page(
    shell: &Shell,
    tenant: &TenantFrame,
    place: Place,
    title: &str,
    content: &Markup,
) -> Markup {
    let framed = html! {
        @if shell.is_operator() {
            div.stack {
                nav aria-label="Where you are" { ol.crumbs { li { a href="/tenants" { "Fleet" } } li { (tenant.name) } } }
                (ui::tabs("Pages of this tenant", &tenant_tabs(tenant.id, place)))
            }
        }
        (content)
    };
    page(shell, place, &format!("{title} · {}", tenant.name), &framed)
}

fn tenant_tabs(tenant: TenantId, here: Place) -> Vec<(&'static str, String, bool)> {
    tenant_places(tenant)
        .into_iter()
        .map(|(place, _, words, href)| (words, href, place == here))
        .collect()
}

/// A page before sign-in: one card in the middle.
pub(crate) fn gate(theme: Theme, title: &str, content: &Markup, aside: &Markup) -> Markup {
    let body = html! {
        div.gate {
            main id="content" {
                a.brand href="/" { (logo()) "Tenantry" }
                section.card { div.body { (content) } }
                @if !aside.0.is_empty() { div.aside { (aside) } }
            }
            footer { (theme_switch(theme)) }
        }
    };
    document(theme, title, &body)
}

/// Any page: the head with its assets, and a body.
pub(crate) fn document(theme: Theme, title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" data-theme=[theme.attribute()] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Tenantry" }
                link rel="icon" href=(assets::url("favicon.svg")) type="image/svg+xml";
                (assets::stylesheet("vendor/uplot/uPlot.min.css"))
                (assets::stylesheet("app.css"))
                (assets::script("vendor/htmx.org/htmx.min.js"))
                (assets::script("vendor/htmx.org/hx-sse.min.js"))
                (assets::script("vendor/uplot/uPlot.iife.min.js"))
                (assets::script("app.js"))
            }
            body { (body) }
        }
    }
}

fn side(shell: &Shell, here: Place) -> Markup {
    html! {
        header.side {
            a.brand href="/" { (logo()) "Tenantry" }
            @if let Some((_, name)) = &shell.own { div.whose { strong { (name) } span { "Your organisation" } } }
            @else { div.whose { strong { "Operator console" } span { "All tenants" } } }
            nav aria-label="Main" { (navigation(shell, here)) }
            div.side-foot {
                div.me { b title=(shell.email) { (shell.email) } span { (shell.role) } }
                div.side-tools {
                    (theme_switch(shell.theme))
                    form method="post" action="/sign-out" {
                        button.btn.quiet.small type="submit" { (icon(Icon::SignOut)) "Sign out" }
                    }
                }
            }
        }
    }
}

fn navigation(shell: &Shell, here: Place) -> Markup {
    html! {
        div.nav {
            @match &shell.own {
                Some((tenant, _)) => {
                    @let places = tenant_places(*tenant);
                    @let (work, people) = places.split_at(4);
                    (links(work, here))
                    div.nav-title { "Organisation" }
                    (links(people, here))
                }
                None => (links(&fleet_places(), here)),
            }
            @if shell.outbox {
                div.nav-title { "Development" }
                (links(&[(Place::Outbox, Icon::Mail, "Outbox", "/outbox".to_owned())], here))
            }
        }
    }
}

type Link = (Place, Icon, &'static str, String);

fn links(places: &[Link], here: Place) -> Markup {
    html! {
        @for (place, picture, words, href) in places {
            a href=(href) aria-current=[(*place == here).then_some("page")] { (icon(*picture)) (words) }
        }
    }
}

fn tenant_places(tenant: TenantId) -> [Link; 7] {
    let at = |rest: &str| format!("/tenants/{tenant}{rest}");
    [
        (Place::Overview, Icon::Home, "Overview", at("")),
        (Place::Connections, Icon::Cloud, "AWS account", at("/connections")),
        (
            Place::Deployments,
            Icon::Server,
            "Deployments",
            at("/deployments"),
        ),
        (Place::Usage, Icon::Usage, "Usage", at("/usage")),
        (Place::ApiKeys, Icon::Key, "API keys", at("/api-keys")),
        (Place::People, Icon::People, "People", at("/users")),
        (Place::Audit, Icon::List, "Audit", at("/audit")),
    ]
}

fn fleet_places() -> [Link; 5] {
    [
        (Place::Fleet, Icon::Fleet, "Fleet", "/tenants".to_owned()),
        (Place::FleetUsage, Icon::Usage, "Usage", "/usage".to_owned()),
        (Place::Exports, Icon::Export, "Exports", "/exports".to_owned()),
        (
            Place::Incidents,
            Icon::Cloud,
            "Incidents",
            "/incidents".to_owned(),
        ),
        (
            Place::Quarantine,
            Icon::Alert,
            "Quarantine",
            "/quarantine".to_owned(),
        ),
    ]
}

fn theme_switch(theme: Theme) -> Markup {
    let choices = [
        (Theme::System, Icon::System, "As the system"),
        (Theme::Light, Icon::Sun, "Light"),
        (Theme::Dark, Icon::Moon, "Dark"),
    ];
    html! {
        form.segments.icons method="post" action="/theme" aria-label="Colours" {
            @for (choice, picture, words) in choices {
                button type="submit" name="theme" value=(choice.name()) title=(words)
                    aria-pressed=(if choice == theme { "true" } else { "false" }) {
                    (icon(picture)) span.hidden { (words) }
                }
            }
        }
    }
}
