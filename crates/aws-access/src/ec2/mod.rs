//! EC2 in one account and region: one method per call.
//!
//! Describing uses the client with three attempts, changing the one with a single attempt.

use std::fmt;

use aws_config::SdkConfig;

use crate::settings::one_attempt;

/// EC2 as one session sees it.
#[derive(Clone)]
pub struct Ec2 {
    reads: aws_sdk_ec2::Client,
    writes: aws_sdk_ec2::Client,
}

impl fmt::Debug for Ec2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ec2")
    }
}

impl Ec2 {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self {
            reads: aws_sdk_ec2::Client::new(config),
            writes: aws_sdk_ec2::Client::new(&one_attempt(config)),
        }
    }
}
