//! The role's policy as IAM holds it, made from our template: nothing can be left out of it, nothing gets beyond it.

mod support;

use std::collections::BTreeSet;

use aws_access::Aws;
use onboarding::template::ROLE_TEMPLATE;
use onboarding::verifying;
use serde_json::Value;
use support::{House, Person};
use tenant_model::TenantId;
use tenant_model::permissions::{NEEDS, SessionScope};
use tenant_model::proof::TrialOutcome;
use tenant_model::simulation::{Asked, ESCALATIONS, POLICIES, forbidden};

const ACCOUNT: &str = "222222222222";
const ACTION: &str = "              - ";

const STATEMENT: &str = "          - Sid: ";

/// The template without one action: its lines in all that grants, and statements that would be left with none.
fn without(action: &str) -> String {
    let line = format!("{ACTION}{action}\n");
    assert!(ROLE_TEMPLATE.contains(&line), "{action} stands in the template");
    // The boundary stays: it is the most that the role could do, and grants nothing.
    let (granting, boundary) = ROLE_TEMPLATE
        .split_once("  Boundary:\n")
        .expect("the boundary behind them");
    let mut pieces = granting.split(STATEMENT);
    let mut template = pieces.next().expect("a beginning").to_owned();
    for piece in pieces {
        let kept = piece.replace(&line, "");
        if kept.contains("Action:\n            Resource:") {
            // What stands behind the statement is the next policy.
            let behind = kept.split_inclusive('\n').skip(1);
            template.extend(behind.skip_while(|line| line.starts_with("            ")));
        } else {
            template += STATEMENT;
            template += &kept;
        }
    }
    template + "  Boundary:\n" + boundary
}

async fn connected(house: &House, ada: &Person, account: &str, template: &str) -> Value {
    let connection = house.connect(ada, account).await;
    house.deploy_template(account, &connection, template).await;
    connection
}

/// Actions that are tried one by one: every fifth, and those that a proof itself is made of. `EVERY_ACTION=1` takes all.
fn tried() -> impl Iterator<Item = &'static str> {
    let all = std::env::var_os("EVERY_ACTION").is_some();
    let special = [
        "ec2:CreateTags",
        "ec2:CreateVpc",
        "iam:GetRole",
        "iam:SimulatePrincipalPolicy",
    ];
    let chosen = NEEDS.iter().enumerate();
    chosen
        .filter(move |(number, need)| all || number % 5 == 0 || special.contains(&need.action))
        .map(|(_, need)| need.action)
}

/// A role that lacks any one action is refused by its first proof, and the action named. That a proof asks about every
/// action of the list is a test beside the list.
#[tokio::test]
async fn a_role_without_one_action_is_refused_and_the_action_named() {
    let house = House::open().await;
    let ada = house.tenant("ada@acme.example").await;
    let mut connections = Vec::new();
    for (number, action) in tried().enumerate() {
        let account = format!("7{number:011}");
        let connection = connected(&house, &ada, &account, &without(action)).await;
        connections.push((action, connection["id"].clone()));
    }
    while verifying::verify_next(&house.app).await.expect("a round") {}
    for (action, id) in connections {
        let found = house.connection(&ada, &id).await;
        assert_eq!(
            found["cause"], "permission_missing",
            "without {action}: {}",
            found["state"]
        );
        let named = found["evidence"][0]["verdict"]["cause"]["action"]
            .as_str()
            .expect("an action");
        // Who may not tag may not make anything; EC2 names the call.
        let tags = action == "ec2:CreateTags" && named == "ec2:CreateVpc";
        assert!(
            named == action || tags,
            "without {action} the proof names {named}"
        );
    }
}

/// The role of our template in an account, and its administrator.
struct Role {
    root: Aws,
    role_arn: String,
    tenant: TenantId,
    /// The policies, without the boundary.
    policies: Vec<Value>,
}

