//! Exact quantities: what a meter counts.
//!
//! A quantity is a whole number of billionths in 128 bits. It is never a float, on no path: a float
//! turns 444444444444444444444444 into another number without a word. One event may say at most
//! 10^12; sums may grow far past that and stay exact.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Decimal places of every quantity, in memory and in PostgreSQL's `numeric(38,9)`.
pub const QUANTITY_SCALE: u32 = 9;

const UNIT: i128 = 1_000_000_000;
const MAX_PER_EVENT: i128 = 1_000_000_000_000 * UNIT;
/// Longest text we look at. Ten million digits are refused before anybody reads them.
const TEXT_BYTES_MAX: usize = 64;

/// An exact, never negative number with up to nine decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Quantity(i128);

/// Why a text or a number is not a quantity an event may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidQuantity {
    /// Below zero; corrections have their own way in.
    #[error("a quantity is never negative")]
    Negative,
    /// Above 10^12 in one event.
    #[error("a quantity of one event is at most 10^12")]
    TooLarge,
    /// A floating point number, or more than nine decimals.
    #[error("a quantity is an integer or a decimal string with at most nine decimals")]
    NotExact,
    /// Not a decimal number at all (`NaN`, `1e5`, empty).
    #[error("a quantity is a decimal number")]
    NotANumber,
}

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The quantity of one event given as a JSON integer.
    pub fn from_event_integer(value: i64) -> Result<Self, InvalidQuantity> {
        Self::of_one_event(i128::from(value) * UNIT)
    }

    /// A sum read back from our own ledger: PostgreSQL's text of a `numeric(38,9)`, of any size.
    pub fn from_ledger(text: &str) -> Result<Self, InvalidQuantity> {
        billionths(text).map(Self)
    }

    /// The sum, or `None` where 128 bits end (beyond 10^29: the batch is parked, never wrapped).
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference; `None` below zero.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0
            .checked_sub(other.0)
            .filter(|difference| *difference >= 0)
            .map(Self)
    }

    /// A count as a quantity.
    #[must_use]
    pub fn from_count(count: u64) -> Self {
        Self(i128::from(count) * UNIT)
    }

    /// The number of billionths, for hashes and ratios.
    #[must_use]
    pub fn billionths(self) -> i128 {
        self.0
    }

    fn of_one_event(billionths: i128) -> Result<Self, InvalidQuantity> {
        if billionths < 0 {
            return Err(InvalidQuantity::Negative);
        }
        if billionths > MAX_PER_EVENT {
            return Err(InvalidQuantity::TooLarge);
        }
        Ok(Self(billionths))
    }
}

/// Reads the decimal string of one event: `12`, `0.25`. No sign but minus, no exponent, no spaces.
impl FromStr for Quantity {
    type Err = InvalidQuantity;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::of_one_event(billionths(text)?)
    }
}

impl TryFrom<String> for Quantity {
    type Error = InvalidQuantity;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::from_ledger(&text)
    }
}

impl From<Quantity> for String {
    fn from(quantity: Quantity) -> Self {
        quantity.to_string()
    }
}

/// Canonical text: no trailing zeros, no point without decimals.
impl fmt::Display for Quantity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / UNIT, self.0 % UNIT);
        if rest == 0 {
            return write!(formatter, "{whole}");
        }
        let decimals = format!("{rest:09}");
        write!(formatter, "{whole}.{}", decimals.trim_end_matches('0'))
    }
}

fn billionths(text: &str) -> Result<i128, InvalidQuantity> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(InvalidQuantity::TooLarge);
    }
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, decimals) = match digits.split_once('.') {
        Some((_, "")) => return Err(InvalidQuantity::NotANumber),
        Some((whole, decimals)) => (whole, decimals),
        None => (digits, ""),
    };
    if !is_digits(whole) || !(decimals.is_empty() || is_digits(decimals)) {
        return Err(InvalidQuantity::NotANumber);
    }
    if negative {
        return Err(InvalidQuantity::Negative);
    }
    if decimals.len() > QUANTITY_SCALE as usize {
        return Err(InvalidQuantity::NotExact);
    }
    join(whole, decimals).ok_or(InvalidQuantity::TooLarge)
}

fn join(whole: &str, decimals: &str) -> Option<i128> {
    let whole: i128 = whole.parse().ok()?;
    let rest: i128 = format!("{decimals:0<9}").parse().ok()?;
    whole.checked_mul(UNIT)?.checked_add(rest)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{InvalidQuantity, Quantity};

    #[test]
    fn texts_are_read_exactly_or_refused_with_the_reason() {
        let cases: &[(&str, Result<&str, InvalidQuantity>)] = &[
            ("0", Ok("0")),
            ("12", Ok("12")),
            ("007", Ok("7")),
            ("0.1", Ok("0.1")),
            ("0.000000001", Ok("0.000000001")),
            ("1.500", Ok("1.5")),
            ("1000000000000", Ok("1000000000000")),
            ("1000000000000.000000001", Err(InvalidQuantity::TooLarge)),
            ("0.0000000001", Err(InvalidQuantity::NotExact)),
            ("-1", Err(InvalidQuantity::Negative)),
            ("-0.5", Err(InvalidQuantity::Negative)),
            ("NaN", Err(InvalidQuantity::NotANumber)),
            ("Infinity", Err(InvalidQuantity::NotANumber)),
            ("1e5", Err(InvalidQuantity::NotANumber)),
            ("+1", Err(InvalidQuantity::NotANumber)),
            (" 1", Err(InvalidQuantity::NotANumber)),
            ("1.", Err(InvalidQuantity::NotANumber)),
            (".5", Err(InvalidQuantity::NotANumber)),
            ("1.2.3", Err(InvalidQuantity::NotANumber)),
            ("", Err(InvalidQuantity::NotANumber)),
            ("-", Err(InvalidQuantity::NotANumber)),
            ("٣", Err(InvalidQuantity::NotANumber)),
        ];
        for (text, expected) in cases {
            let read = text.parse::<Quantity>().map(|quantity| quantity.to_string());
            assert_eq!(read.as_deref(), expected.as_deref(), "{text:?}");
        }
    }

    #[test]
    fn ten_million_digits_are_refused_unread() {
        let text = "9".repeat(10_000_000);
        assert_eq!(text.parse::<Quantity>(), Err(InvalidQuantity::TooLarge));
    }

    #[test]
    fn a_sum_may_be_larger_than_any_event() {
        let most = Quantity::from_event_integer(1_000_000_000_000).unwrap();
        let twice = most.checked_add(most).unwrap();
        assert_eq!(twice.to_string(), "2000000000000");
        assert_eq!(Quantity::from_ledger(&twice.to_string()), Ok(twice));
        assert_eq!(
            twice.to_string().parse::<Quantity>(),
            Err(InvalidQuantity::TooLarge)
        );
    }

    proptest! {
        #[test]
        fn text_to_exact_to_text_is_the_identity(billionths in 0_i128..=1_000_000_000_000_000_000_000) {
            let text = Quantity(billionths).to_string();
            prop_assert_eq!(text.parse::<Quantity>(), Ok(Quantity(billionths)));
            let padded = format!("{}.{:09}", billionths / 1_000_000_000, billionths % 1_000_000_000);
            prop_assert_eq!(Quantity::from_ledger(&padded), Ok(Quantity(billionths)));
        }

        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in ".{0,80}") {
            let _ = text.parse::<Quantity>();
        }
    }
}
