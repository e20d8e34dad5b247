//! IAM's operations on managed policies.

use crate::core::Core;
use crate::error::AwsError;
use crate::iam::entity::Kind;
use crate::iam::managed::{self, ManagedPolicy, NewPolicy, Version, missing};
use crate::iam::names::{self, tags_xml, time, violation};
use crate::iam::operations::encoded;
use crate::iam::state::IamAccount;
use crate::iam::{aws_managed, held::Permissions};
use crate::protocol::{Params, Xml};
use crate::service::Call;

pub(super) fn create(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let policy = managed::create(
        core,
        call,
        NewPolicy {
            name: params.required("PolicyName")?.to_owned(),
            path: names::path(&params)?,
            text: params.required("PolicyDocument")?.to_owned(),
            description: params.get("Description").map(str::to_owned),
            tags: names::tags(&params)?,
        },
    )?;
    let mut xml = Xml::new();
    xml.node("Policy", |xml| policy_xml(xml, &IamAccount::default(), &policy));
    Ok(xml)
}

/// Reads a policy of the account or of AWS.
fn with_policy<T>(
    core: &Core,
    call: &Call,
    arn: &str,
    read: impl FnOnce(&IamAccount, &ManagedPolicy) -> Result<T, AwsError>,
) -> Result<T, AwsError> {
    let mut accounts = core.iam.lock();
    let account = &*accounts.entry(call.caller.account.clone()).or_default();
    read(account, account.managed_policy(arn).ok_or_else(|| missing(arn))?)
}

pub(super) fn get(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let arn = policy_arn(&params)?;
    managed::authorize(core, call, "GetPolicy", arn)?;
    with_policy(core, call, arn, |account, policy| {
        let mut xml = Xml::new();
        xml.node("Policy", |xml| {
            policy_xml(xml, account, policy);
            tags_xml(xml, &policy.tags);
        });
        Ok(xml)
    })
}

pub(super) fn delete(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    managed::delete(core, call, policy_arn(&call.params()?)?)?;
    Ok(Xml::new())
}

pub(super) fn create_version(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let (arn, text) = (policy_arn(&params)?, params.required("PolicyDocument")?);
    let as_default = params.flag("SetAsDefault")?.unwrap_or(false);
    let (number, version) = managed::add_version(core, call, (arn, text, as_default))?;
    let mut xml = Xml::new();
    xml.node("PolicyVersion", |xml| {
        version_xml(xml, (number, &version), as_default);
    });
    Ok(xml)
}

pub(super) fn get_version(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let (arn, number) = (policy_arn(&params)?, version_number(&params)?);
    managed::authorize(core, call, "GetPolicyVersion", arn)?;
    with_policy(core, call, arn, |_, policy| {
        let version = policy.versions.get(&number);
        let version = version.ok_or_else(|| managed::no_version(arn, number))?;
        let mut xml = Xml::new();
        xml.node("PolicyVersion", |xml| {
            xml.leaf("Document", encoded(&version.document.text));
            version_xml(xml, (number, version), policy.default == number);
        });
        Ok(xml)
    })
}

pub(super) fn list_versions(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let arn = policy_arn(&params)?;
    managed::authorize(core, call, "ListPolicyVersions", arn)?;
    with_policy(core, call, arn, |_, policy| {
        let versions = policy.versions.iter();
        let versions: Vec<(String, u32, &Version)> = versions
            .map(|(number, version)| (format!("v{number:09}"), *number, version))
            .collect();
        names::list(
            &params,
            ("Versions", versions),
            |(key, ..)| key,
            |xml, (_, number, version)| {
                version_xml(xml, (number, version), policy.default == number);
            },
        )
    })
}

pub(super) fn set_default_version(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    managed::set_default(core, call, policy_arn(&params)?, version_number(&params)?)?;
    Ok(Xml::new())
}

pub(super) fn delete_version(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    managed::delete_version(core, call, policy_arn(&params)?, version_number(&params)?)?;
    Ok(Xml::new())
}

fn policy_arn(params: &Params) -> Result<&str, AwsError> {
    let arn = params.required("PolicyArn")?;
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let whole = matches!(parts[..], ["arn", _, "iam", "", _, resource] if resource.starts_with("policy/"));
    if whole {
        Ok(arn)
    } else {
        Err(AwsError::bad(
            "ValidationError",
            format!("ARN {arn} is not valid."),
        ))
    }
}

fn version_number(params: &Params) -> Result<u32, AwsError> {
    let version = params.required("VersionId")?;
    let number = version
        .strip_prefix('v')
        .filter(|digits| !digits.starts_with(['0', '+']));
    number.and_then(|digits| digits.parse().ok()).ok_or_else(|| {
        let constraint = "Member must satisfy regular expression pattern: v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?";
        violation("versionId", version, constraint)
    })
}

