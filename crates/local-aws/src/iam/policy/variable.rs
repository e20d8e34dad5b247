//! Policy variables: `${key}`, `${key, 'default'}`, and the escapes `${*}`, `${?}` and `${$}`.
//!
//! Source: IAM user guide, "IAM policy elements: Variables and tags".

use std::borrow::Cow;

use super::context::Context;
use super::pattern::{Piece, pieces};

/// A piece of a text with variables.
enum Part<'a> {
    /// Text as the policy has it.
    Written(&'a str),
    /// What stands in for a variable, or an escaped character.
    Filled(Cow<'a, str>),
}

/// The text with its variables filled in. `None` when one has no value: then nothing matches.
pub(super) fn expand<'a>(text: &'a str, context: &'a Context, variables: bool) -> Option<Cow<'a, str>> {
    if !variables || !text.contains("${") {
        return Some(Cow::Borrowed(text));
    }
    let mut expanded = String::new();
    for part in parts(text, context) {
        match part? {
            Part::Written(text) => expanded.push_str(text),
            Part::Filled(value) => expanded.push_str(&value),
        }
    }
    Some(Cow::Owned(expanded))
}

/// The text as a pattern. Only the policy's own stars are wildcards, never those of a value or an escape.
pub(super) fn expand_pattern(text: &str, context: &Context, variables: bool) -> Option<Vec<Piece>> {
    if !variables || !text.contains("${") {
        return Some(pieces(text).collect());
    }
    let mut pattern = Vec::new();
    for part in parts(text, context) {
        match part? {
            Part::Written(text) => pattern.extend(pieces(text)),
            Part::Filled(value) => pattern.extend(value.chars().map(Piece::Is)),
        }
    }
    Some(pattern)
}

/// The keys of the variables in a text.
pub(super) fn keys(text: &str) -> impl Iterator<Item = &str> {
    let opened = text.split("${").skip(1);
    let names = opened.filter_map(|rest| rest.split_once('}').map(|(name, _)| name));
    names
        .filter(|name| !is_escape(name))
        .map(|name| name.split(',').next().unwrap_or(name).trim())
}

fn is_escape(name: &str) -> bool {
    matches!(name, "*" | "?" | "$")
}

/// The parts in order; `None` stands for a variable that has no value or no end.
fn parts<'a>(text: &'a str, context: &'a Context) -> Vec<Option<Part<'a>>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        parts.push(Some(Part::Written(before)));
        let Some((name, tail)) = after.split_once('}') else {
            parts.push(None);
            return parts;
        };
        parts.push(value(name, context).map(Part::Filled));
        rest = tail;
    }
    parts.push(Some(Part::Written(rest)));
    parts
}

fn value<'a>(name: &'a str, context: &'a Context) -> Option<Cow<'a, str>> {
    if is_escape(name) {
        return Some(Cow::Borrowed(name));
    }
    let (key, default) = match name.split_once(',') {
        Some((key, default)) => (key.trim(), Some(default.trim().trim_matches('\''))),
        None => (name.trim(), None),
    };
    match context.get(key) {
        Some([value]) => Some(Cow::Borrowed(value)),
        // A key with many values cannot stand in a variable.
        Some(_) | None => default.map(Cow::Borrowed),
    }
}
