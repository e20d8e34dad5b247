//! `verify-export` names the object at fault, whatever was done to the bucket.

use crate::support::{Plant, verify};
use analytics_export::verify::Report;
use aws_access::s3::{Bucket, BucketSettings};
use bytes::{Bytes, BytesMut};
use tenant_model::export::Sha256Hex;

/// What a bad hand does to an object.
enum Hand {
    Flips,
    Removes,
}

/// Copies the export to another bucket, with a bad hand on the objects whose key it picks.
async fn tampered(plant: &Plant, name: &str, hand: &Hand, picks: impl Fn(&str) -> bool) -> Bucket {
    let settings = BucketSettings {
        name: name.parse().expect("a name"),
        expected_owner: None,
        kms_key_id: None,
    };
    let copy = Bucket::open(&plant.world.aws, settings);
    copy.create().await.expect("a second bucket");
    let page = plant.app.bucket().list_after("isv/", None).await.expect("lists");
    assert!(page.next.is_none(), "one page");
    for key in page.keys {
        let content = plant
            .app
            .bucket()
            .get(&key, 1 << 26)
            .await
            .expect("reads")
            .expect("is there");
        let content = match hand {
            Hand::Removes if picks(&key) => continue,
            Hand::Flips if picks(&key) => flipped(&content),
            Hand::Removes | Hand::Flips => content,
        };
        copy.put_if_absent(&key, content.clone(), &Sha256Hex::of(&content))
            .await
            .expect("writes");
    }
    copy
}

fn flipped(content: &Bytes) -> Bytes {
    let mut content = BytesMut::from(content.as_ref());
    let middle = content.len() / 2;
    content[middle] ^= 1;
    content.freeze()
}

async fn exported() -> Plant {
    let plant = Plant::start().await;
    for batch in 1..=3 {
        plant.book(batch, 40).await;
        plant.settle().await;
    }
    plant
}

fn names(report: &Report, part: &str) -> bool {
    report.faults.iter().any(|fault| fault.object.contains(part))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_export_has_no_faults_and_its_head_is_the_last_manifest() {
    let plant = exported().await;
    let report = plant.verified(None).await;
    assert!(report.is_whole(), "{:?}", report.faults);
    assert_eq!((report.batches, report.totals.rows()), (3, 120));
    assert_eq!(
        plant.verified(report.head).await,
        report,
        "the head may be brought along"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tampered_object_is_named() {
    let plant = exported().await;
    let keys = plant
        .app
        .bucket()
        .list_after("isv/", None)
        .await
        .expect("lists")
        .keys;
    let file = keys
        .iter()
        .find(|key| key.ends_with(".parquet"))
        .expect("a file")
        .clone();
    let load = keys
        .iter()
        .find(|key| key.ends_with(".copy.json"))
        .expect("a load manifest")
        .clone();
    for (at, (hand, key)) in [
        (Hand::Flips, &file),
        (Hand::Removes, &file),
        (Hand::Flips, &load),
        (Hand::Removes, &load),
    ]
    .iter()
    .enumerate()
    {
        let copy = tampered(&plant, &format!("tenantry-tampered-{at}"), hand, |found| {
            found == key.as_str()
        })
        .await;
        let report = verify(&copy, None).await;
        assert!(names(&report, key), "{key}: {:?}", report.faults);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_or_removed_manifest_breaks_the_chain() {
    let plant = exported().await;
    let keys = plant
        .app
        .bucket()
        .list_after("isv/v1/events/_manifests/", None)
        .await
        .expect("lists")
        .keys;
    let manifests: Vec<&String> = keys.iter().filter(|key| !key.ends_with(".copy.json")).collect();
    let middle = manifests[1].clone();
    let changed = tampered(&plant, "tenantry-changed", &Hand::Flips, |key| key == middle).await;
    assert!(!verify(&changed, None).await.is_whole());
    let removed = tampered(&plant, "tenantry-removed", &Hand::Removes, |key| key == middle).await;
    assert!(!verify(&removed, None).await.is_whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_off_end_shows_only_against_the_head_that_somebody_kept() {
    let plant = exported().await;
    let head = plant.verified(None).await.head;
    let keys = plant
        .app
        .bucket()
        .list_after("isv/v1/events/_manifests/", None)
        .await
        .expect("lists")
        .keys;
    let last = keys
        .iter()
        .rfind(|key| !key.ends_with(".copy.json"))
        .expect("a manifest")
        .clone();
    let cut = tampered(&plant, "tenantry-cut", &Hand::Removes, |key| key == last).await;
    assert!(
        verify(&cut, None).await.is_whole(),
        "from inside a cut end cannot be seen"
    );
    let report = verify(&cut, head).await;
    assert!(
        names(&report, &head.expect("a head").to_string()),
        "{:?}",
        report.faults
    );
}
