//! Settings of this service.

use std::time::Duration;

use service_kit::config::Reader;

use crate::template::template_key;

/// How this service behaves; [`OnboardingConfig::local`] is the embedded default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnboardingConfig {
    /// The address people reach us by, without a trailing slash; links in mails begin with it.
    pub public_url: String,
    /// Where CloudFormation loads the customer's template from: the address ends in the hash of its content.
    pub role_template_url: String,
    /// Region of connections that name none.
    pub region: String,
    /// Clean rounds in a row that prove a connection.
    pub rounds_needed: u32,
    /// Seconds between two rounds of a proof. IAM is eventually consistent: what was refused may still open.
    pub round_spacing_seconds: i32,
    /// Seconds between two looks while the role is awaited and somebody may be watching.
    pub role_poll_seconds: i32,
    /// Seconds between two proofs of a ready connection.
    pub reproof_seconds: i32,
    /// Seconds between two watches of a ready connection whose deployments rest.
    pub watch_seconds: i32,
    /// Seconds between two watches while one of its deployments is worked on. Bounds how long work goes on after
    /// access was cut.
    pub watch_busy_seconds: i32,
    /// How often workers look for something due.
    pub worker_poll: Duration,
    /// Whether mails, with the links in them, are also written to the log. Never in production.
    pub mail_in_log: bool,
}

impl OnboardingConfig {
    /// For one machine: the proof takes seconds, mails are in the log.
    #[must_use]
    pub fn local(public_url: &str) -> Self {
        Self {
            public_url: public_url.trim_end_matches('/').to_owned(),
            role_template_url: template_under(public_url),
            region: "eu-central-1".to_owned(),
            rounds_needed: 3,
            round_spacing_seconds: 1,
            role_poll_seconds: 1,
            reproof_seconds: 600,
            watch_seconds: 30,
            watch_busy_seconds: 5,
            worker_poll: Duration::from_millis(250),
            mail_in_log: true,
        }
    }

    /// Reads the settings; production figures are the defaults.
    pub fn read(reader: &mut Reader) -> Self {
        let public_url: String = reader.value(
            "TENANTRY_PUBLIC_URL",
            "an address",
            "https://localhost".to_owned(),
        );
        let bucket = "https://tenantry-templates.s3.amazonaws.com".to_owned();
        let templates: String = reader.value("TENANTRY_TEMPLATES_URL", "an S3 address", bucket);
        Self {
            public_url: public_url.trim_end_matches('/').to_owned(),
            role_template_url: template_under(&templates),
            region: reader.value("TENANTRY_REGION", "an AWS region", "eu-central-1".to_owned()),
            rounds_needed: reader.value("TENANTRY_PROOF_ROUNDS", "a number", 3),
            round_spacing_seconds: reader.value("TENANTRY_PROOF_SPACING_SECONDS", "seconds", 30),
            role_poll_seconds: reader.value("TENANTRY_ROLE_POLL_SECONDS", "seconds", 5),
            reproof_seconds: reader.value("TENANTRY_REPROOF_SECONDS", "seconds", 86_400),
            watch_seconds: reader.value("TENANTRY_WATCH_SECONDS", "seconds", 600),
            watch_busy_seconds: reader.value("TENANTRY_WATCH_BUSY_SECONDS", "seconds", 30),
            worker_poll: Duration::from_secs(1),
            mail_in_log: reader.value("TENANTRY_MAIL_IN_LOG", "true or false", false),
        }
    }
}

fn template_under(base: &str) -> String {
    format!("{}/{}", base.trim_end_matches('/'), template_key())
}
