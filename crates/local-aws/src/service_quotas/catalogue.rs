//! The quotas that a deployment meets, with AWS's defaults as its pages gave them in November 2026.
//!
//! Sources: "Amazon EC2 quotas", "Amazon VPC quotas", "Quotas for your Application Load Balancers", "Quotas for
//! Amazon EC2 Auto Scaling", "Quotas and constraints for Amazon RDS", "Quotas" of Route 53, ACM, KMS and S3. The shards
//! of Kinesis are not here: no page of AWS gives their code.

/// One quota as AWS sets it for a new account.
#[derive(Debug)]
pub(crate) struct Quota {
    pub(crate) service: &'static str,
    pub(crate) code: &'static str,
    pub(crate) name: &'static str,
    pub(crate) default: u64,
    pub(crate) adjustable: bool,
    /// One value for all regions.
    pub(crate) global: bool,
}

/// Services by their code, sorted.
pub(super) const SERVICES: &[(&str, &str)] = &[
    ("acm", "AWS Certificate Manager (ACM)"),
    ("autoscaling", "Amazon EC2 Auto Scaling"),
    ("ec2", "Amazon Elastic Compute Cloud (Amazon EC2)"),
    ("elasticloadbalancing", "Elastic Load Balancing (ELB)"),
    ("kms", "AWS Key Management Service (AWS KMS)"),
    ("rds", "Amazon Relational Database Service (Amazon RDS)"),
    ("route53", "Amazon Route 53"),
    ("s3", "Amazon Simple Storage Service (Amazon S3)"),
    ("vpc", "Amazon Virtual Private Cloud (Amazon VPC)"),
];

const fn regional(service: &'static str, code: &'static str, name: &'static str, default: u64) -> Quota {
    Quota {
        service,
        code,
        name,
        default,
        adjustable: true,
        global: false,
    }
}

const fn global(service: &'static str, code: &'static str, name: &'static str, default: u64) -> Quota {
    Quota {
        global: true,
        ..regional(service, code, name, default)
    }
}

/// One that AWS does not raise.
const fn fixed(service: &'static str, code: &'static str, name: &'static str, default: u64) -> Quota {
    Quota {
        adjustable: false,
        ..regional(service, code, name, default)
    }
}

/// Every quota, sorted by service and code.
pub(super) const QUOTAS: &[Quota] = &[
    regional("acm", "L-F141DD1D", "ACM certificates", 2_500),
    regional("acm", "L-FB94F0B0", "Domain names per ACM certificate", 10),
    regional(
        "autoscaling",
        "L-6B80B8FA",
        "Launch configurations per region",
        200,
    ),
    regional("autoscaling", "L-CDE20ADC", "Auto Scaling groups per region", 500),
    regional("ec2", "L-0263D0A3", "EC2-VPC Elastic IPs", 5),
    regional(
        "ec2",
        "L-1216C47A",
        "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
        5,
    ),
    regional(
        "elasticloadbalancing",
        "L-53DA6B97",
        "Application Load Balancers per Region",
        50,
    ),
    regional(
        "elasticloadbalancing",
        "L-69A177A2",
        "Network Load Balancers per Region",
        50,
    ),
    regional(
        "elasticloadbalancing",
        "L-7E6692B2",
        "Targets per Application Load Balancer",
        1_000,
    ),
    fixed(
        "elasticloadbalancing",
        "L-AFDDADBF",
        "Target Groups per Action per Network Load Balancer",
        1,
    ),
    regional(
        "elasticloadbalancing",
        "L-B22855CB",
        "Target Groups per Region",
        3_000,
    ),
    regional(
        "elasticloadbalancing",
        "L-B6DF7632",
        "Listeners per Application Load Balancer",
        50,
    ),
    regional("kms", "L-C2F1777E", "Customer Master Keys (CMKs)", 100_000),
    regional("rds", "L-272F1212", "Manual DB instance snapshots", 100),
    regional("rds", "L-48C6BF61", "DB subnet groups", 50),
    regional("rds", "L-5BC124EF", "Read replicas per primary", 15),
    regional("rds", "L-7B6409FD", "DB instances", 40),
    regional("rds", "L-952B80B8", "DB clusters", 40),
    global("route53", "L-4EA4796A", "Hosted zones", 500),
    global("route53", "L-ACB674F3", "Health checks", 200),
    global("route53", "L-E209CC9F", "Records per hosted zone", 10_000),
    global("s3", "L-DC2B2D3D", "General purpose buckets", 10_000),
    regional(
        "vpc",
        "L-0EA8095F",
        "Inbound or outbound rules per security group",
        60,
    ),
    regional("vpc", "L-1B52E74A", "Gateway VPC endpoints per Region", 20),
    regional("vpc", "L-29B6F2EB", "Interface VPC endpoints per VPC", 50),
    regional("vpc", "L-407747CB", "Subnets per VPC", 200),
    regional("vpc", "L-589F43AA", "Route tables per VPC", 200),
    regional("vpc", "L-A4707A72", "Internet gateways per Region", 5),
    regional("vpc", "L-DF5E4CA3", "Network interfaces per Region", 5_000),
    regional("vpc", "L-E79EC296", "VPC security groups per Region", 2_500),
    regional("vpc", "L-F678F1CE", "VPCs per Region", 5),
    regional("vpc", "L-FE5A380F", "NAT gateways per Availability Zone", 5),
];

/// The quota of a code, which is unique across services.
pub(super) fn find(code: &str) -> Option<&'static Quota> {
    QUOTAS.iter().find(|quota| quota.code == code)
}

/// The name of a service.
pub(super) fn service_name(code: &str) -> Option<&'static str> {
    let found = SERVICES.iter().find(|(known, _)| *known == code);
    found.map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::{QUOTAS, SERVICES};

    #[test]
    fn every_quota_is_of_a_known_service_and_sorted() {
        let keys: Vec<_> = QUOTAS.iter().map(|quota| (quota.service, quota.code)).collect();
        assert!(keys.is_sorted_by(|one, next| one < next));
        assert!(
            keys.iter()
                .all(|(service, _)| SERVICES.iter().any(|(known, _)| known == service))
        );
    }
}
