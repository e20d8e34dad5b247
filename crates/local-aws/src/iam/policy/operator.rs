//! Condition operators.
//!
//! Source: IAM user guide, "IAM JSON policy elements: Condition operators".

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::pattern::{arn_glob, glob};

/// What a clause compares, and whether it is the `Not` form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    /// `StringEquals`, `StringNotEquals`.
    Text { negated: bool },
    /// `StringEqualsIgnoreCase`, `StringNotEqualsIgnoreCase`.
    TextIgnoreCase { negated: bool },
    /// `StringLike`, `StringNotLike`.
    Like { negated: bool },
    /// `ArnEquals` and `ArnLike`, which are the same, and their negations.
    Arn { negated: bool },
    /// `NumericEquals` and its relatives.
    Numeric(Relation),
    /// `DateEquals` and its relatives.
    Date(Relation),
    /// `Bool`.
    Bool,
    /// `BinaryEquals`: base64 text.
    Binary,
    /// `IpAddress`, `NotIpAddress`.
    Ip { negated: bool },
    /// `Null`: whether the key is absent.
    Null,
}

/// An order between the request's value and the policy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    /// Equal.
    Equals,
    /// Not equal.
    NotEquals,
    /// Less.
    LessThan,
    /// Less or equal.
    LessThanEquals,
    /// Greater.
    GreaterThan,
    /// Greater or equal.
    GreaterThanEquals,
}

impl Operator {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "StringEquals" => Self::Text { negated: false },
            "StringNotEquals" => Self::Text { negated: true },
            "StringEqualsIgnoreCase" => Self::TextIgnoreCase { negated: false },
            "StringNotEqualsIgnoreCase" => Self::TextIgnoreCase { negated: true },
            "StringLike" => Self::Like { negated: false },
            "StringNotLike" => Self::Like { negated: true },
            "ArnEquals" | "ArnLike" => Self::Arn { negated: false },
            "ArnNotEquals" | "ArnNotLike" => Self::Arn { negated: true },
            "Bool" => Self::Bool,
            "BinaryEquals" => Self::Binary,
            "IpAddress" => Self::Ip { negated: false },
            "NotIpAddress" => Self::Ip { negated: true },
            "Null" => Self::Null,
            other => return Self::ordered(other),
        })
    }

    fn ordered(name: &str) -> Option<Self> {
        if let Some(relation) = name.strip_prefix("Numeric") {
            return Relation::named(relation).map(Self::Numeric);
        }
        name.strip_prefix("Date")
            .and_then(Relation::named)
            .map(Self::Date)
    }

    pub(super) fn is_negated(self) -> bool {
        match self {
            Self::Text { negated }
            | Self::TextIgnoreCase { negated }
            | Self::Like { negated }
            | Self::Arn { negated }
            | Self::Ip { negated } => negated,
            Self::Numeric(relation) | Self::Date(relation) => relation == Relation::NotEquals,
            Self::Bool | Self::Binary | Self::Null => false,
        }
    }

    /// Whether a policy may carry this value.
    pub(super) fn accepts(self, value: &str) -> bool {
        match self {
            Self::Numeric(_) => number(value).is_some(),
            Self::Date(_) => date(value).is_some(),
            Self::Ip { .. } => block(value).is_some(),
            Self::Bool | Self::Null => {
                value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false")
            }
            Self::Text { .. }
            | Self::TextIgnoreCase { .. }
            | Self::Like { .. }
            | Self::Arn { .. }
            | Self::Binary => true,
        }
    }

    /// Whether the positive form holds between the policy's value and the request's; the clause turns it round.
    pub(super) fn holds(self, wanted: &str, given: &str) -> bool {
        match self {
            Self::Text { .. } | Self::Binary => wanted == given,
            Self::TextIgnoreCase { .. } => wanted.to_lowercase() == given.to_lowercase(),
            Self::Like { .. } => glob(wanted, given),
            Self::Arn { .. } => arn_glob(wanted, given),
            Self::Bool => wanted.eq_ignore_ascii_case(given),
            Self::Numeric(relation) => related(relation, number(given), number(wanted)),
            Self::Date(relation) => related(relation, date(given), date(wanted)),
            Self::Ip { .. } => contains(wanted, given),
            Self::Null => false,
        }
    }
}

impl Relation {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "Equals" => Self::Equals,
            "NotEquals" => Self::NotEquals,
            "LessThan" => Self::LessThan,
            "LessThanEquals" => Self::LessThanEquals,
            "GreaterThan" => Self::GreaterThan,
            "GreaterThanEquals" => Self::GreaterThanEquals,
            _ => return None,
        })
    }
}

fn related<T: PartialOrd>(relation: Relation, given: Option<T>, wanted: Option<T>) -> bool {
    let (Some(given), Some(wanted)) = (given, wanted) else {
        return false;
    };
    match relation {
        Relation::Equals | Relation::NotEquals => given == wanted,
        Relation::LessThan => given < wanted,
        Relation::LessThanEquals => given <= wanted,
        Relation::GreaterThan => given > wanted,
        Relation::GreaterThanEquals => given >= wanted,
    }
}

fn number(text: &str) -> Option<Decimal> {
    text.parse().ok()
}

fn date(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(seconds) = text.parse() {
        return DateTime::from_timestamp(seconds, 0);
    }
    let whole_day = || {
        text.parse::<chrono::NaiveDate>()
            .ok()?
            .and_hms_opt(0, 0, 0)
            .map(|time| time.and_utc())
    };
    DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|time| time.to_utc())
        .or_else(whole_day)
}

fn block(text: &str) -> Option<(IpAddr, u32)> {
    let (address, bits) = text
        .split_once('/')
        .map_or((text, None), |(address, bits)| (address, Some(bits)));
    let address: IpAddr = address.parse().ok()?;
    let whole = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Some(whole), |bits| bits.parse().ok())?;
    (bits <= whole).then_some((address, bits))
}

fn contains(wanted: &str, given: &str) -> bool {
    let (Some((network, bits)), Ok(address)) = (block(wanted), given.parse::<IpAddr>()) else {
        return false;
    };
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            network.to_bits() & mask == address.to_bits() & mask
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            network.to_bits() & mask == address.to_bits() & mask
        }
        _ => false,
    }
}
