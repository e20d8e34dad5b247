//! Access tokens: Ed25519 JWTs of RFC 9068, ten minutes long, issued and checked here only.
//!
//! jsonwebtoken checks signature, audience and issuer. The rest is ours, because its defaults accept a
//! token from the future, one of ten years, or one whose header names its own key: the header is read by a
//! type that knows three fields and refuses every other, and all times are held against our own clock.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use chrono::{DateTime, Utc};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tenant_model::{Principal, TenantId, TenantRole, UserId};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::Ids;

const LIFETIME_SECONDS: i64 = 600;
const LIFETIME_SECONDS_MAX: i64 = 900;
const LEEWAY_SECONDS: i64 = 5;
const TOKEN_BYTES_MAX: usize = 4096;
/// RFC 9068: an access token, so that an ID token of the same issuer is not one.
const TYPE: &str = "at+jwt";
/// One signs, the next is published already.
const KEYS_MIN: usize = 2;

/// Keys could not be made, read or kept.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A key is not an Ed25519 key in PKCS#8.
    #[error("not an Ed25519 key in PKCS#8 form")]
    Key,
    /// The key file cannot be read or written.
    #[error("the key file cannot be used")]
    File(#[from] std::io::Error),
}

/// Why a token is not accepted. Callers learn only whether it has expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It was good and its time is over.
    #[error("the token has expired")]
    Expired,
    /// It is not one of ours; the reason is for logs and tests.
    #[error("the token is not accepted: {0}")]
    Refused(&'static str),
}

/// Who issues tokens, and for whom.
#[derive(Clone, Debug)]
pub struct AuthoritySettings {
    /// `iss`: the address of this installation.
    pub issuer: String,
    /// `aud`: the API.
    pub audience: String,
}

impl Default for AuthoritySettings {
    fn default() -> Self {
        Self {
            issuer: "https://tenantry.local".to_owned(),
            audience: "tenantry-api".to_owned(),
        }
    }
}

/// An access token on its way to its owner.
#[derive(Clone)]
pub struct AccessToken {
    /// The JWT.
    pub token: String,
    /// Seconds until it ends.
    pub expires_in: i64,
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(***)")
    }
}

/// What an accepted token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessClaims {
    /// Who it is.
    pub principal: Principal,
    /// The session it was issued in.
    pub session: Option<Uuid>,
    /// When it ends; streams end with it.
    pub expires_at: DateTime<Utc>,
}

/// Issues and verifies access tokens.
pub struct Authority {
    settings: AuthoritySettings,
    validation: Validation,
    keys: BTreeMap<String, Key>,
    signing: String,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("keys", &self.keys.keys())
            .finish_non_exhaustive()
    }
}

struct Key {
    encoding: EncodingKey,
    decoding: DecodingKey,
    public: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    alg: String,
    typ: String,
    kid: String,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<Uuid>,
    role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<TenantId>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Role {
    Operator,
    Admin,
    Member,
}

impl Authority {
    /// An authority with fresh keys: every token ends with the process.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn generate(settings: AuthoritySettings) -> Result<Self, AuthorityError> {
        Self::from_pkcs8(settings, &[draw_key()?, draw_key()?])
    }

    /// An authority whose first key signs; the others are published and accepted.
    ///
    /// # Errors
    /// When a key is not Ed25519 in PKCS#8, or there are fewer than two.
    pub fn from_pkcs8(
        settings: AuthoritySettings,
        documents: &[Zeroizing<Vec<u8>>],
    ) -> Result<Self, AuthorityError> {
        if documents.len() < KEYS_MIN {
            return Err(AuthorityError::Key);
        }
        let mut keys = BTreeMap::new();
        let mut signing = None;
        for document in documents {
            let (kid, key) = read_key(document)?;
            signing.get_or_insert_with(|| kid.clone());
            keys.insert(kid, key);
        }
        let signing = signing.ok_or(AuthorityError::Key)?;
        let validation = validation(&settings);
        Ok(Self {
            settings,
            validation,
            keys,
            signing,
        })
    }

