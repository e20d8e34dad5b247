//! Who asks: access tokens, API keys, session cookies, passwords.
//!
//! Every credential leads to one [`tenant_model::Principal`]; what that one may do is decided by
//! [`tenant_model::authorize`] alone. Where keys and sessions are stored is the onboarding service's
//! matter, behind [`CredentialStore`].

mod api_key;
mod authority;
mod caller;
mod credentials;
mod csrf;
mod document;
#[cfg(test)]
mod hostile;
mod password;

pub use api_key::{ApiKeySecret, InvalidApiKey};
pub use authority::{AccessClaims, AccessToken, Authority, AuthorityError, AuthoritySettings, TokenError};
pub use caller::{Caller, CallerSession, MaybeCaller, session_cookie_name};
pub use credentials::{CredentialError, CredentialStore, NoCredentials, StoredApiKey, StoredSession};
pub use csrf::require_same_origin;
pub use document::{read_document, verify_document, verify_file};
pub use password::{PasswordProblem, Passwords};

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};

/// A single-use or session token: 256 random bits as 43 characters.
#[must_use]
pub fn new_token(ids: &crate::Ids) -> String {
    BASE64URL_NOPAD.encode(&ids.secret_bytes::<32>())
}

/// What is stored of a token. 256 random bits need no slow hash.
#[must_use]
pub fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}
