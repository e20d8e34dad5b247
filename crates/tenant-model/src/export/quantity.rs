//! The exact quantity of source, file and warehouse.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Digits after the point in `DECIMAL(38,9)`.
const SCALE: usize = 9;
/// One whole unit, in billionths.
const ONE: i128 = 1_000_000_000;
/// Largest magnitude `DECIMAL(38,9)` holds, in billionths.
const LARGEST: i128 = 99_999_999_999_999_999_999_999_999_999_999_999_999;

/// A `DECIMAL(38,9)`: a whole number of billionths.
///
/// The source, the Parquet column and the warehouse hold 38 digits, which is more than a 96-bit decimal
/// can; an `i128` holds them all, and its bytes are the bytes of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Quantity38(i128);

/// A text that is no `DECIMAL(38,9)`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal of at most 29 digits before and 9 after the point")]
pub struct InvalidQuantity;

impl Quantity38 {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// From billionths; refused above 38 digits.
    pub fn from_billionths(billionths: i128) -> Result<Self, InvalidQuantity> {
        if billionths.unsigned_abs() > LARGEST.unsigned_abs() {
            return Err(InvalidQuantity);
        }
        Ok(Self(billionths))
    }

    /// The value in billionths.
    pub fn billionths(self) -> i128 {
        self.0
    }

    /// The sum, or `None` when it needs more than 38 digits.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0
            .checked_add(other.0)
            .and_then(|sum| Self::from_billionths(sum).ok())
    }

    /// Sixteen bytes, big endian, two's complement: the layout of a Parquet `FIXED(16)` decimal.
    pub fn to_be_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl FromStr for Quantity38 {
    type Err = InvalidQuantity;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let plausible = !whole.is_empty() && whole.len() <= 38 && all_digits(whole) && all_digits(fraction);
        // More than nine digits would have to be rounded, and nothing here rounds.
        if !plausible || fraction.len() > SCALE || digits.ends_with('.') {
            return Err(InvalidQuantity);
        }
        let whole: i128 = whole.parse().map_err(|_| InvalidQuantity)?;
        let fraction: i128 = format!("{fraction:0<SCALE$}")
            .parse()
            .map_err(|_| InvalidQuantity)?;
        let magnitude = whole
            .checked_mul(ONE)
            .and_then(|scaled| scaled.checked_add(fraction))
            .ok_or(InvalidQuantity)?;
        Self::from_billionths(if negative { -magnitude } else { magnitude })
    }
}

impl fmt::Display for Quantity38 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let one = ONE.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(formatter, "{sign}{}.{:09}", magnitude / one, magnitude % one)
    }
}

impl TryFrom<String> for Quantity38 {
    type Error = InvalidQuantity;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Quantity38> for String {
    fn from(quantity: Quantity38) -> Self {
        quantity.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_is_read_exactly_and_never_rounded() {
        let read = |text: &str| text.parse::<Quantity38>().map(Quantity38::billionths);
        assert_eq!(read("1"), Ok(ONE));
        assert_eq!(read("0.000000001"), Ok(1));
        assert_eq!(read("-12.5"), Ok(-12_500_000_000));
        assert_eq!(read("99999999999999999999999999999.999999999"), Ok(LARGEST));
        for wrong in [
            "",
            "-",
            ".",
            "1.",
            ".5",
            "+1",
            "1e3",
            "0.0000000001",
            "NaN",
            " 1",
            "1,5",
            "100000000000000000000000000000",
        ] {
            assert_eq!(read(wrong), Err(InvalidQuantity), "{wrong:?}");
        }
    }

    #[test]
    fn a_sum_over_38_digits_is_refused_instead_of_wrapped() {
        let largest = Quantity38(LARGEST);
        assert_eq!(largest.checked_add(Quantity38(1)), None);
        assert_eq!(largest.checked_add(Quantity38(-1)), Some(Quantity38(LARGEST - 1)));
    }

    proptest! {
        #[test]
        fn every_value_prints_as_the_text_that_reads_it(billionths in -LARGEST..=LARGEST) {
            let quantity = Quantity38(billionths);
            prop_assert_eq!(quantity.to_string().parse::<Quantity38>(), Ok(quantity));
        }
    }
}
