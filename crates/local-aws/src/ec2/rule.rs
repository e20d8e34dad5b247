//! Rules of security groups: opened, closed, described.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::cidr::Block;
use super::describe::{Filtered, describe as describe_all};
use super::group::SecurityGroup;
use super::kind::Kind;
use super::request::{Request, done, require, require_mut};
use super::rule_request::{self, Wanted};
use super::state::{Meta, Region, Tags, resource};
use super::tags;
use crate::error::AwsError;
use crate::protocol::Xml;

/// Rules per direction (Amazon VPC user guide, "Amazon VPC quotas").
const RULES_MAX: usize = 60;

/// One rule: one protocol, one range of ports, one other side.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Rule {
    pub(super) meta: Meta,
    pub(super) group_id: String,
    pub(super) owner: String,
    pub(super) egress: bool,
    pub(super) traffic: Traffic,
    pub(super) source: Source,
    pub(super) description: Option<String>,
}
resource!(Rule, Kind::SecurityGroupRule);

/// A protocol and its ports; -1 for all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Traffic {
    pub(super) protocol: String,
    pub(super) from_port: i64,
    pub(super) to_port: i64,
}

/// The other side of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Source {
    /// An IPv4 block.
    Ipv4(Block),
    /// An IPv6 block.
    Ipv6(String),
    /// The members of a group.
    Group(String),
}

impl Rule {
    pub(super) fn all_traffic(request: &Request<'_>, egress: bool, source: Source) -> Self {
        let traffic = Traffic {
            protocol: "-1".into(),
            from_port: -1,
            to_port: -1,
        };
        Self {
            meta: request.new_meta(Kind::SecurityGroupRule, Tags::new()),
            group_id: String::new(),
            owner: request.call.caller.account.clone(),
            egress,
            traffic,
            source,
            description: None,
        }
    }

    /// Whether it lets TCP in from an address to a port.
    pub(super) fn admits(&self, from: Ipv4Addr, port: u16) -> bool {
        let traffic = &self.traffic;
        let ports = traffic.from_port..=traffic.to_port;
        let fits = traffic.protocol == "-1" || (traffic.protocol == "tcp" && ports.contains(&port.into()));
        let comes = matches!(self.source, Source::Ipv4(block) if block.contains(from));
        !self.egress && fits && comes
    }

    fn is(&self, wanted: &Wanted, egress: bool) -> bool {
        self.egress == egress && self.traffic == wanted.traffic && self.source == wanted.source
    }
}

impl Filtered for Rule {
    const FILTERS: &[&str] = &["group-id", "security-group-rule-id"];

    fn field(&self, name: &str) -> Option<Vec<String>> {
        Some(vec![match name {
            "group-id" => self.group_id.clone(),
            "security-group-rule-id" => self.meta.id.clone(),
            _ => return None,
        }])
    }
}

pub(super) fn authorize_ingress(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    authorize(request, region, false)
}

pub(super) fn authorize_egress(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    authorize(request, region, true)
}

fn authorize(request: &Request<'_>, region: &mut Region, egress: bool) -> Result<Xml, AwsError> {
    let id = request.params.required("GroupId")?;
    let wanted = rule_request::read(&request.params)?;
    let tags = request.tags_for(Kind::SecurityGroupRule)?;
    request.authorize_existing(&region.groups, id)?;
    if !tags.is_empty() {
        request.authorize_creation(Kind::SecurityGroupRule, &tags)?;
    }
    let group = require(&region.groups, id)?;
    request.end_dry_run()?;
    check_new(region, group, &wanted, egress)?;
    let rules: Vec<Rule> = wanted
        .into_iter()
        .map(|wanted| Rule {
            meta: request.new_meta(Kind::SecurityGroupRule, tags.clone()),
            group_id: id.to_owned(),
            owner: request.call.caller.account.clone(),
            egress,
            traffic: wanted.traffic,
            source: wanted.source,
            description: wanted.description,
        })
        .collect();
    let mut xml = done();
    xml.items("securityGroupRuleSet", &rules, |xml, rule| write(xml, rule, id));
    require_mut(&mut region.groups, id)?.rules.extend(rules);
    Ok(xml)
}

fn check_new(
    region: &Region,
    group: &SecurityGroup,
    wanted: &[Wanted],
    egress: bool,
) -> Result<(), AwsError> {
    for (at, rule) in wanted.iter().enumerate() {
        if let Source::Group(other) = &rule.source {
            require(&region.groups, other)?;
        }
        let twice = wanted[..at]
            .iter()
            .any(|earlier| earlier.traffic == rule.traffic && earlier.source == rule.source);
        if twice || group.rules.iter().any(|own| own.is(rule, egress)) {
            let why = "the specified rule already exists";
            return Err(AwsError::bad("InvalidPermission.Duplicate", why));
        }
    }
    let present = group.rules.iter().filter(|rule| rule.egress == egress).count();
    if present + wanted.len() > RULES_MAX {
        let why = "The maximum number of rules per security group has been reached.";
        return Err(AwsError::bad("RulesPerSecurityGroupLimitExceeded", why));
    }
    Ok(())
}

