//! The only source of time in a service.
//!
//! Everything that asks "when" asks a [`Clock`], so that a test moves time instead of sleeping. Leases
//! are the exception: they use the database's clock, which all processes share.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

/// A clock: the system's, or one that only moves when told.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System { started: std::time::Instant },
    Manual(Arc<Manual>),
}

#[derive(Debug)]
struct Manual {
    started: DateTime<Utc>,
    elapsed_microseconds: AtomicI64,
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System {
            started: std::time::Instant::now(),
        })
    }

    /// A clock that stands at `now` until [`Clock::advance`] moves it. Clones share the time.
    #[must_use]
    pub fn manual(now: DateTime<Utc>) -> Self {
        let started = now.trunc_subsecs(6);
        Self(Source::Manual(Arc::new(Manual {
            started,
            elapsed_microseconds: AtomicI64::new(0),
        })))
    }

    /// Now, truncated to microseconds: what PostgreSQL keeps, so that a value reads back equal.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::System { .. } => Utc::now().trunc_subsecs(6),
            Source::Manual(manual) => {
                let elapsed = manual.elapsed_microseconds.load(Ordering::SeqCst);
                manual.started + TimeDelta::microseconds(elapsed)
            }
        }
    }

    /// Time since the clock was made; never goes back, even if the wall clock is set.
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        match &self.0 {
            Source::System { started } => started.elapsed(),
            Source::Manual(manual) => {
                let elapsed = manual.elapsed_microseconds.load(Ordering::SeqCst);
                Duration::from_micros(elapsed.unsigned_abs())
            }
        }
    }

    /// Moves a manual clock forward; the system's clock cannot be moved and ignores it.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(manual) = &self.0 {
            let microseconds = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
            manual
                .elapsed_microseconds
                .fetch_add(microseconds, Ordering::SeqCst);
        }
    }
}

impl governor::clock::Clock for Clock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.monotonic()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told_and_clones_agree() {
        let start = DateTime::from_timestamp(1_800_000_000, 123_456_789).expect("in range");
        let clock = Clock::manual(start);
        let other = clock.clone();
        assert_eq!(clock.now(), clock.now());
        clock.advance(Duration::from_secs(90));
        assert_eq!(other.now() - start.trunc_subsecs(6), TimeDelta::seconds(90));
        assert_eq!(other.now().timestamp_subsec_nanos(), 123_456_000);
    }
}
