//! Holds the conformance suite to its word: every case cites its page, there are enough of them, and each thing that
//! the local AWS must get right has its cases.

use std::collections::BTreeSet;

use crate::sources::rust_files;

const CASES_MIN: usize = 400;
const TRUST_SHAPES_MIN: usize = 40;

/// The attribute of a case, written so that this file holds none.
const CASE: &str = concat!("#[tokio", "::test");

/// A case with the comment above it.
struct Case {
    name: String,
    comment: String,
    file: String,
}

/// Every case of the suite, in macros too: an attribute, then the next line that names something.
fn cases() -> Vec<Case> {
    let mut found = Vec::new();
    for (file, text) in rust_files(&["tests/conformance/cases"]) {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (at, _) in lines
            .iter()
            .enumerate()
            .filter(|(_, line)| line.starts_with(CASE))
        {
            let comment: Vec<&str> = lines[..at]
                .iter()
                .rev()
                .copied()
                .take_while(|line| line.starts_with("///"))
                .collect();
            let named = lines[at + 1..]
                .iter()
                .find(|line| !line.is_empty() && !line.starts_with('#'));
            let named = named
                .unwrap_or(&"")
                .trim_start_matches("async fn ")
                .trim_start_matches("fn ");
            let name = named
                .split(|char: char| !char.is_alphanumeric() && char != '_')
                .next();
            found.push(Case {
                name: name.unwrap_or_default().to_owned(),
                comment: comment.join(" "),
                file: file.clone(),
            });
        }
    }
    // What defines the macro is no case.
    found.retain(|case| !case.name.is_empty());
    found
}

#[test]
fn every_case_cites_the_page_it_comes_from() {
    for case in cases() {
        let cited = case.comment.contains("https://docs.aws.amazon.com/");
        assert!(cited, "{} in {} cites no page of AWS", case.name, case.file);
    }
}

#[test]
fn there_are_enough_cases_and_none_twice() {
    let cases = cases();
    assert!(
        cases.len() >= CASES_MIN,
        "{} cases; the bound is {CASES_MIN}",
        cases.len()
    );
    let trust = cases
        .iter()
        .filter(|case| case.file.contains("identity/trust_"))
        .count();
    assert!(
        trust >= TRUST_SHAPES_MIN,
        "{trust} shapes of trust policies; the bound is {TRUST_SHAPES_MIN}"
    );
    let mut seen = BTreeSet::new();
    for case in &cases {
        assert!(
            seen.insert((&case.file, &case.name)),
            "{} is twice in {}",
            case.name,
            case.file
        );
    }
}
