//! IPv4 blocks.

use std::net::Ipv4Addr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A block with its host bits zero, as EC2 keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Block {
    network: u32,
    bits: u32,
}

/// The text is no IPv4 block.
#[derive(Debug, thiserror::Error)]
#[error("not an IPv4 block")]
pub(super) struct NoBlock;

impl Block {
    pub(super) fn bits(self) -> u32 {
        self.bits
    }

    fn mask(self) -> u32 {
        u32::MAX.checked_shl(32 - self.bits).unwrap_or(0)
    }

    pub(super) fn contains(self, address: Ipv4Addr) -> bool {
        address.to_bits() & self.mask() == self.network
    }

    pub(super) fn covers(self, other: Self) -> bool {
        self.bits <= other.bits && self.contains(Ipv4Addr::from_bits(other.network))
    }

    pub(super) fn overlaps(self, other: Self) -> bool {
        self.covers(other) || other.covers(self)
    }

    /// The addresses a subnet can give out: not the first four, not the last.
    pub(super) fn usable(self) -> impl Iterator<Item = Ipv4Addr> {
        let last = self.network | !self.mask();
        (self.network.saturating_add(4)..last).map(Ipv4Addr::from_bits)
    }
}

impl FromStr for Block {
    type Err = NoBlock;

    fn from_str(text: &str) -> Result<Self, NoBlock> {
        let (address, bits) = text.split_once('/').ok_or(NoBlock)?;
        let address: Ipv4Addr = address.parse().map_err(|_| NoBlock)?;
        let bits: u32 = bits.parse().ok().filter(|bits| *bits <= 32).ok_or(NoBlock)?;
        let block = Self { network: 0, bits };
        Ok(Self {
            network: address.to_bits() & block.mask(),
            bits,
        })
    }
}

impl std::fmt::Display for Block {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", Ipv4Addr::from_bits(self.network), self.bits)
    }
}

impl TryFrom<String> for Block {
    type Error = NoBlock;

    fn try_from(text: String) -> Result<Self, NoBlock> {
        text.parse()
    }
}

impl From<Block> for String {
    fn from(block: Block) -> Self {
        block.to_string()
    }
}
