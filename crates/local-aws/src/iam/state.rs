//! What IAM holds, for all accounts. Every service asks it for a caller's policies.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::auth::Caller;
use crate::control::{InventoryItem, Lag};
use crate::iam::aws_managed;
use crate::iam::held::{Held, Permissions};
use crate::iam::managed::ManagedPolicy;
use crate::iam::policy::{Document, Policies};
use crate::iam::profiles::InstanceProfile;
use crate::iam::users::User;
use crate::lock;
use crate::tags::Tags;

/// The entities of every account.
pub(crate) type Accounts = BTreeMap<String, IamAccount>;

/// The state, under its lock.
#[derive(Default)]
pub(crate) struct IamState {
    accounts: Mutex<Accounts>,
    /// Something may have changed since [`IamState::changes`] was asked.
    touched: AtomicBool,
}

/// The accounts, for whoever holds the lock. Whoever takes them to change them is taken to have done so.
pub(crate) struct HeldAccounts<'a> {
    accounts: MutexGuard<'a, Accounts>,
    touched: &'a AtomicBool,
}

impl Deref for HeldAccounts<'_> {
    type Target = Accounts;

    fn deref(&self) -> &Accounts {
        &self.accounts
    }
}

impl DerefMut for HeldAccounts<'_> {
    fn deref_mut(&mut self) -> &mut Accounts {
        self.touched.store(true, Ordering::Relaxed);
        &mut self.accounts
    }
}

/// One account's part.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct IamAccount {
    /// By name; names are unique in an account whatever the path.
    pub(crate) roles: BTreeMap<String, Role>,
    /// By ARN.
    pub(crate) policies: BTreeMap<String, ManagedPolicy>,
    /// By name.
    #[serde(default)]
    pub(crate) profiles: BTreeMap<String, InstanceProfile>,
    /// By name.
    #[serde(default)]
    pub(crate) users: BTreeMap<String, User>,
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
    #[serde(flatten)]
    pub(crate) held: Held,
    pub(crate) tags: Tags,
    pub(crate) max_session_seconds: i64,
    pub(crate) description: Option<String>,
}

impl Role {
    /// Whether the role belongs to a service, which alone may change it.
    pub(crate) fn is_service_linked(&self) -> bool {
        self.path.starts_with(crate::iam::linked::PATH)
    }
}

impl IamState {
    pub(crate) fn lock(&self) -> HeldAccounts<'_> {
        HeldAccounts {
            accounts: lock::held(&self.accounts),
            touched: &self.touched,
        }
    }

    /// Every account, if one may have changed since this was last asked.
    pub(crate) fn changes(&self) -> Vec<(String, serde_json::Value)> {
        let accounts = self.lock();
        if !self.touched.swap(false, Ordering::Relaxed) {
            return Vec::new();
        }
        let all = accounts.iter();
        all.map(|(id, account)| (id.clone(), serde_json::json!(account)))
            .collect()
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

    /// An account's instance profile by its name or its ARN.
    pub(crate) fn instance_profile(&self, account: &str, name_or_arn: &str) -> Option<InstanceProfile> {
        let name = name_or_arn.rsplit('/').next()?;
        let accounts = self.lock();
        let profile = accounts.get(account)?.profiles.get(name)?;
        (profile.name == name_or_arn || profile.arn == name_or_arn).then(|| profile.clone())
    }

    /// The policies on a caller's side. A session whose role is gone, or was made again, may do nothing; the same
    /// for a user.
    pub(crate) fn policies_of(&self, caller: &Caller, lag: &Lag, now: DateTime<Utc>) -> Policies {
        if caller.is_root() {
            return Policies {
                root: true,
                ..Policies::default()
            };
        }
        let accounts = self.lock();
        let Some(account) = accounts.get(&caller.account) else {
            return Policies::default();
        };
        let Some(held) = account.held_by(caller) else {
            return Policies::default();
        };
        let id = caller.user_id();
        let id = id.split(':').next().unwrap_or_default();
        Policies {
            session: account.session_limits(caller),
            ..account.policies_of(held.counting(id, lag, now))
        }
    }

    /// The tags of the role or user behind a caller, the base of `aws:PrincipalTag`.
    pub(crate) fn principal_tags(&self, caller: &Caller) -> Tags {
        let accounts = self.lock();
        let account = accounts.get(&caller.account);
        let tags = account.and_then(|account| match (&caller.session, &caller.user) {
            (Some(session), _) => account
                .roles
                .values()
                .find(|role| role.id == session.role_id)
                .map(|role| role.tags.clone()),
            (None, Some(user)) => account.users.get(&user.name).map(|user| user.tags.clone()),
            (None, None) => None,
        });
        tags.unwrap_or_default()
    }

    pub(crate) fn inventory(&self) -> Vec<InventoryItem> {
        let accounts = self.lock();
        accounts
            .iter()
            .flat_map(|(id, account)| account.inventory(id))
            .collect()
    }
}

