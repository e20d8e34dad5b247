//! The endpoint's time. Everything that waits or expires on the endpoint asks this clock, never the system.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

/// The endpoint's clock: the system's time or a fixed time, plus what was advanced by hand.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// `None` follows the system.
    fixed: Option<DateTime<Utc>>,
    advanced_ms: AtomicI64,
}

impl Clock {
    /// Follows the system's time.
    #[must_use]
    pub fn system() -> Self {
        Self::new(None)
    }

    /// Stands still at `at` until it is advanced.
    ///
    /// Requests are signed by the client's own clock; see the signature's rule on skew.
    #[must_use]
    pub fn manual(at: DateTime<Utc>) -> Self {
        Self::new(Some(at))
    }

    fn new(fixed: Option<DateTime<Utc>>) -> Self {
        Self(Arc::new(Inner {
            fixed,
            advanced_ms: AtomicI64::new(0),
        }))
    }

    /// The present time on the endpoint.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        let advanced_ms = self.0.advanced_ms.load(Ordering::Relaxed);
        let advanced = TimeDelta::milliseconds(advanced_ms.min(HUNDRED_YEARS_MS));
        self.0.fixed.unwrap_or_else(Utc::now) + advanced
    }

    /// Moves the clock forward. Time never goes back, so a negative step is ignored; all steps together move it by
    /// a hundred years at most, which keeps it far from the calendar's end.
    pub fn advance(&self, by: TimeDelta) {
        let step_ms = by.num_milliseconds().clamp(0, HUNDRED_YEARS_MS);
        self.0.advanced_ms.fetch_add(step_ms, Ordering::Relaxed);
    }
}

const HUNDRED_YEARS_MS: i64 = 100 * 365 * 24 * 3_600_000;
