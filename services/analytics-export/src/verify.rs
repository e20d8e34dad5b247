//! `verify-export`: proves an export from the bucket alone, without our database and without trusting us.
//!
//! It walks the chain of manifests, sees that the windows follow each other without hole or overlap, and reads
//! every file: size, hash, rows and sums. Whatever does not hold is named with its object. Only a cut-off end
//! cannot be seen from inside; for that the reader brings the hash of the last manifest it knows of (`head`).

use std::collections::{BTreeMap, BTreeSet};

use aws_access::AwsError;
use aws_access::s3::Bucket;
use bytes::Bytes;
use tenant_model::export::{FileEntry, KeyPrefix, Layout, MANIFEST_BYTES_MAX, Manifest, Sha256Hex, Totals};

use crate::parquet_read;

/// Largest file that is read into memory.
const FILE_BYTES_MAX: usize = 512 * 1024 * 1024;
/// Ends the name of a load manifest.
const LOAD_MANIFEST: &str = ".copy.json";

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Manifests in the chain.
    pub batches: usize,
    /// Files they name.
    pub files: usize,
    /// Rows and sums of each meter, counted in the files.
    pub totals: Totals,
    /// Hash of the last manifest.
    pub head: Option<Sha256Hex>,
    /// What does not hold; empty when the export is whole.
    pub faults: Vec<Fault>,
}

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The object, or the hash of a missing one.
    pub object: String,
    /// What is wrong with it.
    pub what: String,
}

impl Report {
    /// True when nothing is wrong.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.faults.is_empty()
    }

    fn fault(&mut self, object: impl Into<String>, what: impl Into<String>) {
        self.faults.push(Fault {
            object: object.into(),
            what: what.into(),
        });
    }
}

/// Reads everything under `prefix` that the manifests of `dataset` name, and reports.
///
/// # Errors
/// Only when the bucket cannot be read; what is wrong in it is in the report.
pub async fn verify_export(
    bucket: &Bucket,
    prefix: &KeyPrefix,
    dataset: &str,
    head: Option<Sha256Hex>,
) -> Result<Report, AwsError> {
    let mut report = Report::default();
    let manifests = read_manifests(bucket, prefix, dataset, &mut report).await?;
    let chain = walk(&manifests, head, &mut report);
    check_windows(&chain, &mut report);
    for (key, manifest) in &chain {
        check_batch(bucket, key, manifest, &mut report).await?;
    }
    report.batches = chain.len();
    Ok(report)
}

/// Manifests by the hash of their bytes, each with its key.
type ByHash = BTreeMap<Sha256Hex, (String, Manifest)>;

async fn read_manifests(
    bucket: &Bucket,
    prefix: &KeyPrefix,
    dataset: &str,
    report: &mut Report,
) -> Result<ByHash, AwsError> {
    let folder = Layout::manifest_folder(prefix, dataset);
    let mut manifests = BTreeMap::new();
    let mut after = None;
    loop {
        let page = bucket.list_after(&folder, after.as_deref()).await?;
        for key in page.keys.into_iter().filter(|key| !key.ends_with(LOAD_MANIFEST)) {
            let Some(bytes) = bucket.get(&key, MANIFEST_BYTES_MAX).await? else {
                continue;
            };
            match Manifest::from_bytes(&bytes) {
                Ok(manifest) => {
                    manifests.insert(Sha256Hex::of(&bytes), (key, manifest));
                }
                Err(error) => report.fault(key, error.to_string()),
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(manifests);
        }
    }
}

/// The chain from its first manifest to its head.
fn walk<'a>(
    manifests: &'a ByHash,
    head: Option<Sha256Hex>,
    report: &mut Report,
) -> Vec<(&'a str, &'a Manifest)> {
    let named: BTreeSet<Sha256Hex> = manifests
        .values()
        .filter_map(|(_, manifest)| manifest.previous)
        .collect();
    let ends: Vec<Sha256Hex> = manifests
        .keys()
        .filter(|hash| !named.contains(hash))
        .copied()
        .collect();
    report.head = head.or_else(|| ends.last().copied());
    let mut chain = Vec::new();
    let mut visited = BTreeSet::new();
    let mut next = report.head;
    while let Some(hash) = next {
        let Some((key, manifest)) = manifests.get(&hash) else {
            report.fault(
                hash.to_string(),
                "a manifest of the chain is missing or was changed",
            );
            break;
        };
        visited.insert(hash);
        chain.push((key.as_str(), manifest));
        next = manifest.previous;
    }
    for (hash, (key, _)) in manifests.iter().filter(|(hash, _)| !visited.contains(*hash)) {
        report.fault(key.as_str(), format!("a manifest outside the chain ({hash})"));
    }
    chain.reverse();
    chain
}

