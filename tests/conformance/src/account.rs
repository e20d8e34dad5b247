//! One AWS account that the cases call from.

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;

/// An account, with the settings of its administrator's SDK clients.
#[derive(Clone, Debug)]
pub struct Account {
    /// The twelve digits.
    pub id: String,
    /// For `Client::new`. One attempt for each call, so that a case sees what is answered.
    pub config: SdkConfig,
}

impl Account {
    /// The root of an account on an endpoint by the convention of local ones: the id is the key, the secret `test`.
    pub(crate) fn local(id: &str, endpoint: &str, region: &str) -> Self {
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(endpoint)
            .region(Region::new(region.to_owned()))
            .credentials_provider(provider(Credentials::from_keys(id, "test", None)))
            .retry_config(RetryConfig::disabled())
            .build();
        Self {
            id: id.to_owned(),
            config,
        }
    }

    /// The same settings for other keys, such as those of an assumed role.
    #[must_use]
    pub fn with_keys(&self, access_key_id: &str, secret: &str, token: Option<&str>) -> SdkConfig {
        let keys = Credentials::from_keys(access_key_id, secret, token.map(str::to_owned));
        self.config
            .to_builder()
            .credentials_provider(provider(keys))
            .build()
    }

    /// The same settings in another region.
    #[must_use]
    pub fn in_region(&self, region: &str) -> SdkConfig {
        self.config
            .to_builder()
            .region(Region::new(region.to_owned()))
            .build()
    }

    /// The ARN that stands for the whole account in a policy.
    #[must_use]
    pub fn root_arn(&self) -> String {
        format!("arn:aws:iam::{}:root", self.id)
    }
}

fn provider(credentials: Credentials) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(credentials)
}
