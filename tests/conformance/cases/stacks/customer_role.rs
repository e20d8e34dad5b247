//! The template that customers deploy: one role, for one role of the operator, under one external id.

use aws_config::SdkConfig;
use aws_sdk_sts::operation::assume_role::builders::AssumeRoleFluentBuilder;
use conformance::{Account, Aws, aws, code, eventually};

use crate::support::{create, delete, made, outputs, parameter};

const TEMPLATE: &str = include_str!("../../../../infra/customer-account/role.yaml");
const EXTERNAL_ID: &str = "tnt-ex-0123456789abcdef0123";
const TENANT: &str = "tnt_01hzzzzzzzzzzzzzzzzzzzzzzz";

/// The operator's broker: a role that a user of the operator assumes.
struct Broker {
    role: String,
    arn: String,
    user: String,
    iam: aws_sdk_iam::Client,
    config: SdkConfig,
}

impl Broker {
    async fn make(aws: &Aws) -> Self {
        let vendor = aws.vendor();
        let iam = aws_sdk_iam::Client::new(&vendor.config);
        let (role, user) = (aws.name("broker"), aws.name("user"));
        let may =
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:*","Resource":"*"}]}"#;
        iam.create_user().user_name(&user).send().await.expect("a user");
        let put = iam
            .put_user_policy()
            .user_name(&user)
            .policy_name("own")
            .policy_document(may);
        put.send().await.expect("its policy");
        let key = iam
            .create_access_key()
            .user_name(&user)
            .send()
            .await
            .expect("a key")
            .access_key
            .expect("a key");
        let trust = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{}"}},"Action":"sts:AssumeRole"}}]}}"#,
            vendor.id
        );
        let made = iam
            .create_role()
            .role_name(&role)
            .assume_role_policy_document(trust)
            .send()
            .await;
        let arn = made.expect("a role").role.expect("a role").arn;
        let put = iam
            .put_role_policy()
            .role_name(&role)
            .policy_name("own")
            .policy_document(may);
        put.send().await.expect("its policy");
        let user_config = vendor.with_keys(&key.access_key_id, &key.secret_access_key, None);
        let config = session(vendor, || assume(&user_config, &arn)).await;
        Self {
            role,
            arn,
            user,
            iam,
            config,
        }
    }

    async fn remove(self) {
        let keys = self
            .iam
            .list_access_keys()
            .user_name(&self.user)
            .send()
            .await
            .expect("keys");
        for key in keys.access_key_metadata {
            let delete = self.iam.delete_access_key().user_name(&self.user);
            delete
                .set_access_key_id(key.access_key_id)
                .send()
                .await
                .expect("a key goes");
        }
        let delete = self
            .iam
            .delete_user_policy()
            .user_name(&self.user)
            .policy_name("own");
        delete.send().await.expect("a policy goes");
        self.iam
            .delete_user()
            .user_name(&self.user)
            .send()
            .await
            .expect("the user goes");
        let delete = self
            .iam
            .delete_role_policy()
            .role_name(&self.role)
            .policy_name("own");
        delete.send().await.expect("a policy goes");
        self.iam
            .delete_role()
            .role_name(&self.role)
            .send()
            .await
            .expect("the role goes");
    }
}

fn assume(config: &SdkConfig, role: &str) -> AssumeRoleFluentBuilder {
    let sts = aws_sdk_sts::Client::new(config);
    sts.assume_role().role_arn(role).role_session_name("probe")
}

async fn session(account: &Account, ask: impl Fn() -> AssumeRoleFluentBuilder) -> SdkConfig {
    let mut answer = None;
    eventually("the role lets in", async || {
        answer = ask().send().await.ok();
        answer.is_some()
    })
    .await;
    let keys = answer
        .and_then(|answer| answer.credentials)
        .expect("the last look succeeded");
    account.with_keys(
        &keys.access_key_id,
        &keys.secret_access_key,
        Some(&keys.session_token),
    )
}

/// Deploys the template in the customer's account. Returns the stack's id and the role's ARN.
async fn deploy(aws: &Aws, broker: &str) -> (String, String) {
    let name = aws.name("customer");
    let role = format!("tenantry-{}", aws.name("c"));
    let request = create(aws, &name, TEMPLATE)
        .parameters(parameter("VendorAccountId", &aws.vendor().id))
        .parameters(parameter("BrokerRoleArn", broker))
        .parameters(parameter("ExternalId", EXTERNAL_ID))
        .parameters(parameter("RoleName", &role))
        .parameters(parameter("TenantId", TENANT));
    let stack = made(aws, &name, request).await;
    let arn = outputs(&stack)["RoleArn"].clone();
    assert_eq!(
        arn,
        format!("arn:aws:iam::{}:role/tenantry/{role}", aws.customer().id)
    );
    (stack.stack_id().expect("an id").to_owned(), arn)
}

