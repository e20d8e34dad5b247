//! CREATE TABLE and ALTER TABLE ADD COLUMN.
//!
//! Redshift's placement is dropped (DISTSTYLE, DISTKEY, SORTKEY, ENCODE, BACKUP), and so are its keys: PRIMARY KEY,
//! UNIQUE and REFERENCES are informational there, and enforcing them would hide duplicates that Redshift keeps.
//! VARCHAR(n) counts bytes. Source: SQL reference, "CREATE TABLE", "Character types".

use super::Unsupported;
use super::tokens::{Token, render};

/// The statement, if it is one of these two.
pub(super) fn translate(tokens: &[Token]) -> Result<Option<String>, Unsupported> {
    if tokens.first().is_some_and(|token| token.is_word("ALTER")) {
        return alter_table(tokens).map(Some);
    }
    let created = tokens.first().is_some_and(|token| token.is_word("CREATE"));
    let temporary = tokens
        .get(1)
        .is_some_and(|token| token.is_any(&["TEMP", "TEMPORARY"]));
    let table_at = if temporary { 2 } else { 1 };
    if !created || !tokens.get(table_at).is_some_and(|token| token.is_word("TABLE")) {
        return Ok(None);
    }
    let open = tokens
        .iter()
        .position(|token| token.is_symbol("("))
        .ok_or_else(|| Unsupported::new("CREATE TABLE … AS"))?;
    if tokens[..open].iter().any(|token| token.is_word("AS")) {
        return Err(Unsupported::new("CREATE TABLE … AS"));
    }
    let close = closing(tokens, open)?;
    check_attributes(&tokens[close + 1..])?;
    let mut items = Vec::new();
    for item in split(&tokens[open + 1..close]) {
        items.extend(item_of(item)?);
    }
    Ok(Some(format!(
        "{} ({})",
        render(&tokens[..open]),
        items.join(", ")
    )))
}

fn alter_table(tokens: &[Token]) -> Result<String, Unsupported> {
    let add = tokens.iter().position(|token| token.is_word("ADD"));
    let (Some(add), Some(true)) = (add, tokens.get(1).map(|token| token.is_word("TABLE"))) else {
        return Err(Unsupported::new("ALTER other than ALTER TABLE … ADD COLUMN"));
    };
    let column_at = if tokens.get(add + 1).is_some_and(|token| token.is_word("COLUMN")) {
        add + 2
    } else {
        add + 1
    };
    let column = item_of(tokens.get(column_at..).unwrap_or_default())?;
    let column = column.ok_or_else(|| Unsupported::new("ALTER TABLE … ADD of a constraint"))?;
    Ok(format!("{} ADD COLUMN {column}", render(&tokens[..add])))
}

fn closing(tokens: &[Token], open: usize) -> Result<usize, Unsupported> {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        if token.is_symbol("(") {
            depth += 1;
        } else if token.is_symbol(")") {
            depth -= 1;
            if depth == 0 {
                return Ok(index);
            }
        }
    }
    Err(Unsupported::new("an open bracket"))
}