fn check_windows(chain: &[(&str, &Manifest)], report: &mut Report) {
    let mut end: Option<(i32, i64)> = None;
    for (key, manifest) in chain {
        // A manifest without a valid window was refused when it was read.
        let Ok(window) = manifest.window() else { continue };
        let expected = match end {
            Some((epoch, hi)) if epoch == manifest.source_epoch => hi,
            Some(_) | None => 0,
        };
        if window.lo() > expected {
            report.fault(
                *key,
                format!("a hole: positions {expected} to {} are in no window", window.lo()),
            );
        } else if window.lo() < expected {
            report.fault(
                *key,
                format!(
                    "an overlap: positions {} to {expected} are in two windows",
                    window.lo()
                ),
            );
        }
        end = Some((manifest.source_epoch, window.hi()));
    }
}

async fn check_batch(
    bucket: &Bucket,
    key: &str,
    manifest: &Manifest,
    report: &mut Report,
) -> Result<(), AwsError> {
    let mut totals = Totals::default();
    for file in &manifest.files {
        report.files += 1;
        match check_file(bucket, file).await? {
            Ok(counted) => {
                if let Err(error) = totals.merge(&counted) {
                    report.fault(key, error.to_string());
                }
            }
            Err(what) => report.fault(file.key.as_str(), what),
        }
    }
    for load in &manifest.load_manifests {
        let bytes = bucket.get(&load.key, MANIFEST_BYTES_MAX).await?;
        if bytes.map(|bytes| Sha256Hex::of(&bytes)) != Some(load.sha256) {
            report.fault(load.key.as_str(), "the load manifest is missing or was changed");
        }
    }
    if totals != manifest.meters || totals.rows() != manifest.rows {
        report.fault(
            key,
            "the rows and sums of the manifest are not those of its files",
        );
    }
    if let Err(error) = report.totals.merge(&totals) {
        report.fault(key, error.to_string());
    }
    Ok(())
}

/// What the file holds, or what is wrong with it.
async fn check_file(bucket: &Bucket, file: &FileEntry) -> Result<Result<Totals, String>, AwsError> {
    let Some(bytes) = bucket.get(&file.key, FILE_BYTES_MAX).await? else {
        return Ok(Err("the file is missing".to_owned()));
    };
    Ok(judge(file, bytes))
}

fn judge(file: &FileEntry, bytes: Bytes) -> Result<Totals, String> {
    if i64::try_from(bytes.len()) != Ok(file.bytes) {
        return Err(format!(
            "the file has {} bytes instead of {}",
            bytes.len(),
            file.bytes
        ));
    }
    if Sha256Hex::of(&bytes) != file.sha256 {
        return Err("the file was changed: its hash is another".to_owned());
    }
    let totals = parquet_read::totals(bytes).map_err(|error| format!("the file is not readable: {error}"))?;
    if totals.rows() != file.rows {
        return Err(format!(
            "the file has {} rows instead of {}",
            totals.rows(),
            file.rows
        ));
    }
    Ok(totals)
}
