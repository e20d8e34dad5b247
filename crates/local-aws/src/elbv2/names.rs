//! The names of load balancers and the hosted zones they lie in.
//!
//! Source: AWS General Reference, "Elastic Load Balancing endpoints and quotas".

/// Region, hosted zone of its application load balancers, of its network load balancers.
const ZONES: [(&str, &str, &str); 20] = [
    ("us-east-1", "Z35SXDOTRQ7X7K", "Z26RNL4JYFTOTI"),
    ("us-east-2", "Z3AADJGX6KTTL2", "ZLMOA37VPKANP"),
    ("us-west-1", "Z368ELLRRE2KJ0", "Z24FKFUX50B4VW"),
    ("us-west-2", "Z1H1FL5HABSF5", "Z18D5FSROUN65G"),
    ("ca-central-1", "ZQSVJUPU6J1EY", "Z2EPGBW3API2WT"),
    ("sa-east-1", "Z2P70J7HTTTPLU", "ZTK26PT1VY4CU"),
    ("eu-west-1", "Z32O12XQLNTSW2", "Z2IFOLAFXWLO4F"),
    ("eu-west-2", "ZHURV8PSTC4K8", "ZD4D7Y8KGAS4G"),
    ("eu-west-3", "Z3Q77PNBQS71R4", "Z1CMS0P5QUZ6D5"),
    ("eu-central-1", "Z215JYRZR1TBD5", "Z3F0SRJ5LGBH90"),
    ("eu-north-1", "Z23TAZ6LKFMNIO", "Z1UDT6IFJ4EJM"),
    ("ap-south-1", "ZP97RAFLXTNZK", "ZVDDRBQ08TROA"),
    ("ap-northeast-1", "Z14GRHDCWA56QT", "Z31USIVHYNEOWT"),
    ("ap-northeast-2", "ZWKZPGTI48KDX", "ZIBE1TIR4HY56"),
    ("ap-southeast-1", "Z1LMS91P8CMLE5", "ZKVM4W9LS7TM"),
    ("ap-southeast-2", "Z1GM3OXH4ZPM65", "ZCT6FZBF4DROD"),
    ("af-south-1", "Z268VQBMOI5EKX", "Z203XCE67M25HM"),
    ("ap-east-1", "Z3DQVH9N71FHZ0", "Z12Y7K3UBGUAD1"),
    ("eu-south-1", "Z3ULH7SSC9OV64", "Z23146JA1KNAFP"),
    ("me-south-1", "ZS929ML54UICD", "Z3QSRYVP46NYYV"),
];

/// The hosted zone of a load balancer's name, which an alias record gives.
pub(super) fn hosted_zone(region: &str, kind: &str) -> &'static str {
    let found = ZONES.iter().find(|(name, ..)| *name == region);
    let (_, application, network) = found.unwrap_or(&ZONES[0]);
    if kind == "network" { network } else { application }
}

/// What a load balancer is called by, given the sixteen hexadecimal digits its ARN ends with.
pub(super) fn dns_name((name, id): (&str, &str), (kind, scheme): (&str, &str), region: &str) -> String {
    if kind == "network" {
        return format!("{name}-{id}.elb.{region}.amazonaws.com");
    }
    let inner = if scheme == "internal" { "internal-" } else { "" };
    let number = u64::from_str_radix(id, 16).unwrap_or(0) % 10_000_000_000;
    format!("{inner}{name}-{number}.{region}.elb.amazonaws.com")
}
