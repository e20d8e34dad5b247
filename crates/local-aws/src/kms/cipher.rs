//! What a key does: AES-256-GCM with the encryption context as associated data.
//!
//! A ciphertext names its key, so that Decrypt needs no key id, and is of our own form: AWS documents none.

use std::collections::BTreeMap;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

const VERSION: u8 = 1;
const KEY_ID_LEN: usize = 36;

/// Encrypts under a key's secret.
pub(super) fn seal(
    (key_id, secret): (&str, &[u8]),
    nonce: [u8; NONCE_LEN],
    context: &BTreeMap<String, String>,
    plaintext: &[u8],
) -> Vec<u8> {
    let mut sealed = plaintext.to_vec();
    cipher(secret)
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(bound(context)),
            &mut sealed,
        )
        .expect("a message below 64 GiB can be sealed");
    [&[VERSION], key_id.as_bytes(), &nonce, &sealed].concat()
}

/// The id of the key that a ciphertext names.
pub(super) fn key_id(ciphertext: &[u8]) -> Option<&str> {
    let rest = ciphertext.strip_prefix(&[VERSION])?;
    std::str::from_utf8(rest.get(..KEY_ID_LEN)?).ok()
}

/// The plaintext; `None` when any byte of it or of the context differs.
pub(super) fn open(secret: &[u8], context: &BTreeMap<String, String>, ciphertext: &[u8]) -> Option<Vec<u8>> {
    let body = ciphertext.get(1 + KEY_ID_LEN..)?;
    let (nonce, sealed) = body.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut sealed = sealed.to_vec();
    let plaintext = cipher(secret)
        .open_in_place(nonce, Aad::from(bound(context)), &mut sealed)
        .ok()?;
    Some(plaintext.to_vec())
}

fn cipher(secret: &[u8]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, secret).expect("a key's secret has 256 bits"))
}

/// The encryption context as bytes; two contexts never give the same.
fn bound(context: &BTreeMap<String, String>) -> Vec<u8> {
    serde_json::to_vec(context).expect("text keys are JSON keys")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ciphertext_opens_only_under_its_key_and_context() {
        let id = "11111111-2222-3333-4444-555555555555";
        let context = BTreeMap::from([("tenant".to_owned(), "a".to_owned())]);
        let sealed = seal((id, &[7; 32]), [1; NONCE_LEN], &context, b"hello");
        assert_eq!(key_id(&sealed), Some(id));
        assert_eq!(
            open(&[7; 32], &context, &sealed).as_deref(),
            Some(b"hello".as_slice())
        );
        assert_eq!(open(&[8; 32], &context, &sealed), None);
        assert_eq!(open(&[7; 32], &BTreeMap::new(), &sealed), None);
        let mut bent = sealed.clone();
        *bent.last_mut().expect("a tag") ^= 1;
        assert_eq!(open(&[7; 32], &context, &bent), None);
        assert_eq!(open(&[7; 32], &context, &sealed[..20]), None);
    }
}
