//! The `Principal` element, and how a caller stands to it.

use serde_json::Value;

use super::document::MalformedPolicy;
use super::reader::{malformed, strings};

/// Principals named by a statement.
#[derive(Clone, Debug)]
pub(crate) struct PrincipalElement {
    /// ARNs, account ids or `*`.
    pub(crate) aws: Vec<String>,
    /// Service principals such as `ec2.amazonaws.com`; no caller of this endpoint is one.
    pub(crate) services: Vec<String>,
}

/// How far a principal element reaches a caller. Ordered: the strongest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Grant {
    /// Names the caller's account: the account's own policies decide further.
    Account,
    /// Names the caller (or everybody): enough by itself within one account.
    Caller,
}

/// The caller as principal elements see it.
pub(crate) struct PrincipalView<'a> {
    pub(crate) account: &'a str,
    /// The session's or root's own ARN.
    pub(crate) principal_arn: &'a str,
    /// The role's ARN for a session.
    pub(crate) role_arn: Option<&'a str>,
    /// The role's unique id for a session.
    pub(crate) role_id: Option<&'a str>,
}

impl PrincipalElement {
    pub(super) fn read(value: &Value) -> Result<Self, MalformedPolicy> {
        let object = match value {
            Value::String(any) if any == "*" => {
                return Ok(Self {
                    aws: vec!["*".into()],
                    services: Vec::new(),
                });
            }
            Value::Object(object) if !object.is_empty() => object,
            _ => return malformed("Invalid principal in policy"),
        };
        let mut element = Self {
            aws: Vec::new(),
            services: Vec::new(),
        };
        for (kind, names) in object {
            match kind.as_str() {
                "AWS" => element.aws = strings(names)?,
                "Service" => element.services = strings(names)?,
                "Federated" | "CanonicalUser" => {
                    strings(names)?;
                }
                other => return malformed(format!("Invalid principal in policy: {other}")),
            }
        }
        match element.aws.iter().find(|name| !well_formed(name)) {
            Some(bad) => malformed(format!("Invalid principal in policy: \"AWS\":\"{bad}\"")),
            None => Ok(element),
        }
    }

    /// How the element reaches the caller, if it does.
    pub(crate) fn grant(&self, view: &PrincipalView<'_>) -> Option<Grant> {
        self.aws.iter().filter_map(|name| grant(name, view)).max()
    }
}

fn grant(name: &str, view: &PrincipalView<'_>) -> Option<Grant> {
    let is = |other: Option<&str>| other == Some(name);
    if name == "*"
        || name == view.principal_arn && view.role_arn.is_some()
        || is(view.role_arn)
        || is(view.role_id)
    {
        return Some(Grant::Caller);
    }
    let names_account = name == view.account || name == format!("arn:aws:iam::{}:root", view.account);
    names_account.then_some(Grant::Account)
}

/// `*`, an account, an IAM or STS ARN without wildcards, or a unique id left by a deleted role.
fn well_formed(name: &str) -> bool {
    if name == "*" || crate::auth::is_account_id(name) || name.starts_with("AROA") {
        return true;
    }
    let parts: Vec<&str> = name.splitn(6, ':').collect();
    let ["arn", "aws", "iam" | "sts", "", account, resource] = parts[..] else {
        return false;
    };
    let named = resource == "root"
        || ["role/", "assumed-role/", "user/"]
            .iter()
            .any(|kind| resource.starts_with(kind));
    crate::auth::is_account_id(account) && named && !resource.contains(['*', '?'])
}
