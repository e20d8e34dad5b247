//! The memory of a health check: how long its answers have been good or bad.
//!
//! Load balancers and Route 53 count answers in a row. Here a look stands for all the answers since the last one,
//! because nothing changes between two looks: the endpoint looks before every call and before time moves.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// What a check has seen so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pulse {
    /// The answer at the last look, and since when it has been so.
    good: bool,
    since: DateTime<Utc>,
    /// What the check says; `None` until it has counted to a threshold for the first time.
    verdict: Option<bool>,
}

/// How long answers must be good, or bad, to change the verdict.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thresholds {
    /// For the first verdict, where it is a good one.
    pub(crate) first: TimeDelta,
    pub(crate) rise: TimeDelta,
    pub(crate) fall: TimeDelta,
}

impl Pulse {
    /// A check that begins now.
    pub(crate) fn begin(now: DateTime<Utc>, good: bool) -> Self {
        Self {
            good,
            since: now,
            verdict: None,
        }
    }

    /// Looks once more.
    pub(crate) fn look(&mut self, now: DateTime<Utc>, good: bool, thresholds: Thresholds) -> Option<bool> {
        self.settle(now, thresholds);
        if good != self.good {
            self.good = good;
            self.since = now;
        }
        self.settle(now, thresholds);
        self.verdict
    }

    /// The answer at the last look.
    pub(crate) fn is_good(&self) -> bool {
        self.good
    }

    /// What the check says, without another look.
    pub(crate) fn verdict(&self) -> Option<bool> {
        self.verdict
    }

    fn settle(&mut self, now: DateTime<Utc>, thresholds: Thresholds) {
        let wait = match (self.good, self.verdict) {
            (true, None) => thresholds.first,
            (true, Some(_)) => thresholds.rise,
            (false, _) => thresholds.fall,
        };
        if self.since + wait <= now {
            self.verdict = Some(self.good);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_follows_after_the_threshold_and_not_before() {
        let at = |second| DateTime::from_timestamp(second, 0).expect("in range");
        let thresholds = Thresholds {
            first: TimeDelta::seconds(20),
            rise: TimeDelta::seconds(20),
            fall: TimeDelta::seconds(10),
        };
        let mut pulse = Pulse::begin(at(0), true);
        assert_eq!(pulse.look(at(19), true, thresholds), None);
        assert_eq!(pulse.look(at(20), true, thresholds), Some(true));
        assert_eq!(pulse.look(at(30), false, thresholds), Some(true));
        assert_eq!(pulse.look(at(39), false, thresholds), Some(true));
        assert_eq!(pulse.look(at(40), false, thresholds), Some(false));
        // A short lapse is forgotten.
        assert_eq!(pulse.look(at(41), true, thresholds), Some(false));
        assert_eq!(pulse.look(at(42), false, thresholds), Some(false));
        assert_eq!(pulse.look(at(61), true, thresholds), Some(false));
        assert_eq!(pulse.look(at(81), true, thresholds), Some(true));
    }

    #[test]
    fn the_first_good_verdict_has_a_threshold_of_its_own() {
        let at = |second| DateTime::from_timestamp(second, 0).expect("in range");
        let thresholds = Thresholds {
            first: TimeDelta::seconds(5),
            rise: TimeDelta::seconds(20),
            fall: TimeDelta::seconds(10),
        };
        let mut pulse = Pulse::begin(at(0), true);
        assert_eq!(pulse.look(at(5), true, thresholds), Some(true));
        assert_eq!(pulse.look(at(6), false, thresholds), Some(true));
        assert_eq!(pulse.look(at(16), true, thresholds), Some(false));
        assert_eq!(pulse.look(at(30), true, thresholds), Some(false));
        assert_eq!(pulse.look(at(36), true, thresholds), Some(true));
    }
}
