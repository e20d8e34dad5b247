//! A strict JSON tree: what `serde_json::Value` forgives, this refuses.
//!
//! One name twice in an object has no meaning two readers agree on, so it is refused. A number that is
//! not an integer keeps only that fact: nobody may compute with it.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::rejection::{Rejection, RejectionCode};

const DEPTH_MAX: u32 = 64;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Integer(i64),
    /// An integer above `i64::MAX`.
    Large(u64),
    /// A float, by its bits: good for telling two payloads apart and for nothing else.
    Inexact(u64),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads one value and nothing behind it.
    pub(crate) fn parse(text: &str) -> Result<Self, Rejection> {
        let fault = Cell::new(RejectionCode::Malformed);
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let seed = Seed {
            depth: 0,
            fault: &fault,
        };
        let refused = |_| Rejection::whole(fault.get());
        let value = seed.deserialize(&mut deserializer).map_err(refused)?;
        deserializer.end().map_err(refused)?;
        Ok(value)
    }

    /// The member `name` of an object, or the element of a list for a number.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value),
            Self::List(elements) => name.parse::<usize>().ok().and_then(|at| elements.get(at)),
            Self::Null
            | Self::Bool(_)
            | Self::Integer(_)
            | Self::Large(_)
            | Self::Inexact(_)
            | Self::Text(_) => None,
        }
    }

    /// Feeds a form that does not depend on spaces, escapes or the order of names.
    pub(crate) fn digest(&self, sink: &mut impl FnMut(&[u8])) {
        match self {
            Self::Null => sink(b"n"),
            Self::Bool(value) => sink(if *value { b"t" } else { b"f" }),
            Self::Integer(value) => tagged(sink, b"i", &value.to_be_bytes()),
            Self::Large(value) => tagged(sink, b"u", &value.to_be_bytes()),
            Self::Inexact(bits) => tagged(sink, b"d", &bits.to_be_bytes()),
            Self::Text(text) => digest_text(sink, text),
            Self::List(elements) => {
                tagged(sink, b"l", &(elements.len() as u64).to_be_bytes());
                elements.iter().for_each(|element| element.digest(sink));
            }
            Self::Object(members) => {
                tagged(sink, b"o", &(members.len() as u64).to_be_bytes());
                let mut sorted: Vec<_> = members.iter().collect();
                sorted.sort_by(|left, right| left.0.cmp(&right.0));
                for (name, value) in sorted {
                    digest_text(sink, name);
                    value.digest(sink);
                }
            }
        }
    }
}

fn tagged(sink: &mut impl FnMut(&[u8]), tag: &[u8], bytes: &[u8]) {
    sink(tag);
    sink(bytes);
}

fn digest_text(sink: &mut impl FnMut(&[u8]), text: &str) {
    tagged(sink, b"s", &(text.len() as u64).to_be_bytes());
    sink(text.as_bytes());
}

#[derive(Clone, Copy)]
struct Seed<'a> {
    depth: u32,
    /// What the failure was, for serde errors carry text only.
    fault: &'a Cell<RejectionCode>,
}

impl Seed<'_> {
    fn inside<E: serde::de::Error>(self) -> Result<Self, E> {
        let depth = self.depth + 1;
        if depth > DEPTH_MAX {
            self.fault.set(RejectionCode::TooDeep);
            return Err(E::custom("nested too deep"));
        }
        Ok(Self { depth, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Json;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(i64::try_from(value).map_or(Json::Large(value), Json::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Inexact(value.to_bits()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Json, A::Error> {
        let inside = self.inside()?;
        let mut list = Vec::new();
        while let Some(element) = elements.next_element_seed(inside)? {
            list.push(element);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let inside = self.inside()?;
        let mut object = Vec::new();
        while let Some(name) = members.next_key::<String>()? {
            object.push((name, members.next_value_seed(inside)?));
        }
        if has_duplicates(&object) {
            self.fault.set(RejectionCode::DuplicateKey);
            return Err(A::Error::custom("one name twice in an object"));
        }
        Ok(Json::Object(object))
    }
}

/// Sorted, not compared pairwise: 64 KiB hold ten thousand names.
fn has_duplicates(object: &[(String, Json)]) -> bool {
    let mut names: Vec<&str> = object.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
}
