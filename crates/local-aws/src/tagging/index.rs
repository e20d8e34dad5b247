//! The resources that the tagging API sees, from the endpoint's inventory.
//!
//! AWS's index follows the resources with some delay, and goes on listing what was deleted for a while. With that lag
//! switched on, the index remembers when each resource was first seen and since when it is missing; without it the
//! inventory itself is the index.

use std::collections::BTreeMap;
use std::sync::Mutex;

use chrono::{DateTime, Utc};

use crate::control::InventoryItem;
use crate::core::Core;
use crate::lock;
use crate::service::Call;
use crate::tags::Tags;

/// Where AWS lists what belongs to no region.
const GLOBAL_REGION: &str = "us-east-1";
/// Kinds with tags of their own that GetResources never lists (Resource Groups Tagging API reference, "Services that
/// support the Resource Groups Tagging API").
const UNSEEN: [&str; 3] = ["autoscaling:autoScalingGroup", "iam:role", "iam:user"];

/// A resource with at least one tag.
#[derive(Clone)]
pub(super) struct Tagged {
    pub(super) arn: String,
    pub(super) kind: String,
    pub(super) tags: Tags,
    account: String,
    region: String,
}

/// A resource that the index has met.
struct Met {
    resource: Tagged,
    since: DateTime<Utc>,
    gone_at: Option<DateTime<Utc>>,
}

/// What the index has met while the lag was on, by ARN.
#[derive(Default)]
pub(super) struct Index(Mutex<BTreeMap<String, Met>>);

impl Index {
    /// Brings the index to the present. Without the lag it holds nothing.
    pub(super) fn look(&self, core: &Core) {
        let lags = core.lag.settings().tags_ms_max > 0;
        let live = if lags { live(core) } else { BTreeMap::new() };
        let mut met = lock::held(&self.0);
        if !lags {
            met.clear();
            return;
        }
        let now = core.clock.now();
        for known in met.values_mut() {
            if !live.contains_key(&known.resource.arn) {
                known.gone_at.get_or_insert(now);
            }
        }
        met.retain(|arn, known| known.gone_at.is_none_or(|at| !core.lag.is_indexed(arn, at, now)));
        for (arn, resource) in live {
            let since = met.get(&arn).map_or(now, |known| known.since);
            let known = Met {
                resource,
                since,
                gone_at: None,
            };
            met.insert(arn, known);
        }
    }

    /// The caller's tagged resources in the call's region, sorted by ARN.
    pub(super) fn tagged(&self, core: &Core, call: &Call) -> Vec<Tagged> {
        if core.lag.settings().tags_ms_max == 0 {
            let live = live(core).into_values();
            return live.filter(|resource| resource.is_seen_by(call)).collect();
        }
        let met = lock::held(&self.0);
        met.values()
            .filter(|known| known.resource.is_seen_by(call))
            .filter(|known| core.lag.is_indexed(&known.resource.arn, known.since, call.now))
            .map(|known| known.resource.clone())
            .collect()
    }
}

impl Tagged {
    /// Whether it is the caller's, and of the call's region. What has no region is in one all the same.
    fn is_seen_by(&self, call: &Call) -> bool {
        let region = if self.region == "global" {
            GLOBAL_REGION
        } else {
            &self.region
        };
        self.account == call.caller.account && region == call.region
    }
}

/// Every tagged resource of the endpoint that can be listed, by ARN.
fn live(core: &Core) -> BTreeMap<String, Tagged> {
    let listed = |item: &InventoryItem| !item.tags.is_empty() && !UNSEEN.contains(&item.kind.as_str());
    let items = core.roll_call().into_iter().filter(listed);
    items
        .map(|item| {
            let arn = arn(&item);
            let resource = Tagged {
                arn: arn.clone(),
                kind: item.kind,
                tags: item.tags,
                account: item.account,
                region: item.region,
            };
            (arn, resource)
        })
        .collect()
}

/// The ARN of a resource whose service names it by a shorter id.
fn arn(item: &InventoryItem) -> String {
    if item.id.starts_with("arn:") {
        return item.id.clone();
    }
    let (service, kind) = item.kind.split_once(':').unwrap_or((&item.kind, ""));
    let (region, account, id) = (&item.region, &item.account, &item.id);
    match service {
        "s3" => format!("arn:aws:s3:::{id}"),
        "route53" => format!("arn:aws:route53:::{kind}/{id}"),
        "rds" => format!("arn:aws:rds:{region}:{account}:{kind}:{id}"),
        _ => format!("arn:aws:{service}:{region}:{account}:{kind}/{id}"),
    }
}
