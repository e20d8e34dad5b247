//! Reading a role's trust policy: whether it admits our broker under one external id, and nobody else.
//!
//! Probes show what is refused now; they cannot see a second external id, a second account or a service that is
//! also let in. So the policy itself is read, strictly: every statement that allows must be of the one shape below,
//! because an element that is not understood may open more than it seems. Denying statements only take away.
//! Source: IAM user guide, "AWS JSON policy elements" and "The confused deputy problem".

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::account::ExternalId;

/// What may be done by a statement that allows: becoming the role, and saying who and why on the way.
const ASSUME: &str = "sts:assumerole";
const ALLOWED: [&str; 3] = [ASSUME, "sts:tagsession", "sts:setsourceidentity"];

/// A statement and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementAtFault {
    /// Position in the policy, from 1; 0 for the policy as a whole.
    pub number: usize,
    /// Its `Sid`, if it has one.
    pub sid: Option<String>,
    /// What is wrong and what to write instead.
    pub why: String,
}

/// Whom and what a trust policy must name.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The operator's AWS account.
    pub isv_account: &'a str,
    /// The only role that becomes the tenant's.
    pub broker_role_arn: &'a str,
    /// The connection's external id.
    pub external_id: &'a ExternalId,
}

/// Finds the first statement that admits more than is expected, or says what is missing altogether.
///
/// # Errors
/// The statement, with the cure.
pub fn read_trust(policy: &str, expected: &Expected<'_>) -> Result<(), StatementAtFault> {
    let whole = |why: &str| StatementAtFault {
        number: 0,
        sid: None,
        why: why.to_owned(),
    };
    let policy: Value = serde_json::from_str(policy).map_err(|_| whole("it is not JSON"))?;
    let statements = policy
        .get("Statement")
        .map(many)
        .ok_or_else(|| whole("it has no Statement"))?;
    let mut assuming = 0;
    for (statement, number) in statements.into_iter().zip(1..) {
        let at_fault = |why| StatementAtFault {
            number,
            sid: statement.get("Sid").and_then(Value::as_str).map(str::to_owned),
            why,
        };
        if read_statement(statement, expected).map_err(at_fault)? {
            assuming += 1;
        }
        if assuming > 1 {
            let why = "it is a second statement that allows sts:AssumeRole; leave only one";
            return Err(at_fault(why.to_owned()));
        }
    }
    if assuming == 0 {
        return Err(whole("no statement allows sts:AssumeRole"));
    }
    Ok(())
}

/// Whether the statement lets somebody become the role.
fn read_statement(statement: &Value, expected: &Expected<'_>) -> Result<bool, String> {
    match statement.get("Effect").and_then(Value::as_str) {
        Some("Deny") => return Ok(false),
        Some("Allow") => {}
        _ => return Err("its Effect is neither Allow nor Deny".to_owned()),
    }
    let assumes = read_actions(statement)?;
    if assumes {
        read_external_id(statement, expected.external_id)?;
    }
    read_principal(statement, expected)?;
    Ok(assumes)
}

fn read_actions(statement: &Value) -> Result<bool, String> {
    let actions = statement.get("Action").map(many).unwrap_or_default();
    if statement.get("NotAction").is_some() || actions.is_empty() {
        return Err("it does not list its actions; write Action with sts:AssumeRole".to_owned());
    }
    let mut assumes = false;
    for action in actions {
        let action = action.as_str().unwrap_or_default();
        let plain = action.to_ascii_lowercase();
        if !ALLOWED.contains(&plain.as_str()) {
            return Err(format!("it allows {action}; allow only sts:AssumeRole, exactly"));
        }
        assumes |= plain == ASSUME;
    }
    Ok(assumes)
}

/// Operators stand side by side and all of them must hold, so one exact comparison is enough, whatever else is asked.
fn read_external_id(statement: &Value, external_id: &ExternalId) -> Result<(), String> {
    let Some(Value::Object(condition)) = statement.get("Condition") else {
        return Err("it has no Condition; add StringEquals on sts:ExternalId".to_owned());
    };
    let on_external_id: Vec<_> = condition
        .iter()
        .filter_map(|(operator, keys)| Some((operator, external_ids(keys.as_object()?))))
        .filter(|(_, values)| !values.is_empty())
        .collect();
    let Some((first, _)) = on_external_id.first() else {
        return Err("its Condition does not name sts:ExternalId; add StringEquals on it".to_owned());
    };
    let exact = on_external_id
        .iter()
        .find(|(operator, _)| *operator == "StringEquals");
    let Some((_, values)) = exact else {
        return Err(format!(
            "it compares sts:ExternalId with {first}, which is not exact; use StringEquals"
        ));
    };
    if values.len() > 1 {
        return Err("it accepts more than one external id; leave only yours".to_owned());
    }
    if values[0].as_str() != Some(external_id.expose()) {
        return Err("its external id is not this connection's".to_owned());
    }
    Ok(())
}

fn external_ids(keys: &Map<String, Value>) -> Vec<&Value> {
    keys.iter()
        .filter(|(key, _)| key.eq_ignore_ascii_case("sts:ExternalId"))
        .flat_map(|(_, values)| many(values))
        .collect()
}

