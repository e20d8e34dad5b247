//! Asking EC2 whether a call would be allowed, without making it.
//!
//! `DryRun` checks permissions and nothing else: `DryRunOperation` is the only yes, `UnauthorizedOperation` the only
//! no (EC2 API reference, "DryRun" of each action). Only calls are here that name no existing resource, so that they
//! can be asked in an empty account.

use aws_sdk_ec2::types::{DomainType, ResourceType, Tag, TagSpecification};
use tenant_model::{
    observation::TAG_TENANT,
    proof::{Denier, TrialOutcome},
};

use super::Ec2;
use crate::{AwsError, StepClass};

/// A call that is only asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is named like EC2's action")]
pub enum TrialCall {
    DescribeVpcs,
    DescribeInstances,
    DescribeAddresses,
    CreateVpc,
    CreateInternetGateway,
    AllocateAddress,
    CreateVolume,
    EnableEbsEncryptionByDefault,
    DisableEbsEncryptionByDefault,
}

/// Calls that must be allowed, each under the session policy of the class it is made in.
pub const NEEDED: [(StepClass, TrialCall); 6] = [
    (StepClass::Observe, TrialCall::DescribeVpcs),
    (StepClass::Observe, TrialCall::DescribeInstances),
    (StepClass::Observe, TrialCall::DescribeAddresses),
    (StepClass::Network, TrialCall::CreateVpc),
    (StepClass::Network, TrialCall::CreateInternetGateway),
    (StepClass::Compute, TrialCall::AllocateAddress),
];

/// Calls that must be refused. Those that make something carry no tag: the same action is allowed with the tenant's.
pub const FORBIDDEN: [TrialCall; 6] = [
    TrialCall::CreateVpc,
    TrialCall::CreateInternetGateway,
    TrialCall::AllocateAddress,
    TrialCall::CreateVolume,
    TrialCall::EnableEbsEncryptionByDefault,
    TrialCall::DisableEbsEncryptionByDefault,
];

impl TrialCall {
    /// The action in the words of a policy.
    #[must_use]
    pub const fn action(self) -> &'static str {
        match self {
            Self::DescribeVpcs => "ec2:DescribeVpcs",
            Self::DescribeInstances => "ec2:DescribeInstances",
            Self::DescribeAddresses => "ec2:DescribeAddresses",
            Self::CreateVpc => "ec2:CreateVpc",
            Self::CreateInternetGateway => "ec2:CreateInternetGateway",
            Self::AllocateAddress => "ec2:AllocateAddress",
            Self::CreateVolume => "ec2:CreateVolume",
            Self::EnableEbsEncryptionByDefault => "ec2:EnableEbsEncryptionByDefault",
            Self::DisableEbsEncryptionByDefault => "ec2:DisableEbsEncryptionByDefault",
        }
    }
}

impl TrialCall {
    /// The call of that action among those that are needed.
    #[must_use]
    pub fn needed(action: &str) -> Option<Self> {
        let mut calls = NEEDED.iter().map(|(_, call)| *call);
        calls.find(|call| call.action() == action)
    }

    /// What a policy names as the resource; describing knows none.
    pub(crate) fn resource(self, account: &str, region: &str) -> String {
        let kind = match self {
            Self::CreateVpc => "vpc",
            Self::CreateInternetGateway => "internet-gateway",
            Self::AllocateAddress => "elastic-ip",
            Self::CreateVolume => "volume",
            Self::DescribeVpcs
            | Self::DescribeInstances
            | Self::DescribeAddresses
            | Self::EnableEbsEncryptionByDefault
            | Self::DisableEbsEncryptionByDefault => return "*".to_owned(),
        };
        format!("arn:aws:ec2:{region}:{account}:{kind}/*")
    }
}

/// Sends a dry run and keeps only whether it was refused.
macro_rules! dry {
    ($request:expr) => {
        $request
            .dry_run(true)
            .send()
            .await
            .map(drop)
            .map_err(AwsError::from)
    };
}