    /// Loads the keys of `path`, or makes them when there is no such file, so that a restart keeps every
    /// session. The file has one key in hexadecimal PKCS#8 on each line and is readable by its owner only.
    ///
    /// # Errors
    /// When the file cannot be read, written, or holds something else.
    pub fn load_or_create(settings: AuthoritySettings, path: &Path) -> Result<Self, AuthorityError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => create_key_file(path)?,
            Err(error) => return Err(error.into()),
        };
        let documents: Result<Vec<_>, _> = text
            .lines()
            .filter(|line| !line.is_empty())
            .map(|line| {
                HEXLOWER
                    .decode(line.as_bytes())
                    .map(Zeroizing::new)
                    .map_err(|_| AuthorityError::Key)
            })
            .collect();
        Self::from_pkcs8(settings, &documents?)
    }

    /// Issues a token for a person; none for API keys, which are credentials of their own.
    #[must_use]
    pub fn issue(
        &self,
        principal: &Principal,
        session: Option<Uuid>,
        now: DateTime<Utc>,
        ids: &Ids,
    ) -> Option<AccessToken> {
        let (sub, role, tenant) = match principal {
            Principal::Operator { user_id } => (*user_id, Role::Operator, None),
            Principal::Tenant {
                tenant_id,
                user_id,
                role,
            } => {
                let role = match role {
                    TenantRole::Admin => Role::Admin,
                    TenantRole::Member => Role::Member,
                };
                (*user_id, role, Some(*tenant_id))
            }
            Principal::ApiKey { .. } => return None,
        };
        let iat = now.timestamp();
        let claims = Claims {
            iss: self.settings.issuer.clone(),
            aud: self.settings.audience.clone(),
            sub,
            iat,
            nbf: iat,
            exp: iat + LIFETIME_SECONDS,
            jti: ids.uuid(),
            sid: session,
            role,
            tenant,
        };
        let token = self.sign_as(TYPE, &claims);
        Some(AccessToken {
            token,
            expires_in: LIFETIME_SECONDS,
        })
    }

    pub(super) fn sign_as(&self, typ: &str, claims: &impl Serialize) -> String {
        let key = &self.keys[&self.signing];
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(typ.to_owned());
        header.kid = Some(self.signing.clone());
        jsonwebtoken::encode(&header, claims, &key.encoding).expect("an Ed25519 key signs any claims")
    }

    /// Reads a token and refuses it unless every rule holds.
    ///
    /// # Errors
    /// [`TokenError::Expired`] for a token that was good, else [`TokenError::Refused`].
    pub fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<AccessClaims, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Refused("too long"));
        }
        let head = read_head(token)?;
        let key = self
            .keys
            .get(&head.kid)
            .ok_or(TokenError::Refused("unknown key"))?;
        let claims = jsonwebtoken::decode::<Claims>(token, &key.decoding, &self.validation)
            .map_err(|_| TokenError::Refused("signature or claims"))?
            .claims;
        claims.within_time(now.timestamp())?;
        claims.try_into()
    }

    /// The public keys as JWKS (RFC 7517), the signing one among them.
    #[must_use]
    pub fn jwks(&self) -> serde_json::Value {
        let keys: Vec<_> = self
            .keys
            .iter()
            .map(|(kid, key)| {
                serde_json::json!({
                    "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
                    "kid": kid, "x": BASE64URL_NOPAD.encode(&key.public),
                })
            })
            .collect();
        serde_json::json!({ "keys": keys })
    }

    #[cfg(test)]
    pub(super) fn signing_key(&self) -> (&str, &EncodingKey, &[u8]) {
        let key = &self.keys[&self.signing];
        (&self.signing, &key.encoding, &key.public)
    }
}

