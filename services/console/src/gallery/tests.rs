//! What must hold on every page, whatever it shows.

use scraper::{Html, Selector};

use super::all;
use super::samples::HOSTILE;
use crate::layout::Theme;

fn selector(text: &str) -> Selector {
    Selector::parse(text).expect("a selector")
}

fn count(document: &Html, text: &str) -> usize {
    document.select(&selector(text)).count()
}

fn pages() -> Vec<(&'static str, String, Html)> {
    let pages = all(Theme::System).into_iter();
    pages
        .map(|(name, page)| (name, page.0.clone(), Html::parse_document(&page.0)))
        .collect()
}

/// Also writes the pages for a person to look at, when asked to by the environment.
#[test]
fn the_gallery_holds_every_page_in_both_themes() {
    let wanted = std::env::var_os("CONSOLE_GALLERY");
    for theme in [Theme::Light, Theme::Dark] {
        for (name, page) in all(theme) {
            assert!(
                page.0.contains(&format!("data-theme=\"{}\"", theme.name())),
                "{name}"
            );
            if let Some(folder) = &wanted {
                let file = std::path::Path::new(folder).join(format!("{name}.{}.html", theme.name()));
                std::fs::write(file, &page.0).expect("the folder can be written");
            }
        }
    }
}

#[test]
fn a_page_has_one_heading_a_title_and_landmarks() {
    for (name, _, document) in pages() {
        assert_eq!(count(&document, "h1"), 1, "{name}: h1");
        assert_eq!(count(&document, "main#content"), 1, "{name}: main");
        let title = document
            .select(&selector("title"))
            .next()
            .expect("a title")
            .inner_html();
        assert!(
            title.ends_with(" · Tenantry") && title.len() > 12,
            "{name}: {title}"
        );
    }
}

#[test]
fn hostile_names_stay_text() {
    let mut seen = 0;
    for (name, text, document) in pages() {
        assert_eq!(count(&document, "img"), 0, "{name}: a name became an element");
        assert!(!text.contains("<img"), "{name}: unescaped");
        seen += usize::from(
            text.contains("&lt;/script&gt;&lt;img") || text.contains("\\u003c/script>\\u003cimg"),
        );
        let shown = document.root_element().text().collect::<String>();
        if text.contains("&lt;img") {
            assert!(
                shown.contains(HOSTILE) || text.contains("value=\"&lt;/script&gt;"),
                "{name}: garbled"
            );
        }
    }
    assert!(seen >= 8, "hostile names stand on {seen} pages only");
}

#[test]
fn no_page_needs_what_the_policy_forbids() {
    for (name, text, document) in pages() {
        assert_eq!(count(&document, "[style], style"), 0, "{name}: inline style");
        for script in document.select(&selector("script:not([src])")) {
            assert_eq!(
                script.attr("type"),
                Some("application/json"),
                "{name}: inline script"
            );
        }
        for element in document.select(&selector("*")) {
            for (attribute, value) in element.value().attrs() {
                let forbidden =
                    attribute.starts_with("on") || attribute.starts_with("hx-on") || attribute == "hx-live";
                assert!(!forbidden, "{name}: {attribute}");
                assert!(
                    !value.trim_start().starts_with("js:") && !value.starts_with("javascript:"),
                    "{name}: {value}"
                );
            }
        }
        for element in document.select(&selector("script[src], link[rel=stylesheet]")) {
            assert!(
                element
                    .attr("integrity")
                    .is_some_and(|hash| hash.starts_with("sha384-")),
                "{name}: integrity"
            );
        }
        assert!(!text.contains("http-equiv"), "{name}: meta policy");
    }
}

#[test]
fn fields_have_labels_tables_captions_and_ids_are_unique() {
    for (name, _, document) in pages() {
        for input in document.select(&selector(
            "input:not([type=hidden]):not([type=radio]), select, textarea",
        )) {
            let id = input
                .attr("id")
                .unwrap_or_else(|| panic!("{name}: a field without id"));
            assert_eq!(
                count(&document, &format!("label[for='{id}']")),
                1,
                "{name}: label of {id}"
            );
        }
        for table in document.select(&selector("table")) {
            let caption = selector("table > caption");
            let own = table
                .select(&caption)
                .filter(|caption| caption.parent() == Some(*table));
            assert_eq!(own.count(), 1, "{name}: caption");
            let bare = table.select(&selector("th:not([scope])")).count();
            assert_eq!(bare, 0, "{name}: a heading without scope");
        }
        let mut ids: Vec<_> = document
            .select(&selector("[id]"))
            .filter_map(|element| element.attr("id"))
            .collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "{name}: an id twice");
        for element in document.select(&selector("[aria-describedby]")) {
            let target = element.attr("aria-describedby").unwrap_or_default();
            assert_eq!(
                count(&document, &format!("[id='{target}']")),
                1,
                "{name}: {target}"
            );
        }
    }
}

