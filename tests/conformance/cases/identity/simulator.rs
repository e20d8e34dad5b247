//! SimulatePrincipalPolicy.

use aws_sdk_iam::operation::simulate_principal_policy::builders::SimulatePrincipalPolicyFluentBuilder;
use aws_sdk_iam::types::{
    ContextEntry, ContextKeyTypeEnum, EvaluationResult, PolicyEvaluationDecisionType as Decision,
};
use conformance::{aws, code, controlled};

use crate::support::{Role, User, allow, iam, policy, trust};

async fn results(request: SimulatePrincipalPolicyFluentBuilder) -> Vec<EvaluationResult> {
    let answer = request.send().await.expect("a simulation");
    answer.evaluation_results.unwrap_or_default()
}

fn simulate(role: &Role, actions: &[&str]) -> SimulatePrincipalPolicyFluentBuilder {
    let simulate = role.iam.simulate_principal_policy().policy_source_arn(&role.arn);
    let actions = actions.iter().map(|action| (*action).to_owned()).collect();
    simulate.set_action_names(Some(actions))
}

fn entry(key: &str, value: &str) -> ContextEntry {
    let entry = ContextEntry::builder()
        .context_key_name(key)
        .context_key_values(value);
    entry.context_key_type(ContextKeyTypeEnum::String).build()
}

/// Each action is allowed, denied by a statement, or denied because nothing allows it.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>
#[tokio::test]
async fn each_action_has_its_decision() {
    let aws = aws().await;
    let both = policy(
        r#"{"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"},
        {"Effect":"Deny","Action":"ec2:DescribeSubnets","Resource":"*"}"#,
    );
    let role = Role::make(&aws, aws.customer(), &trust(&aws.vendor().id, "{}"), &both).await;

    let results = results(simulate(
        &role,
        &["ec2:DescribeVpcs", "ec2:DescribeSubnets", "ec2:CreateVpc"],
    ))
    .await;

    let decisions: Vec<_> = results
        .iter()
        .map(|result| (result.eval_action_name.as_str(), &result.eval_decision))
        .collect();
    assert_eq!(
        decisions,
        [
            ("ec2:DescribeVpcs", &Decision::Allowed),
            ("ec2:DescribeSubnets", &Decision::ExplicitDeny),
            ("ec2:CreateVpc", &Decision::ImplicitDeny),
        ]
    );
    role.remove().await;
}

/// The statements that decided are named with their policy and their place in it; a deny alone counts.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Statement.html>
#[tokio::test]
async fn the_deciding_statements_are_named() {
    let aws = aws().await;
    let both = "{\"Version\":\"2012-10-17\",\"Statement\":[\n{\"Effect\":\"Allow\",\"Action\":\"ec2:*\",\"Resource\":\"*\"},\n\
                {\"Effect\":\"Deny\",\"Action\":\"ec2:DescribeSubnets\",\"Resource\":\"*\"}]}";
    let role = Role::make(&aws, aws.customer(), &trust(&aws.vendor().id, "{}"), both).await;

    let results = results(simulate(
        &role,
        &["ec2:DescribeVpcs", "ec2:DescribeSubnets", "s3:ListBucket"],
    ))
    .await;

    let lines = |result: &EvaluationResult| -> Vec<i32> {
        let matched = result.matched_statements().iter();
        matched
            .filter_map(|statement| statement.start_position())
            .map(|at| at.line)
            .collect()
    };
    assert_eq!((lines(&results[0]), lines(&results[1])), (vec![2], vec![3]));
    assert!(results[2].matched_statements().is_empty());
    let source = results[0].matched_statements()[0]
        .source_policy_id()
        .map(str::to_owned);
    assert_eq!(source, Some(format!("role_{}_own", role.name)));
    role.remove().await;
}

/// Attached policies take part under their name.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>
#[tokio::test]
async fn attached_policies_take_part() {
    let aws = aws().await;
    let role = Role::bare(&aws, aws.customer(), &trust(&aws.vendor().id, "{}")).await;
    let attach = role.iam.attach_role_policy().role_name(&role.name);
    let attach = attach.policy_arn("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess");
    attach.send().await.expect("it is attached");

    let results = results(simulate(&role, &["s3:GetObject", "s3:PutObject"])).await;

    assert_eq!(results[0].eval_decision, Decision::Allowed);
    let source = results[0].matched_statements()[0].source_policy_id();
    assert_eq!(source, Some("AmazonS3ReadOnlyAccess"));
    assert_eq!(results[1].eval_decision, Decision::ImplicitDeny);
    role.remove().await;
}

