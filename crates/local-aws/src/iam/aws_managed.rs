//! The managed policies of AWS itself, as far as roles here need them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::DateTime;

use crate::iam::managed::{ManagedPolicy, Version};
use crate::iam::policy::Document;
use crate::tags::Tags;

/// AWS's policy that allows everything.
pub(crate) const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
/// What Auto Scaling may do under its service-linked role.
pub(super) const AUTO_SCALING: &str = "arn:aws:iam::aws:policy/aws-service-role/AutoScalingServiceRolePolicy";
/// What Elastic Load Balancing may do under its service-linked role.
pub(super) const LOAD_BALANCING: &str =
    "arn:aws:iam::aws:policy/aws-service-role/AWSElasticLoadBalancingServiceRolePolicy";
/// What RDS may do under its service-linked role.
pub(super) const DATABASES: &str = "arn:aws:iam::aws:policy/aws-service-role/AmazonRDSServiceRolePolicy";

/// ARN, and the statements. Those of services are cut down to what the services do here.
const POLICIES: &[(&str, &str)] = &[
    (ADMINISTRATOR, r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#),
    (
        "arn:aws:iam::aws:policy/AWSDenyAll",
        r#"{"Sid":"DenyAll","Effect":"Deny","Action":["*"],"Resource":"*"}"#,
    ),
    (
        "arn:aws:iam::aws:policy/PowerUserAccess",
        r#"{"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"},
        {"Effect":"Allow","Action":["iam:CreateServiceLinkedRole","iam:DeleteServiceLinkedRole","iam:ListRoles",
        "organizations:DescribeOrganization","account:ListRegions","account:GetAccountInformation"],"Resource":"*"}"#,
    ),
    (
        "arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess",
        r#"{"Effect":"Allow","Action":["ec2:Describe*","elasticloadbalancing:Describe*","autoscaling:Describe*",
        "cloudwatch:ListMetrics","cloudwatch:GetMetricStatistics","cloudwatch:Describe*"],"Resource":"*"}"#,
    ),
    (
        "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
        r#"{"Effect":"Allow","Action":["s3:Get*","s3:List*","s3:Describe*"],"Resource":"*"}"#,
    ),
    (
        AUTO_SCALING,
        r#"{"Effect":"Allow","Action":["ec2:*","elasticloadbalancing:*","iam:PassRole"],"Resource":"*"}"#,
    ),
    (
        LOAD_BALANCING,
        r#"{"Effect":"Allow","Action":["ec2:Describe*","ec2:*NetworkInterface*","ec2:*Address*"],"Resource":"*"}"#,
    ),
    (
        DATABASES,
        r#"{"Effect":"Allow","Action":["ec2:Describe*","ec2:*SecurityGroup*","ec2:*NetworkInterface*"],
        "Resource":"*"}"#,
    ),
];

static BY_ARN: LazyLock<BTreeMap<&'static str, ManagedPolicy>> = LazyLock::new(|| {
    POLICIES
        .iter()
        .map(|(arn, text)| (*arn, policy(arn, text)))
        .collect()
});

/// One of AWS's policies.
pub(crate) fn find(arn: &str) -> Option<&'static ManagedPolicy> {
    BY_ARN.get(arn)
}

/// All of them, by ARN.
pub(super) fn all<'a>() -> impl Iterator<Item = &'a ManagedPolicy> {
    BY_ARN.values().map(|policy| -> &'a ManagedPolicy { policy })
}

fn policy(arn: &str, statements: &str) -> ManagedPolicy {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    let document = Document::identity(&text).expect("the texts above are policies");
    let (path, name) = arn
        .split_once(":policy")
        .and_then(|(_, resource)| resource.rsplit_once('/'))
        .expect("the ARNs above are policies'");
    // AWS's own policies were there before any account.
    let created_at = DateTime::UNIX_EPOCH;
    ManagedPolicy {
        arn: arn.to_owned(),
        id: format!(
            "ANPA{}",
            data_encoding::BASE32_NOPAD.encode(&name.as_bytes()[..10.min(name.len())])
        ),
        name: name.to_owned(),
        path: format!("{path}/"),
        description: None,
        created_at,
        updated_at: created_at,
        created_by: String::new(),
        tags: Tags::new(),
        versions: BTreeMap::from([(1, Version { document, created_at })]),
        default: 1,
        last: 1,
    }
}
