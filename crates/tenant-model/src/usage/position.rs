//! A place in a shard: Kinesis's sequence number, a decimal number far longer than 64 bits.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// Kinesis documents at most 128 digits.
const DIGITS_MAX: usize = 128;

/// A sequence number without leading zeros; ordered as the numbers are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StreamPosition(String);

/// A text that is no sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sequence number has 1 to 128 decimal digits")]
pub struct InvalidPosition;

impl StreamPosition {
    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for StreamPosition {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || text.len() > DIGITS_MAX {
            return Err(InvalidPosition);
        }
        let trimmed = text.trim_start_matches('0');
        Ok(Self(if trimmed.is_empty() { "0" } else { trimmed }.to_owned()))
    }
}

impl Ord for StreamPosition {
    fn cmp(&self, other: &Self) -> Ordering {
        let length = self.0.len().cmp(&other.0.len());
        length.then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for StreamPosition {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for StreamPosition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{InvalidPosition, StreamPosition};

    #[test]
    fn positions_are_ordered_as_numbers_and_not_as_text() {
        let at = |text: &str| text.parse::<StreamPosition>();
        assert!(at("9").unwrap() < at("10").unwrap());
        assert!(at("49590338271490256608559692538361571095921575989136588898").unwrap() > at("2").unwrap());
        assert_eq!(at("007").unwrap(), at("7").unwrap());
        assert_eq!(at("000").unwrap().as_str(), "0");
        for bad in ["", "-1", "1e5", "SHARD_END"] {
            assert_eq!(at(bad), Err(InvalidPosition));
        }
    }
}
