//! The AWS accounts of the embedded default: the ISV's own and its demo customers'.
//!
//! Everything here is done through the SDK as anybody would do it on AWS; only the keys that a task
//! role would give the process come from the local endpoint itself.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_access::cloudformation::StackState;
use aws_access::iam::NewRole;
use aws_access::s3::{Bucket, BucketSettings};
use aws_access::{Aws, AwsCredentials, AwsError, AwsSettings};
use local_aws::LocalAws;

/// The account that the control plane runs in.
pub const ISV_ACCOUNT: &str = "111111111111";
/// Accounts of people who try the demo.
pub const CUSTOMER_ACCOUNTS: [&str; 5] = [
    "222222222222",
    "333333333333",
    "444444444444",
    "555555555555",
    "666666666666",
];
/// Region of the ISV's own services.
pub const REGION: &str = "eu-central-1";
/// The role the control plane runs as, the only one that customers' trust policies admit.
pub const BROKER_ROLE_ARN: &str = "arn:aws:iam::111111111111:role/tenantry-broker";
const BROKER_ROLE: &str = "tenantry-broker";
/// The role that the warehouse reads the bucket with.
pub const COPY_ROLE_ARN: &str = "arn:aws:iam::111111111111:role/tenantry-copy";
const COPY_ROLE: &str = "tenantry-copy";
/// The role that may do nothing and admits nobody: its trust policy only asks IAM whether a role exists.
const WITNESS_ROLE: &str = "tenantry-witness";
const WITNESS_TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{
  "Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#;
const WITNESS_PERMISSIONS: &str = r#"{"Version":"2012-10-17","Statement":[{
  "Effect":"Deny","Action":"*","Resource":"*"}]}"#;
/// The stream that carries usage.
pub const STREAM: &str = "tenantry-usage";
/// Two, so that nothing passes that only works with one.
const STREAM_SHARDS: i32 = 2;
/// The bucket that exports go to. Names of buckets are the whole world's, hence the account in it.
pub const BUCKET: &str = "tenantry-usage-111111111111";
/// What a customer deploys to let us in.
pub const CUSTOMER_ROLE_TEMPLATE: &str = include_str!("../../../infra/customer-account/role.yaml");

/// Only a task of the control plane may run as the broker role.
const TASK_TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{
  "Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

/// What the control plane may do: become what customers made for it, and use its own stream, bucket and
/// warehouse. Nothing in the ISV's account beyond these.
const BROKER_PERMISSIONS: &str = r#"{"Version":"2012-10-17","Statement":[
  {"Sid":"BecomeCustomersRoles","Effect":"Allow",
   "Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],
   "Resource":"arn:aws:iam::*:role/tenantry/*"},
  {"Sid":"AskWhetherARoleExists","Effect":"Allow","Action":"iam:UpdateAssumeRolePolicy",
   "Resource":"arn:aws:iam::111111111111:role/tenantry-witness"},
  {"Sid":"Stream","Effect":"Allow","Action":"kinesis:*",
   "Resource":"arn:aws:kinesis:*:111111111111:stream/tenantry-*"},
  {"Sid":"Bucket","Effect":"Allow","Action":"s3:*",
   "Resource":["arn:aws:s3:::tenantry-*","arn:aws:s3:::tenantry-*/*"]},
  {"Sid":"Zones","Effect":"Allow","Action":"route53:ListHostedZonesByName","Resource":"*"},
  {"Sid":"Names","Effect":"Allow","Action":["route53:ListResourceRecordSets","route53:ChangeResourceRecordSets"],
   "Resource":"arn:aws:route53:::hostedzone/*"},
  {"Sid":"Warehouse","Effect":"Allow","Action":"redshift-data:*","Resource":"*"}]}"#;

/// The warehouse reads what the control plane wrote, and nothing else.
const WAREHOUSE_TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{
  "Effect":"Allow","Principal":{"Service":["redshift.amazonaws.com","redshift-serverless.amazonaws.com"]},
  "Action":"sts:AssumeRole"}]}"#;
const COPY_PERMISSIONS: &str = r#"{"Version":"2012-10-17","Statement":[{
  "Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],
  "Resource":["arn:aws:s3:::tenantry-*","arn:aws:s3:::tenantry-*/*"]}]}"#;

/// The zone in which deployments get their names, as an installation has it that was not told another.
const ENDPOINT_ZONE: &str = "platform.example";

