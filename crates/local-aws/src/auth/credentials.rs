//! The key ring: which secret belongs to a key id, and who holds it.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, RwLock};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::auth::{AuthRefusal, Caller, RoleSession, UserIdentity};
use crate::ids::Ids;
use crate::lock;

/// The secret of every account's root key, by the convention of local endpoints.
const ROOT_SECRET: &str = "test";

/// Keys made by AssumeRole, for services and for users. Root keys need no entry.
#[derive(Default)]
pub(crate) struct KeyRing {
    keys: RwLock<HashMap<String, Key>>,
    /// Keys that were made, changed or forgotten since [`Self::changes`] was asked.
    touched: Mutex<BTreeSet<String>>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Key {
    secret: String,
    /// `None` never expires: a user's keys, and those a task role gives its process.
    expires_at: Option<DateTime<Utc>>,
    account: String,
    #[serde(flatten)]
    holder: Holder,
}

/// Whose key it is.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Holder {
    /// A role session; its token must come with every call.
    Session {
        token: String,
        session: Box<RoleSession>,
    },
    /// A user. A key that is not active is as good as unknown.
    User { user: UserIdentity, active: bool },
}

/// A session that was just made, with the only copy of its secret that leaves the endpoint.
pub(crate) struct NewSession {
    pub(crate) access_key_id: String,
    pub(crate) secret: String,
    pub(crate) token: String,
}

/// Twelve digits: an account id, and as access key id that account's root.
pub(crate) fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl KeyRing {
    /// Makes the keys of a role session.
    pub(crate) fn issue(
        &self,
        ids: &Ids,
        account: &str,
        session: RoleSession,
        expires_at: Option<DateTime<Utc>>,
    ) -> NewSession {
        let new = NewSession {
            access_key_id: ids.unique("ASIA"),
            secret: ids.secret(),
            token: ids.token(),
        };
        let key = Key {
            secret: new.secret.clone(),
            expires_at,
            account: account.to_owned(),
            holder: Holder::Session {
                token: new.token.clone(),
                session: Box::new(session),
            },
        };
        self.insert(new.access_key_id.clone(), key);
        new
    }

    /// Makes a user's access key: its id and its secret.
    pub(crate) fn issue_to_user(&self, ids: &Ids, account: &str, user: UserIdentity) -> (String, String) {
        let (id, secret) = (ids.unique("AKIA"), ids.secret());
        let key = Key {
            secret: secret.clone(),
            expires_at: None,
            account: account.to_owned(),
            holder: Holder::User { user, active: true },
        };
        self.insert(id.clone(), key);
        (id, secret)
    }

    fn insert(&self, id: String, key: Key) {
        self.touch(&id);
        lock::write(&self.keys).insert(id, key);
    }

    /// Makes a user's key work, or not.
    pub(crate) fn set_active(&self, access_key_id: &str, on: bool) {
        self.touch(access_key_id);
        let mut keys = lock::write(&self.keys);
        if let Some(Holder::User { active, .. }) = keys.get_mut(access_key_id).map(|key| &mut key.holder) {
            *active = on;
        }
    }

    /// Forgets a key.
    pub(crate) fn remove(&self, access_key_id: &str) {
        self.touch(access_key_id);
        lock::write(&self.keys).remove(access_key_id);
    }

    /// The secret of a key id, for whoever checks a signature.
    pub(crate) fn secret(&self, access_key_id: &str) -> Option<String> {
        if is_account_id(access_key_id) {
            return Some(ROOT_SECRET.to_owned());
        }
        lock::read(&self.keys)
            .get(access_key_id)
            .filter(|key| key.works())
            .map(|key| key.secret.clone())
    }

    /// Who holds a key. Call it only after the signature proved right.
    ///
    /// # Errors
    /// `UnknownKey` for an unknown id or a wrong, missing or needless token; `Expired` after the end.
    pub(crate) fn lookup(
        &self,
        access_key_id: &str,
        token: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Caller, AuthRefusal> {
        if is_account_id(access_key_id) {
            return token.map_or_else(
                || Ok(Caller::root(access_key_id)),
                |_| Err(AuthRefusal::UnknownKey),
            );
        }
        let keys = lock::read(&self.keys);
        let key = keys.get(access_key_id).ok_or(AuthRefusal::UnknownKey)?;
        if !key.works() || !key.holder.takes(token) {
            return Err(AuthRefusal::UnknownKey);
        }
        if key.expires_at.is_some_and(|end| end <= now) {
            return Err(AuthRefusal::Expired);
        }
        Ok(key.caller())
    }

    /// Forgets sessions that ended, so that a long-lived endpoint does not grow with every AssumeRole. A day is
    /// kept, so that a late user still hears `ExpiredToken` and not that the key is unknown.
    pub(crate) fn forget_ended(&self, now: DateTime<Utc>) {
        let horizon = now - chrono::TimeDelta::days(1);
        let mut keys = lock::write(&self.keys);
        keys.retain(|id, key| {
            let lasts = key.expires_at.is_none_or(|end| end > horizon);
            if !lasts {
                self.touch(id);
            }
            lasts
        });
    }

    fn touch(&self, id: &str) {
        lock::held(&self.touched).insert(id.to_owned());
    }

    /// Keys that may have changed since this was last asked; none for one that is gone.
    pub(crate) fn changes(&self) -> Vec<(String, Option<Key>)> {
        let touched = std::mem::take(&mut *lock::held(&self.touched));
        let keys = lock::read(&self.keys);
        let now = touched.into_iter().map(|id| {
            let key = keys.get(&id).cloned();
            (id, key)
        });
        now.collect()
    }

    pub(crate) fn snapshot(&self) -> HashMap<String, Key> {
        lock::read(&self.keys).clone()
    }

    pub(crate) fn restore(&self, keys: HashMap<String, Key>) {
        *lock::write(&self.keys) = keys;
    }
}

impl Key {
    fn works(&self) -> bool {
        !matches!(self.holder, Holder::User { active: false, .. })
    }

    fn caller(&self) -> Caller {
        match &self.holder {
            Holder::Session { session, .. } => Caller::in_session(&self.account, (**session).clone()),
            Holder::User { user, .. } => Caller::of_user(&self.account, user.clone()),
        }
    }
}

impl Holder {
    /// Whether the token that came with a call is the holder's; a user's key comes without one.
    fn takes(&self, given: Option<&str>) -> bool {
        match self {
            Self::User { .. } => given.is_none(),
            Self::Session { token, .. } => {
                let given = given.unwrap_or_default();
                given.as_bytes().ct_eq(token.as_bytes()).into()
            }
        }
    }
}
