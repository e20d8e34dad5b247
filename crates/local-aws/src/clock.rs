//! The endpoint's time. Everything that waits or expires on the endpoint asks this clock, never the system.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

/// The endpoint's clock: the system's time or a fixed time, plus what was advanced by hand.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// `None` follows the system.
    fixed: Option<DateTime<Utc>>,
    advanced_ms: AtomicI64,
    /// Wakes who waits for a moment.
    moved: watch::Sender<()>,
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
            moved: watch::Sender::new(()),
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
        self.0.moved.send_replace(());
    }

    /// Waits until the clock has reached a moment, by itself or by hand.
    pub(crate) async fn reach(&self, moment: DateTime<Utc>) {
        let mut moves = self.0.moved.subscribe();
        while self.now() < moment {
            let left = (moment - self.now()).to_std().unwrap_or_default();
            let by_itself = async {
                match self.0.fixed {
                    Some(_) => std::future::pending().await,
                    None => tokio::time::sleep(left).await,
                }
            };
            tokio::select! {
                () = by_itself => {}
                _ = moves.changed() => {}
            }
        }
    }
}

impl Clock {
    /// How far it was moved by hand.
    pub(crate) fn advanced_ms(&self) -> i64 {
        self.0.advanced_ms.load(Ordering::Relaxed)
    }

    /// Moves it as far as it once was, unless it is further already.
    pub(crate) fn catch_up(&self, advanced_ms: i64) {
        self.advance(TimeDelta::milliseconds(
            advanced_ms
                .saturating_sub(self.advanced_ms())
                .clamp(0, HUNDRED_YEARS_MS),
        ));
    }
}

const HUNDRED_YEARS_MS: i64 = 100 * 365 * 24 * 3_600_000;
