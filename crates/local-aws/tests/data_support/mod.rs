//! An endpoint and real SDK clients for the tests of Kinesis, S3 and the Redshift Data API.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::Path;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use chrono::{DateTime, Utc};
use local_aws::{Clock, LocalAws, Options};

/// The account most tests call from.
pub(crate) const OWN: &str = "111111111111";
/// An account that owns nothing of the first.
pub(crate) const STRANGER: &str = "222222222222";

/// Starts an endpoint in memory whose clock moves by hand only.
pub(crate) async fn start() -> LocalAws {
    LocalAws::start(options()).await.expect("the endpoint starts")
}

/// Options of an endpoint in memory.
pub(crate) fn options() -> Options {
    Options {
        clock: Clock::manual(noon()),
        ..Options::default()
    }
}

/// Starts an endpoint over a directory.
pub(crate) async fn start_over(data_dir: &Path) -> LocalAws {
    let options = Options {
        data_dir: Some(data_dir.to_owned()),
        ..options()
    };
    LocalAws::start(options).await.expect("the endpoint starts")
}

/// The system's time to the second: requests are signed by the client's own clock.
pub(crate) fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(Utc::now().timestamp(), 0).expect("now is a time")
}

/// Settings of the SDK's clients for an account's root, with one attempt per call.
pub(crate) fn config(endpoint: &LocalAws, account: &str) -> SdkConfig {
    config_for(endpoint, Credentials::from_keys(account, "test", None))
}

/// The same for an endpoint of another process.
pub(crate) fn config_at(endpoint: &str, account: &str) -> SdkConfig {
    config_for_url(endpoint, Credentials::from_keys(account, "test", None))
}

/// The same for any credentials.
pub(crate) fn config_for(endpoint: &LocalAws, credentials: Credentials) -> SdkConfig {
    config_for_url(&endpoint.endpoint(), credentials)
}

fn config_for_url(endpoint: &str, credentials: Credentials) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(
            credentials,
        ))
        .retry_config(RetryConfig::disabled())
        .build()
}
