//! Inline policies of roles and users.

use crate::core::Core;
use crate::error::AwsError;
use crate::iam::entity::{Kind, Named};
use crate::iam::names::{self, check_name, no_such_entity};
use crate::iam::operations::encoded;
use crate::iam::policy::Document;
use crate::iam::trust;
use crate::protocol::Xml;
use crate::service::Call;

const POLICY_NAME_MAX: usize = 128;

/// Non-white characters of all inline policies together (IAM user guide, "IAM and AWS STS quotas").
fn characters_max(kind: Kind) -> usize {
    match kind {
        Kind::Role => 10_240,
        Kind::User => 2_048,
    }
}

pub(super) fn put(core: &Core, call: &Call, kind: Kind) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let policy = (params.required("PolicyName")?, params.required("PolicyDocument")?);
    put_on(core, call, kind.of(&params)?, policy)?;
    Ok(Xml::new())
}

/// Puts an inline policy: its name and its text.
pub(super) fn put_on(
    core: &Core,
    call: &Call,
    entity: Named<'_>,
    (name, text): (&str, &str),
) -> Result<(), AwsError> {
    check_name("policyName", name, POLICY_NAME_MAX)?;
    entity.authorize(core, call, action(entity.kind, "Put"))?;
    let document = Document::identity(text).map_err(|why| AwsError::bad("MalformedPolicyDocument", why))?;
    entity.change(core, call, |permissions| {
        let others = permissions.inline.iter().filter(|(other, _)| *other != name);
        let all: String = others
            .map(|(_, document)| &*document.text)
            .chain([text])
            .collect();
        trust::refuse_large(&all, characters_max(entity.kind)).map_err(|_| over_size(entity))?;
        permissions.inline.insert(name.to_owned(), document);
        Ok(())
    })
}

fn over_size(entity: Named<'_>) -> AwsError {
    let (word, name, most) = (entity.kind.word(), entity.name, characters_max(entity.kind));
    AwsError::conflict(
        "LimitExceeded",
        format!("Maximum policy size of {most} bytes exceeded for {word} {name}"),
    )
}

pub(super) fn get(core: &Core, call: &Call, kind: Kind) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let (entity, name) = (kind.of(&params)?, params.required("PolicyName")?);
    entity.authorize(core, call, action(kind, "Get"))?;
    entity.read(core, call, |permissions| {
        let document = permissions.inline.get(name).ok_or_else(|| missing(kind, name))?;
        let mut xml = Xml::new();
        xml.leaf(
            if kind == Kind::Role {
                "RoleName"
            } else {
                "UserName"
            },
            entity.name,
        )
        .leaf("PolicyName", name)
        .leaf("PolicyDocument", encoded(&document.text));
        Ok(xml)
    })
}

pub(super) fn delete(core: &Core, call: &Call, kind: Kind) -> Result<Xml, AwsError> {
    let params = call.params()?;
    delete_on(core, call, kind.of(&params)?, params.required("PolicyName")?)?;
    Ok(Xml::new())
}

/// Deletes an inline policy.
pub(super) fn delete_on(core: &Core, call: &Call, entity: Named<'_>, name: &str) -> Result<(), AwsError> {
    entity.authorize(core, call, action(entity.kind, "Delete"))?;
    entity.change(core, call, |permissions| {
        let removed = permissions.inline.remove(name);
        removed.map(drop).ok_or_else(|| missing(entity.kind, name))
    })
}

pub(super) fn list(core: &Core, call: &Call, kind: Kind) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let entity = kind.of(&params)?;
    entity.authorize(core, call, list_action(kind))?;
    let all: Vec<String> = entity.read(core, call, |permissions| {
        Ok(permissions.inline.keys().cloned().collect())
    })?;
    names::list(
        &params,
        ("PolicyNames", all),
        |name| name,
        |xml, name| {
            xml.text(name);
        },
    )
}

fn list_action(kind: Kind) -> &'static str {
    match kind {
        Kind::Role => "ListRolePolicies",
        Kind::User => "ListUserPolicies",
    }
}

fn action(kind: Kind, verb: &str) -> &'static str {
    match (kind, verb) {
        (Kind::Role, "Put") => "PutRolePolicy",
        (Kind::Role, "Get") => "GetRolePolicy",
        (Kind::Role, _) => "DeleteRolePolicy",
        (Kind::User, "Put") => "PutUserPolicy",
        (Kind::User, "Get") => "GetUserPolicy",
        (Kind::User, _) => "DeleteUserPolicy",
    }
}

fn missing(kind: Kind, name: &str) -> AwsError {
    no_such_entity(format!(
        "The {} policy with name {name} cannot be found.",
        kind.word()
    ))
}
