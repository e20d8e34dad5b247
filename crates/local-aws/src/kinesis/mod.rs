//! Kinesis Data Streams: state and operations.
//!
//! Routing, order, sharding and iterators behave as the API reference says; each file names its pages. What is
//! acknowledged with a data directory survives the process and, through fsync, the machine. Who may call is decided
//! before a call arrives here; a caller sees the streams of its own account and region only.
//!
//! Start with [`stream`] for puts, [`read`] for iterators, [`log`] for what a shard keeps.

mod admin;
mod hash;
mod iterator;
mod limits;
mod list;
mod log;
mod put;
mod read;
mod reshard;
mod segment;
mod sequence;
mod service;
mod stream;
mod wire;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use chrono::{DateTime, Utc};

use crate::clock::Clock;
use crate::core::Core;
pub(crate) use segment::replace_file;
use stream::{Stream, StreamFacts};
use wire::StreamName;
pub(crate) use wire::{Epoch, Refusal};

/// Most shards of one account and region that this endpoint lets a stream have.
const SHARDS_MAX: u32 = 10_000;

/// Whose streams a call sees, and whether the caller may do this to one of them.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    /// The caller's account.
    pub(crate) account: &'a str,
    /// The region the call was signed for.
    pub(crate) region: &'a str,
    /// Who the caller is, for the inventory.
    pub(crate) principal: &'a str,
    /// Asks the caller's policies about the running operation on an ARN.
    pub(crate) permit: &'a (dyn Fn(&str) -> Result<(), Refusal> + Sync),
    /// So many of a million records of a PutRecords fail, by a fault.
    pub(crate) failing_per_million: u32,
    /// What is drawn for this call.
    pub(crate) fault_draw: u64,
}

impl Scope<'_> {
    /// Asks about a stream of the caller by its name, before anything tells whether it exists.
    fn permit_stream(self, name: &str) -> Result<(), Refusal> {
        let (region, account) = (self.region, self.account);
        (self.permit)(&format!("arn:aws:kinesis:{region}:{account}:stream/{name}"))
    }

    fn key(self, name: &str) -> Key {
        Key {
            account: self.account.to_owned(),
            region: self.region.to_owned(),
            name: name.to_owned(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    account: String,
    region: String,
    name: String,
}

/// All streams of the endpoint.
pub(crate) struct Kinesis {
    clock: Clock,
    directory: Option<PathBuf>,
    rates_enforced: Arc<AtomicBool>,
    streams: RwLock<BTreeMap<Key, Arc<Stream>>>,
}

impl Kinesis {
    /// Takes up what a data directory holds; without one, everything lives in memory.
    ///
    /// # Errors
    /// When the directory cannot be read or its logs cannot be opened.
    pub(crate) fn open(core: &Core) -> io::Result<Self> {
        let directory = core.data_dir.as_ref().map(|directory| directory.join("kinesis"));
        let mut streams = BTreeMap::new();
        for (facts, home) in directory.as_deref().map(stored).transpose()?.unwrap_or_default() {
            let (account, region, name) = (facts.account.clone(), facts.region.clone(), facts.name.clone());
            streams.insert(
                Key {
                    account,
                    region,
                    name,
                },
                Arc::new(Stream::open(facts, Some(home))?),
            );
        }
        let rates_enforced = Arc::clone(&core.kinesis_rates);
        Ok(Self {
            clock: core.clock.clone(),
            directory,
            rates_enforced,
            streams: RwLock::new(streams),
        })
    }

    /// Answers one operation of the target prefix `Kinesis_20131202.`.
    pub(crate) async fn call(
        &self,
        scope: Scope<'_>,
        operation: &str,
        body: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        match operation {
            "PutRecords" => self.put_records(scope, body).await,
            "PutRecord" => self.put_record(scope, body).await,
            "GetRecords" => self.get_records(scope, body),
            "GetShardIterator" => self.get_shard_iterator(scope, body),
            "ListShards" => self.list_shards(scope, body),
            "DescribeStream" => self.describe_stream(scope, body),
            "DescribeStreamSummary" => self.describe_stream_summary(scope, body),
            "ListStreams" => self.list_streams(scope, body),
            "CreateStream" => self.create_stream(scope, body),
            "DeleteStream" => self.delete_stream(scope, body),
            "SplitShard" => self.split_shard(scope, body),
            "MergeShards" => self.merge_shards(scope, body),
            "UpdateShardCount" => self.update_shard_count(scope, body),
            "IncreaseStreamRetentionPeriod" => self.increase_retention(scope, body),
            "DecreaseStreamRetentionPeriod" => self.decrease_retention(scope, body),
            "AddTagsToStream" => self.add_tags(scope, body),
            "RemoveTagsFromStream" => self.remove_tags(scope, body),
            "ListTagsForStream" => self.list_tags(scope, body),
            other => Err(Refusal::new(
                "NotImplemented",
                format!("the local endpoint does not implement kinesis:{other}"),
            )),
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    fn rates_enforced(&self) -> bool {
        self.rates_enforced.load(Ordering::Relaxed)
    }

    fn find(&self, scope: Scope<'_>, name: &StreamName) -> Result<Arc<Stream>, Refusal> {
        let name = name.resolve(scope)?;
        scope.permit_stream(name)?;
        let streams = self.streams.read().unwrap_or_else(PoisonError::into_inner);
        streams
            .get(&scope.key(name))
            .cloned()
            .ok_or_else(|| no_stream(scope, name))
    }

    /// Streams of a caller, by name.
    fn of_scope(&self, scope: Scope<'_>) -> Vec<Arc<Stream>> {
        let streams = self.streams.read().unwrap_or_else(PoisonError::into_inner);
        let own = streams
            .iter()
            .filter(|(key, _)| key.account == scope.account && key.region == scope.region);
        own.map(|(_, stream)| Arc::clone(stream)).collect()
    }

    /// Every stream of the endpoint.
    fn all(&self) -> Vec<Arc<Stream>> {
        self.streams
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect()
    }

    fn streams_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<Key, Arc<Stream>>> {
        self.streams.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn directory_of(&self, key: &Key) -> Option<PathBuf> {
        self.directory
            .as_ref()
            .map(|root| root.join(&key.account).join(&key.region).join(&key.name))
    }
}

fn no_stream(scope: Scope<'_>, name: &str) -> Refusal {
    Refusal::not_found(format!(
        "Stream {name} under account {} not found.",
        scope.account
    ))
}

/// Streams of a data directory: `<account>/<region>/<name>/stream.json`.
fn stored(root: &std::path::Path) -> io::Result<Vec<(StreamFacts, PathBuf)>> {
    let mut homes = vec![root.to_owned()];
    for _ in 0..3 {
        homes = homes.iter().flat_map(|home| children(home)).collect();
    }
    let with_facts = homes.into_iter().filter(|home| home.join("stream.json").exists());
    with_facts
        .map(|home| {
            let content = std::fs::read(home.join("stream.json"))?;
            let facts = serde_json::from_slice(&content).map_err(io::Error::other)?;
            Ok((facts, home))
        })
        .collect()
}

fn children(home: &std::path::Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(home).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect()
}
