//! The certificate of deletion: what was ever made, that it is gone, what is kept and until when, and how we looked.
//!
//! It is issued only after two sweeps of all regions that read nothing we remember and found nothing, with a pause
//! between them: AWS's indexes follow its resources with a delay. What could not be seen is not certified.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{audit::Hash, deployment::Deployment, ids::OperationId, resource::CreatedEver};

/// The `typ` of the certificate's signature.
pub const CERTIFICATE_TYPE: &str = "tenantry-certificate+jws";

/// Something that carries a deployment's tags, or hangs in its network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leftover {
    /// What it is.
    pub kind: String,
    /// AWS's id or ARN.
    pub aws_id: String,
}

/// What a sweep saw in one region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// When.
    pub at: DateTime<Utc>,
    /// What the tagging index named; it goes on naming for a while what is gone.
    pub named_by_index: u32,
    /// What is there, by describing it.
    pub left: Vec<Leftover>,
}

/// One look through all enabled regions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// Its id.
    pub id: Uuid,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// The regions that were enabled then.
    pub regions: Vec<String>,
    /// What was seen so far, by region.
    pub looked: BTreeMap<String, Looked>,
    /// When every region had been looked at.
    pub completed_at: Option<DateTime<Utc>>,
}

impl Sweep {
    /// The next region to look at.
    #[must_use]
    pub fn next_region(&self) -> Option<&str> {
        let mut regions = self.regions.iter().map(String::as_str);
        regions.find(|region| !self.looked.contains_key(*region))
    }

    /// Everything that it found.
    pub fn left(&self) -> impl Iterator<Item = (&str, &Leftover)> {
        let of = |(region, looked)| {
            let (region, looked): (&String, &Looked) = (region, looked);
            looked.left.iter().map(move |one| (region.as_str(), one))
        };
        self.looked.iter().flat_map(of)
    }

    /// True when every region was looked at and nothing was there.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.completed_at.is_some() && self.left().next().is_none()
    }
}

/// What sweeps say about a deployment whose resources are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Look on, or begin to.
    Look,
    /// The last look was clean; the second counts only from this moment on.
    Wait(DateTime<Utc>),
    /// Two clean looks, far enough apart.
    Proven,
}

/// Judges the two newest sweeps, newest first.
#[must_use]
pub fn standing(newest: &[Sweep], apart: TimeDelta, now: DateTime<Utc>) -> Standing {
    let mut clean = newest.iter().take_while(|sweep| sweep.is_clean());
    let Some(last) = clean
        .next()
        .and_then(|sweep| Some((sweep.started_at, sweep.completed_at?)))
    else {
        return Standing::Look;
    };
    let before = clean.next().and_then(|sweep| sweep.completed_at);
    if before.is_some_and(|before| last.0 - before >= apart) {
        return Standing::Proven;
    }
    let again_at = last.1 + apart;
    if now < again_at {
        Standing::Wait(again_at)
    } else {
        Standing::Look
    }
}

/// Something that outlives the deployment, by the plan that was approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retained {
    /// What it is.
    pub kind: RetainedKind,
    /// AWS's id or ARN.
    pub aws_id: String,
    /// Where.
    pub region: String,
    /// Logical name of the resource that it is left of.
    pub name: String,
    /// Why it is kept.
    pub reason: String,
    /// When a worker deletes it; never by us when there is no date.
    pub keep_until: Option<DateTime<Utc>>,
}

/// What can outlive a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetainedKind {
    /// A snapshot of a volume.
    VolumeSnapshot,
    /// The last snapshot of a database.
    DatabaseSnapshot,
    /// An encryption key that is scheduled for deletion; AWS keeps it 7 to 30 days.
    EncryptionKey,
}

/// Everything that a certificate is made of.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Whom it concerns.
    pub deployment: &'a Deployment,
    /// The account it was in.
    pub account: &'a str,
    /// The operation that deleted it.
    pub operation: Option<OperationId>,
    /// Every id that was ever its, each gone by now.
    pub ever: &'a [CreatedEver],
    /// What is kept.
    pub retained: &'a [Retained],
    /// The two clean sweeps, newest first.
    pub sweeps: &'a [Sweep],
    /// The ledger's last entry: position and hash.
    pub ledger: (i64, Hash),
    /// Who issues it.
    pub issuer: &'a str,
    /// When.
    pub now: DateTime<Utc>,
}

