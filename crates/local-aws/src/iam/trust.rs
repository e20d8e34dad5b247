//! Trust policies when they are stored.
//!
//! IAM stores a named role or user by its unique id: when that one is deleted the policy shows the id, and one made
//! again under the same name is not trusted. Source: IAM user guide, "AWS JSON policy elements: Principal".

use serde_json::Value;

use crate::error::AwsError;
use crate::iam::policy::Document;
use crate::iam::policy::document::Element;
use crate::iam::state::Accounts;

const TRUST_CHARACTERS_MAX: usize = 2_048;

/// Reads a trust policy and refuses principals that do not exist.
pub(super) fn read(accounts: &Accounts, text: &str) -> Result<Document, AwsError> {
    refuse_large(text, TRUST_CHARACTERS_MAX)?;
    let document = Document::trust(text).map_err(|why| AwsError::bad("MalformedPolicyDocument", why))?;
    for statement in document.statements.iter() {
        let Some(Element::Is(element) | Element::Not(element)) = &statement.principals else {
            continue;
        };
        if let Some(unknown) = element.aws.iter().find(|name| !exists(accounts, name)) {
            let why = format!("Invalid principal in policy: \"AWS\":\"{unknown}\"");
            return Err(AwsError::bad("MalformedPolicyDocument", why));
        }
    }
    Ok(document)
}

/// White space does not count.
pub(super) fn refuse_large(text: &str, characters_max: usize) -> Result<(), AwsError> {
    let characters = text.chars().filter(|char| !char.is_whitespace()).count();
    if characters <= characters_max {
        return Ok(());
    }
    Err(AwsError::conflict(
        "LimitExceeded",
        format!("Maximum policy size of {characters_max} bytes exceeded"),
    ))
}

fn exists(accounts: &Accounts, principal: &str) -> bool {
    if let Some((account, _, name)) = crate::iam::service_role::split_role_arn(principal) {
        let role = accounts.get(account).and_then(|account| account.roles.get(name));
        return role.is_some_and(|role| role.arn == principal);
    }
    if principal.contains(":user/") {
        let account = principal
            .split(':')
            .nth(4)
            .and_then(|account| accounts.get(account));
        return account.is_some_and(|account| account.users.values().any(|user| user.arn == principal));
    }
    // Accounts, `*`, sessions and ids of the deleted are taken as they are.
    true
}

/// After a role's or user's deletion every trust policy that names it as principal names its unique id. A condition
/// on `aws:PrincipalArn` keeps the ARN, and lets in whoever has it next.
pub(super) fn pin_deleted(accounts: &mut Accounts, arn: &str, id: &str) {
    let roles = accounts
        .values_mut()
        .flat_map(|account| account.roles.values_mut());
    for role in roles.filter(|role| role.trust.text.contains(arn)) {
        if let Some(pinned) = pinned(&role.trust.text, arn, id) {
            role.trust = pinned;
        }
    }
}

fn pinned(text: &str, arn: &str, id: &str) -> Option<Document> {
    let mut policy: Value = serde_json::from_str(text).ok()?;
    let statements = match policy.get_mut("Statement")? {
        Value::Array(statements) => statements.iter_mut().collect(),
        one => vec![one],
    };
    let mut changed = false;
    for statement in statements {
        match statement
            .get_mut("Principal")
            .and_then(|principal| principal.get_mut("AWS"))
        {
            Some(Value::Array(names)) => names.iter_mut().for_each(|name| changed |= pin(name, arn, id)),
            Some(name) => changed |= pin(name, arn, id),
            None => {}
        }
    }
    changed
        .then(|| Document::trust(&policy.to_string()).ok())
        .flatten()
}

fn pin(name: &mut Value, arn: &str, id: &str) -> bool {
    let named = name == arn;
    if named {
        *name = id.into();
    }
    named
}
