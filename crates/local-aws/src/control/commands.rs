//! What was commanded from the control surface, for the state file and for snapshots.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};

use crate::control::{Armed, LagSettings, LatencyModel, Outage};
use crate::core::Core;
use crate::iam::policy::Document;

/// The clock, the rules and the switches of an endpoint.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Commands {
    /// How far the clock was moved by hand.
    advanced_ms: i64,
    scps: BTreeMap<String, String>,
    outages: Vec<Outage>,
    faults: Vec<Armed>,
    lag: LagSettings,
    latency: LatencyModel,
    kinesis_rates: bool,
}

impl Commands {
    pub(crate) fn of(core: &Core) -> Self {
        Self {
            advanced_ms: core.clock.advanced_ms(),
            scps: core.guardrails.all(),
            outages: core.outages.all(),
            faults: core.faults.armed(),
            lag: core.lag.settings(),
            latency: core.latency.model(),
            kinesis_rates: core.kinesis_rates.load(Ordering::Relaxed),
        }
    }

    /// The service control policies as policies.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub(crate) fn policies(&self) -> Result<BTreeMap<String, Document>, String> {
        let read = |(account, text): (&String, &String)| match Document::identity(text) {
            Ok(document) => Ok((account.clone(), document)),
            Err(error) => Err(format!("{account}: {error}")),
        };
        self.scps.iter().map(read).collect()
    }

    /// Commands the same again. Time never goes back: a clock that is further stays there.
    pub(crate) fn give(self, core: &Core, policies: BTreeMap<String, Document>) {
        core.clock.catch_up(self.advanced_ms);
        core.guardrails.replace(policies);
        core.outages.replace(self.outages);
        core.faults.rearm(self.faults);
        core.lag.set(self.lag);
        core.latency.set(self.latency);
        core.kinesis_rates.store(self.kinesis_rates, Ordering::Relaxed);
    }
}
