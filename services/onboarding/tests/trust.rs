//! Generated trust policies on the local STS, which evaluates them: no bad one is ever used, no good one is refused.
//!
//! A policy is bad when anybody but our broker under the connection's external id may become the role, or when it
//! may come to that without a change of the policy. Each is given to a role made by our template in an account of
//! its own; what counts is the state that three rounds lead to.

mod support;

use serde_json::{Value, json};
use support::{House, Person};

const ISV: &str = "111111111111";
const ROOT: &str = "arn:aws:iam::111111111111:root";
const BROKER: &str = "arn:aws:iam::111111111111:role/tenantry-broker";
const STRANGER: &str = "arn:aws:iam::333333333333:root";

/// How IAM took a policy, and what became of the connection.
struct Outcome {
    policy: String,
    stored: bool,
    state: String,
}

fn policy(statements: &[Value]) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn allow(principal: &Value, action: &Value, condition: Option<&Value>) -> Value {
    let mut statement = json!({ "Effect": "Allow", "Principal": principal, "Action": action });
    if let Some(condition) = condition {
        statement["Condition"] = condition.clone();
    }
    statement
}

/// What the template says beside the statement under test.
fn who_and_why() -> Value {
    allow(
        &json!({ "AWS": ROOT }),
        &json!(["sts:TagSession", "sts:SetSourceIdentity"]),
        Some(&json!({ "ArnEquals": { "aws:PrincipalArn": BROKER } })),
    )
}

fn exact() -> Value {
    json!({ "StringEquals": { "sts:ExternalId": "OURS" } })
}

/// The same with a comparison that only narrows.
fn and(condition: &Value, operator: &str, keys: Value) -> Value {
    let mut condition = condition.clone();
    condition[operator] = keys;
    condition
}

fn ours() -> [Value; 3] {
    [
        json!({ "AWS": ROOT }),
        json!({ "AWS": ISV }),
        json!({ "AWS": BROKER }),
    ]
}

/// Conditions that compare the external id otherwise than exactly, with more than one, or not at all.
fn inexact() -> Vec<Value> {
    let on = |operator: &str, value: Value| json!({ operator: { "sts:ExternalId": value } });
    vec![
        json!({ "Bool": { "aws:SecureTransport": "true" } }),
        json!({ "StringLike": { "aws:PrincipalArn": "arn:aws:iam::111111111111:*" } }),
        on("StringLike", json!("*")),
        on("StringLike", json!("tenantry-*")),
        on("StringLike", json!("OURS")),
        on("StringLike", json!("OURS*")),
        on("StringLike", json!(["OURS", "?*"])),
        on("StringEqualsIfExists", json!("OURS")),
        on("StringLikeIfExists", json!("*")),
        on("StringEqualsIgnoreCase", json!("OURS")),
        on("StringEqualsIgnoreCaseIfExists", json!("OURS")),
        on("ForAllValues:StringEquals", json!("OURS")),
        on("ForAllValues:StringLike", json!("tenantry-*")),
        on("ForAllValues:StringEqualsIfExists", json!("OURS")),
        on("ForAnyValue:StringLike", json!("*")),
        on("StringNotEquals", json!("somebody-else")),
        on("StringNotLike", json!("somebody-*")),
        on("Null", json!("false")),
        on("Null", json!("true")),
        on("StringEquals", json!(["OURS", "a-second-external-id"])),
        on("StringEquals", json!("somebody-elses-external-id")),
    ]
}

