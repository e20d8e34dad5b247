//! From Redshift's SQL to PostgreSQL's: an allow-list of statement shapes, and what each becomes.
//!
//! Anything else is refused. A wrong yes is worse than a no: a statement that only PostgreSQL understands must fail
//! here, not in production. Text becomes [`Token`]s first, so that nothing is ever found inside a string or a comment.

mod allow;
mod create_table;
mod parameters;
mod tokens;

use std::collections::BTreeMap;

use super::copy::CopyCommand;
pub(crate) use parameters::names;
pub(crate) use tokens::Token;
use tokens::{render, tokenize};

/// What the warehouse runs for one statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Translated {
    /// A query with rows.
    Query(String),
    /// A change that counts rows.
    Change(String),
    /// A definition or a lock.
    Command(String),
    /// TRUNCATE, which commits as it runs; SQL reference, "TRUNCATE".
    Truncate(String),
    /// COPY of Parquet files by a manifest.
    Copy(CopyCommand),
}

/// The warehouse does not run this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not supported by local warehouse")]
pub(crate) struct Unsupported(String);

impl Unsupported {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

/// Translates one statement, with its parameters put in.
///
/// # Errors
/// For every shape, function or word outside the list.
pub(crate) fn translate(sql: &str, values: &BTreeMap<String, String>) -> Result<Translated, Unsupported> {
    let mut tokens = tokenize(sql)?;
    while tokens.last().is_some_and(|token| token.is_symbol(";")) {
        tokens.pop();
    }
    if tokens.iter().any(|token| token.is_symbol(";")) {
        return Err(Unsupported::new("more than one statement in a text"));
    }
    if tokens.first().is_some_and(|token| token.is_word("COPY")) {
        return super::copy::parse(&tokens).map(Translated::Copy);
    }
    let tokens = parameters::put_in(tokens, values);
    allow::check(&tokens)?;
    shape(&tokens)
}

fn shape(tokens: &[Token]) -> Result<Translated, Unsupported> {
    let starts = |words: &[&str]| {
        tokens.len() >= words.len() && words.iter().zip(tokens).all(|(word, token)| token.is_word(word))
    };
    let plain = || render(&functions(tokens));
    if starts(&["SELECT"]) || starts(&["WITH"]) {
        return parses(&render(tokens)).map(|()| Translated::Query(plain()));
    }
    if starts(&["INSERT", "INTO"]) || starts(&["DELETE", "FROM"]) || starts(&["UPDATE"]) {
        return parses(&render(tokens)).map(|()| Translated::Change(plain()));
    }
    if starts(&["MERGE", "INTO"]) {
        allow::check_merge(tokens)?;
        return Ok(Translated::Change(plain()));
    }
    if starts(&["TRUNCATE"]) {
        return Ok(Translated::Truncate(plain()));
    }
    if let Some(text) = create_table::translate(tokens)? {
        return Ok(Translated::Command(text));
    }
    let view = starts(&["CREATE", "VIEW"]) || starts(&["CREATE", "OR", "REPLACE", "VIEW"]);
    if view {
        return Ok(Translated::Command(render(&functions(without_binding(tokens)))));
    }
    let command = starts(&["LOCK"])
        || starts(&["CREATE", "SCHEMA"])
        || starts(&["DROP", "TABLE"])
        || starts(&["DROP", "VIEW"])
        || starts(&["DROP", "SCHEMA"]);
    if command {
        Ok(Translated::Command(plain()))
    } else {
        Err(Unsupported::new(summary(tokens)))
    }
}

/// The first words, which say what was asked for.
fn summary(tokens: &[Token]) -> String {
    let words: Vec<_> = tokens
        .iter()
        .take(3)
        .map(|token| render(std::slice::from_ref(token)))
        .collect();
    format!("the statement '{} …'", words.join(" "))
}

/// Redshift's own grammar must accept what PostgreSQL is going to run.
fn parses(sql: &str) -> Result<(), Unsupported> {
    let dialect = sqlparser::dialect::RedshiftSqlDialect {};
    let parsed = sqlparser::parser::Parser::new(&dialect)
        .with_recursion_limit(64)
        .try_with_sql(sql);
    let statements = parsed.and_then(|mut parser| parser.parse_statements());
    match statements {
        Ok(statements) if statements.len() == 1 => Ok(()),
        Ok(_) => Err(Unsupported::new("more than one statement in a text")),
        Err(error) => Err(Unsupported::new(format!("this text ({error})"))),
    }
}

/// Redshift's functions in PostgreSQL's words. The warehouse's session runs in UTC.
fn functions(tokens: &[Token]) -> Vec<Token> {
    let mut translated = Vec::with_capacity(tokens.len());
    let mut index = 0;
    while let Some(token) = tokens.get(index) {
        let call = tokens.get(index + 1).is_some_and(|next| next.is_symbol("("));
        if token.is_word("GETDATE") && call && tokens.get(index + 2).is_some_and(|next| next.is_symbol(")")) {
            translated.push(Token::Raw(
                "date_trunc('second', statement_timestamp()::timestamp)",
            ));
            index += 3;
            continue;
        }
        translated.push(match token {
            token if token.is_word("NVL") && call => Token::Raw("coalesce"),
            token if token.is_word("SYSDATE") => Token::Raw("(transaction_timestamp()::timestamp)"),
            token => token.clone(),
        });
        index += 1;
    }
    translated
}

/// A late-binding view is a plain one here.
fn without_binding(tokens: &[Token]) -> &[Token] {
    let tail = ["WITH", "NO", "SCHEMA", "BINDING"];
    let at = tokens.len().saturating_sub(tail.len());
    let late = tail
        .iter()
        .zip(&tokens[at..])
        .all(|(word, token)| token.is_word(word));
    if late { &tokens[..at] } else { tokens }
}

#[cfg(test)]
mod tests;
