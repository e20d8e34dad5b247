//! Signed documents: a JSON text that somebody can check years later, without us, against our published keys.
//!
//! A document is a compact JWS (RFC 7515) of the same Ed25519 keys as access tokens. Its `typ` names its kind, so that
//! a document is never taken for a token, nor one kind for another: each reader names the one it expects.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use serde_json::Value;

use super::{Authority, TokenError};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    alg: String,
    typ: String,
    kid: String,
}

impl Authority {
    /// The document as a compact JWS.
    ///
    /// # Panics
    /// When `typ` is that of access tokens: a document must never pass for one.
    #[must_use]
    pub fn sign_document(&self, typ: &str, document: &Value) -> String {
        assert_ne!(typ, "at+jwt", "a document is no access token");
        self.sign_as(typ, document)
    }
}

/// Reads a document back and refuses it unless a key of `jwks` signed exactly these bytes as this kind.
///
/// # Errors
/// [`TokenError::Refused`] with the reason.
pub fn verify_document(jwks: &Value, typ: &str, jws: &str) -> Result<Value, TokenError> {
    let refused = TokenError::Refused;
    let mut parts = jws.split('.');
    let (Some(head), Some(body), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(refused("not three parts"));
    };
    let decode = |part: &str| {
        BASE64URL_NOPAD
            .decode(part.as_bytes())
            .map_err(|_| refused("not base64url"))
    };
    let parsed: Head = serde_json::from_slice(&decode(head)?).map_err(|_| refused("header"))?;
    if parsed.alg != "EdDSA" || parsed.typ != typ {
        return Err(refused("another kind of document"));
    }
    let key = public_key(jwks, &parsed.kid).ok_or(refused("unknown key"))?;
    UnparsedPublicKey::new(&ED25519, key)
        .verify(format!("{head}.{body}").as_bytes(), &decode(signature)?)
        .map_err(|_| refused("signature"))?;
    serde_json::from_slice(&decode(body)?).map_err(|_| refused("not JSON"))
}

/// What stands in a document of ours, unchecked: for showing again what we signed ourselves.
#[must_use]
pub fn read_document(jws: &str) -> Option<Value> {
    let body = jws.split('.').nth(1)?;
    serde_json::from_slice(&BASE64URL_NOPAD.decode(body.as_bytes()).ok()?).ok()
}

fn public_key(jwks: &Value, kid: &str) -> Option<Vec<u8>> {
    let keys = jwks.get("keys")?.as_array()?;
    let key = keys
        .iter()
        .find(|key| key["kid"] == kid && key["crv"] == "Ed25519")?;
    BASE64URL_NOPAD.decode(key["x"].as_str()?.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::super::AuthoritySettings;
    use super::*;

    const TYPE: &str = "tenantry-evidence+jws";

    fn signed() -> (Value, String) {
        let authority = Authority::generate(AuthoritySettings::default()).expect("keys");
        let jws = authority.sign_document(TYPE, &serde_json::json!({"is": "so", "since": 3}));
        (authority.jwks(), jws)
    }

    #[test]
    fn a_document_reads_back_under_its_own_kind_and_keys_only() {
        let (jwks, jws) = signed();
        let document = verify_document(&jwks, TYPE, &jws);
        assert_eq!(document, Ok(serde_json::json!({"is": "so", "since": 3})));
        assert!(verify_document(&jwks, "tenantry-other+jws", &jws).is_err());
        assert!(verify_document(&signed().0, TYPE, &jws).is_err());
    }

    #[test]
    fn no_changed_character_is_accepted() {
        let (jwks, jws) = signed();
        for place in 0..jws.len() {
            let mut other = jws.clone().into_bytes();
            other[place] = if other[place] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).expect("ASCII");
            assert!(
                verify_document(&jwks, TYPE, &other).is_err(),
                "accepted with another {place}"
            );
        }
    }

    #[test]
    fn a_document_is_no_access_token() {
        let authority = Authority::generate(AuthoritySettings::default()).expect("keys");
        let jws = authority.sign_document(TYPE, &serde_json::json!({}));
        assert!(authority.verify(&jws, chrono::DateTime::UNIX_EPOCH).is_err());
    }
}