/// A boundary's verdict is told apart.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PermissionsBoundaryDecisionDetail.html>
#[tokio::test]
async fn the_boundarys_verdict_is_told_apart() {
    let aws = aws().await;
    let role = Role::make(&aws, aws.customer(), &trust(&aws.vendor().id, "{}"), &allow("*")).await;
    let plain = results(simulate(&role, &["ec2:DescribeVpcs"])).await;
    assert!(plain[0].permissions_boundary_decision_detail().is_none());
    let put = role.iam.put_role_permissions_boundary().role_name(&role.name);
    let put = put.permissions_boundary("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess");
    put.send().await.expect("it is put");

    let results = results(simulate(&role, &["ec2:DescribeVpcs", "s3:GetObject"])).await;

    let verdicts: Vec<_> = results
        .iter()
        .map(|result| {
            let detail = result
                .permissions_boundary_decision_detail()
                .expect("there is a boundary");
            (
                result.eval_decision.clone(),
                detail.allowed_by_permissions_boundary(),
            )
        })
        .collect();
    assert_eq!(
        verdicts,
        [(Decision::ImplicitDeny, false), (Decision::Allowed, true)]
    );
    role.remove().await;
}

/// A boundary may come with the call, and so may policies.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>
#[tokio::test]
async fn policies_and_a_boundary_may_come_with_the_call() {
    let aws = aws().await;
    let role = Role::bare(&aws, aws.customer(), &trust(&aws.vendor().id, "{}")).await;
    let request =
        simulate(&role, &["ec2:DescribeVpcs", "ec2:DescribeSubnets"]).policy_input_list(allow("ec2:*"));
    let request = request.permissions_boundary_policy_input_list(allow("ec2:DescribeVpcs"));

    let results = results(request).await;

    assert_eq!(results[0].eval_decision, Decision::Allowed);
    assert_eq!(
        results[0].matched_statements()[0].source_policy_id(),
        Some("PolicyInputList.1")
    );
    assert_eq!(results[1].eval_decision, Decision::ImplicitDeny);
    let two = simulate(&role, &["ec2:DescribeVpcs"]).permissions_boundary_policy_input_list(allow("ec2:*"));
    let two = two
        .permissions_boundary_policy_input_list(allow("s3:*"))
        .send()
        .await;
    assert_eq!(code(two), "InvalidInput");
    role.remove().await;
}

/// Keys that policies ask for and the call does not give are listed.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html>
#[tokio::test]
async fn missing_context_values_are_listed() {
    let aws = aws().await;
    let asks = policy(
        r#"{"Effect":"Allow","Action":"ec2:CreateVpc","Resource":"*",
        "Condition":{"StringEquals":{"aws:RequestTag/tenant":"acme"}}}"#,
    );
    let role = Role::make(&aws, aws.customer(), &trust(&aws.vendor().id, "{}"), &asks).await;

    let without = results(simulate(&role, &["ec2:CreateVpc"])).await;
    assert_eq!(without[0].eval_decision, Decision::ImplicitDeny);
    assert_eq!(without[0].missing_context_values(), ["aws:RequestTag/tenant"]);
    let with = simulate(&role, &["ec2:CreateVpc"]).context_entries(entry("aws:RequestTag/tenant", "acme"));
    let with = results(with).await;
    assert_eq!(with[0].eval_decision, Decision::Allowed);
    assert!(with[0].missing_context_values().is_empty());
    let wrong = simulate(&role, &["ec2:CreateVpc"]).context_entries(entry("aws:RequestTag/tenant", "bolt"));
    assert_eq!(results(wrong).await[0].eval_decision, Decision::ImplicitDeny);
    role.remove().await;
}

