//! Where stored credentials are looked up, seen from the HTTP side.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tenant_model::{ApiKeyId, Principal, Scope, TenantId};
use uuid::Uuid;

/// The lookup could not be done; the credential is neither good nor bad.
#[derive(Debug, thiserror::Error)]
#[error("credentials could not be looked up")]
pub struct CredentialError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// An API key that is neither revoked nor of a deleted tenant.
#[derive(Clone)]
pub struct StoredApiKey {
    /// The key.
    pub id: ApiKeyId,
    /// Whose key it is.
    pub tenant_id: TenantId,
    /// SHA-256 of the secret part.
    pub secret_hash: [u8; 32],
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it ends, if ever.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A browser session that is not revoked.
#[derive(Clone)]
pub struct StoredSession {
    /// The session.
    pub id: Uuid,
    /// Who signed in.
    pub principal: Principal,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// Finds stored credentials. Implemented by the onboarding service over PostgreSQL.
#[async_trait]
pub trait CredentialStore: Send + Sync {
    /// The live key with this public part.
    async fn find_api_key(&self, lookup: &str) -> Result<Option<StoredApiKey>, CredentialError>;

    /// The live session whose cookie has this SHA-256.
    async fn find_session(&self, hash: &[u8; 32]) -> Result<Option<StoredSession>, CredentialError>;

    /// Notes that a key was used; called at most once a minute for each key and process.
    async fn touch_api_key(&self, id: ApiKeyId, at: DateTime<Utc>) -> Result<(), CredentialError>;
}

/// A store without credentials: only access tokens work. For processes without people and keys.
#[derive(Clone, Copy, Debug)]
pub struct NoCredentials;

#[async_trait]
impl CredentialStore for NoCredentials {
    async fn find_api_key(&self, _: &str) -> Result<Option<StoredApiKey>, CredentialError> {
        Ok(None)
    }

    async fn find_session(&self, _: &[u8; 32]) -> Result<Option<StoredSession>, CredentialError> {
        Ok(None)
    }

    async fn touch_api_key(&self, _: ApiKeyId, _: DateTime<Utc>) -> Result<(), CredentialError> {
        Ok(())
    }
}
