//! Names the endpoint gives out: resource ids, request ids, keys.
//!
//! One seeded source per endpoint, so a test sees the same ids again; 64 random bits or more each, so that ids
//! are unique across accounts and regions as AWS's are.

use std::sync::Mutex;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::lock;

/// A seeded source of identifiers.
pub(crate) struct Ids(Mutex<StdRng>);

impl Ids {
    /// `generation` counts the starts over one data directory: a restart must not repeat earlier ids.
    pub(crate) fn new(seed: u64, generation: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(
            seed ^ generation.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        )))
    }

    /// Random bytes: a key's secret, a nonce.
    pub(crate) fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        lock::held(&self.0).fill_bytes(&mut bytes);
        bytes
    }

    /// An EC2 style id such as `vpc-0123456789abcdef0`.
    pub(crate) fn resource(&self, prefix: &str) -> String {
        format!("{prefix}-0{}", hex::encode(self.bytes::<8>()))
    }

    /// A version 4 UUID, the form of request ids and stack ids.
    pub(crate) fn uuid(&self) -> String {
        uuid::Builder::from_random_bytes(self.bytes())
            .into_uuid()
            .to_string()
    }

    /// An IAM unique id: a four letter prefix (`AROA`, `ASIA`, `ANPA`) and sixteen letters or digits.
    pub(crate) fn unique(&self, prefix: &str) -> String {
        format!(
            "{prefix}{}",
            data_encoding::BASE32_NOPAD.encode(&self.bytes::<10>())
        )
    }

    /// A secret access key of 40 characters.
    pub(crate) fn secret(&self) -> String {
        data_encoding::BASE64.encode(&self.bytes::<30>())
    }

    /// An opaque session token; clients must not read anything from it.
    pub(crate) fn token(&self) -> String {
        data_encoding::BASE64.encode(&self.bytes::<96>())
    }

    /// A number below `bound` (at least 1).
    pub(crate) fn below(&self, bound: u64) -> u64 {
        u64::from_le_bytes(self.bytes()) % bound.max(1)
    }
}

/// A number that depends on `seed` and `text` only: seeded decisions that do not depend on call order.
pub(crate) fn stable_hash(seed: u64, text: &str) -> u64 {
    let start = seed ^ 0xcbf2_9ce4_8422_2325;
    let hash = text.bytes().fold(start, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    // A finishing mix, because the last bytes of FNV barely reach the high bits.
    let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed ^ (mixed >> 33)
}
