//! Zones and regions that are lost: what stands there stops working until the outage ends.
//!
//! Nothing is deleted by an outage. Instances in a lost zone fail their status checks, targets there become
//! unhealthy, nothing can be launched there; a lost region does not answer at all.

use std::collections::BTreeSet;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::lock;

/// What is lost.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Outage {
    /// One zone by its name, such as `eu-central-1a`.
    Zone(String),
    /// A whole region, such as `eu-central-1`.
    Region(String),
}

/// The outages in force.
#[derive(Default)]
pub(crate) struct Outages(Mutex<BTreeSet<Outage>>);

impl Outages {
    pub(crate) fn begin(&self, outage: Outage) {
        lock::held(&self.0).insert(outage);
    }

    pub(crate) fn end(&self, outage: &Outage) {
        lock::held(&self.0).remove(outage);
    }

    pub(crate) fn replace(&self, outages: Vec<Outage>) {
        *lock::held(&self.0) = outages.into_iter().collect();
    }

    pub(crate) fn end_all(&self) {
        lock::held(&self.0).clear();
    }

    pub(crate) fn all(&self) -> Vec<Outage> {
        lock::held(&self.0).iter().cloned().collect()
    }

    pub(crate) fn region_lost(&self, region: &str) -> bool {
        let lost = lock::held(&self.0);
        lost.iter()
            .any(|outage| matches!(outage, Outage::Region(name) if name == region))
    }

    /// Whether a zone is lost, by itself or with its region.
    pub(crate) fn zone_lost(&self, zone: &str) -> bool {
        let lost = lock::held(&self.0);
        lost.iter().any(|outage| match outage {
            Outage::Zone(name) => name == zone,
            // A zone's name is its region's and one letter.
            Outage::Region(name) => zone
                .strip_prefix(name.as_str())
                .is_some_and(|rest| rest.len() == 1),
        })
    }
}