impl Claims {
    fn within_time(&self, now: i64) -> Result<(), TokenError> {
        let life = self
            .exp
            .checked_sub(self.iat)
            .ok_or(TokenError::Refused("life"))?;
        if !(1..=LIFETIME_SECONDS_MAX).contains(&life) {
            return Err(TokenError::Refused("life"));
        }
        if self.iat > now + LEEWAY_SECONDS || self.nbf > now + LEEWAY_SECONDS {
            return Err(TokenError::Refused("from the future"));
        }
        if self.exp <= now - LEEWAY_SECONDS {
            return Err(TokenError::Expired);
        }
        Ok(())
    }
}

impl TryFrom<Claims> for AccessClaims {
    type Error = TokenError;

    fn try_from(claims: Claims) -> Result<Self, TokenError> {
        let user_id = claims.sub;
        let person = |role| {
            let tenant_id = claims.tenant.ok_or(TokenError::Refused("no tenant"))?;
            Ok(Principal::Tenant {
                tenant_id,
                user_id,
                role,
            })
        };
        let principal = match claims.role {
            Role::Operator if claims.tenant.is_none() => Principal::Operator { user_id },
            Role::Operator => return Err(TokenError::Refused("an operator has no tenant")),
            Role::Admin => person(TenantRole::Admin)?,
            Role::Member => person(TenantRole::Member)?,
        };
        let expires_at = DateTime::from_timestamp(claims.exp, 0).ok_or(TokenError::Refused("life"))?;
        Ok(Self {
            principal,
            session: claims.sid,
            expires_at,
        })
    }
}

fn validation(settings: &AuthoritySettings) -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[&settings.issuer]);
    validation.set_audience(&[&settings.audience]);
    validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
    // It would ask the system's clock; `within_time` asks ours.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
}

fn read_head(token: &str) -> Result<Head, TokenError> {
    let refused = TokenError::Refused("header");
    if token.bytes().filter(|byte| *byte == b'.').count() != 2 {
        return Err(refused);
    }
    let encoded = token.split('.').next().unwrap_or("");
    let json = BASE64URL_NOPAD.decode(encoded.as_bytes()).map_err(|_| refused)?;
    let head: Head = serde_json::from_slice(&json).map_err(|_| refused)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let kid_is_plain = (1..=64).contains(&head.kid.len()) && head.kid.bytes().all(plain);
    if head.alg != "EdDSA" || head.typ != TYPE || !kid_is_plain {
        return Err(refused);
    }
    Ok(head)
}

fn draw_key() -> Result<Zeroizing<Vec<u8>>, AuthorityError> {
    let pair = Ed25519KeyPair::generate().map_err(|_| AuthorityError::Key)?;
    let document = pair.to_pkcs8().map_err(|_| AuthorityError::Key)?;
    Ok(Zeroizing::new(document.as_ref().to_vec()))
}

fn read_key(document: &[u8]) -> Result<(String, Key), AuthorityError> {
    let pair = Ed25519KeyPair::from_pkcs8(document).map_err(|_| AuthorityError::Key)?;
    let public = pair.public_key().as_ref().to_vec();
    let kid = BASE64URL_NOPAD.encode(&Sha256::digest(&public)[..12]);
    let decoding = DecodingKey::from_ed_der(&public);
    Ok((
        kid,
        Key {
            encoding: EncodingKey::from_ed_der(document),
            decoding,
            public,
        },
    ))
}

fn create_key_file(path: &Path) -> Result<Zeroizing<String>, AuthorityError> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;

    let text = Zeroizing::new(format!(
        "{}\n{}\n",
        HEXLOWER.encode(&draw_key()?),
        HEXLOWER.encode(&draw_key()?)
    ));
    // Written aside and linked into place: a crash leaves no half file, and of two processes that start at
    // once the second one uses what the first one made.
    let aside = path.with_extension(format!("{}.new", std::process::id()));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&aside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&aside, path);
    std::fs::remove_file(&aside)?;
    match linked {
        Ok(()) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            Ok(Zeroizing::new(std::fs::read_to_string(path)?))
        }
        Err(error) => Err(error.into()),
    }
}
