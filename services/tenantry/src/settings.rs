//! What the process is told: read once, whole, failing whole.
//!
//! Each service reads its own part ([`onboarding::OnboardingConfig::read`] and so on); here is what they share.

use std::path::PathBuf;

use aws_access::{AwsCredentials, AwsSettings, CallBudget};
use secrecy::{ExposeSecret as _, SecretString};
use service_kit::config::{ConfigMistakes, Effective, Reader};
use service_kit::limits::LimitSettings;
use tenant_store::StoreSettings;

use crate::configs::ServiceConfigs;

/// The settings of one process.
#[derive(Clone, Debug)]
pub struct Settings {
    /// PostgreSQL.
    pub stores: StoreSettings,
    /// The role that owns the schema, for `migrate` only.
    pub owner_url: Option<SecretString>,
    /// AWS.
    pub aws: AwsSettings,
    /// Where the signing keys of access tokens are kept.
    pub signing_keys: PathBuf,
    /// Whether browsers reach us by https.
    pub https: bool,
    /// How many proxies of ours append to `X-Forwarded-For`.
    pub trusted_proxies: usize,
    /// Rate limits.
    pub limits: LimitSettings,
    /// The services' own parts.
    pub services: ServiceConfigs,
    /// Everything in effect, for `tenantry config`.
    pub effective: Vec<Effective>,
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// All mistakes together.
    pub fn from_environment() -> Result<Self, ConfigMistakes> {
        Self::read(Reader::from_environment())
    }

    fn read(mut reader: Reader) -> Result<Self, ConfigMistakes> {
        let stores = stores(&mut reader);
        let owner_url = reader.secret("TENANTRY_OWNER_DATABASE_URL");
        let aws = aws(&mut reader);
        let signing_keys = reader.value("TENANTRY_SIGNING_KEYS", "a path", "signing-keys.p8".to_owned());
        let https = reader.value("TENANTRY_HTTPS", "true or false", true);
        let trusted_proxies = reader.value("TENANTRY_TRUSTED_PROXIES", "a number", 1);
        let services = ServiceConfigs::read(&mut reader, &aws);
        let effective = reader.finish()?;
        Ok(Self {
            stores,
            owner_url,
            aws,
            signing_keys: signing_keys.into(),
            https,
            trusted_proxies,
            limits: LimitSettings::default(),
            services,
            effective,
        })
    }
}

fn stores(reader: &mut Reader) -> StoreSettings {
    let mut url = |key: &str, expected: &str| {
        let given = reader.secret(key);
        if given.is_none() {
            reader.mistake(key, None, expected);
        }
        given
            .map(|url| url.expose_secret().to_owned())
            .unwrap_or_default()
    };
    StoreSettings {
        app_url: url("DATABASE_URL", "postgres://app_rw:…@host/database"),
        ops_url: url("TENANTRY_OPS_DATABASE_URL", "postgres://ops:…@host/database"),
        connections_max: reader.value("TENANTRY_DATABASE_CONNECTIONS", "a number", 20),
    }
}

fn aws(reader: &mut Reader) -> AwsSettings {
    let isv_account: String = reader
        .optional("TENANTRY_ISV_ACCOUNT", "twelve digits")
        .unwrap_or_default();
    if isv_account.len() != 12 || !isv_account.bytes().all(|byte| byte.is_ascii_digit()) {
        reader.mistake(
            "TENANTRY_ISV_ACCOUNT",
            Some(isv_account.clone()),
            "your AWS account's twelve digits",
        );
    }
    let broker = format!("arn:aws:iam::{isv_account}:role/tenantry-broker");
    AwsSettings {
        region: reader.value("AWS_REGION", "an AWS region", "eu-central-1".to_owned()),
        endpoint_url: reader.optional("AWS_ENDPOINT_URL", "an address"),
        // The SDK's own chain: environment, profile, container, instance.
        credentials: AwsCredentials::DefaultChain,
        broker_role_arn: reader.value("TENANTRY_BROKER_ROLE_ARN", "a role's ARN", broker),
        assume_broker_role: reader.value("TENANTRY_ASSUME_BROKER_ROLE", "true or false", false),
        isv_account,
        call_budget: Some(call_budget(reader)),
    }
}

fn call_budget(reader: &mut Reader) -> CallBudget {
    let tenth = CallBudget::TENTH;
    CallBudget {
        burst: reader.value("TENANTRY_CALL_BURST", "a number above zero", tenth.burst),
        per_second: reader.value(
            "TENANTRY_CALLS_PER_SECOND",
            "a number above zero",
            tenth.per_second,
        ),
    }
}

/// What of PostgreSQL and AWS somebody has set for `tenantry dev`; the rest is started.
#[derive(Clone, Debug)]
pub struct Given {
    /// PostgreSQL, when `DATABASE_URL` is set.
    pub stores: Option<StoreSettings>,
    /// AWS, when `TENANTRY_ISV_ACCOUNT` is set. Keys alone that happen to be in the environment are not an order
    /// to work in that account.
    pub aws: Option<AwsSettings>,
}

impl Given {
    /// Reads the environment.
    ///
    /// # Errors
    /// All mistakes together.
    pub fn from_environment() -> Result<Self, ConfigMistakes> {
        let mut reader = Reader::from_environment();
        let given_stores = reader
            .secret("DATABASE_URL")
            .is_some()
            .then(|| stores(&mut reader));
        let account: Option<String> = reader.optional("TENANTRY_ISV_ACCOUNT", "twelve digits");
        let given_aws = account.is_some().then(|| aws(&mut reader));
        reader.finish()?;
        Ok(Self {
            stores: given_stores,
            aws: given_aws,
        })
    }
}