async fn role(house: &House, template: &str) -> Role {
    let ada = house.tenant("ada@acme.example").await;
    let connection = connected(house, &ada, ACCOUNT, template).await;
    let role_arn = connection["role_arn"].as_str().expect("an ARN").to_owned();
    let root = house.world.root_of(ACCOUNT).await;
    let name = role_arn.rsplit('/').next().expect("a name");
    let mut policies = Vec::new();
    for end in POLICIES.iter().filter(|end| **end != "boundary") {
        let policy = format!("arn:aws:iam::{ACCOUNT}:policy/tenantry/{name}-{end}");
        let policy = root.policy_document(&policy).await.expect("the policy");
        policies.push(serde_json::from_str(&policy).expect("JSON"));
    }
    Role {
        root,
        role_arn,
        tenant: ada.tenant.parse().expect("an id"),
        policies,
    }
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn what_iam_holds_grants_exactly_the_declared_actions_and_changes_nothing_untagged() {
    let house = House::open().await;
    let role = role(&house, ROLE_TEMPLATE).await;
    let mut granted = BTreeSet::new();
    let statements = role
        .policies
        .iter()
        .flat_map(|policy| policy["Statement"].as_array().expect("statements"));
    for statement in statements {
        assert_eq!(statement["Effect"], "Allow");
        let actions = texts(&statement["Action"]);
        assert!(!actions.is_empty() && statement.get("NotAction").is_none());
        let everywhere = texts(&statement["Resource"])
            .iter()
            .any(|resource| *resource == "*" || resource.ends_with(":*/*"));
        let condition = statement["Condition"]["StringEquals"].to_string();
        let tagged = condition.contains("/tenantry:tenant\":\"tnt_");
        for action in actions {
            assert!(!action.contains('*'), "{action}");
            let looks = NEEDS.iter().any(|need| need.action == action && need.is_look());
            assert!(
                looks || tagged || !everywhere,
                "{action} on everything under no tag: {statement}"
            );
            granted.insert(action.to_owned());
        }
    }
    let declared: BTreeSet<_> = NEEDS.iter().map(|need| need.action.to_owned()).collect();
    assert_eq!(granted, declared);
}

async fn escalations_are_denied(template: &str) {
    let house = House::open().await;
    let role = role(&house, template).await;
    let asked = Asked {
        scope: SessionScope {
            tenant_id: role.tenant,
            account: ACCOUNT,
            region: "eu-central-1",
        },
        role_arn: &role.role_arn,
    };
    let mut denied = BTreeSet::new();
    for question in forbidden(&asked) {
        for trial in role
            .root
            .simulate_role(&role.role_arn, &question)
            .await
            .expect("an answer")
        {
            let on = &question.resources;
            let refused = matches!(trial.outcome, TrialOutcome::Refused { .. });
            assert!(refused, "{} on {on:?}", trial.action);
            denied.insert(trial.action);
        }
    }
    assert_eq!(denied.len(), ESCALATIONS.len());
}

#[tokio::test]
async fn every_known_escalation_is_denied() {
    escalations_are_denied(ROLE_TEMPLATE).await;
}

#[tokio::test]
async fn an_administrators_policy_attached_to_the_role_opens_no_escalation() {
    let attached = "        - !Ref Permissions\n        - arn:aws:iam::aws:policy/AdministratorAccess\n";
    let template = ROLE_TEMPLATE.replacen("        - !Ref Permissions\n", attached, 1);
    assert_ne!(template, ROLE_TEMPLATE);
    escalations_are_denied(&template).await;
}

/// The ways in which a customer makes the role carry the same, and nothing that would go around the boundary.
#[tokio::test]
async fn the_link_the_command_and_the_snippet_make_the_same_role() {
    let house = House::open().await;
    let ada = house.tenant("ada@acme.example").await;
    let connection = house.connect(&ada, ACCOUNT).await;
    let setup = &connection["setup"];
    let hash = onboarding::template::template_hash().to_string();
    let parameters = setup["parameters"].as_object().expect("parameters");
    for way in ["quick_create_url", "cli_command", "terraform_unverified"] {
        let text = setup[way].as_str().expect("text");
        assert!(text.contains(&hash), "{way} names the template by its content");
        for (name, value) in parameters {
            let value = value
                .as_str()
                .expect("text")
                .replace(':', if way == "quick_create_url" { "%3A" } else { ":" });
            let value = value.replace('/', if way == "quick_create_url" { "%2F" } else { "/" });
            assert!(text.contains(name) && text.contains(&value), "{way} lacks {name}");
        }
        assert!(
            way == "quick_create_url" || text.contains("CAPABILITY_NAMED_IAM"),
            "{way}"
        );
    }
    // Every parameter of the template is given, and none that it does not have.
    let (_, rest) = ROLE_TEMPLATE.split_once("Parameters:\n").expect("parameters");
    let (declared, _) = rest.split_once("\nResources:").expect("resources");
    let names = declared
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: BTreeSet<_> = names.map(|line| line.trim().trim_end_matches(':')).collect();
    let given: BTreeSet<_> = parameters.keys().map(String::as_str).collect();
    assert_eq!(given, names);
    assert!(ROLE_TEMPLATE.contains("      PermissionsBoundary: !Ref Boundary\n"));
}

#[tokio::test]
async fn the_template_is_published_once_under_the_hash_of_its_content() {
    let house = House::open().await;
    let settings = aws_access::s3::BucketSettings {
        name: "tenantry-templates".to_owned().try_into().expect("a name"),
        expected_owner: None,
        kms_key_id: None,
    };
    let root = house.world.root_of(local::accounts::ISV_ACCOUNT).await;
    let bucket = aws_access::s3::Bucket::open(&root, settings);
    bucket.create().await.expect("a bucket");
    let published = || onboarding::template::publish(&bucket);
    assert_eq!(published().await.expect("written"), aws_access::s3::Put::Created);
    assert_eq!(published().await.expect("there"), aws_access::s3::Put::Exists);
    let key = onboarding::template::template_key();
    let stored = bucket.get(&key, 100_000).await.expect("read").expect("is there");
    assert_eq!(stored, ROLE_TEMPLATE.as_bytes());
    let hash = tenant_model::export::Sha256Hex::of(&stored).to_string();
    assert!(key.contains(&hash) && house.app.config.role_template_url.ends_with(&key));
}
