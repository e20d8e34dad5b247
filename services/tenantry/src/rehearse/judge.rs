//! The judge: what the local AWS holds, compared with what is promised.
//!
//! - *orphan*: made with the tenant's role, and of no resource that the deployment knows;
//! - *duplicate*: a second live thing under one deployment's name and kind;
//! - *missing*: a name of a ready deployment with nothing live behind it;
//! - *leaked*: made with the tenant's role, and there after the deployment's end.

use std::collections::BTreeMap;

use local_aws::InventoryItem;
use tenant_model::observation::{TAG_DEPLOYMENT, TAG_RESOURCE};

/// What is wrong with one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) orphans: u64,
    pub(super) duplicates: u64,
    pub(super) missing: u64,
    /// Orphans and what is missing, by kind and id.
    pub(super) named: Vec<String>,
}

impl Verdict {
    /// Nothing is wrong.
    pub(super) fn is_clean(&self) -> bool {
        *self == Self::default()
    }
}

/// Machines that an Auto Scaling group starts and ends by itself have a name that no resource has.
const MACHINES: (&str, &str) = ("machine", "auto-scaling-group");

/// The live things that were made with a tenant's role. Roles of services come with their first use and are the
/// account's own.
pub(super) fn ours(inventory: Vec<InventoryItem>) -> Vec<InventoryItem> {
    let made_by_us = |item: &InventoryItem| {
        item.created_by.contains(":assumed-role/tenantry-") && !item.id.contains("role/aws-service-role/")
    };
    inventory.into_iter().filter(made_by_us).collect()
}

/// Judges the account of a ready deployment, whose resources are known by name and id.
pub(super) fn judge(ours: &[InventoryItem], known: &BTreeMap<String, String>) -> Verdict {
    let mut by_name: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
    let mut orphans = Vec::new();
    for item in ours {
        let tag = |name| item.tags.get(name).map(String::as_str);
        let is_known = match (tag(TAG_DEPLOYMENT), tag(TAG_RESOURCE)) {
            (Some(_), Some(name)) if name == MACHINES.0 => known.contains_key(MACHINES.1),
            (Some(deployment), Some(name)) => {
                *by_name.entry((deployment, name, &item.kind)).or_default() += 1;
                // A volume or an interface is a part of its instance: it has its name, and no id of its own here.
                known.contains_key(name)
            }
            _ => known.values().any(|id| is_or_belongs_to(item, id)),
        };
        if !is_known {
            orphans.push(format!("{} {}", item.kind, item.id));
        }
    }
    let missing: Vec<String> = known
        .iter()
        .filter(|(_, id)| !ours.iter().any(|item| names(item, id)))
        .map(|(name, id)| format!("{name} {id}"))
        .collect();
    Verdict {
        orphans: count(orphans.iter()),
        duplicates: by_name.values().map(|count| count - 1).sum(),
        missing: count(missing.iter()),
        named: orphans.into_iter().chain(missing).collect(),
    }
}

/// Whether an item is what AWS calls `id`; the inventory has the whole ARN where calls take the name at its end.
fn names(item: &InventoryItem, id: &str) -> bool {
    let ends = |mark: char| item.id.rsplit_once(mark).is_some_and(|(_, end)| end == id);
    item.id == id || ends('/') || ends(':')
}

/// What carries no tags is known by its id, or by the load balancer in its ARN; interfaces of load balancers, NAT
/// gateways and endpoints are AWS's and go with them.
fn is_or_belongs_to(item: &InventoryItem, id: &str) -> bool {
    let balancer = id.split_once(":loadbalancer/").map(|(_, path)| path);
    item.kind == "ec2:network-interface"
        || names(item, id)
        || balancer.is_some_and(|path| item.id.contains(path))
}

fn count<T>(items: impl Iterator<Item = T>) -> u64 {
    u64::try_from(items.count()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(kind: &str, id: &str, name: Option<&str>) -> InventoryItem {
        let tags = name.map(|name| {
            [(TAG_DEPLOYMENT, "dep_1"), (TAG_RESOURCE, name)]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
        });
        InventoryItem {
            account: "700000000001".to_owned(),
            region: "eu-central-1".to_owned(),
            kind: kind.to_owned(),
            id: id.to_owned(),
            tags: tags.into_iter().flatten().collect(),
            created_by: "arn:aws:sts::700000000001:assumed-role/tenantry-x/op".to_owned(),
        }
    }

    fn known() -> BTreeMap<String, String> {
        [("vpc", "vpc-1"), ("instance", "i-1")]
            .map(|(name, id)| (name.to_owned(), id.to_owned()))
            .into()
    }

    #[test]
    fn one_live_thing_for_each_name_and_its_parts_are_as_promised() {
        let ours = [
            item("ec2:vpc", "vpc-1", Some("vpc")),
            item("ec2:instance", "i-1", Some("instance")),
            item("ec2:volume", "vol-1", Some("instance")),
        ];
        assert_eq!(judge(&ours, &known()), Verdict::default());
    }

    #[test]
    fn a_twin_a_stray_and_a_gap_are_found() {
        let ours = [
            item("ec2:vpc", "vpc-1", Some("vpc")),
            item("ec2:vpc", "vpc-2", Some("vpc")),
            item("ec2:subnet", "subnet-1", Some("cellar")),
            item("ec2:internet-gateway", "igw-1", None),
        ];
        let expected = Verdict {
            orphans: 2,
            duplicates: 1,
            missing: 1,
            named: [
                "ec2:subnet subnet-1",
                "ec2:internet-gateway igw-1",
                "instance i-1",
            ]
            .map(str::to_owned)
            .into(),
        };
        assert_eq!(judge(&ours, &known()), expected);
    }

    #[test]
    fn what_others_made_is_not_judged() {
        let mut foreign = item("ec2:vpc", "vpc-9", None);
        foreign.created_by = "arn:aws:iam::700000000001:root".to_owned();
        assert_eq!(ours(vec![foreign]), []);
    }
}
