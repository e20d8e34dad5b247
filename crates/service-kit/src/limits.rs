//! Rate limits, keyed by who asks.
//!
//! Signed-in callers are limited by principal and class of route; sign-in and signup by address and by
//! e-mail. A bucket lives in this process: several replicas multiply the figure by their number.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use http::Method;

use crate::{Clock, Problem, kinds};

type Buckets = RateLimiter<String, DashMapStateStore<String>, Clock, NoOpMiddleware<Duration>>;

/// Buckets that are full again are forgotten when there are more than this.
const BUCKETS_MAX: usize = 100_000;

/// What kind of request it is; each kind has its own budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteClass {
    /// Reads.
    Read,
    /// Changes.
    Change,
    /// Usage events.
    Ingest,
    /// Sign-in, signup and the like, by address and by e-mail.
    SignIn,
}

impl RouteClass {
    /// The class of a signed-in caller's request.
    #[must_use]
    pub fn of(method: &Method, path: &str) -> Self {
        match *method {
            Method::GET | Method::HEAD => Self::Read,
            _ if path == "/v1/usage-events" => Self::Ingest,
            _ => Self::Change,
        }
    }
}

/// Requests per second in the long run, and at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Refill of the bucket.
    pub per_minute: NonZeroU32,
    /// Size of the bucket.
    pub burst: NonZeroU32,
}

/// The budgets of each class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitSettings {
    /// For each principal.
    pub read: Budget,
    /// For each principal.
    pub change: Budget,
    /// For each API key; the store of usage has its own budget for each tenant.
    pub ingest: Budget,
    /// For each address and each e-mail.
    pub sign_in: Budget,
}

const fn budget(per_minute: u32, burst: u32) -> Budget {
    match (NonZeroU32::new(per_minute), NonZeroU32::new(burst)) {
        (Some(per_minute), Some(burst)) => Budget { per_minute, burst },
        _ => panic!("a budget is not zero"),
    }
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            read: budget(6_000, 600),
            change: budget(1_200, 200),
            ingest: budget(600_000, 20_000),
            sign_in: budget(10, 10),
        }
    }
}

impl LimitSettings {
    /// For one person's machine, where everybody has the same address.
    #[must_use]
    pub fn local() -> Self {
        Self {
            sign_in: budget(6_000, 600),
            ..Self::default()
        }
    }
}

/// The buckets of a process.
#[derive(Debug)]
pub struct Limits {
    read: Buckets,
    change: Buckets,
    ingest: Buckets,
    sign_in: Buckets,
    noted: Buckets,
    clock: Clock,
}

impl Limits {
    /// Empty buckets.
    #[must_use]
    pub fn new(settings: &LimitSettings, clock: &Clock) -> Self {
        let buckets = |budget: Budget| {
            let quota = Quota::per_minute(budget.per_minute).allow_burst(budget.burst);
            RateLimiter::dashmap_with_clock(quota, clock.clone())
        };
        Self {
            read: buckets(settings.read),
            change: buckets(settings.change),
            ingest: buckets(settings.ingest),
            sign_in: buckets(settings.sign_in),
            noted: buckets(budget(1, 1)),
            clock: clock.clone(),
        }
    }

    /// Takes one from the bucket of `key`.
    ///
    /// # Errors
    /// `rate-limited` with the seconds to wait.
    pub fn check(&self, class: RouteClass, key: &str) -> Result<(), Problem> {
        let buckets = match class {
            RouteClass::Read => &self.read,
            RouteClass::Change => &self.change,
            RouteClass::Ingest => &self.ingest,
            RouteClass::SignIn => &self.sign_in,
        };
        tidy(buckets);
        buckets.check_key(&key.to_owned()).map_err(|refused| {
            let wait: Duration = refused.wait_time_from(self.clock.monotonic());
            Problem::of(&kinds::RATE_LIMITED).retry_after(wait.as_secs() + 1)
        })
    }

    /// Whether this is the first use of `key` in about a minute, so that it is worth a write.
    #[must_use]
    pub fn first_use_this_minute(&self, key: &str) -> bool {
        tidy(&self.noted);
        self.noted.check_key(&key.to_owned()).is_ok()
    }
}

fn tidy(buckets: &Buckets) {
    if buckets.len() > BUCKETS_MAX {
        buckets.retain_recent();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    #[test]
    fn the_eleventh_sign_in_waits_and_others_do_not() {
        let clock = Clock::manual(DateTime::from_timestamp(1_800_000_000, 0).expect("in range"));
        let limits = Limits::new(&LimitSettings::default(), &clock);
        for _ in 0..10 {
            assert_eq!(limits.check(RouteClass::SignIn, "a"), Ok(()));
        }
        let refused = limits
            .check(RouteClass::SignIn, "a")
            .expect_err("the bucket is empty");
        assert_eq!(refused.status().as_u16(), 429);
        assert_eq!(
            refused
                .body()
                .next_action
                .as_ref()
                .and_then(|next| next.retry_after_seconds),
            Some(7)
        );
        assert_eq!(limits.check(RouteClass::SignIn, "b"), Ok(()));
        clock.advance(Duration::from_secs(7));
        assert_eq!(limits.check(RouteClass::SignIn, "a"), Ok(()));
    }
}
