//! What a data plane links to report usage.
//!
//! [`Producer::record`] numbers an event and writes it to a spool file before it returns; [`Producer::flush`]
//! sends what is spooled and forgets only what the server has acknowledged. A crash, a lost answer or hours
//! without contact therefore lose nothing, and a resend changes nothing: the server recognises source and id.
//!
//! Memory is bounded: events live on disk, a batch at a time is in memory. When the spool is full, recording
//! is refused, so that the caller and not the disk decides what happens.

mod sender;
mod spool;

use std::path::Path;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use uuid::Uuid;

pub use sender::{Endpoint, FlushError, Flushed, Rejected};
use spool::Spool;
pub use spool::SpoolError;

/// Events of one request; the server takes 10,000.
const BATCH_EVENTS_MAX: usize = 1_000;
/// Bytes of one request; the server takes 10 MiB.
const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Usage {
    /// CloudEvents `type`: decides the meter.
    pub event_type: String,
    /// When it happened. Always given, because an event without a time counts when it arrives.
    pub at: DateTime<Utc>,
    /// How much, an exact decimal as text; none for a meter that counts events.
    pub value: Option<String>,
    /// What the meter can be split by.
    pub dimensions: Vec<(String, String)>,
}

/// Numbers, spools and sends events of one source.
#[derive(Debug)]
pub struct Producer {
    source: String,
    /// New at each start, so that numbers of a lost spool are never used again.
    epoch: Uuid,
    next: u64,
    spool: Spool,
    endpoint: Endpoint,
}

impl Producer {
    /// Opens the spool, keeping what an earlier process did not get rid of.
    ///
    /// # Errors
    /// When the file cannot be read or made.
    pub fn open(
        source: impl Into<String>,
        spool: &Path,
        spool_bytes_max: u64,
        endpoint: Endpoint,
    ) -> Result<Self, SpoolError> {
        Ok(Self {
            source: source.into(),
            epoch: Uuid::now_v7(),
            next: 0,
            spool: Spool::open(spool, spool_bytes_max)?,
            endpoint,
        })
    }

    /// Takes responsibility for an event: when this returns, it is on disk.
    ///
    /// # Errors
    /// [`SpoolError::Full`] when the server was away for too long; the event is then not taken.
    pub fn record(&mut self, usage: &Usage) -> Result<(), SpoolError> {
        let event = self.event(usage);
        self.spool.append(event.to_string().as_bytes())?;
        self.next += 1;
        Ok(())
    }

    /// Bytes that wait to be acknowledged.
    #[must_use]
    pub fn waiting_bytes(&self) -> u64 {
        self.spool.waiting_bytes()
    }

    /// Sends everything that waits, batch by batch, until the spool is empty. May be dropped anywhere.
    ///
    /// # Errors
    /// When the server refuses the credential or does not take a batch after several attempts; what is not
    /// acknowledged stays in the spool.
    pub async fn flush(&mut self) -> Result<Flushed, FlushError> {
        let mut flushed = Flushed::default();
        loop {
            let batch = self.spool.peek(BATCH_EVENTS_MAX, BATCH_BYTES_MAX)?;
            if batch.events == 0 {
                return Ok(flushed);
            }
            let sent = self.endpoint.send(&batch.lines).await?;
            // Only now: a crash before this line sends the batch again, which changes nothing.
            self.spool.forget(&batch)?;
            flushed.add(batch.events, sent);
        }
    }

    fn event(&self, usage: &Usage) -> Value {
        let mut data = Map::new();
        for (name, value) in &usage.dimensions {
            data.insert(name.clone(), Value::from(value.clone()));
        }
        if let Some(value) = &usage.value {
            data.insert("value".to_owned(), Value::from(value.clone()));
        }
        json!({
            "specversion": "1.0",
            "id": format!("{}-{}", self.epoch.simple(), self.next),
            "source": self.source,
            "type": usage.event_type,
            "time": usage.at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
            "data": data,
        })
    }
}