/// The role lets the broker in with the right id, and nobody else and with nothing else.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html>
#[tokio::test]
async fn the_customers_role_lets_the_broker_in_with_the_right_id_only() {
    let aws = aws().await;
    let (broker, other) = (Broker::make(&aws).await, Broker::make(&aws).await);
    let (id, role) = deploy(&aws, &broker.arn).await;
    session(aws.customer(), || {
        assume(&broker.config, &role).external_id(EXTERNAL_ID)
    })
    .await;

    assert_eq!(code(assume(&broker.config, &role).send().await), "AccessDenied");
    let wrong = assume(&broker.config, &role).external_id("tnt-ex-of-another-tenant-0");
    assert_eq!(code(wrong.send().await), "AccessDenied");
    let another = assume(&other.config, &role).external_id(EXTERNAL_ID);
    assert_eq!(code(another.send().await), "AccessDenied");

    delete(&aws, &id).await;
    eventually("the access has ended", async || {
        assume(&broker.config, &role)
            .external_id(EXTERNAL_ID)
            .send()
            .await
            .is_err()
    })
    .await;
    broker.remove().await;
    other.remove().await;
}

/// The role's session makes only what carries the tenant's tag.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html>
#[tokio::test]
async fn the_customers_role_makes_only_what_carries_the_tenants_tag() {
    use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};
    let aws = aws().await;
    let broker = Broker::make(&aws).await;
    let (id, role) = deploy(&aws, &broker.arn).await;
    let config = session(aws.customer(), || {
        assume(&broker.config, &role).external_id(EXTERNAL_ID)
    })
    .await;
    let ec2 = aws_sdk_ec2::Client::new(&config);
    let create = |tenant: Option<&str>| {
        let tag = tenant.map(|tenant| Tag::builder().key("tenantry:tenant").value(tenant).build());
        let tags = tag.map(|tag| {
            vec![
                TagSpecification::builder()
                    .resource_type(ResourceType::Vpc)
                    .tags(tag)
                    .build(),
            ]
        });
        ec2.create_vpc()
            .cidr_block("10.0.0.0/16")
            .set_tag_specifications(tags)
            .dry_run(true)
            .send()
    };

    eventually("the role's policy counts", async || {
        code(create(Some(TENANT)).await) == "DryRunOperation"
    })
    .await;
    assert_eq!(code(create(None).await), "UnauthorizedOperation");
    assert_eq!(
        code(create(Some("tnt_of_another")).await),
        "UnauthorizedOperation"
    );
    let iam = aws_sdk_iam::Client::new(&config);
    let own = role.rsplit('/').next().expect("a name");
    iam.get_role()
        .role_name(own)
        .send()
        .await
        .expect("the role reads itself");
    assert_eq!(code(iam.list_roles().send().await), "AccessDenied");
    delete(&aws, &id).await;
    broker.remove().await;
}

/// The template's parameters keep out what the operator would not send.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>
#[tokio::test]
async fn the_templates_parameters_keep_other_values_out() {
    let aws = aws().await;
    let ask = |key: &str, value: &str| {
        let mut values = vec![
            ("VendorAccountId", aws.vendor().id.as_str()),
            ("BrokerRoleArn", "arn:aws:iam::111111111111:role/broker"),
            ("ExternalId", EXTERNAL_ID),
            ("RoleName", "tenantry-x"),
            ("TenantId", TENANT),
        ];
        for pair in &mut values {
            if pair.0 == key {
                pair.1 = value;
            }
        }
        let values = values.iter().map(|(key, value)| parameter(key, value)).collect();
        create(&aws, &aws.name("stack"), TEMPLATE)
            .set_parameters(Some(values))
            .send()
    };

    for (key, value) in [
        ("VendorAccountId", "11111111111"),
        ("BrokerRoleArn", "arn:aws:iam::1:role/broker"),
        ("ExternalId", "short"),
        ("ExternalId", "with spaces in it, and long enough"),
        ("RoleName", "Administrator"),
        ("TenantId", "tnt_short"),
    ] {
        assert_eq!(code(ask(key, value).await), "ValidationError", "{key}={value}");
    }
}
