//! How long things take: a NAT gateway to become available, a database to be made.

use std::sync::Mutex;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::lock;

/// The latency model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "snake_case", deny_unknown_fields)]
pub enum LatencyModel {
    /// Nothing takes time: what waits is done at the next look.
    #[default]
    Instant,
    /// Everything takes AWS's documented typical time, scaled.
    Realistic {
        /// Thousandths of the typical time: 1,000 is AWS's own pace, 100 ten times as fast.
        per_mille: u32,
    },
}

/// The model in force.
#[derive(Default)]
pub(crate) struct Latency(Mutex<LatencyModel>);

impl Latency {
    pub(crate) fn set(&self, model: LatencyModel) {
        *lock::held(&self.0) = model;
    }

    pub(crate) fn model(&self) -> LatencyModel {
        *lock::held(&self.0)
    }

    /// What a wait of `typical` on AWS is here.
    pub(crate) fn of(&self, typical: TimeDelta) -> TimeDelta {
        match self.model() {
            LatencyModel::Instant => TimeDelta::zero(),
            LatencyModel::Realistic { per_mille } => {
                let millis = typical.num_milliseconds().saturating_mul(per_mille.into()) / 1_000;
                TimeDelta::milliseconds(millis)
            }
        }
    }
}
