//! Templates: forms, sections, sizes, and where they come from.

use aws_sdk_cloudformation::types::Capability;
use conformance::{aws, code, controlled};

use crate::support::{client, create, delete, describe, made, role_template};

/// Cases of one template each that is refused as `ValidationError`, and of which nothing is made.
macro_rules! refused {
    ($($(#[$attribute:meta])* $name:ident($template:expr);)*) => {$(
        $(#[$attribute])*
        async fn $name() {
            let aws = aws().await;
            let name = aws.name("stack");
            let outcome = create(&aws, &name, $template).send().await;
            assert_eq!(code(outcome), "ValidationError");
            assert!(describe(&aws, &name).await.is_none());
        }
    )*};
}

refused! {
    /// A template makes something.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resources-section-structure.html>
    #[tokio::test]
    a_template_without_resources_is_refused("Resources: {}");

    /// A template is YAML or JSON.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html>
    #[tokio::test]
    a_text_that_is_no_yaml_is_refused("Resources: [");

    /// What begins as JSON must be JSON.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html>
    #[tokio::test]
    a_text_that_is_no_json_is_refused("{\"Resources\": ");

    /// YAML's aliases are not supported.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html>
    #[tokio::test]
    a_yaml_alias_is_refused("Description: &x text\nMetadata: {Again: *x}");

    /// Sections are those that there are.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html>
    #[tokio::test]
    an_unknown_section_is_refused(format!("{}\nTransformed: x", role_template("")));

    /// There is one version of the format.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/format-version-structure.html>
    #[tokio::test]
    an_unknown_format_version_is_refused(
        format!("AWSTemplateFormatVersion: \"2011-01-01\"\n{}", role_template("")));

    /// A resource has a type.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resources-section-structure.html>
    #[tokio::test]
    a_resource_without_type_is_refused("Resources: {Role: {Properties: {}}}");

    /// A logical id is letters and digits.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resources-section-structure.html>
    #[tokio::test]
    a_logical_id_with_other_signs_is_refused(role_template("").replace("  Role:\n", "  My-Role:\n"));

    /// A resource has the attributes that there are.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-product-attribute-reference.html>
    #[tokio::test]
    an_unknown_resource_attribute_is_refused(role_template("    Colour: red"));

    /// A dependency is a resource of the template.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-dependson.html>
    #[tokio::test]
    a_dependency_that_is_nowhere_is_refused(role_template("    DependsOn: Nothing"));

    /// Resources that need each other are never made.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-dependson.html>
    #[tokio::test]
    a_circle_of_dependencies_is_refused(format!("{}
  Other:
    Type: AWS::IAM::InstanceProfile
    Properties: {{Roles: [!Ref Role]}}", role_template("    DependsOn: Other")));

    /// A description has 1,024 bytes.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>
    #[tokio::test]
    a_description_that_is_too_long_is_refused(
        format!("Description: {}\n{}", "x".repeat(1_025), role_template("")));

    /// A template in the call has 51,200 bytes.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>
    #[tokio::test]
    a_template_in_the_call_that_is_too_long_is_refused(
        format!("Metadata: {{Long: {}}}\n{}", "x".repeat(51_200), role_template("")));

    /// A template has 200 parameters.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>
    #[tokio::test]
    a_template_with_too_many_parameters_is_refused({
        let many: String = (0..201).map(|number| format!("  P{number}: {{Type: String, Default: x}}\n")).collect();
        format!("Parameters:\n{many}{}", role_template(""))
    });
}

/// JSON is read as YAML is.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html>
#[tokio::test]
async fn a_template_in_json_is_read() {
    let aws = aws().await;
    let name = aws.name("stack");
    let template = r#"{"Description":"in JSON","Resources":{"Role":{"Type":"AWS::IAM::Role","Properties":
        {"AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
        "Principal":{"AWS":{"Ref":"AWS::AccountId"}},"Action":"sts:AssumeRole"}]}}}}}"#;

    let stack = made(&aws, &name, create(&aws, &name, template)).await;

    assert_eq!(stack.description(), Some("in JSON"));
    delete(&aws, stack.stack_id().expect("an id")).await;
}

/// A template comes in the call or from a URL, one of them.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>
#[tokio::test]
async fn a_template_comes_from_one_place() {
    let aws = aws().await;
    let bare = || {
        client(aws.customer())
            .create_stack()
            .stack_name(aws.name("stack"))
            .capabilities(Capability::CapabilityIam)
    };

    assert_eq!(code(bare().send().await), "ValidationError");
    let both = bare()
        .template_body(role_template(""))
        .template_url("https://a-bucket.s3.amazonaws.com/x.yaml");
    assert_eq!(code(both.send().await), "ValidationError");
}

/// A template at a URL is read from S3 with the caller's own permissions.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>
#[tokio::test]
async fn a_template_is_read_from_s3_with_the_callers_permissions() {
    let Some(aws) = controlled().await else { return };
    let config = aws_sdk_s3::config::Builder::from(&aws.vendor().config).force_path_style(true);
    let s3 = aws_sdk_s3::Client::from_conf(config.build());
    let place = aws_sdk_s3::types::CreateBucketConfiguration::builder()
        .location_constraint(aws_sdk_s3::types::BucketLocationConstraint::EuCentral1)
        .build();
    let bucket = s3
        .create_bucket()
        .bucket("templates")
        .create_bucket_configuration(place);
    bucket.send().await.expect("a bucket");
    let body = role_template("").into_bytes().into();
    let put = s3.put_object().bucket("templates").key("role.yaml").body(body);
    put.send().await.expect("an object");
    let endpoint = aws.endpoint().expect("it is controlled").to_owned();
    let ask = |account: &conformance::Account, key: &str| {
        let create = client(account).create_stack().stack_name("stack");
        let create = create.template_url(format!("{endpoint}/templates/{key}"));
        create.capabilities(Capability::CapabilityIam).send()
    };

    assert_eq!(code(ask(aws.vendor(), "absent.yaml").await), "ValidationError");
    assert_eq!(
        code(ask(aws.customer(), "role.yaml").await),
        "ValidationError",
        "the bucket lets nobody else in"
    );
    ask(aws.vendor(), "role.yaml")
        .await
        .expect("the owner may read it");
}

/// What is not built is refused by its name, and never half done.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html>
#[tokio::test]
async fn what_is_not_built_is_refused_by_name() {
    let Some(aws) = controlled().await else { return };
    for template in [
        "Resources: {I: {Type: AWS::EC2::Instance}}".to_owned(),
        format!("Transform: AWS::Serverless-2016-10-31\n{}", role_template("")),
        format!("Rules: {{}}\n{}", role_template("")),
        format!(
            "Parameters: {{V: {{Type: \"AWS::EC2::VPC::Id\"}}}}\n{}",
            role_template("")
        ),
    ] {
        assert_eq!(
            code(create(&aws, "stack", &template).send().await),
            "NotImplemented",
            "{template}"
        );
    }
    assert!(aws.control().inventory_of(&aws.customer().id).is_empty());
}
