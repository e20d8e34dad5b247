//! How much of a customer's own API quota we take: a token bucket for each account, region and action.
//!
//! A customer's tools share the account's quota with us (EC2 API reference, "Request throttling"), so we stay at a
//! tenth of what EC2 gives at least. A call beyond the budget is not made and counts as throttled: whoever asked comes
//! back later, and no task sleeps. A throttled answer empties the bucket, because somebody else is using the rest.

use std::{
    fmt,
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::NoOpMiddleware,
    state::keyed::DashMapStateStore,
};

use crate::{AwsError, AwsErrorKind};

/// Buckets that have refilled are forgotten once in so many calls.
const CALLS_BETWEEN_CLEANUPS: u32 = 10_000;

/// Size of each bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallBudget {
    /// Calls of one action at once.
    pub burst: NonZeroU32,
    /// Calls of one action a second, in the long run.
    pub per_second: NonZeroU32,
}

impl CallBudget {
    /// A tenth of the smallest quota of EC2's mutating actions: 100 at once, 20 a second.
    pub const TENTH: Self = Self {
        burst: NonZeroU32::new(10).expect("ten is not zero"),
        per_second: NonZeroU32::new(2).expect("two is not zero"),
    };
}

/// Account, region and action.
type Key = (String, String, &'static str);

/// The buckets of a process.
pub(crate) struct Budget<C: Clock = DefaultClock> {
    limiter: RateLimiter<Key, DashMapStateStore<Key>, C, NoOpMiddleware<C::Instant>>,
    burst: NonZeroU32,
    calls: AtomicU32,
}

impl<C: Clock> fmt::Debug for Budget<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("burst", &self.burst)
            .finish_non_exhaustive()
    }
}

impl<C: Clock> Budget<C> {
    pub(crate) fn new(size: CallBudget, clock: C) -> Self {
        let quota = Quota::per_second(size.per_second).allow_burst(size.burst);
        Self {
            limiter: RateLimiter::new(quota, DashMapStateStore::default(), clock),
            burst: size.burst,
            calls: AtomicU32::new(0),
        }
    }

    /// Takes a call out of its bucket.
    ///
    /// # Errors
    /// `BudgetExhausted`, our own word, when the bucket is empty.
    pub(crate) fn take(&self, place: (&str, &str), action: &'static str) -> Result<(), AwsError> {
        if self.calls.fetch_add(1, Ordering::Relaxed) % CALLS_BETWEEN_CLEANUPS == CALLS_BETWEEN_CLEANUPS - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(&key(place, action)).map_err(|_| AwsError {
            kind: AwsErrorKind::Throttled,
            code: "BudgetExhausted".to_owned(),
            message: format!("{action} waits, to leave the account's own tools their share of its quota"),
        })
    }

    /// AWS throttled the action: what is left in its bucket is given up.
    pub(crate) fn give_up(&self, place: (&str, &str), action: &'static str) {
        let key = key(place, action);
        for _ in 0..self.burst.get() {
            if self.limiter.check_key(&key).is_err() {
                return;
            }
        }
    }
}

fn key((account, region): (&str, &str), action: &'static str) -> Key {
    (account.to_owned(), region.to_owned(), action)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use governor::clock::FakeRelativeClock;

    use super::*;

    const HERE: (&str, &str) = ("222222222222", "eu-central-1");

    #[test]
    fn a_bucket_refills_and_belongs_to_one_account_region_and_action() {
        let clock = FakeRelativeClock::default();
        let budget = Budget::new(CallBudget::TENTH, clock.clone());
        for _ in 0..10 {
            budget.take(HERE, "CreateVpc").expect("within the budget");
        }
        let refused = budget.take(HERE, "CreateVpc").expect_err("beyond it");
        assert_eq!(
            (refused.kind, refused.code.as_str()),
            (AwsErrorKind::Throttled, "BudgetExhausted")
        );
        for (place, action) in [
            (("333333333333", "eu-central-1"), "CreateVpc"),
            (("222222222222", "eu-west-1"), "CreateVpc"),
            (HERE, "CreateSubnet"),
        ] {
            budget.take(place, action).expect("another bucket");
        }
        clock.advance(Duration::from_millis(500));
        budget.take(HERE, "CreateVpc").expect("one has come back");
        budget.take(HERE, "CreateVpc").expect_err("and no more");
    }

    #[test]
    fn a_throttled_answer_empties_the_bucket() {
        let budget = Budget::new(CallBudget::TENTH, FakeRelativeClock::default());
        budget.give_up(HERE, "RunInstances");
        budget.take(HERE, "RunInstances").expect_err("nothing is left");
        budget.take(HERE, "CreateVpc").expect("another action");
    }
}
