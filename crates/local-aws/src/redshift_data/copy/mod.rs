//! COPY of Parquet files by a manifest, as Redshift does it: strict about order, count, types and lengths.
//!
//! Source: SQL reference, "COPY", "COPY from columnar data formats"; "Using a manifest to specify data files".

mod binary;
mod columns;
mod load;
mod manifest;
mod parquet;
mod role;

use super::dialect::{Token, Unsupported};
pub(crate) use load::{CopyError, run};

/// One COPY, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CopyCommand {
    /// The table, with its schema when it was given one; safe to put into SQL.
    pub(crate) table: String,
    /// Quoted column names; empty for all columns.
    pub(crate) columns: Vec<String>,
    pub(crate) bucket: String,
    /// Key of the manifest.
    pub(crate) key: String,
    pub(crate) role: String,
}

/// Reads `COPY table [(columns)] FROM 's3://bucket/key' IAM_ROLE 'arn' FORMAT [AS] PARQUET MANIFEST`.
///
/// # Errors
/// For every other source, format and option.
pub(crate) fn parse(tokens: &[Token]) -> Result<CopyCommand, Unsupported> {
    let unsupported = |what: &str| Unsupported::new(format!("COPY {what}"));
    let mut rest = &tokens[1..];
    let mut table = String::new();
    loop {
        table.push_str(&name(rest.first()).ok_or_else(|| unsupported("without a table"))?);
        rest = &rest[1..];
        if !rest.first().is_some_and(|token| token.is_symbol(".")) {
            break;
        }
        table.push('.');
        rest = &rest[1..];
    }
    let mut columns = Vec::new();
    if rest.first().is_some_and(|token| token.is_symbol("(")) {
        let close = rest
            .iter()
            .position(|token| token.is_symbol(")"))
            .ok_or_else(|| unsupported("with an open bracket"))?;
        for pair in rest[1..close].chunks(2) {
            columns.push(name(pair.first()).ok_or_else(|| unsupported("with a column that is no name"))?);
            if pair.get(1).is_some_and(|comma| !comma.is_symbol(",")) {
                return Err(unsupported("with a column that is no name"));
            }
        }
        rest = &rest[close + 1..];
    }
    let [from, Token::Text(address), options @ ..] = rest else {
        return Err(unsupported("without FROM 's3://…'"));
    };
    let place = address
        .strip_prefix("s3://")
        .and_then(|place| place.split_once('/'));
    let (bucket, key) = place
        .filter(|_| from.is_word("FROM"))
        .ok_or_else(|| unsupported("from anything but S3"))?;
    let role = read_options(options)?;
    Ok(CopyCommand {
        table,
        columns,
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        role,
    })
}

fn name(token: Option<&Token>) -> Option<String> {
    match token? {
        Token::Word { text, quoted: true } => Some(format!("\"{}\"", text.replace('"', "\"\""))),
        Token::Word { text, quoted: false } => Some(format!("\"{}\"", text.to_lowercase())),
        _ => None,
    }
}

fn read_options(mut options: &[Token]) -> Result<String, Unsupported> {
    let (mut role, mut parquet, mut manifest) = (None, false, false);
    while let Some((option, rest)) = options.split_first() {
        options = rest;
        if option.is_word("IAM_ROLE") {
            let Some((Token::Text(arn), rest)) = options.split_first() else {
                return Err(Unsupported::new("COPY with the default role"));
            };
            role = Some(arn.clone());
            options = rest;
        } else if option.is_any(&["FORMAT", "AS"]) {
            // Words without a meaning of their own.
        } else if option.is_word("PARQUET") {
            parquet = true;
        } else if option.is_word("MANIFEST") {
            manifest = true;
        } else {
            return Err(Unsupported::new(format!(
                "the COPY option '{}'",
                option.name().unwrap_or("?")
            )));
        }
    }
    match role {
        Some(role) if parquet && manifest => Ok(role),
        _ => Err(Unsupported::new("COPY without IAM_ROLE, PARQUET and MANIFEST")),
    }
}

#[cfg(test)]
mod tests;
