//! Sequence numbers: decimal text far beyond 64 bits, growing within a shard and from parent to child.
//!
//! AWS promises no more than the order; callers that squeeze them into a u64 must fail here as they would there. Ours
//! have 56 digits: `49`, the stream's birth in milliseconds, the shard's number, the record's counter.

use std::fmt;
use std::str::FromStr;

/// The place of one record in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SequenceNumber {
    /// Birth of the stream, so that a stream made again under the same name never repeats a number.
    pub(crate) stream_born_ms: u64,
    /// Number of the shard within the stream.
    pub(crate) shard: u32,
    /// Counts the records of the shard; 0 is the shard's own starting number.
    pub(crate) counter: u64,
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "49{:014}{:06}{:034}",
            self.stream_born_ms, self.shard, self.counter
        )
    }
}

/// The text is not a sequence number this endpoint has given out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InvalidSequenceNumber;

impl FromStr for SequenceNumber {
    type Err = InvalidSequenceNumber;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let well_formed =
            text.len() == 56 && text.starts_with("49") && text.bytes().all(|byte| byte.is_ascii_digit());
        if !well_formed {
            return Err(InvalidSequenceNumber);
        }
        let counter: u128 = text[22..].parse().map_err(|_| InvalidSequenceNumber)?;
        Ok(Self {
            stream_born_ms: text[2..16].parse().map_err(|_| InvalidSequenceNumber)?,
            shard: text[16..22].parse().map_err(|_| InvalidSequenceNumber)?,
            counter: u64::try_from(counter).map_err(|_| InvalidSequenceNumber)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_keeps_the_order_and_reads_back() {
        let early = SequenceNumber {
            stream_born_ms: 1_760_000_000_000,
            shard: 3,
            counter: 9,
        };
        let later = SequenceNumber {
            counter: u64::MAX,
            ..early
        };
        let child = SequenceNumber {
            shard: 4,
            counter: 0,
            ..early
        };
        assert!(early.to_string() < later.to_string() && later.to_string() < child.to_string());
        assert!(
            early.to_string().parse::<u128>().is_err(),
            "must not fit in 128 bits"
        );
        assert_eq!(later.to_string().parse(), Ok(later));
        assert_eq!("49".parse::<SequenceNumber>(), Err(InvalidSequenceNumber));
    }
}
