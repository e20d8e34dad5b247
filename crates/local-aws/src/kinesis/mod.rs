//! Kinesis Data Streams: state and operations.
//!
//! Routing, order, sharding and iterators behave as the API reference says; each file names its pages. What is
//! acknowledged with a data directory survives the process and, through fsync, the machine. A caller sees the streams
//! of its own account and region only, and its policies are asked before anything tells whether a stream exists.
//!
//! Start with [`stream`] for puts, [`read`] for iterators, [`reshard`] for splits, [`log`] for what a shard keeps.

mod admin;
mod answers;
mod calls;
mod hash;
mod iterator;
mod limits;
mod list;
mod log;
mod mode;
mod put;
mod read;
mod reshard;
mod scope;
mod segment;
mod sequence;
mod service;
mod status;
mod stream;
mod tags;
mod token;
mod wire;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use chrono::{DateTime, Utc};

use crate::core::Core;
use crate::iam::policy::Context;
use calls::CallRates;
use scope::Scope;
pub(crate) use segment::replace_file;
use status::Life;
use stream::{Stream, StreamFacts};
use wire::StreamName;
pub(crate) use wire::{Epoch, Refusal};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    account: String,
    region: String,
    name: String,
}

impl Key {
    fn of(facts: &StreamFacts) -> Self {
        Self {
            account: facts.account.clone(),
            region: facts.region.clone(),
            name: facts.name.clone(),
        }
    }
}

/// All streams of the endpoint.
pub(crate) struct Kinesis {
    directory: Option<PathBuf>,
    streams: RwLock<BTreeMap<Key, Arc<Stream>>>,
    /// Birth of the youngest stream, so that no two streams have the same.
    born_ms: AtomicI64,
    calls: CallRates,
}

impl Kinesis {
    /// Takes up what a data directory holds; without one, everything lives in memory.
    ///
    /// # Errors
    /// When the directory cannot be read or its logs cannot be opened.
    pub(crate) fn open(core: &Core) -> io::Result<Self> {
        let directory = core.data_dir.as_ref().map(|directory| directory.join("kinesis"));
        let (mut streams, mut born_ms) = (BTreeMap::new(), 0);
        for (facts, home) in directory.as_deref().map(stored).transpose()?.unwrap_or_default() {
            born_ms = born_ms.max(facts.created_at.timestamp_millis());
            let key = Key::of(&facts);
            streams.insert(key, Arc::new(Stream::open(facts, Some(home))?));
        }
        Ok(Self {
            directory,
            streams: RwLock::new(streams),
            born_ms: AtomicI64::new(born_ms),
            calls: CallRates::default(),
        })
    }

    /// Answers one operation of the target prefix `Kinesis_20131202.`.
    async fn answer(&self, scope: Scope<'_>, operation: &str, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        self.calls.admit(scope)?;
        match operation {
            "PutRecords" => self.put_records(scope, body).await,
            "PutRecord" => self.put_record(scope, body).await,
            "GetRecords" => self.get_records(scope, body),
            "GetShardIterator" => self.get_shard_iterator(scope, body),
            "ListShards" => self.list_shards(scope, body),
            "DescribeStream" => self.describe_stream(scope, body),
            "DescribeStreamSummary" => self.describe_stream_summary(scope, body),
            "DescribeLimits" => self.describe_limits(scope),
            "ListStreams" => self.list_streams(scope, body),
            "CreateStream" => self.create_stream(scope, body),
            "DeleteStream" => self.delete_stream(scope, body),
            "SplitShard" => self.split_shard(scope, body),
            "MergeShards" => self.merge_shards(scope, body),
            "UpdateShardCount" => self.update_shard_count(scope, body),
            "UpdateStreamMode" => self.update_stream_mode(scope, body),
            "IncreaseStreamRetentionPeriod" => self.increase_retention(scope, body),
            "DecreaseStreamRetentionPeriod" => self.decrease_retention(scope, body),
            "AddTagsToStream" => self.add_tags(scope, body),
            "RemoveTagsFromStream" => self.remove_tags(scope, body),
            "ListTagsForStream" => self.list_tags(scope, body),
            other => Err(Refusal::not_implemented(other)),
        }
    }

    /// The stream that a request names, in its present state.
    fn find(&self, scope: Scope<'_>, name: &StreamName) -> Result<Arc<Stream>, Refusal> {
        self.find_for(scope, name, scope.context())
    }

    /// The same for a request with more facts than every request has: tags.
    fn find_for(&self, scope: Scope<'_>, name: &StreamName, facts: Context) -> Result<Arc<Stream>, Refusal> {
        let name = name.resolve(scope)?;
        let found = self.look(&scope.key(name), scope.now());
        let context = match &found {
            Some(stream) => facts.resource_tags(&stream.read().facts.tags),
            None => facts.resource_missing(),
        };
        scope.permit(&scope.arn(name), &context)?;
        found.ok_or_else(|| no_stream(scope, name))
    }

    /// A stream after everything that has come due by now; none when its deletion has.
    fn look(&self, key: &Key, now: DateTime<Utc>) -> Option<Arc<Stream>> {
        let stream = self
            .streams
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .cloned()?;
        match stream.settle(now) {
            Life::Alive => Some(stream),
            Life::Over => {
                self.forget(key, &stream);
                None
            }
        }
    }

    /// Takes a stream whose deletion is over out of the list, unless another has its name by now.
    fn forget(&self, key: &Key, stream: &Arc<Stream>) {
        let mut streams = self.streams_mut();
        if streams.get(key).is_some_and(|listed| Arc::ptr_eq(listed, stream)) {
            stream.erase();
            streams.remove(key);
        }
    }

    /// Streams of a caller, by name.
    fn of_scope(&self, scope: Scope<'_>) -> Vec<Arc<Stream>> {
        let own = self.keys(|key| key.account == scope.account() && key.region == scope.region());
        own.iter().filter_map(|key| self.look(key, scope.now())).collect()
    }

    /// Every stream of the endpoint.
    fn all(&self, now: DateTime<Utc>) -> Vec<Arc<Stream>> {
        let keys = self.keys(|_| true);
        keys.iter().filter_map(|key| self.look(key, now)).collect()
    }

    fn keys(&self, wanted: impl Fn(&Key) -> bool) -> Vec<Key> {
        let streams = self.streams.read().unwrap_or_else(PoisonError::into_inner);
        streams.keys().filter(|key| wanted(key)).cloned().collect()
    }

    fn streams_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<Key, Arc<Stream>>> {
        self.streams.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn directory_of(&self, key: &Key) -> Option<PathBuf> {
        self.directory
            .as_ref()
            .map(|root| root.join(&key.account).join(&key.region).join(&key.name))
    }

    /// The birth of a new stream: now, or the next millisecond that no other stream was born in. Sequence numbers
    /// and iterators carry it, so that a stream never repeats what its predecessor of the same name gave out.
    fn birth(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let now_ms = now.timestamp_millis();
        let last = self
            .born_ms
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                Some(now_ms.max(last + 1))
            })
            .unwrap_or_default();
        DateTime::from_timestamp_millis(now_ms.max(last + 1)).unwrap_or(now)
    }
}

fn no_stream(scope: Scope<'_>, name: &str) -> Refusal {
    Refusal::not_found(format!(
        "Stream {name} under account {} not found.",
        scope.account()
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
