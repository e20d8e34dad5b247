//! Words and functions that may pass.
//!
//! PostgreSQL knows far more functions than Redshift, some of which read files or settings; only those named here run.

use super::Unsupported;
use super::tokens::Token;

/// Words before a bracket that are no function: grammar and types.
const GRAMMAR: &[&str] = &[
    "ALL",
    "AND",
    "AS",
    "BETWEEN",
    "BY",
    "CASE",
    "CHAR",
    "CHARACTER",
    "DECIMAL",
    "DISTINCT",
    "ELSE",
    "EXCEPT",
    "EXISTS",
    "FROM",
    "HAVING",
    "IN",
    "INSERT",
    "INTERSECT",
    "JOIN",
    "LIKE",
    "LIMIT",
    "NOT",
    "NUMERIC",
    "ON",
    "OR",
    "OVER",
    "SELECT",
    "SET",
    "SORTKEY",
    "DISTKEY",
    "KEY",
    "UNIQUE",
    "THEN",
    "UNION",
    "USING",
    "VALUES",
    "VARCHAR",
    "VARYING",
    "WHEN",
    "WHERE",
    "NCHAR",
    "NVARCHAR",
    "BPCHAR",
];

/// Functions that Redshift and PostgreSQL share, or that are translated.
const FUNCTIONS: &[&str] = &[
    "ABS",
    "AVG",
    "BOOL_AND",
    "BOOL_OR",
    "BTRIM",
    "CAST",
    "CEIL",
    "CEILING",
    "COALESCE",
    "CONCAT",
    "COUNT",
    "DATE_PART",
    "DATE_TRUNC",
    "DENSE_RANK",
    "EXTRACT",
    "FIRST_VALUE",
    "FLOOR",
    "GETDATE",
    "GREATEST",
    "LAG",
    "LAST_VALUE",
    "LEAD",
    "LEAST",
    "LEFT",
    "LENGTH",
    "LOWER",
    "LTRIM",
    "MAX",
    "MD5",
    "MIN",
    "MOD",
    "NULLIF",
    "NVL",
    "POWER",
    "RANK",
    "REPLACE",
    "RIGHT",
    "ROUND",
    "ROW_NUMBER",
    "RTRIM",
    "SQRT",
    "SUBSTRING",
    "SUM",
    "TO_CHAR",
    "TO_DATE",
    "TRIM",
    "TRUNC",
    "UPPER",
];

/// Words of PostgreSQL that Redshift refuses.
const REFUSED: &[&str] = &[
    "ARRAY",
    "BIGSERIAL",
    "CONFLICT",
    "ENUM",
    "EXCLUDE",
    "FILTER",
    "FUNCTION",
    "GENERATED",
    "INHERITS",
    "JSONB",
    "LATERAL",
    "NEXTVAL",
    "NOWAIT",
    "ONLY",
    "PROCEDURE",
    "RETURNING",
    "SEQUENCE",
    "SERIAL",
    "SMALLSERIAL",
    "TABLESAMPLE",
    "TRIGGER",
    "UNLOGGED",
    "UUID",
];

/// Checks every word and every call.
pub(super) fn check(tokens: &[Token]) -> Result<(), Unsupported> {
    for (index, token) in tokens.iter().enumerate() {
        let Some(name) = token.name() else { continue };
        if name.to_ascii_lowercase().starts_with("pg_") {
            return Err(Unsupported::new(format!("'{name}'")));
        }
        if REFUSED.iter().any(|word| token.is_word(word)) {
            return Err(Unsupported::new(format!("'{name}'")));
        }
        let locks = token.is_word("FOR")
            && tokens
                .get(index + 1)
                .is_some_and(|next| next.is_any(&["UPDATE", "SHARE", "KEY", "NO"]));
        let distinct_on =
            token.is_word("DISTINCT") && tokens.get(index + 1).is_some_and(|next| next.is_word("ON"));
        if locks || distinct_on {
            return Err(Unsupported::new(format!("'{name} …'")));
        }
        let called = tokens.get(index + 1).is_some_and(|next| next.is_symbol("("));
        if called && !may_be_called(tokens, index) {
            return Err(Unsupported::new(format!("the function '{name}'")));
        }
    }
    Ok(())
}

fn may_be_called(tokens: &[Token], index: usize) -> bool {
    let mut first = index;
    while first >= 2 && tokens[first - 1].is_symbol(".") {
        first -= 2;
    }
    // A relation with its columns behind it, or an alias with its columns.
    let relation = ["INTO", "TABLE", "EXISTS", "VIEW", "WITH", "AS", "REFERENCES"];
    let names_relation = first >= 1 && tokens[first - 1].is_any(&relation);
    let known = tokens[index].is_any(GRAMMAR) || tokens[index].is_any(FUNCTIONS);
    names_relation || (known && first == index)
}

/// MERGE takes a table as its source, and one branch of each kind; SQL reference, "MERGE".
pub(super) fn check_merge(tokens: &[Token]) -> Result<(), Unsupported> {
    let using = tokens.iter().position(|token| token.is_word("USING"));
    let subquery = using
        .and_then(|at| tokens.get(at + 1))
        .is_none_or(|source| source.is_symbol("("));
    if subquery {
        return Err(Unsupported::new("MERGE from anything but a table"));
    }
    let branches = |negated: bool| {
        let pairs = tokens.windows(2).filter(|pair| {
            pair[0].is_word("WHEN")
                && if negated {
                    pair[1].is_word("NOT")
                } else {
                    pair[1].is_word("MATCHED")
                }
        });
        pairs.count()
    };
    if branches(false) != 1 || branches(true) != 1 {
        return Err(Unsupported::new(
            "MERGE without exactly one MATCHED and one NOT MATCHED branch",
        ));
    }
    let nothing = tokens
        .windows(2)
        .any(|pair| pair[0].is_word("DO") && pair[1].is_word("NOTHING"));
    if nothing {
        Err(Unsupported::new("MERGE with DO NOTHING"))
    } else {
        Ok(())
    }
}
