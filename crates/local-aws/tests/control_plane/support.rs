//! An endpoint of its own for every test, and clients on it.

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ec2::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_ec2::error::ProvideErrorMetadata;
use local_aws::{Control, LocalAws, Options};

/// The operator's account.
pub(crate) const ISV: &str = "111111111111";
/// A customer's account.
pub(crate) const ACME: &str = "222222222222";
/// Another customer's account.
pub(crate) const BOLT: &str = "333333333333";
/// The only role that customers' roles trust.
pub(crate) const BROKER: &str = "arn:aws:iam::111111111111:role/tenantry-broker";
pub(crate) const REGION: &str = "eu-central-1";

/// A running endpoint in memory.
pub(crate) struct World {
    pub(crate) aws: LocalAws,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        Self {
            aws: LocalAws::start(options).await.expect("the endpoint starts"),
        }
    }

    pub(crate) fn control(&self) -> Control {
        self.aws.control()
    }

    /// The root user of an account.
    pub(crate) fn root(&self, account: &str) -> Clients {
        self.clients(Credentials::new(account, "test", None, None, "test"), REGION)
    }

    /// A process under a role, as ECS would start it.
    pub(crate) fn service(&self, role_arn: &str) -> Clients {
        let keys = self
            .control()
            .service_credentials(role_arn)
            .expect("a role's ARN");
        let token = Some(keys.session_token);
        self.clients(
            Credentials::new(keys.access_key_id, keys.secret_access_key, token, None, "test"),
            REGION,
        )
    }

    pub(crate) fn clients(&self, credentials: Credentials, region: &str) -> Clients {
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(self.aws.endpoint())
            .region(Region::new(region.to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::disabled())
            .build();
        Clients { config }
    }

    /// A role in `account` with a trust policy and one inline policy.
    pub(crate) async fn role(&self, account: &str, name: &str, trust: &str, policy: &str) -> String {
        let iam = self.root(account).iam();
        let created = iam
            .create_role()
            .role_name(name)
            .assume_role_policy_document(trust)
            .send()
            .await;
        let arn = created
            .expect("the role is made")
            .role
            .expect("an answer has a role")
            .arn;
        let put = iam
            .put_role_policy()
            .role_name(name)
            .policy_name("own")
            .policy_document(policy)
            .send()
            .await;
        put.expect("the policy is put");
        arn
    }
}

/// The SDK clients of one caller.
pub(crate) struct Clients {
    config: SdkConfig,
}

impl Clients {
    pub(crate) fn ec2(&self) -> aws_sdk_ec2::Client {
        aws_sdk_ec2::Client::new(&self.config)
    }

    pub(crate) fn iam(&self) -> aws_sdk_iam::Client {
        aws_sdk_iam::Client::new(&self.config)
    }

    pub(crate) fn sts(&self) -> aws_sdk_sts::Client {
        aws_sdk_sts::Client::new(&self.config)
    }
}

/// Keys from an AssumeRole answer.
pub(crate) fn keys(answer: &aws_sdk_sts::operation::assume_role::AssumeRoleOutput) -> Credentials {
    let keys = answer.credentials().expect("an answer has keys");
    let token = Some(keys.session_token().to_owned());
    Credentials::new(
        keys.access_key_id(),
        keys.secret_access_key(),
        token,
        None,
        "test",
    )
}

/// The error code of a call that must be refused.
pub(crate) fn refusal<T, E: ProvideErrorMetadata>(outcome: Result<T, E>) -> String {
    let error = outcome.err().expect("the call is refused");
    error.code().unwrap_or("no code").to_owned()
}

/// Allows everything.
pub(crate) const ALLOW_ALL: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// A trust policy of one statement.
pub(crate) fn trust(principal: &str, condition: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},
        "Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],"Condition":{condition}}}]}}"#
    )
}
