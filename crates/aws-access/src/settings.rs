//! How we reach AWS: one configuration, read once, from which every client is built.

use std::{fmt, sync::Arc, time::Duration};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, identity::IdentityCache, retry::RetryConfig, sts::AssumeRoleProvider,
    timeout::TimeoutConfig,
};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use governor::clock::DefaultClock;
use secrecy::{ExposeSecret, SecretString};

use crate::{
    broker::Broker,
    budget::{Budget, CallBudget},
    http::{self, CallObserver},
    tally::Tally,
};

/// No call to AWS may take longer, so that a lease of 20 s always outlives one call.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Attempts of a call that changes nothing.
const READ_ATTEMPTS_MAX: u32 = 3;

/// Where AWS is and who we are there.
#[derive(Clone, Debug)]
pub struct AwsSettings {
    /// Region of the ISV's own services, for example `eu-central-1`.
    pub region: String,
    /// An endpoint to use for every service instead of AWS's own.
    pub endpoint_url: Option<String>,
    /// Credentials of the process in the ISV's account.
    pub credentials: AwsCredentials,
    /// The ISV's account: twelve digits. Customers' trust policies name it.
    pub isv_account: String,
    /// The only principal that customers' trust policies admit.
    pub broker_role_arn: String,
    /// True when the process does not already run as the broker role and has to assume it first.
    pub assume_broker_role: bool,
    /// How much of a customer's API quota is used; without one there is no limit.
    pub call_budget: Option<CallBudget>,
}

/// Where the process' own credentials come from.
#[derive(Clone)]
pub enum AwsCredentials {
    /// An access key given by configuration.
    Static {
        /// Public half of the key.
        access_key_id: String,
        /// Secret half of the key.
        secret_access_key: SecretString,
        /// Comes with keys of a role; absent with keys of a user.
        session_token: Option<SecretString>,
    },
    /// The SDK's default chain: environment, profile, container, instance.
    DefaultChain,
}

impl fmt::Debug for AwsCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Static { .. } => f.write_str("Static(***)"),
            Self::DefaultChain => f.write_str("DefaultChain"),
        }
    }
}

/// AWS as the ISV's own account sees it. Cheap to clone.
#[derive(Clone)]
pub struct Aws {
    inner: Arc<Inner>,
}

struct Inner {
    settings: AwsSettings,
    /// Shared by all sessions, because customers' quotas are.
    budget: Option<Arc<Budget>>,
    reads: SdkConfig,
    /// Credentials of the broker role, which is all that may assume customers' roles.
    broker: SharedCredentialsProvider,
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Aws").field(&self.inner.settings).finish()
    }
}

impl Aws {
    /// Builds the shared configuration. Makes no call, so a wrong key shows at the first use.
    pub async fn connect(settings: AwsSettings) -> Self {
        Self::connect_observed(settings, None).await
    }

    /// As [`Aws::connect`], with an observer that every request to AWS passes on its way out and
    /// back. Tests stop a worker there; it is the only place between us and the wire.
    pub async fn connect_observed(settings: AwsSettings, observer: Option<Arc<dyn CallObserver>>) -> Self {
        Self::connect_retrying(settings, observer, RetryConfig::standard()).await
    }

    /// As [`Aws::connect_observed`], repeating reads without a pause. For a rehearsal, whose time is not
    /// the system's: a pause there would cost time and rehearse nothing.
    pub async fn connect_rehearsal(settings: AwsSettings, observer: Arc<dyn CallObserver>) -> Self {
        let at_once = RetryConfig::standard().with_initial_backoff(Duration::ZERO);
        Self::connect_retrying(settings, Some(observer), at_once).await
    }

