//! One usage event: a CloudEvent 1.0 as a sender wrote it, read strictly.

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use super::dimensions::Dimensions;
use super::json::Json;
use super::key::EventKey;
use super::rejection::{Rejection, RejectionCode};
use crate::ids::TenantId;
use crate::meter::{DataPointer, Meter};
use crate::quantity::{InvalidQuantity, Quantity};

/// Largest event, in bytes of JSON.
pub const EVENT_BYTES_MAX: usize = 64 * 1024;
const ATTRIBUTE_BYTES_MAX: usize = 255;
const SOURCE_BYTES_MAX: usize = 1024;
const DIMENSION_BYTES_MAX: usize = 128;

/// A well-formed event. Whether it counts, and how much, is its meter's matter.
#[derive(Clone, Debug, PartialEq)]
pub struct UsageEvent {
    id: String,
    source: String,
    event_type: String,
    subject: Option<String>,
    time: Option<SentTime>,
    tenant: Option<String>,
    data: Json,
}

#[derive(Clone, Debug, PartialEq)]
struct SentTime {
    text: String,
    at: DateTime<Utc>,
}

/// What a meter takes from an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measurement {
    /// How much; one for a count without a value.
    pub quantity: Quantity,
    /// Split by what.
    pub dimensions: Dimensions,
}

/// How far an event's time may lie from its arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeBounds {
    /// Oldest accepted age.
    pub past: TimeDelta,
    /// Furthest ahead, for clocks differ.
    pub future: TimeDelta,
}

impl Default for TimeBounds {
    /// 35 days and five minutes: keys are remembered a little longer than that.
    fn default() -> Self {
        Self {
            past: TimeDelta::days(35),
            future: TimeDelta::minutes(5),
        }
    }
}

impl UsageEvent {
    /// Reads one event. Never reads more than 64 KiB, never nests deeper than 64.
    pub fn parse(raw: &[u8]) -> Result<Self, Rejection> {
        if raw.len() > EVENT_BYTES_MAX {
            return Err(Rejection::whole(RejectionCode::TooLarge));
        }
        let text = std::str::from_utf8(raw).map_err(|_| Rejection::whole(RejectionCode::Malformed))?;
        let Json::Object(members) = Json::parse(text)? else {
            return Err(Rejection::whole(RejectionCode::NotAnObject));
        };
        Self::from_members(members)
    }

    fn from_members(members: Vec<(String, Json)>) -> Result<Self, Rejection> {
        let mut attributes = Attributes(members);
        let specversion = attributes.required("specversion", ATTRIBUTE_BYTES_MAX)?;
        if specversion != "1.0" {
            return Err(Rejection::at(
                RejectionCode::SpecversionUnsupported,
                "/specversion",
            ));
        }
        let id = attributes.required("id", ATTRIBUTE_BYTES_MAX)?;
        let source = attributes.required("source", SOURCE_BYTES_MAX)?;
        let event_type = attributes.required("type", ATTRIBUTE_BYTES_MAX)?;
        let subject = attributes.optional("subject", SOURCE_BYTES_MAX)?;
        let tenant = attributes.optional("tenant", ATTRIBUTE_BYTES_MAX)?;
        let time = attributes
            .optional("time", ATTRIBUTE_BYTES_MAX)?
            .map(sent_time)
            .transpose()?;
        attributes.data_is_json()?;
        let data = attributes.take("data").unwrap_or(Json::Null);
        Ok(Self {
            id,
            source,
            event_type,
            subject,
            time,
            tenant,
            data,
        })
    }

    /// The sender's name for the event, unique within its source.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Who sends, as the sender calls itself.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What happened; decides the meter.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// The resource it is about.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// When it happened; an event without a time happened when it arrived.
    #[must_use]
    pub fn occurred_at(&self, arrival: DateTime<Utc>) -> DateTime<Utc> {
        self.time.as_ref().map_or(arrival, |time| time.at)
    }

    /// By what the ledger recognises it.
    #[must_use]
    pub fn key(&self, tenant: TenantId) -> EventKey {
        EventKey::of(tenant, &self.source, &self.id)
    }

