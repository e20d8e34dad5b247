//! How much an account may have in a region.
//!
//! The defaults are those of a new account on 2025-11-20 (Service Quotas console, EC2 and Amazon VPC). A quota that
//! was raised through Service Quotas counts from the next call on.

use crate::core::Core;
use crate::error::AwsError;

/// The quotas that creating operations hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) vpcs: usize,
    pub(super) addresses: usize,
    /// Per zone.
    pub(super) nat_gateways: usize,
    pub(super) gateway_endpoints: usize,
    /// vCPUs of running instances of the standard families.
    pub(super) standard_vcpus: usize,
}

impl Limits {
    /// The quotas in force. Asks a peer, so no lock may be held.
    pub(super) fn of(core: &Core, account: &str, region: &str) -> Self {
        let quota = |code: &str| {
            let value = core.peers.service_quotas.value(core, (account, region), code);
            value
                .and_then(|value| usize::try_from(value).ok())
                .unwrap_or(usize::MAX)
        };
        Self {
            vpcs: quota("L-F678F1CE"),
            addresses: quota("L-0263D0A3"),
            nat_gateways: quota("L-FE5A380F"),
            gateway_endpoints: quota("L-1B52E74A"),
            standard_vcpus: quota("L-1216C47A"),
        }
    }
}

/// The refusal of one more than a quota allows.
pub(super) fn refuse_above(
    count: usize,
    limit: usize,
    code: &'static str,
    what: &str,
) -> Result<(), AwsError> {
    if count < limit {
        return Ok(());
    }
    Err(AwsError::bad(
        code,
        format!("The maximum number of {what} has been reached."),
    ))
}