    async fn connect_retrying(
        settings: AwsSettings,
        observer: Option<Arc<dyn CallObserver>>,
        retries: RetryConfig,
    ) -> Self {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(settings.region.clone()))
            .http_client(http::client(observer))
            .retry_config(retries.with_max_attempts(READ_ATTEMPTS_MAX))
            .timeout_config(timeouts());
        if let Some(endpoint_url) = &settings.endpoint_url {
            loader = loader.endpoint_url(endpoint_url);
        }
        if let AwsCredentials::Static {
            access_key_id,
            secret_access_key,
            session_token,
        } = &settings.credentials
        {
            let secret = secret_access_key.expose_secret();
            let token = session_token
                .as_ref()
                .map(|token| token.expose_secret().to_owned());
            loader = loader.credentials_provider(Credentials::from_keys(access_key_id, secret, token));
        }
        let reads = loader.load().await;
        let broker = broker_credentials(&settings, &reads).await;
        Self {
            inner: Arc::new(Inner {
                budget: settings
                    .call_budget
                    .map(|size| Arc::new(Budget::new(size, DefaultClock::default()))),
                settings,
                reads,
                broker,
            }),
        }
    }

    /// The settings this was built from.
    #[must_use]
    pub fn settings(&self) -> &AwsSettings {
        &self.inner.settings
    }

    /// The buckets that calls in customers' accounts are taken from.
    pub(crate) fn budget(&self) -> Option<Arc<Budget>> {
        self.inner.budget.clone()
    }

    /// A broker with an empty cache. One is made for each pass over one tenant's account, so that
    /// no session outlives the work it was made for.
    #[must_use]
    pub fn broker(&self) -> Broker {
        Broker::new(self.clone())
    }

    /// Configuration for calls in the ISV's own account that change nothing: three attempts.
    pub(crate) fn reads(&self) -> SdkConfig {
        self.inner.reads.clone()
    }

    /// Configuration for calls in the ISV's own account that change something: one attempt.
    #[allow(dead_code, reason = "the clients of the ISV's own account are built from it")]
    pub(crate) fn writes(&self) -> SdkConfig {
        one_attempt(&self.inner.reads)
    }

    /// True when S3 buckets must stand in the path: host names of a custom endpoint do not resolve.
    #[allow(dead_code, reason = "the S3 client is built with it")]
    pub(crate) fn path_style(&self) -> bool {
        self.inner.settings.endpoint_url.is_some()
    }

    /// STS as the broker role; what is asked of it is counted.
    pub(crate) fn broker_sts(&self, tally: &Tally) -> aws_sdk_sts::Client {
        let config = self.as_broker();
        let counted = config.http_client().map(|client| tally.of_assuming(client));
        let mut builder = config.to_builder();
        builder.set_http_client(counted);
        aws_sdk_sts::Client::new(&builder.build())
    }

    /// Configuration for calls as the broker role.
    pub(crate) fn as_broker(&self) -> SdkConfig {
        self.inner
            .reads
            .to_builder()
            .credentials_provider(self.inner.broker.clone())
            .identity_cache(IdentityCache::lazy().build())
            .build()
    }

    /// Read configuration for another identity and region, sharing our connections and limits. What is called with
    /// it is counted.
    pub(crate) fn config_for(&self, credentials: Credentials, region: &str, tally: &Tally) -> SdkConfig {
        let counted = self
            .inner
            .reads
            .http_client()
            .map(|client| tally.of_calls(client));
        let mut builder = self.inner.reads.to_builder();
        builder.set_http_client(counted);
        builder
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            // The credentials are fixed: a cache would only keep them longer.
            .identity_cache(IdentityCache::no_cache())
            .region(Region::new(region.to_owned()))
            .build()
    }
}

pub(crate) fn one_attempt(config: &SdkConfig) -> SdkConfig {
    config.to_builder().retry_config(RetryConfig::disabled()).build()
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(CALL_TIMEOUT)
        .build()
}

async fn broker_credentials(settings: &AwsSettings, config: &SdkConfig) -> SharedCredentialsProvider {
    if settings.assume_broker_role {
        let provider = AssumeRoleProvider::builder(&settings.broker_role_arn)
            .session_name("tenantry-broker")
            .configure(config)
            .build()
            .await;
        return SharedCredentialsProvider::new(provider);
    }
    config
        .credentials_provider()
        .expect("the loader always sets a credentials provider")
}
