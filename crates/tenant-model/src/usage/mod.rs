//! Usage: from the JSON of one event to exact numbers per window, by rules alone.
//!
//! [`UsageEvent::parse`] reads one CloudEvent strictly. [`EventKey`] says which events are one event.
//! [`UsageEvent::measure`] takes the quantity a [`crate::Meter`] asks for. [`Rollups`] adds quantities up
//! per window, in any order and any batching. Storing and sending are other rooms' work.

mod dimensions;
mod event;
mod json;
mod key;
mod position;
mod rejection;
mod tally;
mod window;

pub use dimensions::Dimensions;
pub use event::{EVENT_BYTES_MAX, Measurement, TimeBounds, UsageEvent};
pub use key::{BUCKETS, EventKey, explicit_hash_key};
pub use position::{InvalidPosition, StreamPosition};
pub use rejection::{Rejection, RejectionCode};
pub use tally::{RollupKey, Rollups, Tally};
pub use window::{Granularity, InvalidSpan, UsageSpan, WindowSize};