/// Each action is asked about each resource, and what is missing is told per resource.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>
#[tokio::test]
async fn each_resource_has_its_result() {
    let aws = aws().await;
    let one = policy(
        r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::conformance-a/*"},
        {"Effect":"Allow","Action":"s3:PutObject","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}"#,
    );
    let role = Role::make(&aws, aws.customer(), &trust(&aws.vendor().id, "{}"), &one).await;
    let request = simulate(&role, &["s3:GetObject"]).resource_arns("arn:aws:s3:::conformance-a/x");

    let results = results(request.resource_arns("arn:aws:s3:::conformance-b/x")).await;

    assert_eq!(results.len(), 2);
    assert_eq!(
        (&results[0].eval_decision, &results[1].eval_decision),
        (&Decision::Allowed, &Decision::ImplicitDeny)
    );
    assert!(results[0].missing_context_values().is_empty());
    let specific = &results[0].resource_specific_results()[0];
    assert_eq!(specific.eval_resource_name(), "arn:aws:s3:::conformance-a/x");
    assert_eq!(specific.eval_resource_decision(), &Decision::Allowed);
    assert_eq!(specific.missing_context_values(), ["aws:SecureTransport"]);
    role.remove().await;
}

/// Results come in pages.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>
#[tokio::test]
async fn results_come_in_pages() {
    let aws = aws().await;
    let role = Role::make(
        &aws,
        aws.customer(),
        &trust(&aws.vendor().id, "{}"),
        &allow("ec2:*"),
    )
    .await;
    let actions = ["ec2:DescribeVpcs", "ec2:DescribeSubnets", "ec2:DescribeInstances"];

    let first = simulate(&role, &actions)
        .max_items(2)
        .send()
        .await
        .expect("a page");
    let second = simulate(&role, &actions)
        .set_marker(first.marker.clone())
        .send()
        .await
        .expect("a page");

    assert!(first.is_truncated && !second.is_truncated);
    let pages = first
        .evaluation_results
        .into_iter()
        .chain(second.evaluation_results)
        .flatten();
    let seen: Vec<_> = pages.map(|result| result.eval_action_name).collect();
    assert_eq!(seen, actions);
    role.remove().await;
}

/// A user's policies are simulated as a role's are.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>
#[tokio::test]
async fn a_users_policies_are_simulated() {
    let aws = aws().await;
    let user = User::make(&aws, aws.customer(), &allow("ec2:DescribeVpcs")).await;
    let request = iam(aws.customer())
        .simulate_principal_policy()
        .policy_source_arn(&user.arn);

    let results = results(
        request
            .action_names("ec2:DescribeVpcs")
            .action_names("ec2:CreateVpc"),
    )
    .await;

    assert_eq!(results[0].eval_decision, Decision::Allowed);
    assert_eq!(results[1].eval_decision, Decision::ImplicitDeny);
    user.remove().await;
}

/// A resource's policy is asked about a user, and within an account it is enough.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>
#[tokio::test]
async fn a_resources_policy_that_names_the_user_is_enough() {
    let aws = aws().await;
    let user = User::make(&aws, aws.customer(), &allow("ec2:DescribeVpcs")).await;
    let on_bucket = policy(&format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":"{}"}},"Action":"s3:GetObject","Resource":"arn:aws:s3:::conformance-a/*"}}"#,
        user.arn
    ));
    let ask = |action: &str| {
        let request = iam(aws.customer())
            .simulate_principal_policy()
            .policy_source_arn(&user.arn);
        let request = request
            .action_names(action)
            .resource_arns("arn:aws:s3:::conformance-a/x");
        request.resource_policy(&on_bucket)
    };

    assert_eq!(
        results(ask("s3:GetObject")).await[0].eval_decision,
        Decision::Allowed
    );
    assert_eq!(
        results(ask("s3:PutObject")).await[0].eval_decision,
        Decision::ImplicitDeny
    );
    user.remove().await;
}

/// What cannot be simulated is refused.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>
#[tokio::test]
async fn what_cannot_be_simulated_is_refused() {
    let aws = aws().await;
    let role = Role::bare(&aws, aws.customer(), &trust(&aws.vendor().id, "{}")).await;

    assert_eq!(
        code(simulate(&role, &["ec2:Describe*"]).send().await),
        "InvalidInput"
    );
    let bad = simulate(&role, &["ec2:DescribeVpcs"]).policy_input_list("not json");
    assert_eq!(code(bad.send().await), "InvalidInput");
    let on_resource =
        policy(r#"{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::a"}"#);
    let nobody = simulate(&role, &["s3:GetObject"]).resource_policy(on_resource);
    assert_eq!(
        code(nobody.send().await),
        "InvalidInput",
        "a role needs a CallerArn"
    );
    let by_role = simulate(&role, &["s3:GetObject"]).caller_arn(&role.arn);
    assert_eq!(
        code(by_role.send().await),
        "InvalidInput",
        "a CallerArn is a user's"
    );
    let missing = role
        .iam
        .simulate_principal_policy()
        .policy_source_arn(format!("{}-not", role.arn));
    assert_eq!(
        code(missing.action_names("ec2:DescribeVpcs").send().await),
        "NoSuchEntity"
    );
    role.remove().await;
}

/// Simulating needs its own permission, on the principal that is simulated.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_testing-policies.html>
#[tokio::test]
async fn simulating_needs_its_own_permission() {
    let Some(aws) = controlled().await else { return };
    let role = Role::bare(&aws, aws.customer(), &trust(&aws.vendor().id, "{}")).await;
    let user = User::make(&aws, aws.customer(), &allow("iam:GetRole")).await;
    let request = aws_sdk_iam::Client::new(&user.config).simulate_principal_policy();

    let outcome = request
        .policy_source_arn(&role.arn)
        .action_names("ec2:DescribeVpcs")
        .send()
        .await;

    assert_eq!(code(outcome), "AccessDenied");
}