impl IamAccount {
    /// A managed policy's document, AWS's own included.
    pub(crate) fn managed(&self, arn: &str) -> Option<Document> {
        self.managed_policy(arn).map(ManagedPolicy::document)
    }

    /// A managed policy, AWS's own included.
    pub(crate) fn managed_policy(&self, arn: &str) -> Option<&ManagedPolicy> {
        self.policies.get(arn).or_else(|| aws_managed::find(arn))
    }

    fn held_by(&self, caller: &Caller) -> Option<&Held> {
        if let Some(session) = &caller.session {
            let name = session.role_arn.rsplit('/').next().unwrap_or_default();
            let role = self.roles.get(name).filter(|role| role.id == session.role_id)?;
            return Some(&role.held);
        }
        let user = caller.user.as_ref()?;
        let found = self.users.get(&user.name).filter(|found| found.id == user.id)?;
        Some(&found.held)
    }

    /// The session's own limits; a managed one that is gone allows nothing.
    fn session_limits(&self, caller: &Caller) -> Option<Vec<Document>> {
        let session = caller.session.as_ref()?;
        if session.policy.is_none() && session.policy_arns.is_empty() {
            return None;
        }
        let managed = session.policy_arns.iter().filter_map(|arn| self.managed(arn));
        Some(session.policy.iter().cloned().chain(managed).collect())
    }

    /// The documents behind a principal's permissions.
    pub(crate) fn policies_of(&self, held: &Permissions) -> Policies {
        let inline = held.inline.values().cloned();
        let attached = held.attached.iter().filter_map(|arn| self.managed(arn));
        let boundary = held
            .boundary
            .as_ref()
            .map(|arn| self.managed(arn).unwrap_or_else(allows_nothing));
        Policies {
            root: false,
            guardrail: None,
            identity: inline.chain(attached).collect(),
            boundary,
            session: None,
        }
    }

    fn inventory(&self, account: &str) -> Vec<InventoryItem> {
        let item = |kind: &str, id: &str, tags: &Tags, created_by: &str| InventoryItem {
            account: account.to_owned(),
            region: "global".into(),
            kind: kind.to_owned(),
            id: id.to_owned(),
            tags: tags.clone(),
            created_by: created_by.to_owned(),
        };
        let roles = self.roles.values();
        let roles = roles.map(|role| item("iam:role", &role.arn, &role.tags, &role.created_by));
        let policies = self.policies.values();
        let policies =
            policies.map(|policy| item("iam:policy", &policy.arn, &policy.tags, &policy.created_by));
        let profiles = self.profiles.values();
        let profiles = profiles.map(|profile| {
            item(
                "iam:instance-profile",
                &profile.arn,
                &profile.tags,
                &profile.created_by,
            )
        });
        let users = self.users.values();
        let users = users.map(|user| item("iam:user", &user.arn, &user.tags, &user.created_by));
        roles.chain(policies).chain(profiles).chain(users).collect()
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
