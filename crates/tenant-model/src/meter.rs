//! Meters: what is counted, from which events, and how.
//!
//! A meter is the operator's, not a tenant's: all tenants are measured alike. Its definition does not
//! change once events count on it, so that a replay gives the same numbers. One event type feeds one
//! meter; an event of a type nobody defined is kept aside until a meter exists.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::MeterId;

/// Most dimensions one meter may have; each multiplies the rollup rows.
pub const DIMENSIONS_MAX: usize = 8;
const NAME_BYTES_MAX: usize = 63;
const POINTER_BYTES_MAX: usize = 256;
const EVENT_TYPE_BYTES_MAX: usize = 255;

/// The short name of a meter or a dimension: a lower-case letter, then letters, digits, underscores.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MeterKey(String);

/// Where a value lies in the event: an RFC 6901 pointer below `/data`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DataPointer(String);

/// How the quantities of one window become one number. Each is mergeable, so order never matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregation {
    /// The quantities added up.
    Sum,
    /// The number of events.
    Count,
    /// The smallest quantity.
    Min,
    /// The largest quantity.
    Max,
}

/// A part of the event by which usage can be split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dimension {
    /// Its name in queries.
    pub name: MeterKey,
    /// Where the event says it.
    pub pointer: DataPointer,
}

/// A definition before it has an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterDefinition {
    key: MeterKey,
    name: String,
    event_type: String,
    aggregation: Aggregation,
    value: Option<DataPointer>,
    unit: String,
    dimensions: Vec<Dimension>,
}

/// The parts of a definition as somebody wrote them.
#[derive(Clone, Debug)]
pub struct MeterParts {
    /// Short name, unique.
    pub key: MeterKey,
    /// Name for people.
    pub name: String,
    /// CloudEvents `type` of the events that count, unique.
    pub event_type: String,
    /// How quantities are put together.
    pub aggregation: Aggregation,
    /// Where the quantity lies; a count needs none.
    pub value: Option<DataPointer>,
    /// What one of it is called: `row`, `second`, `gibibyte`.
    pub unit: String,
    /// What it can be split by.
    pub dimensions: Vec<Dimension>,
}

/// A meter in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meter {
    /// Its id.
    pub id: MeterId,
    /// What it counts.
    pub definition: MeterDefinition,
    /// When it was defined.
    pub created_at: DateTime<Utc>,
}

/// Why a definition is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMeter {
    /// Not a short name.
    #[error("{0:?} is not a name of lower-case letters, digits and underscores")]
    Key(String),
    /// Not a pointer below `/data`.
    #[error("{0:?} is not a JSON pointer below /data")]
    Pointer(String),
    /// Not one of ours.
    #[error("{0:?} is not an aggregation")]
    Aggregation(String),
    /// Empty or too long.
    #[error("{0} is empty, too long or has control characters")]
    Text(&'static str),
    /// Nothing to add up.
    #[error("this aggregation needs a value pointer")]
    ValueMissing,
    /// More than eight, or one name twice.
    #[error("a meter has at most eight dimensions of different names")]
    Dimensions,
}

