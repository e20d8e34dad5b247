//! The customer's role template as a stack.
//!
//! Sources: CloudFormation API reference, "CreateStack", "DescribeStacks", "DeleteStack"; user guide, "Intrinsic
//! function reference", "AWS::IAM::Role".

use aws_sdk_cloudformation::types::{Capability, Parameter, StackStatus};

use crate::support::{ACME, BROKER, ISV, World, keys, refusal};

const TEMPLATE: &str = r#"
AWSTemplateFormatVersion: 2010-09-09
Description: Lets the operator into this account
Parameters:
  ExternalId: {Type: String, AllowedPattern: "^tnt-[a-z0-9]{4,40}$"}
  OperatorAccount: {Type: String, Default: "111111111111"}
  Boundary: {Type: String, AllowedValues: ["yes", "no"], Default: "yes"}
Conditions:
  WithBoundary: !Equals [!Ref Boundary, "yes"]
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Sub "tenantry-${ExternalId}"
      Path: /tenantry/
      PermissionsBoundary: !If [WithBoundary, !Ref Limits, !Ref "AWS::NoValue"]
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal: {AWS: !Sub "arn:${AWS::Partition}:iam::${OperatorAccount}:root"}
            Action: sts:AssumeRole
            Condition:
              StringEquals: {"sts:ExternalId": !Ref ExternalId}
              ArnEquals: {"aws:PrincipalArn": !Join ["", ["arn:aws:iam::", !Ref OperatorAccount, ":role/tenantry-broker"]]}
      Policies:
        - PolicyName: observe
          PolicyDocument:
            Version: "2012-10-17"
            Statement: [{Effect: Allow, Action: "ec2:*", Resource: "*"}]
  Limits:
    Type: AWS::IAM::ManagedPolicy
    Condition: WithBoundary
    Properties:
      ManagedPolicyName: !Sub "tenantry-limits-${AWS::Region}"
      PolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Action: "ec2:Describe*", Resource: "*"}]
Outputs:
  RoleArn: {Value: !GetAtt Role.Arn, Description: give this to nobody}
"#;

fn parameter(key: &str, value: &str) -> Parameter {
    Parameter::builder()
        .parameter_key(key)
        .parameter_value(value)
        .build()
}

#[tokio::test]
async fn the_stack_makes_a_role_that_lets_the_broker_in_and_takes_it_away_again() {
    let world = World::start().await;
    let cloudformation = world.root(ACME).cloudformation();
    let create = cloudformation
        .create_stack()
        .stack_name("tenantry")
        .template_body(TEMPLATE);
    let create = create
        .parameters(parameter("ExternalId", "tnt-abcd"))
        .capabilities(Capability::CapabilityNamedIam);
    create.send().await.expect("the stack is made");

    let described = cloudformation
        .describe_stacks()
        .stack_name("tenantry")
        .send()
        .await
        .expect("a stack");
    let stack = &described.stacks()[0];
    assert_eq!(stack.stack_status(), Some(&StackStatus::CreateComplete));
    let role = stack.outputs()[0].output_value().expect("a value");
    assert_eq!(role, "arn:aws:iam::222222222222:role/tenantry/tenantry-tnt-abcd");
    let sts = world.service(BROKER).sts();
    let assume = || {
        sts.assume_role()
            .role_arn(role)
            .role_session_name("probe")
            .external_id("tnt-abcd")
            .send()
    };
    let ec2 = world
        .clients(
            keys(&assume().await.expect("the broker is let in")),
            "eu-central-1",
        )
        .ec2();
    ec2.describe_vpcs().send().await.expect("inside the boundary");
    assert_eq!(
        refusal(ec2.create_vpc().cidr_block("10.0.0.0/16").send().await),
        "UnauthorizedOperation"
    );

    let id = stack.stack_id().expect("an id");
    cloudformation
        .delete_stack()
        .stack_name("tenantry")
        .send()
        .await
        .expect("it goes");
    cloudformation
        .delete_stack()
        .stack_name("tenantry")
        .send()
        .await
        .expect("deleting twice is fine");
    assert_eq!(refusal(assume().await), "AccessDenied");
    assert!(world.control().inventory_of(ACME).is_empty());
    let gone = cloudformation
        .describe_stacks()
        .stack_name("tenantry")
        .send()
        .await;
    assert_eq!(refusal(gone), "ValidationError");
    let by_id = cloudformation
        .describe_stacks()
        .stack_name(id)
        .send()
        .await
        .expect("a deleted stack has its id");
    assert_eq!(
        by_id.stacks()[0].stack_status(),
        Some(&StackStatus::DeleteComplete)
    );
}