pub(super) fn revoke_ingress(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    revoke(request, region, false)
}

pub(super) fn revoke_egress(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    revoke(request, region, true)
}

fn revoke(request: &Request<'_>, region: &mut Region, egress: bool) -> Result<Xml, AwsError> {
    let id = request.params.required("GroupId")?;
    request.open(&region.groups, id)?;
    let ids = request.params.strings("SecurityGroupRuleId");
    let group = require_mut(&mut region.groups, id)?;
    if !ids.is_empty() {
        let known = |rule_id: &String| {
            group
                .rules
                .iter()
                .any(|rule| rule.meta.id == *rule_id && rule.egress == egress)
        };
        if let Some(unknown) = ids.iter().find(|rule_id| !known(rule_id)) {
            return Err(Kind::SecurityGroupRule.not_found(unknown));
        }
        group.rules.retain(|rule| !ids.contains(&rule.meta.id));
        return Ok(done());
    }
    let wanted = rule_request::read(&request.params)?;
    if !wanted
        .iter()
        .all(|wanted| group.rules.iter().any(|rule| rule.is(wanted, egress)))
    {
        let why = "The specified rule does not exist in this security group.";
        return Err(AwsError::bad("InvalidPermission.NotFound", why));
    }
    group
        .rules
        .retain(|rule| !wanted.iter().any(|wanted| rule.is(wanted, egress)));
    Ok(done())
}

pub(super) fn describe(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let of_group = |group: &SecurityGroup| {
        let id = group.meta.id.clone();
        let rules = group.rules.clone().into_iter();
        rules
            .map(move |rule| {
                (
                    rule.meta.id.clone(),
                    Rule {
                        group_id: id.clone(),
                        ..rule
                    },
                )
            })
            .collect::<Vec<_>>()
    };
    let rules: BTreeMap<String, Rule> = region.groups.values().flat_map(of_group).collect();
    describe_all(
        request,
        &rules,
        ("SecurityGroupRuleId", "securityGroupRuleSet"),
        |xml, rule| {
            write(xml, rule, &rule.group_id);
        },
    )
}

fn write(xml: &mut Xml, rule: &Rule, group_id: &str) {
    xml.leaf("securityGroupRuleId", &rule.meta.id)
        .leaf("groupId", group_id)
        .leaf("groupOwnerId", &rule.owner)
        .leaf("isEgress", rule.egress)
        .leaf("ipProtocol", &rule.traffic.protocol)
        .leaf("fromPort", rule.traffic.from_port)
        .leaf("toPort", rule.traffic.to_port);
    match &rule.source {
        Source::Ipv4(block) => xml.leaf("cidrIpv4", block),
        Source::Ipv6(block) => xml.leaf("cidrIpv6", block),
        Source::Group(other) => xml.node("referencedGroupInfo", |xml| {
            xml.leaf("groupId", other).leaf("userId", &rule.owner);
        }),
    };
    xml.optional("description", rule.description.as_ref());
    tags::write(xml, &rule.meta.tags);
}

/// The older form of a group's rules: one entry per protocol and ports, with all its other sides.
pub(super) fn write_permissions(xml: &mut Xml, name: &str, group: &SecurityGroup, egress: bool) {
    let mut by_traffic: BTreeMap<&Traffic, Vec<&Rule>> = BTreeMap::new();
    for rule in group.rules.iter().filter(|rule| rule.egress == egress) {
        by_traffic.entry(&rule.traffic).or_default().push(rule);
    }
    xml.items(name, by_traffic, |xml, (traffic, rules)| {
        xml.leaf("ipProtocol", &traffic.protocol);
        if traffic.protocol != "-1" {
            xml.leaf("fromPort", traffic.from_port)
                .leaf("toPort", traffic.to_port);
        }
        let of = |pick: fn(&Source) -> Option<String>| {
            let picked = rules
                .iter()
                .filter_map(move |rule| Some((pick(&rule.source)?, rule.description.clone())));
            picked.collect::<Vec<_>>()
        };
        let groups = of(|source| {
            if let Source::Group(id) = source {
                Some(id.clone())
            } else {
                None
            }
        });
        let ipv4 = of(|source| {
            if let Source::Ipv4(block) = source {
                Some(block.to_string())
            } else {
                None
            }
        });
        let ipv6 = of(|source| {
            if let Source::Ipv6(block) = source {
                Some(block.clone())
            } else {
                None
            }
        });
        xml.items("groups", groups, |xml, (id, description)| {
            xml.leaf("userId", &group.owner)
                .leaf("groupId", id)
                .optional("description", description);
        });
        xml.items("ipRanges", ipv4, |xml, (block, description)| {
            xml.leaf("cidrIp", block).optional("description", description);
        });
        xml.items("ipv6Ranges", ipv6, |xml, (block, description)| {
            xml.leaf("cidrIpv6", block).optional("description", description);
        });
    });
}
