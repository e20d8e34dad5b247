//! What a customer's role may do against what it does: a whole life, from the first proof to the last deletion, uses
//! every permission of the list and asks for no other. The judge is what the local AWS was asked to decide.

use std::collections::BTreeSet;
use std::time::Duration;

use local_aws::{Fault, FaultRule, Used};
use onboarding::{preflight, verifying};
use serde_json::json;
use tenant_model::ConnectionId;
use tenant_model::blueprint::NetworkChoice;
use tenant_model::deployment::Profile;
use tenant_model::permissions::{NEEDS, Target};
use tenant_provisioning::deployments::NewDeployment;
use tenant_provisioning::{Pass, deployments, operations, pass};
use tenantry::journey::{Customer, parameters};
use tenantry_tests::{Installation, PASSWORD};

const ACCOUNT: &str = "222222222222";

/// What a change of a deployment calls, a machine that cannot be started, a network that outlives its deployment, and the
/// comparison with the account's log, which this life does not have; `services/tenant-provisioning/tests` does.
const CHANGES: &[&str] = &[
    "autoscaling:DescribeScalingActivities",
    "autoscaling:StartInstanceRefresh",
    "cloudtrail:LookupEvents",
    "ec2:CreateLaunchTemplateVersion",
    "ec2:DescribeNetworkInterfaces",
    "ec2:ModifyInstanceAttribute",
    "ec2:ModifyVpcEndpoint",
    "ec2:ReplaceRoute",
    "ec2:RevokeSecurityGroupIngress",
];

/// What AWS documents as asked on our behalf by a call that we make, and the local AWS does not ask: the tags of what
/// Elastic Load Balancing and RDS make, the password that RDS keeps, and a group's launch template (Service
/// Authorization Reference, dependent actions of `CreateLoadBalancer`, `CreateTargetGroup`, `CreateDBInstance` and
/// `CreateDBSubnetGroup`; Auto Scaling user guide, "Control Amazon EC2 launch template usage").
const NOT_ASKED: &[(&str, Option<Target>)] = &[
    ("ec2:RunInstances", Some(Target::Ec2("launch-template"))),
    ("elasticloadbalancing:AddTags", None),
    ("rds:AddTagsToResource", None),
    ("secretsmanager:CreateSecret", None),
    ("secretsmanager:TagResource", None),
];

fn is_asked(action: &str, target: Target) -> bool {
    let here = |(of, on): &(&str, Option<Target>)| *of == action && on.is_none_or(|on| on == target);
    !CHANGES.contains(&action) && !NOT_ASKED.iter().any(here)
}

/// Whether a decision was about a thing of the kind.
fn is_about(target: Target, used: &Used) -> bool {
    let kind = |kind: &str| {
        used.resource.contains(&format!(":{kind}/")) || used.resource.ends_with(&format!(":{kind}"))
    };
    match target {
        Target::Any | Target::Ec2("*") => true,
        Target::Ec2(wanted) => kind(wanted),
        Target::Of(service, _) => used.resource.starts_with(&format!("arn:aws:{service}:")),
        Target::Image => kind("image"),
        Target::OwnRole => used.resource.contains(":role/tenantry/"),
        Target::LinkedRoles | Target::ServiceRoles => used.resource.contains("AWSServiceRoleFor"),
    }
}

/// One step of whichever worker has something to do; else a second passes. The workers' own clocks would not keep up
/// with a world whose time is moved.
async fn work(tenantry: &Installation) {
    let onboarding = tenantry.composition.onboarding.clone();
    let provisioning = tenantry.composition.provisioning.clone();
    // A task of its own, as each worker is.
    let step = tokio::spawn(async move {
        let proved = Box::pin(verifying::verify_next(&onboarding))
            .await
            .expect("a round");
        let looked = Box::pin(preflight::check_next(&onboarding))
            .await
            .expect("a look");
        let passed = Box::pin(pass(&provisioning, "a worker")).await.expect("a pass");
        (proved, looked, passed)
    });
    let (proved, looked, passed) = step.await.expect("no panic");
    if !proved && !looked && passed == Pass::Idle {
        tenantry.world.advance(Duration::from_secs(1)).await;
    }
}

/// Works until every deployment has reached the phase.
async fn until_phase(tenantry: &Installation, phase: &str) {
    let app = &tenantry.composition.provisioning;
    for _ in 0..2_000 {
        let all = deployments::list(app, None, None, 10).await.expect("a list");
        if all.iter().all(|one| one.phase.name() == phase) {
            return;
        }
        work(tenantry).await;
    }
    let all = deployments::list(app, None, None, 10).await.expect("a list");
    panic!("never {phase}: {all:?}");
}