/// The document. Strings, integers and lists only, so that it reads back as it was written.
#[must_use]
pub fn document(facts: &Facts<'_>) -> Value {
    let deployment = facts.deployment;
    json!({
        "kind": "deletion-certificate",
        "issued_at": facts.now,
        "issued_by": facts.issuer,
        "tenant": deployment.tenant_id,
        "deployment": deployment.id,
        "aws_account_id": facts.account,
        "region": deployment.region,
        "operation": facts.operation,
        "created_at": deployment.created_at,
        "resources_left": 0,
        "ids_ever": facts.ever.len(),
        "ids": facts.ever.iter().map(id).collect::<Vec<_>>(),
        "retained": facts.retained,
        "sweeps": facts.sweeps.iter().rev().map(sweep).collect::<Vec<_>>(),
        "ledger": { "sequence": facts.ledger.0, "head": hex(&facts.ledger.1) },
        "means": MEANS,
    })
}

/// What the document says and does not say, in the document itself.
const MEANS: [&str; 4] = [
    "ids: everything that we ever made for the deployment, and when we saw that it was gone",
    "sweeps: what carried the deployment's tags in each region that was enabled, by the tagging index and by describing; \
     nothing that we remembered was used",
    "retained: what the approved plan keeps, why, and when a worker of ours deletes it",
    "ledger: the last entry of the chain of everything done with the role, to compare with the downloaded ledger",
];

fn id(one: &CreatedEver) -> Value {
    json!({
        "aws_id": one.aws_id,
        "kind": one.kind.name(),
        "name": one.name,
        "created_at": one.created_at,
        "gone_at": one.gone_at,
    })
}

fn sweep(sweep: &Sweep) -> Value {
    json!({
        "started_at": sweep.started_at,
        "completed_at": sweep.completed_at,
        "regions": sweep.looked,
    })
}

fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).expect("in range")
    }

    fn sweep_of(started: i64, completed: Option<i64>, left: usize) -> Sweep {
        let leftover = Leftover {
            kind: "vpc".to_owned(),
            aws_id: "vpc-1".to_owned(),
        };
        let looked = Looked {
            at: at(started),
            named_by_index: 0,
            left: vec![leftover; left],
        };
        let seen = completed.is_some() || left > 0;
        Sweep {
            id: Uuid::from_u128(1),
            started_at: at(started),
            regions: vec!["eu-central-1".to_owned()],
            looked: seen
                .then(|| ("eu-central-1".to_owned(), looked))
                .into_iter()
                .collect(),
            completed_at: completed.map(at),
        }
    }

    #[test]
    fn only_two_clean_looks_far_enough_apart_prove_it() {
        let clean = |started| sweep_of(started, Some(started + 1), 0);
        let apart = TimeDelta::seconds(100);
        let rows = [
            (vec![], Standing::Look),
            (vec![sweep_of(0, None, 0)], Standing::Look),
            (vec![sweep_of(0, Some(1), 1)], Standing::Look),
            (vec![clean(950)], Standing::Wait(at(1_051))),
            (vec![clean(800)], Standing::Look),
            (vec![clean(990), clean(800)], Standing::Proven),
            // Too near to each other: the newer may count for the next.
            (vec![clean(990), clean(950)], Standing::Wait(at(1_091))),
            (
                vec![clean(990), sweep_of(800, Some(801), 1)],
                Standing::Wait(at(1_091)),
            ),
            (vec![sweep_of(990, None, 0), clean(800)], Standing::Look),
        ];
        for (sweeps, expected) in rows {
            assert_eq!(standing(&sweeps, apart, at(1_000)), expected, "{sweeps:?}");
        }
    }

    #[test]
    fn a_sweep_goes_through_its_regions_and_is_clean_only_when_complete() {
        let mut sweep = sweep_of(0, None, 0);
        assert_eq!(
            (sweep.next_region(), sweep.is_clean()),
            (Some("eu-central-1"), false)
        );
        sweep = sweep_of(0, Some(1), 0);
        assert_eq!((sweep.next_region(), sweep.is_clean()), (None, true));
        assert!(!sweep_of(0, Some(1), 1).is_clean());
    }
}