    /// Tells two events of one key apart: 32 bits over type, subject, time as sent, and data.
    #[must_use]
    pub fn payload_hash(&self) -> i32 {
        let mut hash = Sha256::new();
        let time = self.time.as_ref().map(|time| time.text.as_str());
        for part in [Some(self.event_type.as_str()), self.subject.as_deref(), time] {
            hash.update([u8::from(part.is_some())]);
            let text = part.unwrap_or_default();
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
        self.data.digest(&mut |bytes| hash.update(bytes));
        let digest = hash.finalize();
        i32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
    }

    /// The tenant comes from the credential. An event that names another one was sent with a wrong key.
    pub fn check_tenant(&self, tenant: TenantId) -> Result<(), Rejection> {
        match &self.tenant {
            Some(named) if *named != tenant.to_string() => {
                Err(Rejection::at(RejectionCode::TenantMismatch, "/tenant"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Refuses a time that the dedupe window or the clocks cannot vouch for.
    pub fn check_time(&self, arrival: DateTime<Utc>, bounds: TimeBounds) -> Result<(), Rejection> {
        let at = self.occurred_at(arrival);
        if at < arrival - bounds.past {
            return Err(Rejection::at(RejectionCode::TimeTooOld, "/time"));
        }
        if at > arrival + bounds.future {
            return Err(Rejection::at(RejectionCode::TimeInFuture, "/time"));
        }
        Ok(())
    }

    /// What `meter` takes from this event.
    pub fn measure(&self, meter: &Meter) -> Result<Measurement, Rejection> {
        let quantity = match meter.definition.value() {
            Some(pointer) => self.quantity_at(pointer)?,
            None => Quantity::from_count(1),
        };
        let dimensions = meter
            .definition
            .dimensions()
            .iter()
            .filter_map(|dimension| {
                let value = self.dimension_at(&dimension.pointer).transpose()?;
                Some(value.map(|value| (dimension.name.to_string(), value)))
            })
            .collect::<Result<Dimensions, Rejection>>()?;
        Ok(Measurement { quantity, dimensions })
    }

    fn quantity_at(&self, pointer: &DataPointer) -> Result<Quantity, Rejection> {
        let at = |code| Rejection::at(code, pointer.as_str());
        let read = match self.find(pointer) {
            None | Some(Json::Null) => return Err(at(RejectionCode::QuantityMissing)),
            Some(Json::Integer(value)) => Quantity::from_event_integer(*value),
            Some(Json::Large(_)) => Err(InvalidQuantity::TooLarge),
            Some(Json::Inexact(_)) => Err(InvalidQuantity::NotExact),
            Some(Json::Text(text)) => text.parse(),
            Some(Json::Bool(_) | Json::List(_) | Json::Object(_)) => Err(InvalidQuantity::NotANumber),
        };
        read.map_err(|reason| {
            at(match reason {
                InvalidQuantity::Negative => RejectionCode::QuantityNegative,
                InvalidQuantity::TooLarge => RejectionCode::QuantityTooLarge,
                InvalidQuantity::NotExact => RejectionCode::QuantityNotExact,
                InvalidQuantity::NotANumber => RejectionCode::QuantityInvalid,
            })
        })
    }

    fn dimension_at(&self, pointer: &DataPointer) -> Result<Option<String>, Rejection> {
        let value = match self.find(pointer) {
            None | Some(Json::Null) => return Ok(None),
            Some(Json::Text(text)) => text.clone(),
            Some(Json::Integer(value)) => value.to_string(),
            Some(Json::Large(value)) => value.to_string(),
            Some(Json::Bool(value)) => value.to_string(),
            Some(Json::Inexact(_) | Json::List(_) | Json::Object(_)) => String::new(),
        };
        if value.is_empty() || value.len() > DIMENSION_BYTES_MAX || has_control(&value) {
            return Err(Rejection::at(RejectionCode::DimensionInvalid, pointer.as_str()));
        }
        Ok(Some(value))
    }

    fn find(&self, pointer: &DataPointer) -> Option<&Json> {
        pointer
            .steps()
            .try_fold(&self.data, |value, step| value.get(&step))
    }
}

/// The members of the event's object, taken out one by one; the rest are extensions we do not know.
struct Attributes(Vec<(String, Json)>);

impl Attributes {
    fn take(&mut self, name: &str) -> Option<Json> {
        let at = self.0.iter().position(|(key, _)| key == name)?;
        Some(self.0.swap_remove(at).1)
    }

    fn optional(&mut self, name: &str, bytes_max: usize) -> Result<Option<String>, Rejection> {
        let text = match self.take(name) {
            None | Some(Json::Null) => return Ok(None),
            Some(Json::Text(text)) => text,
            Some(_) => String::new(),
        };
        if text.is_empty() || text.len() > bytes_max || has_control(&text) {
            return Err(Rejection::at(RejectionCode::AttributeInvalid, format!("/{name}")));
        }
        Ok(Some(text))
    }

    fn required(&mut self, name: &str, bytes_max: usize) -> Result<String, Rejection> {
        self.optional(name, bytes_max)?
            .ok_or_else(|| Rejection::at(RejectionCode::AttributeMissing, format!("/{name}")))
    }

    fn data_is_json(&mut self) -> Result<(), Rejection> {
        if self.take("data_base64").is_some() {
            return Err(Rejection::at(RejectionCode::DataNotJson, "/data_base64"));
        }
        let media_type = self.optional("datacontenttype", ATTRIBUTE_BYTES_MAX)?;
        let is_json = media_type.is_none_or(|media_type| {
            let essence = media_type
                .split(';')
                .next()
                .unwrap_or_default()
                .trim()
                .to_lowercase();
            essence == "application/json" || essence.ends_with("+json")
        });
        if is_json {
            return Ok(());
        }
        Err(Rejection::at(RejectionCode::DataNotJson, "/datacontenttype"))
    }
}

fn sent_time(text: String) -> Result<SentTime, Rejection> {
    let at = DateTime::parse_from_rfc3339(&text)
        .map_err(|_| Rejection::at(RejectionCode::TimeInvalid, "/time"))?
        .with_timezone(&Utc);
    // PostgreSQL keeps microseconds; cutting here makes memory and ledger agree.
    let at = DateTime::from_timestamp_micros(at.timestamp_micros())
        .ok_or_else(|| Rejection::at(RejectionCode::TimeInvalid, "/time"))?;
    Ok(SentTime { text, at })
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
