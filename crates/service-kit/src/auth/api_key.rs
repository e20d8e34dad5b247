//! API keys: `tnk_live_<8 characters>_<43 characters of secret><6 characters of checksum>`.
//!
//! The first part is stored and indexed, of the secret only the SHA-256. The fixed prefix and the
//! checksum let secret scanners find leaked keys without guessing.

use std::fmt;

use data_encoding::{BASE64URL_NOPAD, Encoding, Specification};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;
use subtle::ConstantTimeEq;

use crate::Ids;

const PREFIX: &str = "tnk_live_";
const LOOKUP_LENGTH: usize = 8;
const SECRET_LENGTH: usize = 43;
const CHECKSUM_LENGTH: usize = 6;

/// Lower-case base32 without padding, for the part that people read.
static LOOKUP: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("abcdefghijkmnpqrstuvwxyz23456789");
    specification.encoding().expect("32 different symbols")
});

/// A text that is not one of our keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an API key")]
pub struct InvalidApiKey;

/// A whole API key, as shown once to its maker.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeySecret {
    lookup: String,
    secret: String,
}

impl fmt::Debug for ApiKeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKeySecret({PREFIX}{}_***)", self.lookup)
    }
}

impl ApiKeySecret {
    /// Draws a new key.
    #[must_use]
    pub fn draw(ids: &Ids) -> Self {
        let lookup = LOOKUP.encode(&ids.secret_bytes::<5>());
        let secret = BASE64URL_NOPAD.encode(&ids.secret_bytes::<32>());
        Self { lookup, secret }
    }

    /// Reads a key and checks its form, not whether it is known.
    ///
    /// # Errors
    /// When it is not one of ours or mistyped.
    pub fn parse(text: &str) -> Result<Self, InvalidApiKey> {
        let rest = text
            .strip_prefix(PREFIX)
            .filter(|rest| rest.is_ascii())
            .ok_or(InvalidApiKey)?;
        if rest.len() != LOOKUP_LENGTH + 1 + SECRET_LENGTH + CHECKSUM_LENGTH {
            return Err(InvalidApiKey);
        }
        let (lookup, rest) = rest.split_at(LOOKUP_LENGTH);
        let (secret, sum) = rest
            .strip_prefix('_')
            .ok_or(InvalidApiKey)?
            .split_at(SECRET_LENGTH);
        if LOOKUP.decode(lookup.as_bytes()).is_err() || sum != checksum(lookup, secret) {
            return Err(InvalidApiKey);
        }
        Ok(Self {
            lookup: lookup.to_owned(),
            secret: secret.to_owned(),
        })
    }

    /// The public part, stored and indexed.
    #[must_use]
    pub fn lookup(&self) -> &str {
        &self.lookup
    }

    /// What is stored of the secret.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.secret.as_bytes()).into()
    }

    /// Compares with a stored hash in constant time.
    #[must_use]
    pub fn matches(&self, stored: &[u8; 32]) -> bool {
        self.hash().ct_eq(stored).into()
    }

    /// The whole key. Goes into exactly one reply, never into a log.
    #[must_use]
    pub fn expose(&self) -> String {
        format!(
            "{PREFIX}{}_{}{}",
            self.lookup,
            self.secret,
            checksum(&self.lookup, &self.secret)
        )
    }
}

/// CRC-32 as used by scanners (IEEE), as six base64url characters.
fn checksum(lookup: &str, secret: &str) -> String {
    let crc = crc32(format!("{PREFIX}{lookup}_{secret}").as_bytes());
    BASE64URL_NOPAD.encode(&crc.to_be_bytes())
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |mut crc, &byte| {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xedb8_8320
            } else {
                crc >> 1
            };
        }
        crc
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Clock;

    #[test]
    fn a_key_reads_back_and_no_changed_character_does() {
        let key = ApiKeySecret::draw(&Ids::seeded(Clock::system(), 3));
        let text = key.expose();
        assert_eq!(text.len(), 9 + 8 + 1 + 43 + 6);
        assert_eq!(ApiKeySecret::parse(&text), Ok(key.clone()));
        assert!(key.matches(&key.hash()) && !key.matches(&[0; 32]));
        for place in 0..text.len() {
            let mut other = text.clone().into_bytes();
            other[place] = if other[place] == b'x' { b'y' } else { b'x' };
            let other = String::from_utf8(other).expect("ASCII");
            assert!(
                ApiKeySecret::parse(&other).is_err(),
                "accepted with another character at {place}"
            );
        }
        for bad in [
            "",
            "tnk_live_",
            &text[..text.len() - 1],
            &format!("{text}a"),
            &format!(" {text}"),
        ] {
            assert!(ApiKeySecret::parse(bad).is_err());
        }
    }

    #[test]
    fn the_checksum_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let key = ApiKeySecret::draw(&Ids::seeded(Clock::system(), 3));
        assert!(!format!("{key:?}").contains(&key.secret));
    }
}
