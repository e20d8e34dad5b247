//! What a database goes through: stages with their ends on the endpoint's clock, and what holds once they are over.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::control::Latency;

/// The stages still ahead; none when the resource is at rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Course {
    stages: Vec<Stage>,
    then: Then,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stage {
    status: String,
    until: DateTime<Utc>,
}

/// What happens at the end of the last stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Then {
    /// Nothing more: it is available.
    #[default]
    Rest,
    /// Its pending changes hold.
    Change,
    /// The standby, or a reader, has taken over.
    FailOver,
    /// It is stopped.
    Stop,
    /// It does not exist any more.
    Gone,
}

impl Course {
    /// Stages one after the other from `now`, each with AWS's typical time.
    pub(super) fn through(
        now: DateTime<Utc>,
        latency: &Latency,
        stages: &[(&str, TimeDelta)],
        then: Then,
    ) -> Self {
        let mut until = now;
        let stages = stages.iter().map(|(status, typical)| {
            until += latency.of(*typical);
            Stage {
                status: (*status).to_owned(),
                until,
            }
        });
        Self {
            stages: stages.collect(),
            then,
        }
    }

    /// The status of the stage at hand.
    pub(super) fn status(&self) -> Option<&str> {
        self.stages.first().map(|stage| stage.status.as_str())
    }

    /// Leaves the stages that are over behind; says what follows the last one, once.
    pub(super) fn settle(&mut self, now: DateTime<Utc>) -> Option<Then> {
        let had = !self.stages.is_empty();
        self.stages.retain(|stage| stage.until > now);
        (had && self.stages.is_empty()).then(|| std::mem::take(&mut self.then))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::LatencyModel;

    #[test]
    fn stages_follow_each_other_and_the_end_is_told_once() {
        let at = |second| DateTime::from_timestamp(second, 0).expect("in range");
        let latency = Latency::default();
        latency.set(LatencyModel::Realistic { per_mille: 1_000 });
        let stages = [
            ("creating", TimeDelta::seconds(10)),
            ("backing-up", TimeDelta::seconds(5)),
        ];
        let mut course = Course::through(at(0), &latency, &stages, Then::Stop);
        assert_eq!((course.settle(at(9)), course.status()), (None, Some("creating")));
        assert_eq!(
            (course.settle(at(10)), course.status()),
            (None, Some("backing-up"))
        );
        assert_eq!((course.settle(at(15)), course.status()), (Some(Then::Stop), None));
        assert_eq!(course.settle(at(16)), None);
    }
}
