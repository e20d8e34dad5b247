//! Results as comma-separated values (RFC 4180), without a line of names: those are in the column metadata.
//!
//! Source: API_GetStatementResultV2, the example of its response.

use tokio_postgres::types::Type;

use super::statement::{ResultColumn, ResultSet};

/// Some rows of a result.
pub(super) fn rows(result: &ResultSet, from: usize, count: usize) -> String {
    let mut text = String::new();
    for row in result.rows.iter().skip(from).take(count) {
        for (index, (column, value)) in result.columns.iter().zip(row).enumerate() {
            if index > 0 {
                text.push(',');
            }
            field(column, value.as_deref(), &mut text);
        }
        text.push_str("\r\n");
    }
    text
}

/// NULL is nothing at all; an empty text is two quotes, so that the two stay apart.
fn field(column: &ResultColumn, value: Option<&str>, text: &mut String) {
    let Some(value) = value else { return };
    let value = match (&column.kind, value) {
        (&Type::BOOL, "t") => "true",
        (&Type::BOOL, _) => "false",
        (_, value) => value,
    };
    let plain = !value.is_empty() && !value.contains([',', '"', '\r', '\n']);
    if plain {
        text.push_str(value);
    } else {
        text.push('"');
        text.push_str(&value.replace('"', "\"\""));
        text.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_where_they_must_be() {
        let column = |kind| ResultColumn {
            name: "c".to_owned(),
            kind,
        };
        let result = ResultSet {
            columns: vec![column(Type::INT4), column(Type::TEXT), column(Type::BOOL)],
            rows: vec![
                vec![Some("1".into()), Some("a,\"b\"".into()), Some("t".into())],
                vec![None, Some(String::new()), Some("f".into())],
                vec![Some("3".into()), Some("two\nlines".into()), None],
            ],
        };
        let expected = "1,\"a,\"\"b\"\"\",true\r\n,\"\",false\r\n3,\"two\nlines\",\r\n";
        assert_eq!(rows(&result, 0, 10), expected);
        assert_eq!(rows(&result, 1, 1), ",\"\",false\r\n");
    }
}
