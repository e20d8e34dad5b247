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

/// Reads a downloaded file that shows a document beside its signature, and refuses it unless it is the one that was
/// signed and every byte is as it was written: nothing in it may be changed, not even what means nothing.
///
/// # Errors
/// [`TokenError::Refused`] with the reason.
pub fn verify_file(jwks: &Value, typ: &str, file: &[u8]) -> Result<Value, TokenError> {
    let refused = TokenError::Refused;
    let shown: Value = serde_json::from_slice(file).map_err(|_| refused("the file is not JSON"))?;
    if shown.to_string().as_bytes() != file {
        return Err(refused("the file is not as it was downloaded"));
    }
    let jws = shown["jws"]
        .as_str()
        .ok_or(refused("the file has no signature"))?;
    let document = verify_document(jwks, typ, jws)?;
    if document != shown["document"] || shown.as_object().is_some_and(|fields| fields.len() != 2) {
        return Err(refused("the document shown is not the one that was signed"));
    }
    Ok(document)
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
    fn no_changed_byte_of_a_file_is_accepted() {
        let (jwks, jws) = signed();
        let document = verify_document(&jwks, TYPE, &jws).expect("ours");
        let file = serde_json::json!({"document": document, "jws": jws})
            .to_string()
            .into_bytes();
        assert!(verify_file(&jwks, TYPE, &file).is_ok());
        for place in 0..file.len() {
            for bit in 0..8 {
                let mut other = file.clone();
                other[place] ^= 1 << bit;
                assert!(
                    verify_file(&jwks, TYPE, &other).is_err(),
                    "accepted with bit {bit} of byte {place} changed"
                );
            }
        }
        let longer = [file.as_slice(), b"\n"].concat();
        assert!(verify_file(&jwks, TYPE, &longer).is_err());
    }

    #[test]
    fn a_document_is_no_access_token() {
        let authority = Authority::generate(AuthoritySettings::default()).expect("keys");
        let jws = authority.sign_document(TYPE, &serde_json::json!({}));
        assert!(authority.verify(&jws, chrono::DateTime::UNIX_EPOCH).is_err());
    }
}
