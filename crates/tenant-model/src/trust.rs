//! Finding the statement of a trust policy that leaves the lock open, so that a customer knows what to mend.
//!
//! The probes decide whether a role is safe; this only explains. It names the first statement that allows
//! `sts:AssumeRole` without `StringEquals` on `sts:ExternalId`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A statement and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementAtFault {
    /// Position in the policy, from 1.
    pub number: usize,
    /// Its `Sid`, if it has one.
    pub sid: Option<String>,
    /// What is wrong and what to write instead.
    pub why: String,
}

/// Explains an open lock from the role's trust policy.
#[must_use]
pub fn statement_at_fault(policy: &str) -> Option<StatementAtFault> {
    let policy: Value = serde_json::from_str(policy).ok()?;
    let statements = many(policy.get("Statement")?);
    statements.into_iter().zip(1..).find_map(|(statement, number)| {
        let why = fault(statement)?;
        let sid = statement.get("Sid").and_then(Value::as_str).map(str::to_owned);
        Some(StatementAtFault { number, sid, why })
    })
}

fn fault(statement: &Value) -> Option<String> {
    let allows = statement.get("Effect").and_then(Value::as_str) == Some("Allow");
    if !(allows && assumes(statement)) {
        return None;
    }
    let Some(Value::Object(condition)) = statement.get("Condition") else {
        return Some("it has no Condition; add StringEquals on sts:ExternalId".to_owned());
    };
    let on_external_id: Vec<_> = condition
        .iter()
        .filter(|(_, keys)| {
            keys.as_object()
                .is_some_and(|keys| keys.keys().any(|key| key.eq_ignore_ascii_case("sts:ExternalId")))
        })
        .collect();
    if on_external_id.is_empty() {
        return Some("its Condition does not name sts:ExternalId; add StringEquals on it".to_owned());
    }
    let Some((_, keys)) = on_external_id
        .iter()
        .find(|(operator, _)| *operator == "StringEquals")
    else {
        let operator = on_external_id[0].0;
        return Some(format!(
            "it compares sts:ExternalId with {operator}, which is not exact; use StringEquals"
        ));
    };
    let values = keys.as_object()?.values().flat_map(many).count();
    (values > 1).then(|| "it accepts more than one external id; leave only yours".to_owned())
}

fn assumes(statement: &Value) -> bool {
    let actions = statement.get("Action").map(many).unwrap_or_default();
    actions.iter().filter_map(|action| action.as_str()).any(|action| {
        let action = action.to_ascii_lowercase();
        ["sts:assumerole", "sts:*", "*", "sts:assume*", "sts:assumerole*"].contains(&action.as_str())
    })
}

/// IAM writes one or many alike.
fn many(value: &Value) -> Vec<&Value> {
    value
        .as_array()
        .map_or_else(|| vec![value], |items| items.iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explain(condition: &str) -> Option<String> {
        let policy = format!(
            r#"{{"Statement":[
                {{"Effect":"Deny","Action":"sts:AssumeRole"}},
                {{"Sid":"Open","Effect":"Allow","Action":["sts:AssumeRole"]{condition}}},
                {{"Effect":"Allow","Action":"sts:TagSession"}}]}}"#
        );
        let found = statement_at_fault(&policy)?;
        assert_eq!((found.number, found.sid.as_deref()), (2, Some("Open")));
        Some(found.why)
    }

    #[test]
    fn the_statement_that_opens_is_named_with_its_cure() {
        let table = [
            ("", "no Condition"),
            (
                r#","Condition":{"ArnEquals":{"aws:PrincipalArn":"a"}}"#,
                "does not name",
            ),
            (
                r#","Condition":{"StringLike":{"sts:ExternalId":"*"}}"#,
                "StringLike",
            ),
            (
                r#","Condition":{"StringEqualsIfExists":{"sts:ExternalId":"x"}}"#,
                "StringEqualsIfExists",
            ),
            (
                r#","Condition":{"ForAllValues:StringEquals":{"sts:externalid":"x"}}"#,
                "ForAllValues",
            ),
            (
                r#","Condition":{"StringEquals":{"sts:ExternalId":["x","y"]}}"#,
                "more than one",
            ),
        ];
        for (condition, words) in table {
            let why = explain(condition).unwrap_or_default();
            assert!(why.contains(words), "{condition}: {why}");
        }
    }

    #[test]
    fn an_exact_condition_is_not_at_fault() {
        assert_eq!(
            explain(r#","Condition":{"StringEquals":{"sts:ExternalId":"x"}}"#),
            None
        );
        assert_eq!(statement_at_fault("not json"), None);
        assert_eq!(statement_at_fault("{}"), None);
    }
}