impl Ec2 {
    /// Asks whether the call would be allowed; what it would make carries `tenant` as its tenant's tag, or none.
    pub async fn try_out(&self, call: TrialCall, tenant: Option<&str>) -> TrialOutcome {
        let ec2 = &self.reads;
        let tags = |kind| tenant.map(|tenant| vec![tags(kind, tenant)]);
        let answer = match call {
            TrialCall::DescribeVpcs => dry!(ec2.describe_vpcs()),
            TrialCall::DescribeInstances => dry!(ec2.describe_instances()),
            TrialCall::DescribeAddresses => dry!(ec2.describe_addresses()),
            TrialCall::CreateVpc => dry!(
                ec2.create_vpc()
                    .cidr_block("10.42.0.0/16")
                    .set_tag_specifications(tags(ResourceType::Vpc))
            ),
            TrialCall::CreateInternetGateway => dry!(
                ec2.create_internet_gateway()
                    .set_tag_specifications(tags(ResourceType::InternetGateway))
            ),
            TrialCall::AllocateAddress => dry!(
                ec2.allocate_address()
                    .domain(DomainType::Vpc)
                    .set_tag_specifications(tags(ResourceType::ElasticIp))
            ),
            TrialCall::CreateVolume => dry!(
                ec2.create_volume()
                    .availability_zone(format!("{}a", self.region))
                    .size(1)
                    .set_tag_specifications(tags(ResourceType::Volume))
            ),
            TrialCall::EnableEbsEncryptionByDefault => dry!(ec2.enable_ebs_encryption_by_default()),
            TrialCall::DisableEbsEncryptionByDefault => dry!(ec2.disable_ebs_encryption_by_default()),
        };
        outcome(answer)
    }

    /// Whether the account has switched `region` off. Asked from another region: one that is off answers nothing.
    ///
    /// # Errors
    /// Any failure of `DescribeRegions`.
    pub async fn is_region_off(&self, region: &str) -> Result<bool, AwsError> {
        let request = self.reads.describe_regions().all_regions(true);
        let reply = request.region_names(region).send().await?;
        let status = reply.regions().first().and_then(|found| found.opt_in_status());
        Ok(status == Some("not-opted-in"))
    }
}

fn tags(kind: ResourceType, tenant: &str) -> TagSpecification {
    let tag = Tag::builder().key(TAG_TENANT).value(tenant).build();
    TagSpecification::builder().resource_type(kind).tags(tag).build()
}

/// A dry run never succeeds in the SDK's sense. Should one do so, it was no dry run.
fn outcome(answer: Result<(), AwsError>) -> TrialOutcome {
    let unknown = |reason: &str| TrialOutcome::Unknown {
        reason: reason.to_owned(),
    };
    match answer {
        Ok(()) => unknown("CarriedOut"),
        Err(error) if error.code == "DryRunOperation" => TrialOutcome::Allowed,
        Err(error) if error.code == "UnauthorizedOperation" => TrialOutcome::Refused {
            by: denier(&error.message),
        },
        Err(error) => unknown(&error.code),
    }
}

/// Who refuses, where AWS's sentence says so (IAM user guide, "Troubleshoot access denied error messages").
fn denier(message: &str) -> Denier {
    if message.contains("service control policy") {
        Denier::Organisation
    } else if message.contains("permissions boundary") {
        Denier::Boundary
    } else if message.contains("identity-based policy") {
        Denier::Role
    } else {
        Denier::Unclear
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(code: &str, message: &str) -> TrialOutcome {
        outcome(Err(AwsError {
            kind: crate::AwsErrorKind::Denied,
            code: code.to_owned(),
            message: message.to_owned(),
        }))
    }

    #[test]
    fn only_the_exact_codes_are_an_answer() {
        assert_eq!(answered("DryRunOperation", ""), TrialOutcome::Allowed);
        let refused = |by| TrialOutcome::Refused { by };
        let table = [
            (
                "with an explicit deny in a service control policy",
                Denier::Organisation,
            ),
            (
                "because no service control policy allows the ec2:CreateVpc action",
                Denier::Organisation,
            ),
            (
                "because no permissions boundary allows the ec2:CreateVpc action",
                Denier::Boundary,
            ),
            (
                "because no identity-based policy allows the ec2:CreateVpc action",
                Denier::Role,
            ),
            (
                "You are not authorized to perform this operation.",
                Denier::Unclear,
            ),
        ];
        for (message, by) in table {
            assert_eq!(
                answered("UnauthorizedOperation", message),
                refused(by),
                "{message}"
            );
        }
        for code in [
            "RequestLimitExceeded",
            "AuthFailure",
            "Timeout",
            "InvalidParameterValue",
        ] {
            let reason = code.to_owned();
            assert_eq!(answered(code, ""), TrialOutcome::Unknown { reason });
        }
        let reason = "CarriedOut".to_owned();
        assert_eq!(outcome(Ok(())), TrialOutcome::Unknown { reason });
    }

    #[test]
    fn what_is_forbidden_is_never_needed_as_it_is_asked() {
        // The same action may stand in both lists: needed with the tenant's tag, forbidden without it.
        let tagged = |call: &TrialCall| NEEDED.iter().any(|(_, needed)| needed == call);
        let shared = FORBIDDEN.iter().filter(|call| tagged(call)).count();
        assert_eq!((NEEDED.len(), FORBIDDEN.len(), shared), (6, 6, 3));
        assert!(FORBIDDEN.iter().all(|call| !call.action().contains("Describe")));
    }
}