/// An AWS account's root has its number as key id and this as secret, on local endpoints by convention.
const ROOT_SECRET: &str = "test";
/// How long a stack may take; on the local endpoint it is done at once.
const STACK_TIME_MAX: Duration = Duration::from_secs(30);
const STACK_POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Why a stack was not deployed.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// A call failed.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// The stack ended otherwise than complete.
    #[error("the stack ended as {0}")]
    Ended(String),
    /// The stack did not end in time.
    #[error("the stack was not complete within {} seconds", STACK_TIME_MAX.as_secs())]
    Unfinished,
}

/// How the control plane reaches the local endpoint: as the broker role, like a task that runs under it.
pub(crate) fn control_plane(local_aws: &LocalAws) -> AwsSettings {
    let keys = local_aws.control().service_credentials(BROKER_ROLE_ARN);
    let keys = keys.expect("the constant is a role's ARN");
    let credentials = AwsCredentials::Static {
        access_key_id: keys.access_key_id,
        secret_access_key: keys.secret_access_key.into(),
        session_token: Some(keys.session_token.into()),
    };
    settings(local_aws, credentials)
}

fn settings(local_aws: &LocalAws, credentials: AwsCredentials) -> AwsSettings {
    AwsSettings {
        region: REGION.to_owned(),
        endpoint_url: Some(local_aws.endpoint()),
        credentials,
        isv_account: ISV_ACCOUNT.to_owned(),
        broker_role_arn: BROKER_ROLE_ARN.to_owned(),
        assume_broker_role: false,
        // The endpoint serves nobody else.
        call_budget: None,
    }
}

/// AWS as the root of an account sees it: what a customer's administrator does in the AWS console.
pub async fn root_of(local_aws: &LocalAws, account: &str) -> Aws {
    let credentials = AwsCredentials::Static {
        access_key_id: account.to_owned(),
        secret_access_key: ROOT_SECRET.to_owned().into(),
        session_token: None,
    };
    let settings = AwsSettings {
        credentials,
        isv_account: account.to_owned(),
        ..control_plane(local_aws)
    };
    Aws::connect(settings).await
}

/// Furnishes the ISV's account: the roles with exactly their documents, the stream and the bucket. On AWS
/// the control plane's template does it; here it runs at every start and changes only what differs.
///
/// Comes before [`control_plane`], which would else be given a role made on the spot.
///
/// # Errors
/// When the endpoint refuses a call.
pub(crate) async fn found(local_aws: &LocalAws) -> Result<(), AwsError> {
    let root = root_of(local_aws, ISV_ACCOUNT).await;
    let role = |name, trust_policy, permissions| NewRole {
        path: "/",
        name,
        trust_policy,
        permissions,
    };
    root.ensure_role(&role(BROKER_ROLE, TASK_TRUST, BROKER_PERMISSIONS))
        .await?;
    root.ensure_role(&role(WITNESS_ROLE, WITNESS_TRUST, WITNESS_PERMISSIONS))
        .await?;
    root.ensure_role(&role(COPY_ROLE, WAREHOUSE_TRUST, COPY_PERMISSIONS))
        .await?;
    root.ensure_zone(ENDPOINT_ZONE).await?;
    root.stream(STREAM).create(STREAM_SHARDS).await?;
    let name = BUCKET.parse().expect("the constant is a bucket's name");
    let bucket = BucketSettings {
        name,
        expected_owner: Some(ISV_ACCOUNT.to_owned()),
        kms_key_id: None,
    };
    Bucket::open(&root, bucket).create().await
}

/// Deploys a template with the account's root, as the customer does with the quick-create link, and waits
/// until it is complete. A stack of the name that exists is left as it is.
///
/// # Errors
/// When CloudFormation refuses the template or rolls the stack back.
pub async fn deploy_role_stack(
    local_aws: &LocalAws,
    account: &str,
    template: &str,
    parameters: &BTreeMap<String, String>,
) -> Result<StackState, StackError> {
    let root = root_of(local_aws, account).await;
    let name = parameters.get("RoleName").map_or("tenantry-role", String::as_str);
    match root.create_stack(name, template, parameters).await {
        Ok(_) => {}
        Err(error) if error.kind == aws_access::AwsErrorKind::Exists => {}
        Err(error) => return Err(error.into()),
    }
    let complete = await_stack(&root, name);
    tokio::time::timeout(STACK_TIME_MAX, complete)
        .await
        .unwrap_or(Err(StackError::Unfinished))
}

async fn await_stack(root: &Aws, name: &str) -> Result<StackState, StackError> {
    loop {
        let state = root.describe_stack(name).await?;
        match state.status.as_str() {
            "CREATE_COMPLETE" | "UPDATE_COMPLETE" => return Ok(state),
            "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS" => tokio::time::sleep(STACK_POLL_INTERVAL).await,
            _ => return Err(StackError::Ended(state.status)),
        }
    }
}
