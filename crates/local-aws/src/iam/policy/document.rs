//! A policy document as values.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::condition::Clause;
use super::principal::PrincipalElement;
use super::reader;
use super::variable;

/// A policy, read and checked. Serializes as its own text; cloning is cheap.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) text: Arc<str>,
    /// True for `2012-10-17`, the version that knows policy variables.
    pub(crate) variables: bool,
    pub(crate) statements: Arc<[Statement]>,
}

/// One statement.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) sid: Option<String>,
    pub(crate) allow: bool,
    pub(crate) principals: Option<Element<PrincipalElement>>,
    pub(crate) actions: Element<Vec<String>>,
    /// Absent in trust policies only.
    pub(crate) resources: Option<Element<Vec<String>>>,
    pub(crate) conditions: Vec<Clause>,
}

/// An element or its `Not…` form.
#[derive(Clone, Debug)]
pub(crate) enum Element<T> {
    /// Matches what is listed.
    Is(T),
    /// Matches all but what is listed.
    Not(T),
}

/// Why a text is no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct MalformedPolicy(pub(crate) String);

impl Document {
    /// Reads an identity policy, a boundary or a session policy: resources, no principals.
    pub(crate) fn identity(text: &str) -> Result<Self, MalformedPolicy> {
        let document = reader::read(text)?;
        document.refuse_odd_sids()?;
        for statement in document.statements.iter() {
            if statement.principals.is_some() {
                return Err(MalformedPolicy(
                    "Policy document should not specify a principal.".into(),
                ));
            }
            if statement.resources.is_none() {
                return Err(MalformedPolicy("Policy statement must contain resources.".into()));
            }
        }
        Ok(document)
    }

    /// Reads a role's trust policy: principals, no resources, only `sts:` actions.
    pub(crate) fn trust(text: &str) -> Result<Self, MalformedPolicy> {
        let document = reader::read(text)?;
        document.refuse_odd_sids()?;
        for statement in document.statements.iter() {
            if statement.resources.is_some() {
                return Err(MalformedPolicy("Has prohibited field Resource".into()));
            }
            match statement.principals {
                Some(Element::Is(_)) => {}
                // "You cannot use the NotPrincipal element in an IAM identity-based policy nor in an IAM role trust
                // policy."
                Some(Element::Not(_)) => {
                    return Err(MalformedPolicy("Has prohibited field NotPrincipal".into()));
                }
                None => return Err(MalformedPolicy("Missing required field Principal".into())),
            }
            let (Element::Is(actions) | Element::Not(actions)) = &statement.actions;
            if !actions
                .iter()
                .all(|action| action.to_ascii_lowercase().starts_with("sts:"))
            {
                return Err(MalformedPolicy(
                    "AssumeRole policy may only specify STS AssumeRole actions.".into(),
                ));
            }
        }
        Ok(document)
    }

    /// Ids of statements are letters and digits, and each comes once. Policies on resources are freer.
    fn refuse_odd_sids(&self) -> Result<(), MalformedPolicy> {
        let mut seen = BTreeSet::new();
        for sid in self
            .statements
            .iter()
            .filter_map(|statement| statement.sid.as_deref())
        {
            if !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                let why = "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular \
                           expression [0-9A-Za-z]*";
                return Err(MalformedPolicy(why.into()));
            }
            if !sid.is_empty() && !seen.insert(sid) {
                let why = "Statement IDs (SID) in a single policy must be unique.";
                return Err(MalformedPolicy(why.into()));
            }
        }
        Ok(())
    }

    /// Every context key that a condition or a variable of the policy asks for.
    pub(crate) fn context_keys(&self) -> BTreeSet<String> {
        let mut keys = BTreeSet::new();
        for statement in self.statements.iter() {
            let in_clauses = statement.conditions.iter().flat_map(Clause::keys);
            keys.extend(in_clauses.map(str::to_owned));
            if let Some(Element::Is(arns) | Element::Not(arns)) = &statement.resources {
                let in_arns = arns.iter().flat_map(|arn| variable::keys(arn));
                keys.extend(in_arns.map(str::to_owned));
            }
        }
        keys
    }

    /// Reads a policy on a resource: both principals and resources.
    pub(crate) fn resource(text: &str) -> Result<Self, MalformedPolicy> {
        let document = reader::read(text)?;
        let whole = |statement: &Statement| statement.principals.is_some() && statement.resources.is_some();
        if document.statements.iter().all(whole) {
            Ok(document)
        } else {
            Err(MalformedPolicy(
                "Policy statement must name a principal and a resource".into(),
            ))
        }
    }
}

impl Serialize for Document {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        reader::read(&text).map_err(serde::de::Error::custom)
    }
}
