//! The resource types: roles, policies and instance profiles.

use conformance::{aws, code};

use crate::support::{OBSERVE, TRUST, create, delete, made, outputs, role_template};

/// A role holds the policies, the boundary and the settings of its properties.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-iam-role.html>
#[tokio::test]
async fn a_role_holds_what_its_properties_say() {
    let aws = aws().await;
    let name = aws.name("stack");
    let template = format!(
        "{}\nOutputs: {{Name: {{Value: !Ref Role}}}}",
        role_template(&format!(
            r#"      Path: /conformance/
      Description: for a case
      MaxSessionDuration: 7200
      PermissionsBoundary: arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess
      ManagedPolicyArns: ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]
      Policies: [{{PolicyName: observe, PolicyDocument: {OBSERVE}}}]"#
        ))
    );
    let stack = made(&aws, &name, create(&aws, &name, template)).await;

    let role = outputs(&stack)["Name"].clone();
    let iam = aws_sdk_iam::Client::new(&aws.customer().config);
    let shown = iam
        .get_role()
        .role_name(&role)
        .send()
        .await
        .expect("the role")
        .role
        .expect("a role");
    assert_eq!(
        (shown.path.as_str(), shown.max_session_duration),
        ("/conformance/", Some(7_200))
    );
    let boundary = shown
        .permissions_boundary
        .and_then(|boundary| boundary.permissions_boundary_arn);
    assert_eq!(
        boundary.as_deref(),
        Some("arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess")
    );
    let inline = iam
        .list_role_policies()
        .role_name(&role)
        .send()
        .await
        .expect("names")
        .policy_names;
    assert_eq!(inline, ["observe"]);
    let attached = iam
        .list_attached_role_policies()
        .role_name(&role)
        .send()
        .await
        .expect("a list");
    assert_eq!(attached.attached_policies.map_or(0, |attached| attached.len()), 1);
    delete(&aws, stack.stack_id().expect("an id")).await;
    assert_eq!(code(iam.get_role().role_name(&role).send().await), "NoSuchEntity");
}

/// A managed policy is attached to the roles it names, and taken from them again.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-iam-managedpolicy.html>
#[tokio::test]
async fn a_managed_policy_is_attached_to_its_roles() {
    let aws = aws().await;
    let name = aws.name("stack");
    let template = format!(
        r#"{}
  Observe:
    Type: AWS::IAM::ManagedPolicy
    Properties: {{PolicyDocument: {OBSERVE}, Roles: [!Ref Role]}}
Outputs:
  Role: {{Value: !Ref Role}}
  Policy: {{Value: !Ref Observe}}
  Arn: {{Value: !GetAtt Observe.PolicyArn}}"#,
        role_template("")
    );
    let stack = made(&aws, &name, create(&aws, &name, template)).await;
    let outputs = outputs(&stack);

    let iam = aws_sdk_iam::Client::new(&aws.customer().config);
    let attached = iam
        .list_attached_role_policies()
        .role_name(&outputs["Role"])
        .send()
        .await
        .expect("a list");
    let attached = attached.attached_policies.unwrap_or_default();
    assert_eq!(
        attached[0].policy_arn.as_deref(),
        Some(outputs["Policy"].as_str())
    );
    assert_eq!(outputs["Policy"], outputs["Arn"]);
    delete(&aws, stack.stack_id().expect("an id")).await;
    assert_eq!(
        code(iam.get_policy().policy_arn(&outputs["Arn"]).send().await),
        "NoSuchEntity"
    );
}

/// An inline policy of its own stands in each role it names.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-iam-policy.html>
#[tokio::test]
async fn a_policy_stands_in_each_of_its_roles() {
    let aws = aws().await;
    let name = aws.name("stack");
    let template = format!(
        r#"{}
  Second:
    Type: AWS::IAM::Role
    Properties: {{AssumeRolePolicyDocument: {TRUST}}}
  Observe:
    Type: AWS::IAM::Policy
    Properties: {{PolicyName: observe, PolicyDocument: {OBSERVE}, Roles: [!Ref Role, !Ref Second]}}
Outputs: {{Roles: {{Value: !Join [" ", [!Ref Role, !Ref Second]]}}}}"#,
        role_template("")
    );
    let stack = made(&aws, &name, create(&aws, &name, template)).await;

    let iam = aws_sdk_iam::Client::new(&aws.customer().config);
    for role in outputs(&stack)["Roles"].split(' ') {
        let names = iam
            .list_role_policies()
            .role_name(role)
            .send()
            .await
            .expect("names")
            .policy_names;
        assert_eq!(names, ["observe"]);
    }
    delete(&aws, stack.stack_id().expect("an id")).await;
}

/// An instance profile carries its role.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-iam-instanceprofile.html>
#[tokio::test]
async fn an_instance_profile_carries_its_role() {
    let aws = aws().await;
    let name = aws.name("stack");
    let template = format!(
        r#"{}
  Profile:
    Type: AWS::IAM::InstanceProfile
    Properties: {{Roles: [!Ref Role]}}
Outputs:
  Role: {{Value: !Ref Role}}
  Profile: {{Value: !Ref Profile}}
  Arn: {{Value: !GetAtt Profile.Arn}}"#,
        role_template("")
    );
    let stack = made(&aws, &name, create(&aws, &name, template)).await;
    let outputs = outputs(&stack);

    let iam = aws_sdk_iam::Client::new(&aws.customer().config);
    let read = || {
        iam.get_instance_profile()
            .instance_profile_name(&outputs["Profile"])
            .send()
    };
    let profile = read()
        .await
        .expect("an answer")
        .instance_profile
        .expect("a profile");
    assert_eq!(profile.arn, outputs["Arn"]);
    assert_eq!(profile.roles[0].role_name, outputs["Role"]);
    delete(&aws, stack.stack_id().expect("an id")).await;
    assert_eq!(code(read().await), "NoSuchEntity");
}

/// An exported output shows its export's name.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/outputs-section-structure.html>
#[tokio::test]
async fn an_output_is_exported_under_its_name() {
    let aws = aws().await;
    let name = aws.name("stack");
    let export = r#"Outputs: {Arn: {Value: !GetAtt Role.Arn, Description: the ARN, Export: {Name: !Sub "${AWS::StackName}-arn"}}}"#;

    let stack = made(
        &aws,
        &name,
        create(&aws, &name, format!("{}\n{export}", role_template(""))),
    )
    .await;

    let output = &stack.outputs()[0];
    assert_eq!(output.export_name(), Some(format!("{name}-arn").as_str()));
    assert_eq!(output.description(), Some("the ARN"));
    delete(&aws, stack.stack_id().expect("an id")).await;
}