fn bad_conditions() -> Vec<Value> {
    let assume = json!("sts:AssumeRole");
    let all = json!(["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]);
    let mut found = Vec::new();
    for condition in inexact() {
        let by_broker = and(&condition, "ArnEquals", json!({ "aws:PrincipalArn": BROKER }));
        for principal in ours() {
            for condition in [&condition, &by_broker] {
                found.push(policy(&[
                    allow(&principal, &assume, Some(condition)),
                    who_and_why(),
                ]));
            }
        }
        found.push(policy(&[allow(&json!({ "AWS": ROOT }), &all, Some(&condition))]));
    }
    for principal in ours() {
        found.push(policy(&[allow(&principal, &assume, None), who_and_why()]));
    }
    found
}

fn bad_principals() -> Vec<Value> {
    let principals = [
        json!("*"),
        json!({ "AWS": "*" }),
        json!({ "AWS": [ROOT, "*"] }),
        json!({ "AWS": [ROOT, STRANGER] }),
        json!({ "AWS": [BROKER, "333333333333"] }),
        json!({ "AWS": ROOT, "Service": "ec2.amazonaws.com" }),
        json!({ "AWS": ROOT, "Service": ["lambda.amazonaws.com", "ecs-tasks.amazonaws.com"] }),
        json!({ "AWS": ROOT, "Federated": "cognito-identity.amazonaws.com" }),
    ];
    let wide = [
        json!("sts:*"),
        json!("sts:Assume*"),
        json!("sts:AssumeRole*"),
        json!("*"),
    ];
    let mut found = Vec::new();
    for principal in principals {
        for action in [
            json!("sts:AssumeRole"),
            json!(["sts:AssumeRole", "sts:TagSession"]),
        ] {
            found.push(policy(&[
                allow(&principal, &action, Some(&exact())),
                who_and_why(),
            ]));
        }
    }
    for principal in ours() {
        for action in &wide {
            found.push(policy(&[
                allow(&principal, action, Some(&exact())),
                who_and_why(),
            ]));
        }
    }
    found
}

/// Second ways in, before and behind a perfect first one.
fn second_statements() -> Vec<Value> {
    let assume = json!("sts:AssumeRole");
    let other_id = json!({ "StringEquals": { "sts:ExternalId": "a-second-external-id" } });
    let seconds = [
        allow(&json!({ "AWS": ROOT }), &assume, None),
        allow(&json!({ "AWS": ROOT }), &assume, Some(&other_id)),
        allow(&json!({ "AWS": ROOT }), &assume, Some(&exact())),
        allow(&json!({ "AWS": STRANGER }), &assume, None),
        allow(&json!({ "AWS": STRANGER }), &assume, Some(&exact())),
        allow(&json!({ "AWS": "*" }), &assume, Some(&other_id)),
        allow(&json!({ "Service": "ec2.amazonaws.com" }), &assume, None),
        allow(
            &json!({ "Federated": "cognito-identity.amazonaws.com" }),
            &json!("sts:AssumeRoleWithWebIdentity"),
            None,
        ),
        allow(&json!({ "AWS": ROOT }), &json!("sts:*"), None),
    ];
    let mut found = Vec::new();
    for principal in ours() {
        let first = allow(&principal, &assume, Some(&exact()));
        for second in &seconds {
            found.push(policy(&[first.clone(), who_and_why(), second.clone()]));
            found.push(policy(&[second.clone(), first.clone(), who_and_why()]));
        }
    }
    found
}

fn good() -> Vec<Value> {
    let principals = [
        json!({ "AWS": ROOT }),
        json!({ "AWS": ISV }),
        json!({ "AWS": BROKER }),
        json!({ "AWS": [ROOT] }),
        json!({ "AWS": [ISV, BROKER] }),
    ];
    let conditions = [
        exact(),
        json!({ "StringEquals": { "STS:externalid": ["OURS"] } }),
        and(&exact(), "ArnEquals", json!({ "aws:PrincipalArn": BROKER })),
        and(&exact(), "StringLike", json!({ "sts:ExternalId": "tenantry-*" })),
        and(&exact(), "Bool", json!({ "aws:SecureTransport": "true" })),
    ];
    let deny = json!({ "Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole",
                       "Condition": { "StringNotEquals": { "sts:ExternalId": "OURS" } } });
    let mut found = Vec::new();
    for principal in &principals {
        for condition in &conditions {
            let assume = allow(principal, &json!("sts:AssumeRole"), Some(condition));
            let all = json!(["STS:assumerole", "sts:TagSession", "sts:SetSourceIdentity"]);
            found.push(policy(&[assume.clone(), who_and_why()]));
            found.push(policy(&[allow(principal, &all, Some(condition))]));
            found.push(policy(&[deny.clone(), who_and_why(), assume]));
        }
    }
    found
}

/// Gives each policy to a role in an account of its own, and lets three rounds happen.
async fn outcomes(policies: &[Value]) -> Vec<Outcome> {
    let house = House::open().await;
    let ada = house.tenant("ada@acme.example").await;
    let mut outcomes = Vec::new();
    for (number, policy) in policies.iter().enumerate() {
        outcomes.push(settle(&house, &ada, number, policy).await);
    }
    house.probe().await;
    let operator = house.operator().await;
    let path = format!("/v1/connections?limit=500&tenant={}", ada.tenant);
    let list = house
        .ask(support::Ask::get(path).by(&operator))
        .await
        .expect(200)
        .json();
    let states = list["items"].as_array().expect("connections");
    assert_eq!(states.len(), outcomes.len());
    for (outcome, connection) in outcomes.iter_mut().zip(states) {
        outcome.state = connection["state"].as_str().expect("a state").to_owned();
    }
    outcomes
}

async fn settle(house: &House, ada: &Person, number: usize, policy: &Value) -> Outcome {
    let account = format!("{}", 400_000_000_000 + number);
    let connection = house.connect(ada, &account).await;
    house.deploy(&account, &connection).await;
    let external_id = connection["setup"]["parameters"]["ExternalId"]
        .as_str()
        .expect("an id");
    let role = connection["setup"]["stack_name"].as_str().expect("a name");
    let policy = policy.to_string().replace("OURS", external_id);
    let root = house.world.root_of(&account).await;
    let stored = root.change_trust(role, &policy).await.is_ok();
    if !stored {
        // IAM itself keeps it out; the role the template made must not be judged in its stead.
        root.delete_stack(role).await.expect("deleted");
    }
    Outcome {
        policy,
        stored,
        state: String::new(),
    }
}

async fn none_is_ready(policies: Vec<Value>, at_least: usize) {
    let outcomes = outcomes(&policies).await;
    let stored = outcomes.iter().filter(|outcome| outcome.stored).count();
    assert!(
        stored >= at_least,
        "only {stored} of {} were stored",
        outcomes.len()
    );
    for outcome in outcomes {
        // A policy that also keeps us out leaves the role awaited.
        let refused = ["quarantined", "awaiting_role"].contains(&outcome.state.as_str());
        assert!(refused, "{} under {}", outcome.state, outcome.policy);
    }
}

#[tokio::test]
async fn no_inexact_condition_is_ever_accepted() {
    none_is_ready(bad_conditions(), 140).await;
}

#[tokio::test]
async fn no_stranger_and_no_second_way_in_is_ever_accepted() {
    let mut policies = bad_principals();
    policies.extend(second_statements());
    none_is_ready(policies, 70).await;
}

#[tokio::test]
async fn no_good_trust_policy_is_refused() {
    let outcomes = outcomes(&good()).await;
    assert!(outcomes.len() >= 75);
    for outcome in outcomes {
        assert!(
            outcome.stored && outcome.state == "ready",
            "{} under {}",
            outcome.state,
            outcome.policy
        );
    }
}
