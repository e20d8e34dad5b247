//! Named parameters: `:name` as a whole token, never in a string or a comment.
//!
//! A value takes its place as a string constant of no type yet, which is how Redshift casts parameters implicitly.
//! Source: management guide, "Running SQL statements with parameters when calling the Data API".

use std::collections::{BTreeMap, BTreeSet};

use super::tokens::{Token, tokenize};

/// The parameters a statement names. A text that cannot be read names none; it fails when it runs.
pub(crate) fn names(sql: &str) -> BTreeSet<String> {
    let tokens = tokenize(sql).unwrap_or_default();
    let names = tokens.into_iter().filter_map(|token| match token {
        Token::Parameter(name) => Some(name),
        _ => None,
    });
    names.collect()
}

/// Puts the values in the place of their names.
pub(super) fn put_in(tokens: Vec<Token>, values: &BTreeMap<String, String>) -> Vec<Token> {
    let tokens = tokens.into_iter().map(|token| match token {
        Token::Parameter(name) => values
            .get(&name)
            .cloned()
            .map_or(Token::Parameter(name), Token::Text),
        other => other,
    });
    tokens.collect()
}