fn split(tokens: &[Token]) -> Vec<&[Token]> {
    let (mut depth, mut start, mut items) = (0_i32, 0, Vec::new());
    for (index, token) in tokens.iter().enumerate() {
        match token {
            Token::Symbol("(") => depth += 1,
            Token::Symbol(")") => depth -= 1,
            Token::Symbol(",") if depth == 0 => {
                items.push(&tokens[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    items.push(&tokens[start..]);
    items
}

/// One column, or a LIKE; none for a key that is only informational.
fn item_of(item: &[Token]) -> Result<Option<String>, Unsupported> {
    let Some(first) = item.first() else {
        return Err(Unsupported::new("an empty column"));
    };
    if first.is_any(&["PRIMARY", "UNIQUE", "FOREIGN", "CONSTRAINT"]) {
        return Ok(None);
    }
    if first.is_word("LIKE") {
        return Ok(Some(render(item)));
    }
    let name = render(std::slice::from_ref(first));
    let (kind, rest) = column_type(&name, &item[1..])?;
    Ok(Some(format!("{name} {kind}{}", column_attributes(rest)?)))
}

/// The type in PostgreSQL's words, and what stands behind it.
fn column_type<'a>(column: &str, tokens: &'a [Token]) -> Result<(String, &'a [Token]), Unsupported> {
    let word = tokens
        .first()
        .and_then(Token::name)
        .unwrap_or_default()
        .to_ascii_uppercase();
    let mut used = 1;
    let second = |word: &str| tokens.get(1).is_some_and(|token| token.is_word(word));
    let base = match word.as_str() {
        "CHARACTER" if second("VARYING") => {
            used = 2;
            "varchar"
        }
        "VARCHAR" | "NVARCHAR" | "TEXT" => "varchar",
        "CHAR" | "CHARACTER" | "NCHAR" | "BPCHAR" => "char",
        "SMALLINT" | "INT2" => "smallint",
        "INT" | "INTEGER" | "INT4" => "integer",
        "BIGINT" | "INT8" => "bigint",
        "DECIMAL" | "NUMERIC" => "numeric",
        "REAL" | "FLOAT4" => "real",
        "DOUBLE" if second("PRECISION") => {
            used = 2;
            "double precision"
        }
        "FLOAT" | "FLOAT8" => "double precision",
        "BOOLEAN" | "BOOL" => "boolean",
        "DATE" => "date",
        "TIMESTAMPTZ" => "timestamptz",
        "TIMESTAMP" => {
            used += timestamp_tail(&tokens[1..])?;
            "timestamp"
        }
        "SUPER" => "jsonb",
        _ => return Err(Unsupported::new(format!("the column type '{word}'"))),
    };
    let (arguments, rest) = arguments(&tokens[used..])?;
    Ok((sized(column, base, arguments)?, rest))
}

fn timestamp_tail(tokens: &[Token]) -> Result<usize, Unsupported> {
    let says = |words: &[&str]| {
        words.len() <= tokens.len() && words.iter().zip(tokens).all(|(word, token)| token.is_word(word))
    };
    if says(&["WITHOUT", "TIME", "ZONE"]) {
        return Ok(3);
    }
    if says(&["WITH"]) {
        Err(Unsupported::new("TIMESTAMP WITH TIME ZONE"))
    } else {
        Ok(0)
    }
}

fn arguments(tokens: &[Token]) -> Result<(Option<&[Token]>, &[Token]), Unsupported> {
    if !tokens.first().is_some_and(|token| token.is_symbol("(")) {
        return Ok((None, tokens));
    }
    let close = closing(tokens, 0)?;
    Ok((Some(&tokens[1..close]), &tokens[close + 1..]))
}

fn sized(column: &str, base: &str, arguments: Option<&[Token]>) -> Result<String, Unsupported> {
    match (base, arguments) {
        ("varchar", Some([length])) if length.is_word("MAX") => Ok(bytes(column, base, "65535")),
        ("varchar" | "char", Some([Token::Number(length)])) => Ok(bytes(column, base, length)),
        ("varchar", None) => Ok(bytes(column, base, "256")),
        ("char", None) => Ok(bytes(column, base, "1")),
        ("numeric", Some([Token::Number(precision)])) => Ok(format!("numeric({precision})")),
        ("numeric", Some([Token::Number(precision), Token::Symbol(","), Token::Number(scale)])) => {
            Ok(format!("numeric({precision},{scale})"))
        }
        ("numeric", None) => Ok("numeric(18,0)".to_owned()),
        (base, None) => Ok(base.to_owned()),
        (base, Some(_)) => Err(Unsupported::new(format!("arguments of the type '{base}'"))),
    }
}

/// A length in bytes, which PostgreSQL would count in characters.
fn bytes(column: &str, base: &str, length: &str) -> String {
    format!("{base}({length}) CHECK (octet_length({column}) <= {length})")
}

fn column_attributes(tokens: &[Token]) -> Result<String, Unsupported> {
    let (mut kept, mut index) = (String::new(), 0);
    while let Some(token) = tokens.get(index) {
        let next_is = |word: &str| tokens.get(index + 1).is_some_and(|token| token.is_word(word));
        if token.is_word("NOT") && next_is("NULL") {
            kept.push_str(" NOT NULL");
            index += 2;
        } else if token.is_any(&["NULL", "DISTKEY", "SORTKEY", "UNIQUE"]) {
            index += 1;
        } else if token.is_word("PRIMARY") && next_is("KEY") || token.is_word("ENCODE") {
            index += 2;
        } else if token.is_word("DEFAULT") {
            let value = tokens
                .get(index + 1)
                .ok_or_else(|| Unsupported::new("DEFAULT without a value"))?;
            let constant = matches!(value, Token::Number(_) | Token::Text(_))
                || value.is_any(&["NULL", "TRUE", "FALSE"]);
            if !constant {
                return Err(Unsupported::new("DEFAULT of anything but a constant"));
            }
            kept.push_str(&format!(" DEFAULT {}", render(std::slice::from_ref(value))));
            index += 2;
        } else {
            return Err(Unsupported::new(format!(
                "the column attribute '{}'",
                render(std::slice::from_ref(token))
            )));
        }
    }
    Ok(kept)
}

/// What may stand behind the columns; all of it is about placement.
fn check_attributes(mut tokens: &[Token]) -> Result<(), Unsupported> {
    while let Some(token) = tokens.first() {
        let follows = |words: &[&str]| tokens.get(1).is_some_and(|next| next.is_any(words));
        let bracket = tokens.get(1).is_some_and(|next| next.is_symbol("("));
        let used = if token.is_word("DISTSTYLE") && follows(&["AUTO", "EVEN", "KEY", "ALL"])
            || token.is_word("BACKUP") && follows(&["YES", "NO"])
            || token.is_word("ENCODE") && follows(&["AUTO"])
            || token.is_word("SORTKEY") && follows(&["AUTO"])
        {
            2
        } else if token.is_any(&["COMPOUND", "INTERLEAVED"]) && follows(&["SORTKEY"]) {
            1
        } else if token.is_any(&["DISTKEY", "SORTKEY"]) && bracket {
            closing(tokens, 1)? + 1
        } else {
            return Err(Unsupported::new(format!(
                "the table attribute '{}'",
                render(std::slice::from_ref(token))
            )));
        };
        tokens = &tokens[used..];
    }
    Ok(())
}
