//! What one shard takes and gives per second, counted in whole seconds of the endpoint's clock.
//!
//! Held against callers only while the endpoint's `kinesis shard limits` switch is on; a test without it measures
//! itself, not Kinesis. Source: "Quotas and limits" of the Kinesis developer guide, read 2026-11.

use chrono::{DateTime, Utc};

/// Bytes of data and partition keys a shard takes per second.
pub(crate) const WRITE_BYTES_PER_SECOND: u64 = 1 << 20;
/// Records a shard takes per second.
pub(crate) const WRITE_RECORDS_PER_SECOND: u64 = 1_000;
/// GetRecords calls a shard answers per second.
pub(crate) const READS_PER_SECOND: u64 = 5;
/// Iterators of a shard that its account is given per second.
pub(crate) const ITERATORS_PER_SECOND: u64 = 5;
/// Bytes a shard gives per second. A call may take more at once, 10 MiB at most; the shard then rests.
pub(crate) const READ_BYTES_PER_SECOND: u64 = 2 << 20;

#[derive(Debug, Default)]
struct Second {
    second: i64,
    first: u64,
    second_count: u64,
}

impl Second {
    /// Adds to both counts unless one would pass its limit.
    fn admit(&mut self, now: DateTime<Utc>, add: (u64, u64), limit: (u64, u64)) -> bool {
        if self.second != now.timestamp() {
            *self = Self {
                second: now.timestamp(),
                first: 0,
                second_count: 0,
            };
        }
        let (first, count) = (self.first + add.0, self.second_count + add.1);
        let admitted = first <= limit.0 && count <= limit.1;
        if admitted {
            (self.first, self.second_count) = (first, count);
        }
        admitted
    }
}

/// Use of one shard in the running second.
#[derive(Debug, Default)]
pub(crate) struct ShardRates {
    writes: Second,
    reads: Second,
    iterators: Second,
    /// First second in which the shard gives anything again after a large read.
    rests_until: i64,
}

impl ShardRates {
    /// Whether one more record of these bytes fits into this second.
    pub(crate) fn admit_write(&mut self, now: DateTime<Utc>, bytes: u64) -> bool {
        self.writes.admit(
            now,
            (bytes, 1),
            (WRITE_BYTES_PER_SECOND, WRITE_RECORDS_PER_SECOND),
        )
    }

    /// Whether one more iterator fits into this second.
    pub(crate) fn admit_iterator(&mut self, now: DateTime<Utc>) -> bool {
        self.iterators.admit(now, (1, 0), (ITERATORS_PER_SECOND, 0))
    }

    /// Whether one more GetRecords call fits into this second.
    pub(crate) fn admit_read(&mut self, now: DateTime<Utc>) -> bool {
        now.timestamp() >= self.rests_until && self.reads.admit(now, (1, 0), (READS_PER_SECOND, u64::MAX))
    }

    /// Counts what an admitted call gave. API_GetRecords: after 10 MiB, calls within the next five seconds are refused.
    pub(crate) fn gave(&mut self, now: DateTime<Utc>, bytes: u64) {
        self.reads.admit(now, (0, bytes), (u64::MAX, u64::MAX));
        let seconds = self.reads.second_count / READ_BYTES_PER_SECOND;
        if seconds > 0 {
            self.rests_until = now.timestamp() + i64::try_from(seconds).unwrap_or(i64::MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn a_second_takes_a_thousand_records_or_a_mebibyte() {
        let now = DateTime::UNIX_EPOCH;
        let mut rates = ShardRates::default();
        assert!((0..1_000).all(|_| rates.admit_write(now, 10)));
        assert!(!rates.admit_write(now, 10));
        assert!(rates.admit_write(now + TimeDelta::seconds(1), 1 << 20));
        assert!(!rates.admit_write(now + TimeDelta::seconds(1), 1));
    }

    #[test]
    fn a_second_answers_five_reads() {
        let now = DateTime::UNIX_EPOCH;
        let mut rates = ShardRates::default();
        assert_eq!((0..7).filter(|_| rates.admit_read(now)).count(), 5);
    }

    #[test]
    fn a_shard_rests_five_seconds_after_ten_mebibytes() {
        let at = |second| DateTime::UNIX_EPOCH + TimeDelta::seconds(second);
        let mut rates = ShardRates::default();
        assert!(rates.admit_read(at(0)));
        rates.gave(at(0), 10 << 20);
        assert!(!rates.admit_read(at(0)) && !rates.admit_read(at(4)));
        assert!(rates.admit_read(at(5)));
        rates.gave(at(5), 1 << 20);
        assert!(rates.admit_read(at(5)));
    }
}
