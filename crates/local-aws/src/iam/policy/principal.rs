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
    /// Names the caller's role (or everybody): within one account enough without the caller's own policies, but a
    /// boundary or a session policy still limits it.
    Caller,
    /// Names the very user or session: within one account enough, whatever else does not allow it.
    Itself,
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
    /// The user's unique id for a user.
    pub(crate) user_id: Option<&'a str>,
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

    /// Whether a `NotPrincipal` with these names leaves the caller out of a denial. AWS looks at the account first
    /// and at the role or user next, so both must be named; "*" names everybody.
    pub(crate) fn exempts(&self, view: &PrincipalView<'_>) -> bool {
        let named = |wanted: fn(Grant) -> bool| {
            let grants = self.aws.iter().filter_map(|name| grant(name, view));
            grants.into_iter().any(wanted)
        };
        let is_root = view.role_arn.is_none() && view.user_id.is_none();
        let account = named(|grant| grant == Grant::Account);
        self.aws.iter().any(|name| name == "*")
            || account && (is_root || named(|grant| grant > Grant::Account))
    }

    /// How the element reaches the caller, if it does.
    pub(crate) fn grant(&self, view: &PrincipalView<'_>) -> Option<Grant> {
        self.aws.iter().filter_map(|name| grant(name, view)).max()
    }
}

fn grant(name: &str, view: &PrincipalView<'_>) -> Option<Grant> {
    let is = |other: Option<&str>| other == Some(name);
    let is_root = view.role_arn.is_none() && view.user_id.is_none();
    if name == view.principal_arn && !is_root || is(view.user_id) {
        return Some(Grant::Itself);
    }
    if name == "*" || is(view.role_arn) || is(view.role_id) {
        return Some(Grant::Caller);
    }
    names_account(name, view).then_some(Grant::Account)
}

fn names_account(name: &str, view: &PrincipalView<'_>) -> bool {
    name == view.account || name == format!("arn:aws:iam::{}:root", view.account)
}

/// `*`, an account, an IAM or STS ARN without wildcards, or a unique id left by a deleted role or user.
fn well_formed(name: &str) -> bool {
    if name == "*" || crate::auth::is_account_id(name) || name.starts_with("AROA") || name.starts_with("AIDA")
    {
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
