//! Trust policies when they are stored.
//!
//! IAM stores a named role by its unique id: when that role is deleted the policy shows the id, and a role made
//! again under the same name is not trusted. Source: IAM user guide, "AWS JSON policy elements: Principal".

use std::collections::BTreeMap;

use crate::error::AwsError;
use crate::iam::policy::Document;
use crate::iam::policy::document::Element;
use crate::iam::state::IamAccount;

const TRUST_CHARACTERS_MAX: usize = 2_048;

/// Reads a trust policy and refuses principals that do not exist.
pub(super) fn read(accounts: &BTreeMap<String, IamAccount>, text: &str) -> Result<Document, AwsError> {
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

fn exists(accounts: &BTreeMap<String, IamAccount>, principal: &str) -> bool {
    let Some((account, _, name)) = crate::iam::service_role::split_role_arn(principal) else {
        // Accounts, `*`, sessions and ids of deleted roles are taken as they are; there are no users.
        return !principal.contains(":user/");
    };
    let role = accounts.get(account).and_then(|account| account.roles.get(name));
    role.is_some_and(|role| role.arn == principal)
}

/// After a role's deletion every trust policy that names it names its unique id.
pub(super) fn pin_deleted(accounts: &mut BTreeMap<String, IamAccount>, arn: &str, id: &str) {
    let (named, pinned) = (format!("\"{arn}\""), format!("\"{id}\""));
    let roles = accounts
        .values_mut()
        .flat_map(|account| account.roles.values_mut());
    for role in roles.filter(|role| role.trust.text.contains(&named)) {
        let text = role.trust.text.replace(&named, &pinned);
        if let Ok(document) = Document::trust(&text) {
            role.trust = document;
        }
    }
}
