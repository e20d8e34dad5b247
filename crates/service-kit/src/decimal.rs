//! Decimals on the wire: text out, text or a whole number in, never a float.
//!
//! rust_decimal's stock serde accepts floats, which have already lost digits when serde sees them. Use
//! `#[serde(with = "service_kit::decimal")]`, or [`option`] for optional fields.

use std::fmt;

use rust_decimal::Decimal;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use crate::json::NOT_EXACT;

/// A decimal as wire type, for lists and maps; shown as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[schema(value_type = String, example = "1234.5")]
pub struct WireDecimal(#[serde(with = "self")] pub Decimal);

/// Writes text.
///
/// # Errors
/// Only what the serializer itself fails with.
pub fn serialize<S: Serializer>(value: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Reads text or a whole number.
///
/// # Errors
/// A float, a text that is not a plain decimal, or more digits than a decimal holds.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    deserializer.deserialize_any(Reader)
}

struct Reader;

impl Visitor<'_> for Reader {
    type Value = Decimal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal number as text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Decimal, E> {
        let plain = text.len() <= 40
            && text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || b".-+".contains(&byte));
        if !plain {
            return Err(E::custom(
                "not a decimal number: digits, one point and a sign are allowed",
            ));
        }
        // The exact form refuses what does not fit instead of rounding it.
        Decimal::from_str_exact(text).map_err(|error| E::custom(format!("not a decimal number: {error}")))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Decimal, E> {
        Ok(Decimal::from(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Decimal, E> {
        let number = i64::try_from(number).map_err(|_| not_exact())?;
        Ok(Decimal::from(number))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Decimal, E> {
        Err(not_exact())
    }
}

fn not_exact<E: Error>() -> E {
    E::custom(format!("{NOT_EXACT}send decimals as text, such as \"12.5\""))
}

/// The same for `Option<Decimal>`; add `#[serde(default)]` where absence means none.
pub mod option {
    use rust_decimal::Decimal;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::WireDecimal;

    /// Writes text or null.
    ///
    /// # Errors
    /// Only what the serializer itself fails with.
    #[allow(clippy::ref_option)] // The signature is serde's.
    pub fn serialize<S: Serializer>(value: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
        value.map(WireDecimal).serialize(serializer)
    }

    /// Reads text, a whole number or null.
    ///
    /// # Errors
    /// As for [`super::deserialize`].
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decimal>, D::Error> {
        Ok(Option::<WireDecimal>::deserialize(deserializer)?.map(|value| value.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<String, String> {
        serde_json::from_str::<WireDecimal>(json)
            .map(|value| value.0.to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn text_and_whole_numbers_are_read_exactly() {
        for (json, expected) in [(r#""1.50""#, "1.50"), (r#""-3""#, "-3"), ("7", "7"), ("-7", "-7")] {
            assert_eq!(read(json).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn whatever_might_have_lost_digits_is_refused() {
        let bad = [
            "1.5",
            "1e3",
            "18446744073709551615",
            r#""1e3""#,
            r#""""#,
            r#""NaN""#,
            r#""1_000""#,
            "null",
            "[]",
        ];
        for json in bad {
            assert!(read(json).is_err(), "{json} was read");
        }
        let digits = format!("\"0.{}\"", "1".repeat(35));
        assert!(read(&digits).is_err());
    }
}