impl MeterKey {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MeterKey {
    type Err = InvalidMeter;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        let rest = text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if !first || !rest || text.len() > NAME_BYTES_MAX {
            return Err(InvalidMeter::Key(text.chars().take(NAME_BYTES_MAX).collect()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl DataPointer {
    /// The pointer as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its unescaped steps after `data`.
    pub(crate) fn steps(&self) -> impl Iterator<Item = String> + '_ {
        let below = self.0.strip_prefix("/data").unwrap_or_default();
        below
            .split('/')
            .skip(1)
            .map(|step| step.replace("~1", "/").replace("~0", "~"))
    }
}

impl FromStr for DataPointer {
    type Err = InvalidMeter;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let below_data = text == "/data" || text.starts_with("/data/");
        let escapes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        if !below_data || !escapes || text.len() > POINTER_BYTES_MAX {
            return Err(InvalidMeter::Pointer(text.chars().take(64).collect()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl Aggregation {
    /// Its name on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Count => "count",
            Self::Min => "min",
            Self::Max => "max",
        }
    }
}

impl FromStr for Aggregation {
    type Err = InvalidMeter;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "sum" => Ok(Self::Sum),
            "count" => Ok(Self::Count),
            "min" => Ok(Self::Min),
            "max" => Ok(Self::Max),
            other => Err(InvalidMeter::Aggregation(other.chars().take(64).collect())),
        }
    }
}

impl MeterDefinition {
    /// Checks the parts against each other.
    pub fn new(parts: MeterParts) -> Result<Self, InvalidMeter> {
        let readable = |text: &str, bytes_max: usize| {
            !text.is_empty() && text.len() <= bytes_max && !text.chars().any(char::is_control)
        };
        if !readable(&parts.name, 128) {
            return Err(InvalidMeter::Text("name"));
        }
        if !readable(&parts.event_type, EVENT_TYPE_BYTES_MAX) {
            return Err(InvalidMeter::Text("event_type"));
        }
        if !readable(&parts.unit, 32) {
            return Err(InvalidMeter::Text("unit"));
        }
        if parts.value.is_none() && parts.aggregation != Aggregation::Count {
            return Err(InvalidMeter::ValueMissing);
        }
        let mut names: Vec<_> = parts.dimensions.iter().map(|dimension| &dimension.name).collect();
        names.sort();
        names.dedup();
        if names.len() != parts.dimensions.len() || names.len() > DIMENSIONS_MAX {
            return Err(InvalidMeter::Dimensions);
        }
        Ok(Self {
            key: parts.key,
            name: parts.name,
            event_type: parts.event_type,
            aggregation: parts.aggregation,
            value: parts.value,
            unit: parts.unit,
            dimensions: parts.dimensions,
        })
    }

    /// Short name, unique.
    #[must_use]
    pub fn key(&self) -> &MeterKey {
        &self.key
    }

    /// Name for people.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// CloudEvents `type` of the events that count.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// How quantities are put together.
    #[must_use]
    pub fn aggregation(&self) -> Aggregation {
        self.aggregation
    }

    /// Where the quantity lies.
    #[must_use]
    pub fn value(&self) -> Option<&DataPointer> {
        self.value.as_ref()
    }

    /// What one of it is called.
    #[must_use]
    pub fn unit(&self) -> &str {
        &self.unit
    }

    /// What it can be split by.
    #[must_use]
    pub fn dimensions(&self) -> &[Dimension] {
        &self.dimensions
    }
}

macro_rules! text_newtype {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = InvalidMeter;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

text_newtype!(MeterKey);
text_newtype!(DataPointer);

#[cfg(test)]
mod tests {
    use super::{Aggregation, DataPointer, Dimension, InvalidMeter, MeterDefinition, MeterKey, MeterParts};

    fn parts() -> MeterParts {
        MeterParts {
            key: "rows_scanned".parse().unwrap(),
            name: "Rows scanned".to_owned(),
            event_type: "rows_scanned".to_owned(),
            aggregation: Aggregation::Sum,
            value: Some("/data/value".parse().unwrap()),
            unit: "row".to_owned(),
            dimensions: Vec::new(),
        }
    }

    #[test]
    fn names_and_pointers_outside_the_grammar_are_refused() {
        for bad in [
            "",
            "Rows",
            "1st",
            "rows-scanned",
            "_rows",
            "zeile_ä",
            &"x".repeat(64),
        ] {
            assert!(bad.parse::<MeterKey>().is_err(), "{bad:?}");
        }
        for bad in ["", "/", "data", "/dataset", "/id", "/data/~2", "/data/~"] {
            assert!(bad.parse::<DataPointer>().is_err(), "{bad:?}");
        }
        let steps: Vec<_> = "/data/a~1b/~0c".parse::<DataPointer>().unwrap().steps().collect();
        assert_eq!(steps, ["a/b", "~c"]);
        for name in ["sum", "count", "min", "max"] {
            assert_eq!(name.parse::<Aggregation>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn a_sum_without_a_value_and_a_dimension_named_twice_are_refused() {
        let no_value = MeterParts {
            value: None,
            ..parts()
        };
        assert_eq!(MeterDefinition::new(no_value), Err(InvalidMeter::ValueMissing));

        let dimension = Dimension {
            name: "region".parse().unwrap(),
            pointer: "/data/region".parse().unwrap(),
        };
        let twice = MeterParts {
            dimensions: vec![dimension.clone(), dimension],
            ..parts()
        };
        assert_eq!(MeterDefinition::new(twice), Err(InvalidMeter::Dimensions));

        let counted = MeterParts {
            value: None,
            aggregation: Aggregation::Count,
            ..parts()
        };
        assert!(MeterDefinition::new(counted).is_ok());
        let unnamed = MeterParts {
            name: "a\nb".to_owned(),
            ..parts()
        };
        assert_eq!(MeterDefinition::new(unnamed), Err(InvalidMeter::Text("name")));
    }
}
