//! The rules a call names: `IpPermissions` or the older flat parameters.

use super::request::invalid_value;
use super::rule::{Source, Traffic};
use crate::error::AwsError;
use crate::protocol::Params;

/// One rule as asked for.
pub(super) struct Wanted {
    pub(super) traffic: Traffic,
    pub(super) source: Source,
    pub(super) description: Option<String>,
}

/// Every rule the call names; at least one.
pub(super) fn read(params: &Params) -> Result<Vec<Wanted>, AwsError> {
    let mut wanted = Vec::new();
    for permission in params.list("IpPermissions") {
        read_permission(&permission, &mut wanted)?;
    }
    if let Some(block) = params.get("CidrIp") {
        wanted.push(Wanted {
            traffic: traffic(params)?,
            source: ipv4(block)?,
            description: None,
        });
    }
    if wanted.is_empty() {
        return Err(params.missing("IpPermissions"));
    }
    Ok(wanted)
}

fn read_permission(permission: &Params, wanted: &mut Vec<Wanted>) -> Result<(), AwsError> {
    if !permission.list("PrefixListIds").is_empty() {
        return Err(AwsError::not_implemented("ec2", "rules with prefix lists"));
    }
    let traffic = traffic(permission)?;
    let mut add = |params: &Params, source: Source| {
        let description = params.get("Description").map(str::to_owned);
        wanted.push(Wanted {
            traffic: traffic.clone(),
            source,
            description,
        });
    };
    for range in permission.list("IpRanges") {
        add(&range, ipv4(range.required("CidrIp")?)?);
    }
    for range in permission.list("Ipv6Ranges") {
        add(&range, ipv6(range.required("CidrIpv6")?)?);
    }
    for pair in permission.list("Groups") {
        add(&pair, Source::Group(pair.required("GroupId")?.to_owned()));
    }
    Ok(())
}

fn traffic(params: &Params) -> Result<Traffic, AwsError> {
    let protocol = match params.required("IpProtocol")? {
        "6" | "tcp" => "tcp",
        "17" | "udp" => "udp",
        "1" | "icmp" => "icmp",
        "58" | "icmpv6" => "icmpv6",
        "-1" | "all" => "-1",
        other => {
            return Err(invalid_value(format!(
                "Invalid value '{other}' for IP protocol. Unknown protocol."
            )));
        }
    };
    if protocol == "-1" {
        return Ok(Traffic {
            protocol: "-1".into(),
            from_port: -1,
            to_port: -1,
        });
    }
    let from_port = params.number("FromPort")?.unwrap_or(-1);
    let to_port = params.number("ToPort")?.unwrap_or(-1);
    let ports = |port: i64| (0..=65_535).contains(&port);
    if matches!(protocol, "tcp" | "udp") && !(ports(from_port) && ports(to_port) && from_port <= to_port) {
        return Err(invalid_value(format!(
            "Invalid value for portRange. Must specify both from and to ports with {protocol}."
        )));
    }
    Ok(Traffic {
        protocol: protocol.into(),
        from_port,
        to_port,
    })
}

fn ipv4(text: &str) -> Result<Source, AwsError> {
    text.parse()
        .map(Source::Ipv4)
        .map_err(|_| invalid_value(format!("CIDR block {text} is malformed")))
}

fn ipv6(text: &str) -> Result<Source, AwsError> {
    let parts = text.split_once('/').and_then(|(address, bits)| {
        let address: std::net::Ipv6Addr = address.parse().ok()?;
        let bits: u32 = bits.parse().ok().filter(|bits| *bits <= 128)?;
        Some(format!("{address}/{bits}"))
    });
    parts
        .map(Source::Ipv6)
        .ok_or_else(|| invalid_value(format!("CIDR block {text} is malformed")))
}
