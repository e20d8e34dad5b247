//! In whose words a fault speaks: each service has its own code for the same mishap.
//!
//! Sources: "Common errors" of each service's API reference and the errors of its operations; EC2 API reference,
//! "Error codes"; S3 API reference, "Error responses"; Route 53 developer guide, "Quotas" (throttling).

use http::StatusCode;

use crate::error::AwsError;

/// The service's refusal of a caller that asks too much.
pub(super) fn throttle(service: &str, operation: &str) -> AwsError {
    let rate = "Rate exceeded";
    match service {
        "ec2" => unavailable("RequestLimitExceeded", "Request limit exceeded."),
        "s3" => unavailable("SlowDown", "Please reduce your request rate."),
        "kinesis" if moves_records(operation) => {
            let why = "Rate exceeded for the shards of the stream.";
            AwsError::bad("ProvisionedThroughputExceededException", why)
        }
        "kinesis" => AwsError::bad("LimitExceededException", rate),
        "tagging" => AwsError::bad("ThrottledException", rate),
        "servicequotas" => AwsError::bad("TooManyRequestsException", rate),
        "kms" | "acm" | "cloudtrail" | "redshift-data" | "aws-marketplace" => {
            AwsError::bad("ThrottlingException", rate)
        }
        _ => AwsError::bad("Throttling", rate),
    }
}

fn moves_records(operation: &str) -> bool {
    matches!(
        operation,
        "PutRecord" | "PutRecords" | "GetRecords" | "GetShardIterator"
    )
}

fn unavailable(code: &'static str, why: &str) -> AwsError {
    AwsError::new(StatusCode::SERVICE_UNAVAILABLE, code, why)
}

/// The service's word for its own failure.
pub(crate) fn failure(service: &str) -> AwsError {
    let code = match service {
        "ec2" | "s3" => "InternalError",
        "iam" => "ServiceFailure",
        "kms" => "KMSInternalException",
        "servicequotas" => "ServiceException",
        "tagging" => "InternalServiceException",
        "aws-marketplace" => "InternalServiceErrorException",
        "redshift-data" => "InternalServerException",
        _ => "InternalFailure",
    };
    AwsError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        code,
        "An internal error has occurred",
    )
}

/// The service's refusal when there is no room for what a call asks for.
pub(super) fn no_capacity(service: &str) -> AwsError {
    match service {
        "rds" => {
            let why = "The specified DB instance class isn't available in the specified Availability Zone.";
            AwsError::bad("InsufficientDBInstanceCapacity", why)
        }
        _ => {
            let why = "We currently do not have sufficient capacity in the Availability Zone you requested.";
            AwsError::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "InsufficientInstanceCapacity",
                why,
            )
        }
    }
}

/// The service's refusal of a call that would pass a quota.
pub(super) fn quota(service: &str, operation: &str) -> AwsError {
    let code = quota_code(service, operation);
    let status = match (service, code) {
        ("iam", _) => StatusCode::CONFLICT,
        (_, "DBClusterQuotaExceededFault") => StatusCode::FORBIDDEN,
        _ => StatusCode::BAD_REQUEST,
    };
    let why = format!("{operation} would exceed a quota of the account");
    AwsError::new(status, code, why)
}

fn quota_code(service: &str, operation: &str) -> &'static str {
    match service {
        "ec2" => ec2_quota(operation),
        "elasticloadbalancing" => elb_quota(operation),
        "rds" => rds_quota(operation),
        "iam" | "autoscaling" => "LimitExceeded",
        "route53" => match operation {
            "CreateHostedZone" => "TooManyHostedZones",
            "CreateHealthCheck" => "TooManyHealthChecks",
            "ChangeResourceRecordSets" => "InvalidChangeBatch",
            _ => "LimitsExceeded",
        },
        "s3" => "TooManyBuckets",
        "servicequotas" => "QuotaExceededException",
        "redshift-data" => "ActiveStatementsExceededException",
        "acm" if operation == "AddTagsToCertificate" => "TooManyTagsException",
        _ => "LimitExceededException",
    }
}

fn ec2_quota(operation: &str) -> &'static str {
    match operation {
        "CreateVpc" => "VpcLimitExceeded",
        "CreateSubnet" => "SubnetLimitExceeded",
        "AllocateAddress" => "AddressLimitExceeded",
        "CreateInternetGateway" => "InternetGatewayLimitExceeded",
        "CreateNatGateway" => "NatGatewayLimitExceeded",
        "CreateRouteTable" => "RouteTableLimitExceeded",
        "CreateRoute" => "RouteLimitExceeded",
        "CreateSecurityGroup" => "SecurityGroupLimitExceeded",
        "AuthorizeSecurityGroupIngress" | "AuthorizeSecurityGroupEgress" => {
            "RulesPerSecurityGroupLimitExceeded"
        }
        "RunInstances" | "StartInstances" | "ModifyInstanceAttribute" => "VcpuLimitExceeded",
        "CreateVolume" | "ModifyVolume" => "VolumeLimitExceeded",
        "AttachVolume" => "AttachmentLimitExceeded",
        "CreateSnapshot" => "SnapshotLimitExceeded",
        "CreateVpcEndpoint" => "VpcEndpointLimitExceeded",
        "CreateTags" => "TagLimitExceeded",
        _ => "ResourceLimitExceeded",
    }
}

fn elb_quota(operation: &str) -> &'static str {
    match operation {
        "CreateTargetGroup" => "TooManyTargetGroups",
        "CreateListener" => "TooManyListeners",
        "CreateRule" => "TooManyRules",
        "RegisterTargets" => "TooManyTargets",
        "AddTags" => "TooManyTags",
        "AddListenerCertificates" => "TooManyCertificates",
        _ => "TooManyLoadBalancers",
    }
}

fn rds_quota(operation: &str) -> &'static str {
    match operation {
        "CreateDBCluster" | "RestoreDBClusterFromSnapshot" | "RestoreDBClusterToPointInTime" => {
            "DBClusterQuotaExceededFault"
        }
        "CreateDBSnapshot" | "CopyDBSnapshot" | "CreateDBClusterSnapshot" | "CopyDBClusterSnapshot" => {
            "SnapshotQuotaExceeded"
        }
        "CreateDBSubnetGroup" => "DBSubnetGroupQuotaExceeded",
        "CreateGlobalCluster" => "GlobalClusterQuotaExceededFault",
        "ModifyDBInstance" => "StorageQuotaExceeded",
        _ => "InstanceQuotaExceeded",
    }
}
