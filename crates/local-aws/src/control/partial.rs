//! Which records of a batch a fault lets fail.

use crate::ids::stable_hash;

/// A fault that lets a part of a batch fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failing {
    per_million: u32,
    draw: u64,
}

impl Failing {
    /// `draw` is the call's own, so that the same record, sent again, has another chance.
    pub(crate) fn new(per_million: u32, draw: u64) -> Self {
        Self { per_million, draw }
    }

    /// Whether the record that is told from others by `name` and `content` fails.
    pub(crate) fn hits(self, name: &str, content: &[u8]) -> bool {
        let drawn = stable_hash(self.draw, name) ^ stable_hash(self.draw, &hex::encode(content));
        drawn % 1_000_000 < u64::from(self.per_million)
    }
}
