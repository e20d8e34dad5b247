//! Whether there is room: AWS's capacity in a zone, and the account's quota of running vCPUs.
//!
//! Sources: EC2 API reference, "Error codes" (InsufficientInstanceCapacity, VcpuLimitExceeded); EC2 user guide,
//! "On-Demand Instance quotas".

use super::catalog;
use super::instance::State;
use super::request::Request;
use super::state::Region;
use crate::error::AwsError;

/// Room for `count` more running instances of a type in a zone.
///
/// # Errors
/// `InsufficientInstanceCapacity` in a lost zone, `VcpuLimitExceeded` above the quota.
pub(super) fn check(
    request: &Request<'_>,
    region: &Region,
    (type_name, zone): (&str, &str),
    count: i64,
) -> Result<(), AwsError> {
    if request.core.outages.zone_lost(zone) {
        return Err(insufficient(type_name, zone));
    }
    let each = catalog::instance_type(type_name).map_or(0, |offer| offer.vcpus);
    let wanted = usize::try_from(count).unwrap_or_default() * usize::try_from(each).unwrap_or_default();
    let limit = request.limits.standard_vcpus;
    if vcpus_in_use(region) + wanted <= limit {
        return Ok(());
    }
    let why = format!(
        "You have requested more vCPU capacity than your current vCPU limit of {limit} allows for the instance bucket \
         that the specified instance type belongs to."
    );
    Err(AwsError::bad("VcpuLimitExceeded", why))
}

/// The refusal of a zone without capacity, a server error on AWS.
fn insufficient(type_name: &str, zone: &str) -> AwsError {
    let why = format!(
        "We currently do not have sufficient {type_name} capacity in the Availability Zone you requested ({zone})."
    );
    AwsError::new(
        http::StatusCode::INTERNAL_SERVER_ERROR,
        "InsufficientInstanceCapacity",
        why,
    )
}

/// Stopped and ended instances do not count.
fn vcpus_in_use(region: &Region) -> usize {
    let running = region.instances.values().filter(|instance| match instance.state {
        State::Pending | State::Running => true,
        State::Stopping | State::Stopped | State::ShuttingDown | State::Terminated => false,
    });
    let vcpus = running.filter_map(|instance| catalog::instance_type(&instance.instance_type));
    vcpus
        .map(|offer| usize::try_from(offer.vcpus).unwrap_or_default())
        .sum()
}
