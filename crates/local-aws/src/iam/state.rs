//! What IAM holds, for all accounts. Every service asks it for a caller's policies.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::auth::Caller;
use crate::control::InventoryItem;
use crate::iam::policy::{Document, Policies};

/// The roles and managed policies of every account.
#[derive(Default)]
pub(crate) struct IamState {
    accounts: Mutex<BTreeMap<String, IamAccount>>,
}

/// One account's part.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct IamAccount {
    /// By name; names are unique in an account whatever the path.
    pub(crate) roles: BTreeMap<String, Role>,
    /// By ARN.
    pub(crate) policies: BTreeMap<String, ManagedPolicy>,
}

/// A role.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Role {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) arn: String,
    pub(crate) id: String,
    pub(crate) created_at: DateTime<Utc>,
    /// When the trust policy was last set; the consistency lag counts from here.
    pub(crate) trusted_at: DateTime<Utc>,
    pub(crate) created_by: String,
    pub(crate) trust: Document,
    pub(crate) inline: BTreeMap<String, Document>,
    /// ARNs of managed policies.
    pub(crate) attached: Vec<String>,
    /// ARN of a managed policy.
    pub(crate) boundary: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) max_session_seconds: i64,
    pub(crate) description: Option<String>,
}

/// A customer managed policy (one version is all that is needed).
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ManagedPolicy {
    pub(crate) arn: String,
    pub(crate) document: Document,
    pub(crate) created_by: String,
}

/// AWS's own policy that allows everything; the only one of theirs known here.
pub(crate) const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
const ADMINISTRATOR_TEXT: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

impl IamState {
    pub(crate) fn lock(&self) -> MutexGuard<'_, BTreeMap<String, IamAccount>> {
        self.accounts.lock().expect("no holder panics")
    }

    /// A role by its ARN, in whatever account that names.
    pub(crate) fn role(&self, arn: &str) -> Option<Role> {
        let account = arn.split(':').nth(4)?;
        let name = arn.rsplit('/').next()?;
        let accounts = self.lock();
        accounts
            .get(account)?
            .roles
            .get(name)
            .filter(|role| role.arn == arn)
            .cloned()
    }

    /// The policies on a caller's side. A session whose role is gone, or was made again, may do nothing.
    pub(crate) fn policies_of(&self, caller: &Caller) -> Policies {
        let Some(session) = &caller.session else {
            return Policies {
                root: true,
                ..Policies::default()
            };
        };
        let accounts = self.lock();
        let nothing = Policies::default();
        let Some(account) = accounts.get(&caller.account) else {
            return nothing;
        };
        let name = session.role_arn.rsplit('/').next().unwrap_or_default();
        match account.roles.get(name).filter(|role| role.id == session.role_id) {
            Some(role) => Policies {
                session: session.policy.clone(),
                ..account.policies_of(role)
            },
            None => nothing,
        }
    }

    /// The tags of the role behind a session, the base of `aws:PrincipalTag`.
    pub(crate) fn role_tags(&self, caller: &Caller) -> BTreeMap<String, String> {
        let role = caller
            .session
            .as_ref()
            .and_then(|session| self.role(&session.role_arn));
        role.map(|role| role.tags).unwrap_or_default()
    }

    pub(crate) fn inventory(&self) -> Vec<InventoryItem> {
        let accounts = self.lock();
        let mut items = Vec::new();
        for (id, account) in accounts.iter() {
            items.extend(account.roles.values().map(|role| InventoryItem {
                account: id.clone(),
                region: "global".into(),
                kind: "iam:role".into(),
                id: role.arn.clone(),
                tags: role.tags.clone(),
                created_by: role.created_by.clone(),
            }));
            items.extend(account.policies.values().map(|policy| InventoryItem {
                account: id.clone(),
                region: "global".into(),
                kind: "iam:policy".into(),
                id: policy.arn.clone(),
                tags: BTreeMap::new(),
                created_by: policy.created_by.clone(),
            }));
        }
        items
    }
}

impl IamAccount {
    /// A managed policy's document, AWS's own included.
    pub(crate) fn managed(&self, arn: &str) -> Option<Document> {
        if arn == ADMINISTRATOR {
            return Document::identity(ADMINISTRATOR_TEXT).ok();
        }
        self.policies.get(arn).map(|policy| policy.document.clone())
    }

    fn policies_of(&self, role: &Role) -> Policies {
        let inline = role.inline.values().cloned();
        let attached = role.attached.iter().filter_map(|arn| self.managed(arn));
        let boundary = role
            .boundary
            .as_ref()
            .map(|arn| self.managed(arn).unwrap_or_else(allows_nothing));
        Policies {
            root: false,
            identity: inline.chain(attached).collect(),
            boundary,
            session: None,
        }
    }
}

/// What a boundary means whose policy is gone: no permission is inside it.
fn allows_nothing() -> Document {
    Document {
        text: "{}".into(),
        variables: false,
        statements: Vec::new().into(),
    }
}
