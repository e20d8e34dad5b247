//! Security groups. Their rules are in `rule.rs`.

use serde::{Deserialize, Serialize};

use super::describe::{Filtered, describe as describe_all};
use super::kind::Kind;
use super::request::{Request, dependency, invalid_value, require};
use super::rule::{Rule, Source, write_permissions};
use super::state::{Meta, Region, Tags, resource};
use super::tags;
use crate::error::AwsError;
use crate::protocol::Xml;

/// A security group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SecurityGroup {
    pub(super) meta: Meta,
    pub(super) name: String,
    description: String,
    pub(super) vpc_id: String,
    pub(super) rules: Vec<Rule>,
    pub(super) owner: String,
}
resource!(SecurityGroup, Kind::SecurityGroup);

impl SecurityGroup {
    /// The group a new VPC brings: its members reach each other, and everything outside.
    pub(super) fn default_of(request: &Request<'_>, vpc_id: &str) -> Self {
        let mut group = Self::new(
            request,
            vpc_id,
            ("default", "default VPC security group"),
            Tags::new(),
        );
        let own = Source::Group(group.meta.id.clone());
        group.rules.push(Rule::all_traffic(request, false, own));
        group
    }

    /// A new group lets everything out.
    fn new(request: &Request<'_>, vpc_id: &str, texts: (&str, &str), tags: Tags) -> Self {
        let anywhere = "0.0.0.0/0".parse().expect("the constant is a block");
        Self {
            meta: request.new_meta(Kind::SecurityGroup, tags),
            name: texts.0.to_owned(),
            description: texts.1.to_owned(),
            vpc_id: vpc_id.to_owned(),
            rules: vec![Rule::all_traffic(request, true, Source::Ipv4(anywhere))],
            owner: request.call.caller.account.clone(),
        }
    }

    /// What the rules of one direction say in a field of a filter.
    fn rule_field(&self, egress: bool, field: &str) -> Option<Vec<String>> {
        let value = |rule: &Rule| match (field, &rule.source) {
            ("protocol", _) => Some(rule.traffic.protocol.clone()),
            ("from-port", _) => Some(rule.traffic.from_port.to_string()),
            ("to-port", _) => Some(rule.traffic.to_port.to_string()),
            ("cidr", Source::Ipv4(block)) => Some(block.to_string()),
            ("ipv6-cidr", Source::Ipv6(block)) => Some(block.clone()),
            ("group-id", Source::Group(id)) => Some(id.clone()),
            ("user-id", Source::Group(_)) => Some(rule.owner.clone()),
            _ => None,
        };
        let known = [
            "protocol",
            "from-port",
            "to-port",
            "cidr",
            "ipv6-cidr",
            "group-id",
            "user-id",
        ];
        let rules = self.rules.iter().filter(|rule| rule.egress == egress);
        known.contains(&field).then(|| rules.filter_map(value).collect())
    }

    pub(super) fn is_default(&self) -> bool {
        self.name == "default"
    }
}

impl Filtered for SecurityGroup {
    const FILTERS: &[&str] = &[
        "description",
        "egress.ip-permission.cidr",
        "egress.ip-permission.from-port",
        "egress.ip-permission.group-id",
        "egress.ip-permission.ipv6-cidr",
        "egress.ip-permission.protocol",
        "egress.ip-permission.to-port",
        "egress.ip-permission.user-id",
        "group-id",
        "group-name",
        "ip-permission.cidr",
        "ip-permission.from-port",
        "ip-permission.group-id",
        "ip-permission.ipv6-cidr",
        "ip-permission.protocol",
        "ip-permission.to-port",
        "ip-permission.user-id",
        "owner-id",
        "vpc-id",
    ];

    fn field(&self, name: &str) -> Option<Vec<String>> {
        if let Some(field) = name.strip_prefix("ip-permission.") {
            return self.rule_field(false, field);
        }
        if let Some(field) = name.strip_prefix("egress.ip-permission.") {
            return self.rule_field(true, field);
        }
        Some(vec![match name {
            "group-id" => self.meta.id.clone(),
            "group-name" => self.name.clone(),
            "description" => self.description.clone(),
            "vpc-id" => self.vpc_id.clone(),
            "owner-id" => self.owner.clone(),
            _ => return None,
        }])
    }
}

pub(super) fn create(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let name = request.params.required("GroupName")?;
    let description = request.params.required("GroupDescription")?;
    let Some(vpc_id) = request.params.get("VpcId") else {
        let why = "No default VPC for this user";
        return Err(AwsError::bad("VPCIdNotSpecified", why));
    };
    let tags = request.tags_for(Kind::SecurityGroup)?;
    request.authorize_creation(Kind::SecurityGroup, &tags)?;
    request.open(&region.vpcs, vpc_id)?;
    check_name(name, description)?;
    if region
        .groups
        .values()
        .any(|group| group.vpc_id == vpc_id && group.name == name)
    {
        let why = format!("The security group '{name}' already exists for VPC '{vpc_id}'");
        return Err(AwsError::bad("InvalidGroup.Duplicate", why));
    }
    let group = SecurityGroup::new(request, vpc_id, (name, description), tags);
    let mut xml = Xml::new();
    xml.leaf("return", true).leaf("groupId", &group.meta.id);
    tags::write(&mut xml, &group.meta.tags);
    region.groups.insert(group.meta.id.clone(), group);
    Ok(xml)
}

fn check_name(name: &str, description: &str) -> Result<(), AwsError> {
    let allowed = |char: char| char.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(char);
    if name.starts_with("sg-") || name.len() > 255 || !name.chars().all(allowed) {
        return Err(invalid_value(format!(
            "Value ({name}) for parameter GroupName is invalid."
        )));
    }
    if description.len() > 255 || !description.chars().all(allowed) {
        return Err(invalid_value(format!(
            "Value ({description}) for parameter GroupDescription is invalid."
        )));
    }
    if name == "default" {
        return Err(AwsError::bad(
            "InvalidParameterValue",
            "Cannot use reserved security group name: default",
        ));
    }
    Ok(())
}

pub(super) fn describe(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    describe_all(request, &region.groups, ("GroupId", "securityGroupInfo"), write)
}

fn write(xml: &mut Xml, group: &SecurityGroup) {
    xml.leaf("ownerId", &group.owner)
        .leaf("groupId", &group.meta.id)
        .leaf("groupName", &group.name)
        .leaf("groupDescription", &group.description)
        .leaf("vpcId", &group.vpc_id);
    write_permissions(xml, "ipPermissions", group, false);
    write_permissions(xml, "ipPermissionsEgress", group, true);
    tags::write(xml, &group.meta.tags);
}

pub(super) fn delete(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = request.params.required("GroupId")?;
    request.open(&region.groups, id)?;
    if require(&region.groups, id)?.is_default() {
        let why = format!("the specified group: \"{id}\" name: \"default\" cannot be deleted by a user");
        return Err(AwsError::bad("CannotDelete", why));
    }
    let worn = region
        .interfaces
        .values()
        .any(|interface| interface.groups.iter().any(|group| group == id));
    let mut others = region.groups.values().filter(|group| group.meta.id != id);
    let named = others.any(|group| {
        group
            .rules
            .iter()
            .any(|rule| rule.source == Source::Group(id.to_owned()))
    });
    if worn || named {
        return Err(dependency(format!("resource {id} has a dependent object")));
    }
    region.groups.remove(id);
    let mut xml = Xml::new();
    xml.leaf("return", true).leaf("groupId", id);
    Ok(xml)
}