#[test]
fn every_form_posts_without_script_and_cannot_act_twice() {
    let unguarded = ["/sign-in", "/sign-out", "/theme", "/verify", "/invitation"];
    for (name, _, document) in pages() {
        for form in document.select(&selector("form")) {
            let action = form
                .attr("action")
                .unwrap_or_else(|| panic!("{name}: a form without action"));
            let method = form.attr("method").expect("a method");
            let mirrored = form.attr("hx-post").or(form.attr("hx-get"));
            assert!(
                mirrored.is_none_or(|with| with == action),
                "{name}: {action} differs with script"
            );
            // A choice that is sent as it changes has its button for browsers without script only.
            let sent_by = selector(if method == "get" { "noscript" } else { "button" });
            assert!(
                form.select(&sent_by).next().is_some(),
                "{name}: {action} has no button"
            );
            assert!(
                !form.html().contains("formaction"),
                "{name}: {action} would be sent elsewhere with script"
            );
            if method == "post" && !unguarded.contains(&action) {
                let key = selector("input[name=idempotency_key]");
                assert!(form.select(&key).next().is_some(), "{name}: {action} has no key");
            }
        }
    }
}

#[test]
fn links_that_leave_do_not_hand_over_the_page() {
    for (name, _, document) in pages() {
        for link in document.select(&selector("a[target=_blank]")) {
            assert_eq!(link.attr("rel"), Some("noopener"), "{name}");
        }
    }
}

#[test]
fn live_parts_close_and_announce_one_line() {
    for (name, _, document) in pages() {
        for live in document.select(&selector("[hx-sse\\:connect]")) {
            assert_eq!(live.attr("hx-sse:close"), Some("done"), "{name}");
            assert_eq!(live.select(&selector("[role=status]")).count(), 1, "{name}");
        }
    }
}

/// What a page says, without its markup.
fn said(document: &Html, text: &str) -> String {
    let place = selector(text);
    let found = document.select(&place);
    let words: String = found.flat_map(|element| element.text()).collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn page(name: &str) -> Html {
    let found = pages().into_iter().find(|(other, _, _)| *other == name);
    found.unwrap_or_else(|| panic!("no page {name}")).2
}

#[test]
fn a_plan_is_read_before_it_is_approved_by_its_hash() {
    let form = selector("form[action$='/approve'] input[name=plan_hash]");
    for name in [
        "review",
        "review-changed",
        "review-size",
        "review-availability",
        "review-deletion",
    ] {
        let document = page(name);
        let hash = document
            .select(&form)
            .next()
            .and_then(|input| input.attr("value"))
            .expect("the form names the plan");
        assert_eq!(hash.len(), 64, "{name}");
        let shown = said(&document, "main");
        for words in [
            "USD a month",
            "Downtime",
            "About",
            "Loss of",
            "Permissions to look",
        ] {
            assert!(shown.contains(words), "{name} does not say {words}");
        }
    }
}

#[test]
fn a_difference_shows_what_was_and_what_will_be() {
    let size = page("review-size");
    assert_eq!(count(&size, ".diff.change"), 1);
    let shown = said(&size, "main");
    assert!(
        shown.contains("t3.medium, 30 GiB encrypted → m6i.large, 30 GiB encrypted"),
        "{shown}"
    );
    assert!(
        shown.contains("+39.71") && shown.contains("About 3 min 0 s"),
        "{shown}"
    );

    let two_zones = page("review-availability");
    let counts = [".diff.create", ".diff.change", ".diff.delete"].map(|sign| count(&two_zones, sign));
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");

    let changed = page("review-changed");
    assert!(said(&changed, ".note.warn").contains("the price table changed"));
}

#[test]
fn a_deletion_says_what_is_lost_and_who_has_agreed() {
    let deletion = page("review-deletion");
    assert_eq!(count(&deletion, ".diff.delete"), 8);
    let shown = said(&deletion, "main");
    for words in [
        "This cannot be undone",
        "The data on the machine's volume goes with it",
        "Approved by ada@northwind.example; one more is needed.",
        "Approve and delete",
        "measured: none yet",
    ] {
        assert!(shown.contains(words), "no {words} in {shown}");
    }
}

#[test]
fn work_under_way_can_be_stopped_in_two_ways() {
    let running = page("progress");
    let choice = selector("form[action$='/cancel'] input[name=then]");
    let thens: Vec<_> = running
        .select(&choice)
        .filter_map(|input| input.attr("value"))
        .collect();
    assert_eq!(thens, ["rollback", "keep"]);
    assert_eq!(count(&page("progress-done"), "form[action$='/cancel']"), 0);
}
