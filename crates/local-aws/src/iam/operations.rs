//! Role operations of IAM's API.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::core::Core;
use crate::error::AwsError;
use crate::iam::entity::Kind;
use crate::iam::names::{self, tags_xml, time};
use crate::iam::roles::{self, NewRole};
use crate::iam::state::Role;
use crate::iam::trust;
use crate::protocol::Xml;
use crate::service::Call;

pub(super) fn create_role(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let role = roles::create(
        core,
        call,
        NewRole {
            name: params.required("RoleName")?.to_owned(),
            path: names::path(&params)?,
            trust: params.required("AssumeRolePolicyDocument")?.to_owned(),
            description: params.get("Description").map(str::to_owned),
            max_session_seconds: params.number("MaxSessionDuration")?.unwrap_or(3_600),
            boundary: params.get("PermissionsBoundary").map(str::to_owned),
            tags: names::tags(&params)?,
        },
    )?;
    Ok(whole_role(&role))
}

/// Works on a role of the calling account.
fn with_role<T>(
    core: &Core,
    call: &Call,
    name: &str,
    work: impl FnOnce(&mut Role) -> Result<T, AwsError>,
) -> Result<T, AwsError> {
    let mut accounts = core.iam.lock();
    let account = accounts.entry(call.caller.account.clone()).or_default();
    let role = account.roles.get_mut(name);
    work(role.ok_or_else(|| roles::named(name).missing())?)
}

pub(super) fn get_role(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let role = Kind::Role.of(&params)?;
    role.authorize(core, call, "GetRole")?;
    with_role(core, call, role.name, |role| Ok(whole_role(role)))
}

pub(super) fn list_roles(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    core.authorize(&call.caller, "iam:ListRoles", "*", &call.context())?;
    let prefix = params.get("PathPrefix").unwrap_or("/");
    let mut accounts = core.iam.lock();
    let account = accounts.entry(call.caller.account.clone()).or_default();
    let roles = account
        .roles
        .values()
        .filter(|role| role.path.starts_with(prefix));
    // "This operation does not return the following attributes, even though they are an attribute of the returned
    // object: PermissionsBoundary, RoleLastUsed, Tags."
    names::list(&params, ("Roles", roles.collect()), |role| &role.name, role_xml)
}

pub(super) fn update_role(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let role = Kind::Role.of(&params)?;
    role.authorize(core, call, "UpdateRole")?;
    role.refuse_protected(core, call)?;
    let seconds = params.number("MaxSessionDuration")?;
    roles::check_description(params.get("Description"))?;
    seconds.map_or(Ok(()), roles::check_session_seconds)?;
    with_role(core, call, role.name, |role| {
        if let Some(description) = params.get("Description") {
            role.description = Some(description.to_owned());
        }
        role.max_session_seconds = seconds.unwrap_or(role.max_session_seconds);
        Ok(Xml::new())
    })
}

pub(super) fn delete_role(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    roles::delete(core, call, call.params()?.required("RoleName")?)?;
    Ok(Xml::new())
}

pub(super) fn update_assume_role_policy(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let named = Kind::Role.of(&params)?;
    let text = params.required("PolicyDocument")?;
    named.authorize(core, call, "UpdateAssumeRolePolicy")?;
    named.refuse_protected(core, call)?;
    let mut accounts = core.iam.lock();
    let trust = trust::read(&accounts, text)?;
    let role = accounts
        .get_mut(&call.caller.account)
        .and_then(|account| account.roles.get_mut(named.name));
    let role = role.ok_or_else(|| named.missing())?;
    role.trust = trust;
    role.trusted_at = call.now;
    Ok(Xml::new())
}

pub(super) fn tag_role(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let role = Kind::Role.of(&params)?;
    let tags = names::tags(&params)?;
    role.authorize_with(core, call, "TagRole", |context| context.request_tags(&tags))?;
    role.with(core, call, |entity| names::add_tags(entity.tags, tags))?;
    Ok(Xml::new())
}

pub(super) fn untag_role(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let role = Kind::Role.of(&params)?;
    let keys = params.strings("TagKeys");
    role.authorize_with(core, call, "UntagRole", |context| {
        context.with_all("aws:TagKeys", keys.clone())
    })?;
    role.with(core, call, |entity| {
        let named = |key: &String| keys.iter().any(|gone| gone.eq_ignore_ascii_case(key));
        entity.tags.retain(|key, _| !named(key));
        Ok(Xml::new())
    })
}

pub(super) fn list_role_tags(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let role = Kind::Role.of(&params)?;
    role.authorize(core, call, "ListRoleTags")?;
    let tags = role.with(core, call, |entity| Ok(entity.tags.clone()))?;
    let tags: Vec<(String, String)> = tags.into_iter().collect();
    names::list(
        &params,
        ("Tags", tags),
        |(key, _)| key,
        |xml, (key, value)| {
            xml.leaf("Key", key).leaf("Value", value);
        },
    )
}

/// IAM answers policy documents percent-encoded (RFC 3986).
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

pub(super) fn encoded(document: &str) -> String {
    utf8_percent_encode(document, KEPT).to_string()
}

/// A role with all that GetRole tells.
pub(super) fn whole_role(role: &Role) -> Xml {
    let mut xml = Xml::new();
    xml.node("Role", |xml| {
        role_xml(xml, role);
        boundary_xml(xml, role.held.now().boundary.as_deref());
        tags_xml(xml, &role.tags);
    });
    xml
}

pub(super) fn boundary_xml(xml: &mut Xml, boundary: Option<&str>) {
    if let Some(boundary) = boundary {
        xml.node("PermissionsBoundary", |xml| {
            xml.leaf("PermissionsBoundaryType", "PermissionsBoundaryPolicy")
                .leaf("PermissionsBoundaryArn", boundary);
        });
    }
}

pub(super) fn role_xml(xml: &mut Xml, role: &Role) {
    xml.leaf("Path", &role.path)
        .leaf("RoleName", &role.name)
        .leaf("RoleId", &role.id)
        .leaf("Arn", &role.arn)
        .leaf("CreateDate", time(role.created_at))
        .leaf("AssumeRolePolicyDocument", encoded(&role.trust.text))
        .optional("Description", role.description.as_ref())
        .leaf("MaxSessionDuration", role.max_session_seconds);
}