#[tokio::test]
async fn a_template_is_refused_for_what_is_wrong_with_it() {
    let world = World::start().await;
    let cloudformation = world.root(ACME).cloudformation();
    let create = |template: &str, parameters: &[(&str, &str)]| {
        let parameters = parameters
            .iter()
            .map(|(key, value)| parameter(key, value))
            .collect();
        let create = cloudformation
            .create_stack()
            .stack_name("tenantry")
            .template_body(template);
        create
            .set_parameters(Some(parameters))
            .capabilities(Capability::CapabilityNamedIam)
            .send()
    };
    let right = [("ExternalId", "tnt-abcd")];

    let bare = cloudformation
        .create_stack()
        .stack_name("tenantry")
        .template_body(TEMPLATE);
    let bare = bare.parameters(parameter("ExternalId", "tnt-abcd")).send().await;
    assert_eq!(refusal(bare), "InsufficientCapabilitiesException");
    for (why, template, parameters) in [
        ("no value", TEMPLATE.to_owned(), &[][..]),
        (
            "unknown parameter",
            TEMPLATE.to_owned(),
            &[("ExternalId", "tnt-abcd"), ("Other", "x")][..],
        ),
        ("pattern", TEMPLATE.to_owned(), &[("ExternalId", "x")][..]),
        (
            "allowed values",
            TEMPLATE.to_owned(),
            &[("ExternalId", "tnt-abcd"), ("Boundary", "maybe")][..],
        ),
        ("no resources", "Resources: {}".to_owned(), &right[..]),
        ("not YAML", "Resources: [".to_owned(), &right[..]),
        ("an alias", "a: &x 1\nb: *x".to_owned(), &right[..]),
        (
            "unknown section",
            format!("{TEMPLATE}\nTransformed: x"),
            &right[..],
        ),
    ] {
        assert_eq!(
            refusal(create(&template, parameters).await),
            "ValidationError",
            "{why}"
        );
    }
    let instance = "Resources: {I: {Type: AWS::EC2::Instance}}";
    assert_eq!(refusal(create(instance, &[]).await), "NotImplemented");
    assert!(world.control().inventory_of(ACME).is_empty());
    create(TEMPLATE, &right).await.expect("nothing is wrong with it");
    assert_eq!(refusal(create(TEMPLATE, &right).await), "AlreadyExistsException");
}

#[tokio::test]
async fn a_failed_resource_rolls_the_stack_back() {
    let world = World::start().await;
    let root = world.root(ACME);
    let trust = crate::support::trust(ISV, "{}");
    let taken = root
        .iam()
        .create_role()
        .role_name("tenantry-tnt-abcd")
        .assume_role_policy_document(trust);
    taken.send().await.expect("a role of that name");
    let cloudformation = root.cloudformation();
    let create = cloudformation
        .create_stack()
        .stack_name("tenantry")
        .template_body(TEMPLATE);
    let create = create
        .parameters(parameter("ExternalId", "tnt-abcd"))
        .capabilities(Capability::CapabilityNamedIam);

    create.send().await.expect("accepted");

    let described = cloudformation
        .describe_stacks()
        .stack_name("tenantry")
        .send()
        .await
        .expect("a stack");
    assert_eq!(
        described.stacks()[0].stack_status(),
        Some(&StackStatus::RollbackComplete)
    );
    let events = cloudformation
        .describe_stack_events()
        .stack_name("tenantry")
        .send()
        .await
        .expect("events");
    let failure = events
        .stack_events()
        .iter()
        .find(|event| event.logical_resource_id() == Some("Role"));
    let reason = failure
        .and_then(|event| event.resource_status_reason())
        .unwrap_or_default();
    assert!(reason.contains("already exists"), "{reason}");
    let kinds: Vec<_> = world
        .control()
        .inventory_of(ACME)
        .into_iter()
        .map(|item| item.kind)
        .collect();
    assert_eq!(
        kinds,
        ["cloudformation:stack", "iam:role"],
        "the boundary is gone, the foreign role stays"
    );
}

#[tokio::test]
async fn a_template_in_json_is_read_too() {
    let world = World::start().await;
    let template = r#"{"Resources":{"Role":{"Type":"AWS::IAM::Role","Properties":{"AssumeRolePolicyDocument":
        {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":{"Ref":"AWS::AccountId"}},
        "Action":"sts:AssumeRole"}]}}}}}"#;
    let create = world
        .root(ACME)
        .cloudformation()
        .create_stack()
        .stack_name("json")
        .template_body(template);

    create
        .capabilities(Capability::CapabilityIam)
        .send()
        .await
        .expect("the weaker capability is enough");

    let role = world
        .control()
        .inventory_of(ACME)
        .into_iter()
        .find(|item| item.kind == "iam:role");
    assert!(role.is_some_and(|role| role.id.contains(":role/json-Role-")));
}

/// CreateStack, TemplateURL: the template is read from S3 with the caller's own permissions.
#[tokio::test]
async fn a_template_is_read_from_the_endpoints_own_s3() {
    let world = World::start().await;
    let operator = world.root(ISV).s3();
    operator
        .create_bucket()
        .bucket("templates")
        .create_bucket_configuration(in_region())
        .send()
        .await
        .expect("a bucket");
    let body = TEMPLATE.as_bytes().to_vec().into();
    operator
        .put_object()
        .bucket("templates")
        .key("role.yaml")
        .body(body)
        .send()
        .await
        .expect("an object");
    let create = |account: &str, url: String| {
        let create = world
            .root(account)
            .cloudformation()
            .create_stack()
            .stack_name("tenantry")
            .template_url(url);
        create
            .parameters(parameter("ExternalId", "tnt-abcd"))
            .capabilities(Capability::CapabilityNamedIam)
            .send()
    };
    let url = |key: &str| format!("{}/templates/{key}", world.aws.endpoint());

    assert_eq!(refusal(create(ISV, url("absent.yaml")).await), "ValidationError");
    assert_eq!(
        refusal(create(ACME, url("role.yaml")).await),
        "ValidationError",
        "the bucket lets nobody else in"
    );
    create(ISV, url("role.yaml"))
        .await
        .expect("the owner may read it");
}

fn in_region() -> aws_sdk_s3::types::CreateBucketConfiguration {
    let region = aws_sdk_s3::types::BucketLocationConstraint::EuCentral1;
    aws_sdk_s3::types::CreateBucketConfiguration::builder()
        .location_constraint(region)
        .build()
}
