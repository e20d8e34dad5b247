//! Stored credentials for the HTTP side: API keys and browser sessions.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use service_kit::Clock;
use service_kit::auth::{CredentialError, CredentialStore, StoredApiKey, StoredSession};
use tenant_model::ApiKeyId;
use tenant_store::{StoreError, Stores, api_keys, sessions, users};

/// Looks credentials up in PostgreSQL, as the role that sees all tenants: the tenant is what is asked for.
#[derive(Clone, Debug)]
pub struct Credentials {
    stores: Stores,
    clock: Clock,
}

impl Credentials {
    /// Credentials in these stores, judged by this clock.
    #[must_use]
    pub const fn new(stores: Stores, clock: Clock) -> Self {
        Self { stores, clock }
    }
}

fn failed(error: StoreError) -> CredentialError {
    CredentialError(Box::new(error))
}

#[async_trait]
impl CredentialStore for Credentials {
    async fn find_api_key(&self, lookup: &str) -> Result<Option<StoredApiKey>, CredentialError> {
        let mut tx = self.stores.begin_ops().await.map_err(failed)?;
        let found = api_keys::find_by_public_id(&mut tx, lookup)
            .await
            .map_err(failed)?;
        Ok(found
            .filter(|(key, _)| key.revoked_at.is_none())
            .map(|(key, secret_hash)| StoredApiKey {
                id: key.id,
                tenant_id: key.tenant_id,
                secret_hash,
                scopes: key.scopes,
                expires_at: key.expires_at,
            }))
    }

    async fn find_session(&self, hash: &[u8; 32]) -> Result<Option<StoredSession>, CredentialError> {
        let mut tx = self.stores.begin_ops().await.map_err(failed)?;
        let Some(session) = sessions::find_browser(&mut tx, hash, self.clock.now())
            .await
            .map_err(failed)?
        else {
            return Ok(None);
        };
        let user = users::find(&mut tx, session.user_id).await.map_err(failed)?;
        Ok(user.filter(|user| user.active).map(|user| StoredSession {
            id: session.family,
            principal: user.principal(),
            expires_at: session.expires_at,
        }))
    }

    async fn touch_api_key(&self, id: ApiKeyId, at: DateTime<Utc>) -> Result<(), CredentialError> {
        let mut tx = self.stores.begin_ops().await.map_err(failed)?;
        api_keys::touch(&mut tx, id, at).await.map_err(failed)?;
        tx.commit().await.map_err(failed)
    }
}