fn read_principal(statement: &Value, expected: &Expected<'_>) -> Result<(), String> {
    let root = format!("arn:aws:iam::{}:root", expected.isv_account);
    let ours = [expected.isv_account, &root, expected.broker_role_arn];
    let cure = format!("name only {root}");
    let Some(Value::Object(kinds)) = statement.get("Principal") else {
        return Err(format!("it does not say whom it trusts; {cure}"));
    };
    for (kind, names) in kinds {
        for name in many(names) {
            let name = name.as_str().unwrap_or_default();
            if kind != "AWS" || !ours.contains(&name) {
                return Err(format!("it trusts {kind} {name}; {cure}"));
            }
        }
    }
    if kinds.is_empty() {
        return Err(format!("it trusts nobody; {cure}"));
    }
    Ok(())
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

    const ID: [u8; 20] = [7; 20];
    const BROKER: &str = "arn:aws:iam::111111111111:role/tenantry-broker";

    fn read(policy: &str) -> Result<(), StatementAtFault> {
        let external_id = ExternalId::from_random(ID);
        let expected = Expected {
            isv_account: "111111111111",
            broker_role_arn: BROKER,
            external_id: &external_id,
        };
        read_trust(&policy.replace("OURS", external_id.expose()), &expected)
    }

    fn with(principal: &str, action: &str, condition: &str) -> String {
        format!(
            r#"{{"Statement":[
                {{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"}},
                {{"Sid":"Open","Effect":"Allow","Principal":{principal},"Action":{action}{condition}}},
                {{"Effect":"Allow","Principal":{{"AWS":"111111111111"}},"Action":"sts:TagSession"}}]}}"#
        )
    }

    const ROOT: &str = r#"{"AWS":"arn:aws:iam::111111111111:root"}"#;
    const ASSUME: &str = r#"["sts:AssumeRole"]"#;
    const EXACT: &str = r#","Condition":{"StringEquals":{"sts:ExternalId":"OURS"}}"#;

    fn why(policy: &str) -> String {
        let fault = read(policy).expect_err("a fault");
        assert_eq!(
            (fault.number, fault.sid.as_deref()),
            (2, Some("Open")),
            "{policy}"
        );
        fault.why
    }

    #[test]
    fn a_condition_that_is_not_exact_is_named_with_its_cure() {
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
                r#","Condition":{"StringLike":{"sts:ExternalId":"OURS"}}"#,
                "StringLike",
            ),
            (
                r#","Condition":{"StringEqualsIfExists":{"sts:ExternalId":"OURS"}}"#,
                "IfExists",
            ),
            (
                r#","Condition":{"ForAllValues:StringEquals":{"sts:externalid":"OURS"}}"#,
                "ForAllValues",
            ),
            (r#","Condition":{"Null":{"sts:ExternalId":"false"}}"#, "Null"),
            (
                r#","Condition":{"StringEquals":{"sts:ExternalId":["OURS","y"]}}"#,
                "more than one",
            ),
            (
                r#","Condition":{"StringEquals":{"sts:ExternalId":"y"}}"#,
                "not this connection's",
            ),
        ];
        for (condition, words) in table {
            let why = why(&with(ROOT, ASSUME, condition));
            assert!(why.contains(words), "{condition}: {why}");
        }
    }

    #[test]
    fn a_stranger_and_a_wide_action_are_named() {
        let strangers = [
            r#""*""#,
            r#"{"AWS":"*"}"#,
            r#"{"AWS":["111111111111","333333333333"]}"#,
            r#"{"AWS":"111111111111","Service":"ec2.amazonaws.com"}"#,
            r#"{"Federated":"cognito-identity.amazonaws.com"}"#,
            r#"{"AWS":"arn:aws:iam::111111111111:user/somebody"}"#,
            "{}",
        ];
        for stranger in strangers {
            assert!(
                why(&with(stranger, ASSUME, EXACT)).contains("111111111111:root"),
                "{stranger}"
            );
        }
        for action in [
            r#""sts:*""#,
            r#""*""#,
            r#"["sts:AssumeRole","sts:AssumeRoleWithSAML"]"#,
            r#""sts:Assume*""#,
        ] {
            assert!(why(&with(ROOT, action, EXACT)).contains("exactly"), "{action}");
        }
    }

    #[test]
    fn an_exact_condition_is_not_at_fault() {
        let broker = format!(r#"{{"AWS":"{BROKER}"}}"#);
        for principal in [ROOT, r#"{"AWS":["111111111111"]}"#, &broker] {
            for action in [
                ASSUME,
                r#""STS:assumerole""#,
                r#"["sts:AssumeRole","sts:SetSourceIdentity"]"#,
            ] {
                assert_eq!(
                    read(&with(principal, action, EXACT)),
                    Ok(()),
                    "{principal} {action}"
                );
            }
        }
        let narrower = r#","Condition":{"StringEquals":{"STS:externalid":["OURS"]},"StringLike":{"sts:ExternalId":"*"}}"#;
        assert_eq!(read(&with(ROOT, ASSUME, narrower)), Ok(()));
    }

    #[test]
    fn a_second_way_in_and_no_way_in_are_faults() {
        let one = r#"{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole","Condition":
            {"StringEquals":{"sts:ExternalId":"OURS"}}}"#;
        assert_eq!(read(&format!(r#"{{"Statement":{one}}}"#)), Ok(()));
        let twice = read(&format!(r#"{{"Statement":[{one},{one}]}}"#)).expect_err("two");
        assert!(twice.number == 2 && twice.why.contains("second"), "{twice:?}");
        for none in ["not json", "{}", r#"{"Statement":[]}"#] {
            assert_eq!(read(none).expect_err("none").number, 0, "{none}");
        }
    }
}
