//! What each shape of trust policy lets in.
//!
//! Sources: IAM user guide, "The confused deputy problem", "IAM JSON policy elements: Condition operators",
//! "Multivalued context keys", "IAM JSON policy elements: Principal".

use crate::support::{ACME, ALLOW_ALL, BOLT, BROKER, ISV, World, refusal, trust};

/// A name, a trust policy, the external id presented, and whether the broker gets in.
type Case = (&'static str, String, Option<&'static str>, bool);

fn with(condition: &str) -> String {
    trust(&format!("arn:aws:iam::{ISV}:root"), condition)
}

fn statements(list: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{list}]}}"#)
}

fn external_id_cases() -> Vec<Case> {
    let equals = |operator: &str| with(&format!(r#"{{"{operator}":{{"sts:ExternalId":"tnt-right"}}}}"#));
    vec![
        (
            "equals, right id",
            equals("StringEquals"),
            Some("tnt-right"),
            true,
        ),
        (
            "equals, wrong id",
            equals("StringEquals"),
            Some("tnt-wrong"),
            false,
        ),
        ("equals, no id", equals("StringEquals"), None, false),
        (
            "equals, other case",
            equals("StringEquals"),
            Some("TNT-right"),
            false,
        ),
        (
            "equals, the key's case does not count",
            with(r#"{"StringEquals":{"STS:externalid":"tnt-right"}}"#),
            Some("tnt-right"),
            true,
        ),
        (
            "ignore case",
            equals("StringEqualsIgnoreCase"),
            Some("TNT-RIGHT"),
            true,
        ),
        ("no condition, no id", with("{}"), None, true),
        ("no condition, any id", with("{}"), Some("anything"), true),
        (
            "if exists, no id: a hole",
            equals("StringEqualsIfExists"),
            None,
            true,
        ),
        (
            "if exists, wrong id",
            equals("StringEqualsIfExists"),
            Some("tnt-wrong"),
            false,
        ),
        (
            "for all values, no id: a hole",
            equals("ForAllValues:StringEquals"),
            None,
            true,
        ),
        (
            "for all values, wrong id",
            equals("ForAllValues:StringEquals"),
            Some("tnt-wrong"),
            false,
        ),
        (
            "for any value, right id",
            equals("ForAnyValue:StringEquals"),
            Some("tnt-right"),
            true,
        ),
        (
            "for any value, no id",
            equals("ForAnyValue:StringEquals"),
            None,
            false,
        ),
        (
            "not equals, other id",
            equals("StringNotEquals"),
            Some("tnt-other"),
            true,
        ),
        ("not equals, no id: a hole", equals("StringNotEquals"), None, true),
        (
            "not equals, that id",
            equals("StringNotEquals"),
            Some("tnt-right"),
            false,
        ),
        (
            "two ids, second",
            with(r#"{"StringEquals":{"sts:ExternalId":["tnt-one","tnt-two"]}}"#),
            Some("tnt-two"),
            true,
        ),
        (
            "two ids, neither",
            with(r#"{"StringEquals":{"sts:ExternalId":["tnt-one","tnt-two"]}}"#),
            Some("tnt-three"),
            false,
        ),
        (
            "like, match",
            with(r#"{"StringLike":{"sts:ExternalId":"tnt-*"}}"#),
            Some("tnt-anything"),
            true,
        ),
        (
            "like, no match",
            with(r#"{"StringLike":{"sts:ExternalId":"tnt-?"}}"#),
            Some("tnt-long"),
            false,
        ),
        (
            "like, no id",
            with(r#"{"StringLike":{"sts:ExternalId":"*"}}"#),
            None,
            false,
        ),
        (
            "null false, any id: a hole",
            with(r#"{"Null":{"sts:ExternalId":"false"}}"#),
            Some("anything"),
            true,
        ),
        (
            "null false, no id",
            with(r#"{"Null":{"sts:ExternalId":"false"}}"#),
            None,
            false,
        ),
        (
            "null true, no id",
            with(r#"{"Null":{"sts:ExternalId":"true"}}"#),
            None,
            true,
        ),
        (
            "null true, an id",
            with(r#"{"Null":{"sts:ExternalId":"true"}}"#),
            Some("anything"),
            false,
        ),
    ]
}

fn principal_cases() -> Vec<Case> {
    let arn_equals = |arn: &str| with(&format!(r#"{{"ArnEquals":{{"aws:PrincipalArn":"{arn}"}}}}"#));
    vec![
        ("broker by arn condition", arn_equals(BROKER), None, true),
        (
            "other role by arn condition",
            arn_equals("arn:aws:iam::111111111111:role/other"),
            None,
            false,
        ),
        (
            "arn pattern",
            arn_equals("arn:aws:iam::111111111111:role/tenantry-*"),
            None,
            true,
        ),
        (
            "arn pattern of another account",
            arn_equals("arn:aws:iam::*2:role/tenantry-*"),
            None,
            false,
        ),
        ("account id as principal", trust(ISV, "{}"), None, true),
        ("the role as principal", trust(BROKER, "{}"), None, true),
        ("everybody", trust("*", "{}"), None, true),
        (
            "another account",
            trust(&format!("arn:aws:iam::{BOLT}:root"), "{}"),
            None,
            false,
        ),
        (
            "principal account",
            with(r#"{"StringEquals":{"aws:PrincipalAccount":"111111111111"}}"#),
            None,
            true,
        ),
        (
            "both conditions, one unmet",
            with(&format!(
                r#"{{"StringEquals":{{"sts:ExternalId":"tnt-right"}},"ArnEquals":{{"aws:PrincipalArn":"{BROKER}"}}}}"#
            )),
            Some("tnt-wrong"),
            false,
        ),
    ]
}

fn other_cases() -> Vec<Case> {
    let root = format!("arn:aws:iam::{ISV}:root");
    let allow = format!(r#"{{"Effect":"Allow","Principal":{{"AWS":"{root}"}},"Action":"sts:AssumeRole"}}"#);
    let deny = format!(
        r#"{{"Effect":"Deny","Principal":{{"AWS":"{root}"}},"Action":"sts:AssumeRole",
        "Condition":{{"Null":{{"sts:ExternalId":"true"}}}}}}"#
    );
    let tag_only =
        format!(r#"{{"Effect":"Allow","Principal":{{"AWS":"{root}"}},"Action":"sts:TagSession"}}"#);
    let service =
        r#"{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}"#;
    vec![
        ("a deny wins", statements(&format!("{allow},{deny}")), None, false),
        (
            "a deny that does not apply",
            statements(&format!("{allow},{deny}")),
            Some("an-id"),
            true,
        ),
        ("another action only", statements(&tag_only), None, false),
        ("a service only", statements(service), None, false),
        (
            "our address",
            with(r#"{"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}}"#),
            None,
            true,
        ),
        (
            "not our address",
            with(r#"{"NotIpAddress":{"aws:SourceIp":"127.0.0.0/8"}}"#),
            None,
            false,
        ),
        (
            "a date gone by",
            with(r#"{"DateLessThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}}"#),
            None,
            false,
        ),
        (
            "a number",
            with(r#"{"NumericGreaterThan":{"aws:EpochTime":"1577836800"}}"#),
            None,
            true,
        ),
        (
            "a truth value",
            with(r#"{"Bool":{"aws:SecureTransport":"true"}}"#),
            None,
            true,
        ),
    ]
}

#[tokio::test]
async fn every_shape_of_trust_policy_decides_as_documented() {
    let world = World::start().await;
    let sts = world.service(BROKER).sts();
    let cases: Vec<Case> = [external_id_cases(), principal_cases(), other_cases()].concat();
    assert!(cases.len() >= 25);
    for (number, (name, trust, external_id, allowed)) in cases.into_iter().enumerate() {
        let role = world
            .role(ACME, &format!("role-{number}"), &trust, ALLOW_ALL)
            .await;
        let request = sts.assume_role().role_arn(role).role_session_name("probe");
        let outcome = request
            .set_external_id(external_id.map(str::to_owned))
            .send()
            .await;
        assert_eq!(outcome.is_ok(), allowed, "{name}: {outcome:?}");
        if !allowed {
            assert_eq!(refusal(outcome), "AccessDenied", "{name}");
        }
    }
}

/// IAM API reference, "CreateRole": MalformedPolicyDocument.
#[tokio::test]
async fn a_trust_policy_outside_the_grammar_is_refused() {
    let world = World::start().await;
    let iam = world.root(ACME).iam();
    let malformed = [
        "not json".to_owned(),
        r#"{"Version":"2012-10-17"}"#.to_owned(),
        r#"{"Version":"1999-01-01","Statement":[]}"#.to_owned(),
        statements(r#"{"Effect":"Maybe","Principal":"*","Action":"sts:AssumeRole"}"#),
        statements(r#"{"Effect":"Allow","Action":"sts:AssumeRole"}"#),
        statements(r#"{"Effect":"Allow","Principal":"*","Action":"ec2:RunInstances"}"#),
        statements(r#"{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}"#),
        with(r#"{"StringAlmost":{"sts:ExternalId":"x"}}"#),
        with(r#"{"NumericEquals":{"sts:ExternalId":"not a number"}}"#),
        trust("arn:aws:iam::111111111111:role/*", "{}"),
        trust("arn:aws:iam::111111111111:role/nobody", "{}"),
    ];
    for text in malformed {
        let outcome = iam
            .create_role()
            .role_name("r")
            .assume_role_policy_document(&text)
            .send()
            .await;
        assert_eq!(refusal(outcome), "MalformedPolicyDocument", "{text}");
    }
}
