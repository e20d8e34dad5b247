//! The key ring: which secret belongs to a key id, and who holds it.

use std::collections::HashMap;
use std::sync::RwLock;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::auth::{AuthRefusal, Caller, RoleSession};
use crate::ids::Ids;

/// The secret of every account's root key, by the convention of local endpoints.
const ROOT_SECRET: &str = "test";

/// Keys made by AssumeRole and for services. Root keys need no entry.
#[derive(Default)]
pub(crate) struct KeyRing {
    keys: RwLock<HashMap<String, Key>>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Key {
    secret: String,
    token: String,
    /// `None` never expires: the keys a task role gives its process.
    expires_at: Option<DateTime<Utc>>,
    account: String,
    session: RoleSession,
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
            token: new.token.clone(),
            expires_at,
            account: account.to_owned(),
            session,
        };
        self.keys
            .write()
            .expect("no holder panics")
            .insert(new.access_key_id.clone(), key);
        new
    }

    /// The secret of a key id, for whoever checks a signature.
    pub(crate) fn secret(&self, access_key_id: &str) -> Option<String> {
        if is_account_id(access_key_id) {
            return Some(ROOT_SECRET.to_owned());
        }
        self.keys
            .read()
            .expect("no holder panics")
            .get(access_key_id)
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
        let keys = self.keys.read().expect("no holder panics");
        let key = keys.get(access_key_id).ok_or(AuthRefusal::UnknownKey)?;
        let token_right: bool = token
            .unwrap_or_default()
            .as_bytes()
            .ct_eq(key.token.as_bytes())
            .into();
        if !token_right {
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
        let mut keys = self.keys.write().expect("no holder panics");
        keys.retain(|_, key| key.expires_at.is_none_or(|end| end > horizon));
    }

    pub(crate) fn snapshot(&self) -> HashMap<String, Key> {
        self.keys.read().expect("no holder panics").clone()
    }

    pub(crate) fn restore(&self, keys: HashMap<String, Key>) {
        *self.keys.write().expect("no holder panics") = keys;
    }
}

impl Key {
    fn caller(&self) -> Caller {
        let session = &self.session;
        let role_name = session.role_arn.rsplit('/').next().unwrap_or_default();
        Caller {
            account: self.account.clone(),
            principal_arn: format!(
                "arn:aws:sts::{}:assumed-role/{role_name}/{}",
                self.account, session.session_name
            ),
            session: Some(session.clone()),
        }
    }
}
