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

/// Digits of the whole, and of its end that counts.
const DIGITS: usize = 56;
const COUNTER_DIGITS: usize = 34;

impl SequenceNumber {
    /// Appends the text. By hand, because a page of ten thousand records writes ten thousand of these and a formatter
    /// costs more than all else of a record together.
    pub(crate) fn write(self, text: &mut Vec<u8>) {
        let mut digits = [b'0'; DIGITS];
        digits[1] = b'9';
        digits[0] = b'4';
        put_digits(&mut digits[2..16], self.stream_born_ms);
        put_digits(&mut digits[16..DIGITS - COUNTER_DIGITS], u64::from(self.shard));
        put_digits(&mut digits[DIGITS - COUNTER_DIGITS..], self.counter);
        text.extend_from_slice(&digits);
    }
}

/// Writes a number to the end of a field of zeros.
pub(super) fn put_digits(field: &mut [u8], number: u64) {
    let mut rest = number;
    for digit in field.iter_mut().rev() {
        if rest == 0 {
            return;
        }
        *digit = b'0' + u8::try_from(rest % 10).expect("a digit is below ten");
        rest /= 10;
    }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(DIGITS);
        self.write(&mut text);
        formatter.write_str(std::str::from_utf8(&text).expect("digits are ASCII"))
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
        assert_eq!(
            early.to_string(),
            "49017600000000000000030000000000000000000000000000000009"
        );
        assert_eq!("49".parse::<SequenceNumber>(), Err(InvalidSequenceNumber));
    }
}