pub(super) fn list(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    core.authorize(&call.caller, "iam:ListPolicies", "*", &call.context())?;
    let scope = one_of(&params, "Scope", &["All", "AWS", "Local"])?.unwrap_or("All");
    let usage_filter = one_of(
        &params,
        "PolicyUsageFilter",
        &["PermissionsPolicy", "PermissionsBoundary"],
    )?;
    let only_attached = params.flag("OnlyAttached")?.unwrap_or(false);
    let prefix = params.get("PathPrefix").unwrap_or("/");
    let mut accounts = core.iam.lock();
    let account = &*accounts.entry(call.caller.account.clone()).or_default();
    let shown = |policy: &&ManagedPolicy| {
        let usage = managed::usage(account, &policy.arn);
        policy.path.starts_with(prefix)
            && (!only_attached || usage.attached > 0)
            && match usage_filter {
                None => true,
                Some("PermissionsPolicy") => usage.attached > 0,
                Some(_) => usage.boundary > 0,
            }
    };
    let own = account.policies.values().filter(|_| scope != "AWS");
    let aws = aws_managed::all().filter(|_| scope != "Local");
    let mut policies: Vec<&ManagedPolicy> = own.chain(aws).filter(shown).collect();
    policies.sort_by(|one, other| one.arn.cmp(&other.arn));
    names::list(
        &params,
        ("Policies", policies),
        |policy| &policy.arn,
        |xml, policy| {
            policy_xml(xml, account, policy);
        },
    )
}

/// A parameter that is one of a few words.
fn one_of<'p>(params: &'p Params, name: &str, words: &[&str]) -> Result<Option<&'p str>, AwsError> {
    match params.get(name) {
        Some(word) if !words.contains(&word) => {
            let constraint = format!("Member must satisfy enum value set: [{}]", words.join(", "));
            Err(violation(name, word, &constraint))
        }
        word => Ok(word),
    }
}

pub(super) fn list_entities(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let arn = policy_arn(&params)?;
    managed::authorize(core, call, "ListEntitiesForPolicy", arn)?;
    let kinds = ["User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"];
    let kind = one_of(&params, "EntityFilter", &kinds)?;
    let usage = one_of(
        &params,
        "PolicyUsageFilter",
        &["PermissionsPolicy", "PermissionsBoundary"],
    )?;
    let uses = |permissions: &Permissions| {
        let attached = permissions.attached.iter().any(|attached| attached == arn);
        let boundary = permissions.boundary.as_deref() == Some(arn);
        attached && usage != Some("PermissionsBoundary") || boundary && usage != Some("PermissionsPolicy")
    };
    with_policy(core, call, arn, |account, _| {
        let wanted = |one: Kind| match one {
            Kind::Role => kind.is_none_or(|kind| kind == "Role"),
            Kind::User => kind.is_none_or(|kind| kind == "User"),
        };
        let roles = account.roles.values();
        let roles = roles.filter(|role| wanted(Kind::Role) && uses(role.held.now()));
        let users = account.users.values();
        let users = users.filter(|user| wanted(Kind::User) && uses(user.held.now()));
        let mut xml = Xml::new();
        xml.members("PolicyGroups", None::<()>, |_, ()| {})
            .members("PolicyUsers", users, |xml, user| {
                xml.leaf("UserName", &user.name).leaf("UserId", &user.id);
            })
            .members("PolicyRoles", roles, |xml, role| {
                xml.leaf("RoleName", &role.name).leaf("RoleId", &role.id);
            })
            .leaf("IsTruncated", false);
        Ok(xml)
    })
}

fn policy_xml(xml: &mut Xml, account: &IamAccount, policy: &ManagedPolicy) {
    let usage = managed::usage(account, &policy.arn);
    xml.leaf("PolicyName", &policy.name)
        .leaf("PolicyId", &policy.id)
        .leaf("Arn", &policy.arn)
        .leaf("Path", &policy.path)
        .leaf("DefaultVersionId", format!("v{}", policy.default))
        .leaf("AttachmentCount", usage.attached)
        .leaf("PermissionsBoundaryUsageCount", usage.boundary)
        .leaf("IsAttachable", policy.is_attachable())
        .optional("Description", policy.description.as_ref())
        .leaf("CreateDate", time(policy.created_at))
        .leaf("UpdateDate", time(policy.updated_at));
}

fn version_xml(xml: &mut Xml, (number, version): (u32, &Version), default: bool) {
    xml.leaf("VersionId", format!("v{number}"))
        .leaf("IsDefaultVersion", default)
        .leaf("CreateDate", time(version.created_at));
}
