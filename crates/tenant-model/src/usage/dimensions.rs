//! What usage can be split by: a few named values, in one canonical form.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The named values of one event that its meter declares. Absent values stay absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dimensions(BTreeMap<String, String>);

impl Dimensions {
    /// The value of `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Canonical JSON: names sorted, strings only. Equal dimensions give equal bytes.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.0).expect("a map of strings is always JSON")
    }

    /// 128 bits that stand for the dimensions in a key.
    #[must_use]
    pub fn key(&self) -> Uuid {
        let digest = Sha256::digest(self.to_json().as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Uuid::from_bytes(bytes)
    }
}

impl FromIterator<(String, String)> for Dimensions {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}
