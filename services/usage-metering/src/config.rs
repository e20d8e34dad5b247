//! Limits and times of the service.

use std::time::Duration;

use tenant_model::usage::TimeBounds;

/// What an installation may decide; the default is right for most.
#[derive(Clone, Debug)]
pub struct MeteringConfig {
    /// The Kinesis stream of usage blocks.
    pub stream_name: String,
    /// Shards of the stream when we have to create it.
    pub stream_shards: i32,
    /// How far an event's time may lie from its arrival.
    pub time_bounds: TimeBounds,
    /// How long a block waits for company while requests wait for it.
    pub linger: Duration,
    /// Raw JSON of a block before it is closed.
    pub block_bytes_max: usize,
    /// How long a request waits for the stream before it says `unavailable`.
    pub put_deadline: Duration,
    /// Bytes of usage in this process between arrival and answer.
    pub in_flight_bytes_max: usize,
    /// Bytes of one tenant among them.
    pub in_flight_tenant_bytes_max: usize,
    /// A worker that is silent for so long has lost its shards.
    pub lease: Duration,
    /// Between two reads of an idle shard; Kinesis allows five per second.
    pub poll_interval: Duration,
    /// Between two looks for new shards.
    pub discovery_interval: Duration,
    /// Records of one read.
    pub read_records_max: i32,
    /// Events after which a booking transaction takes no further record. Bounds its locks and its time.
    pub batch_events_max: usize,
}

impl Default for MeteringConfig {
    fn default() -> Self {
        Self {
            stream_name: "tenantry-usage".to_owned(),
            stream_shards: 2,
            time_bounds: TimeBounds::default(),
            linger: Duration::from_millis(20),
            block_bytes_max: 256 * 1024,
            put_deadline: Duration::from_secs(8),
            in_flight_bytes_max: 64 * 1024 * 1024,
            in_flight_tenant_bytes_max: 24 * 1024 * 1024,
            lease: Duration::from_secs(3),
            poll_interval: Duration::from_millis(250),
            discovery_interval: Duration::from_secs(10),
            read_records_max: 500,
            batch_events_max: 20_000,
        }
    }
}

impl MeteringConfig {
    pub(crate) fn lease_ms(&self) -> i64 {
        i64::try_from(self.lease.as_millis()).unwrap_or(i64::MAX)
    }
}
