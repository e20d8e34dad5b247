//! IPv4 address blocks: which overlap, and which is free.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The private range from which free blocks are proposed.
const RANGE: (u32, u8) = (0x0a00_0000, 8);

/// A block such as `10.42.0.0/16`, of a size that EC2 takes for a VPC: /16 to /28.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr {
    first: u32,
    prefix: u8,
}

/// A text that is not such a block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an address block such as 10.42.0.0/16, with a prefix of 16 to 28 and no bits behind it")]
pub struct InvalidCidr;

impl Cidr {
    /// Length of the prefix.
    #[must_use]
    pub const fn prefix(&self) -> u8 {
        self.prefix
    }

    /// The `number`-th part of this block, from 0: a sixteenth of it, or a /24 where that is smaller.
    #[must_use]
    pub fn part(&self, number: usize) -> Self {
        let prefix = (self.prefix + 4).clamp(24, 28);
        let step = u32::try_from(number)
            .unwrap_or(u32::MAX)
            .saturating_mul(1 << (32 - prefix));
        Self {
            first: self.first.saturating_add(step),
            prefix,
        }
    }

    /// Whether an address lies in both.
    #[must_use]
    pub const fn overlaps(&self, other: &Self) -> bool {
        let prefix = if self.prefix < other.prefix {
            self.prefix
        } else {
            other.prefix
        };
        let mask = mask(prefix);
        self.first & mask == other.first & mask
    }
}

const fn mask(prefix: u8) -> u32 {
    u32::MAX << (32 - prefix as u32)
}

/// The next block of the size of `like` that overlaps with none of `taken`, at or behind it, then from the start of
/// 10.0.0.0/8.
#[must_use]
pub fn next_free(like: &Cidr, taken: &[Cidr]) -> Option<Cidr> {
    let step = 1_u32 << (32 - u32::from(like.prefix));
    let last = RANGE.0 | !mask(RANGE.1);
    let block = |first: u32| Cidr {
        first,
        prefix: like.prefix,
    };
    let free = |first: &u32| !taken.iter().any(|other| other.overlaps(&block(*first)));
    let all = |from: u32| (from..=last).step_by(step as usize);
    let in_range = like.first & mask(RANGE.1) == RANGE.0;
    let behind = if in_range {
        all(like.first).find(free)
    } else {
        None
    };
    behind.or_else(|| all(RANGE.0).find(free)).map(block)
}

impl FromStr for Cidr {
    type Err = InvalidCidr;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, prefix) = text.split_once('/').ok_or(InvalidCidr)?;
        let first = u32::from(address.parse::<Ipv4Addr>().map_err(|_| InvalidCidr)?);
        let prefix = prefix.parse::<u8>().map_err(|_| InvalidCidr)?;
        if (16..=28).contains(&prefix) && first & !mask(prefix) == 0 {
            Ok(Self { first, prefix })
        } else {
            Err(InvalidCidr)
        }
    }
}

impl TryFrom<String> for Cidr {
    type Error = InvalidCidr;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Cidr> for String {
    fn from(cidr: Cidr) -> Self {
        cidr.to_string()
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.first), self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cidr(text: &str) -> Cidr {
        text.parse().expect("a block")
    }

    #[test]
    fn only_blocks_that_a_vpc_can_have_are_read() {
        for good in ["10.42.0.0/16", "172.31.0.0/20", "192.168.1.0/28"] {
            assert_eq!(cidr(good).to_string(), good);
        }
        for bad in [
            "",
            "10.42.0.0",
            "10.42.0.0/15",
            "10.42.0.0/29",
            "10.42.0.1/16",
            "10.42.0/16",
            "::/16",
            "10.42.0.0/x",
        ] {
            assert!(bad.parse::<Cidr>().is_err(), "{bad}");
        }
    }

    #[test]
    fn blocks_overlap_when_one_lies_in_the_other() {
        assert!(cidr("10.42.0.0/16").overlaps(&cidr("10.42.128.0/20")));
        assert!(cidr("10.42.128.0/20").overlaps(&cidr("10.42.0.0/16")));
        assert!(!cidr("10.42.0.0/16").overlaps(&cidr("10.43.0.0/16")));
    }

    #[test]
    fn the_parts_of_a_block_lie_in_it_and_apart() {
        assert_eq!(cidr("10.42.0.0/16").part(0), cidr("10.42.0.0/24"));
        assert_eq!(cidr("10.42.0.0/16").part(3), cidr("10.42.3.0/24"));
        assert_eq!(cidr("10.42.0.0/22").part(3), cidr("10.42.0.192/26"));
    }

    #[test]
    fn the_next_free_block_is_behind_and_then_from_the_start() {
        let taken = [cidr("10.42.0.0/16"), cidr("10.43.5.0/24")];
        assert_eq!(
            next_free(&cidr("10.42.0.0/16"), &taken),
            Some(cidr("10.44.0.0/16"))
        );
        let end = [cidr("10.255.0.0/16"), cidr("10.0.0.0/16")];
        assert_eq!(next_free(&cidr("10.255.0.0/16"), &end), Some(cidr("10.1.0.0/16")));
        assert_eq!(next_free(&cidr("172.31.0.0/16"), &[]), Some(cidr("10.0.0.0/16")));
    }
}