/// A proven connection, looked into while disks are encrypted with a key of the customer's own and while a quota was
/// never changed.
async fn connected(tenantry: &Installation, acme: &Customer) -> ConnectionId {
    let control = &tenantry.world.control;
    let root = tenantry.world.root_of(ACCOUNT).await;
    let key = root.make_key().await.expect("a key");
    root.ec2().set_volume_key(&key).await.expect("set");
    let unchanged = FaultRule::on("GetServiceQuota", never_changed());
    control.add_fault(unchanged.clone());
    let connection = tenantry.journey().declare(acme, ACCOUNT).await.expect("declared");
    let parameters = parameters(&connection).expect("the stack's parameters");
    tenantry.world.deploy_role_stack(ACCOUNT, &parameters).await;
    let id = connection["id"].as_str().expect("an id");
    let path = format!("/v1/connections/{id}/preflight");
    let mut looked = json!(null);
    for _ in 0..60 {
        work(tenantry).await;
        looked = acme.api.get(&path).await.unwrap_or_default();
        if !looked["checked_at"].is_null() {
            break;
        }
    }
    assert!(
        looked.to_string().contains("0 of 5 VPCs in use"),
        "the default counts: {looked}"
    );
    root.ec2()
        .set_volume_key("alias/aws/ebs")
        .await
        .expect("set back");
    control.remove_fault(&unchanged);
    acme.api.post(&path, &json!({})).await.expect("asked again");
    for _ in 0..10 {
        work(tenantry).await;
    }
    let again = acme.api.get(&path).await.expect("answers");
    assert_eq!(again["state"], "passed", "{again}");
    id.parse().expect("an id")
}

async fn deploy(tenantry: &Installation, connection_id: ConnectionId, profile: Profile) {
    let app = &tenantry.composition.provisioning;
    let wish = NewDeployment {
        connection_id,
        profile,
        region: "eu-central-1".to_owned(),
        instance_type: None,
        database: profile == Profile::HighlyAvailable,
        network: NetworkChoice::default(),
    };
    let tenant = deployments::owner(app, None, connection_id)
        .await
        .expect("a tenant");
    let planned = deployments::request(app, "usr_test", tenant, &wish)
        .await
        .expect("a plan");
    let hash = &planned.plan.hash;
    operations::approve(app, "usr_test", planned.id, hash)
        .await
        .expect("approved");
    until_phase(tenantry, "ready").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_life_uses_every_permission_and_asks_for_no_other() {
    let tenantry = Installation::start().await;
    let control = &tenantry.world.control;
    control.record_permissions(true);
    // Room for both profiles at once.
    assert!(control.set_quota((ACCOUNT, "eu-central-1"), "L-1216C47A", 50));
    tenantry.operator().await;
    let mut acme = tenantry.customer("acme").await;
    let connection = connected(&tenantry, &acme).await;
    for profile in [Profile::Single, Profile::HighlyAvailable] {
        deploy(&tenantry, connection, profile).await;
    }
    // Time has passed, and sign-ins have ended.
    let sign_in = async |email: &str| {
        tenantry
            .journey()
            .sign_in(email, PASSWORD)
            .await
            .expect("signs in")
    };
    let tenant = format!("/v1/tenants/{}", acme.tenant_id);
    for (verb, phase) in [("suspend", "stopped"), ("resume", "ready")] {
        let operator = sign_in("operator@isv.example").await;
        operator
            .post(&format!("{tenant}/{verb}"), &json!({}))
            .await
            .expect(verb);
        until_phase(&tenantry, phase).await;
    }
    sign_in("operator@isv.example")
        .await
        .delete(&tenant)
        .await
        .expect("offboards");
    for _ in 0..10 {
        work(&tenantry).await;
    }
    acme.api = sign_in("ada@acme.example").await;
    for _ in 0..2 {
        acme.approve_deletion().await.expect("the only admin agrees");
    }
    until_phase(&tenantry, "deleted").await;

    // What is only tried because it must be refused is not part of the work.
    let tried = |one: &Used| {
        one.session_tags
            .get("step-class")
            .is_some_and(|class| class == "trial")
    };
    let mut used = control.permissions_used(ACCOUNT);
    used.retain(|one| one.role_arn.contains(":role/tenantry/") && !tried(one));
    let refused: Vec<_> = used.iter().filter(|one| !one.allowed).collect();
    assert!(refused.is_empty(), "asked and refused: {refused:?}");
    let needed: BTreeSet<_> = NEEDS.iter().map(|need| need.action).collect();
    let asked: BTreeSet<_> = used.iter().map(|one| one.action.as_str()).collect();
    let undeclared: Vec<_> = asked.difference(&needed).collect();
    assert!(undeclared.is_empty(), "used and not declared: {undeclared:?}");
    let mut unused = Vec::new();
    for need in NEEDS {
        for (target, _) in need.on {
            let hit = used
                .iter()
                .any(|one| one.action == need.action && is_about(*target, one));
            if !hit {
                unused.push((need.action, *target));
            }
        }
    }
    unused.retain(|(action, target)| is_asked(action, *target));
    assert!(unused.is_empty(), "granted and never used: {unused:?}");
}

/// Service Quotas API reference, "GetServiceQuota", errors.
fn never_changed() -> Fault {
    Fault::Error {
        status: 400,
        code: "NoSuchResourceException".to_owned(),
        message: "The specified resource does not exist.".to_owned(),
    }
}
