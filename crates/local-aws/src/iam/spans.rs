//! Where the statements of a policy stand in its text, for the simulator's matched statements.

use serde::Deserialize;
use serde_json::value::RawValue;

/// Line and column, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) line: usize,
    pub(super) column: usize,
}

#[derive(Deserialize)]
struct Policy<'a> {
    #[serde(borrow, rename = "Statement")]
    statement: &'a RawValue,
}

/// Start and end of each statement, in order; empty for a text that is no policy.
pub(super) fn statements(text: &str) -> Vec<(Position, Position)> {
    let Ok(policy) = serde_json::from_str::<Policy<'_>>(text) else {
        return Vec::new();
    };
    let many: Result<Vec<&RawValue>, _> = serde_json::from_str(policy.statement.get());
    let statements = many.unwrap_or_else(|_| vec![policy.statement]);
    statements
        .into_iter()
        .map(|statement| span(text, statement.get()))
        .collect()
}

/// The place of a part that is a slice of the text.
fn span(text: &str, part: &str) -> (Position, Position) {
    let start = part.as_ptr().addr() - text.as_ptr().addr();
    (position(text, start), position(text, start + part.len()))
}

fn position(text: &str, offset: usize) -> Position {
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Position {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::{Position, statements};

    #[test]
    fn statements_are_found_by_line_and_column() {
        let text = "{\"Statement\":[{\"Sid\":\"A\"},\n  {\"Sid\":\"B\"}]}";
        let at = |line, column| Position { line, column };
        assert_eq!(statements(text), [(at(1, 15), at(1, 26)), (at(2, 3), at(2, 14))]);
        assert_eq!(statements("{\"Statement\":{}}"), [(at(1, 14), at(1, 16))]);
    }
}
