//! One stream: its shards, who owns which hash keys, and putting records.
//!
//! Puts share the topology's lock and each shard's own; resharding takes the topology alone, so a record never lands
//! on a shard that has been closed. Nothing is awaited under a lock. See [`super::reshard`] and [`super::read`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use super::limits::ShardRates;
use super::log::{AppendError, Log, Record, Ticket};
use super::sequence::SequenceNumber;
use super::status::Busy;
use super::wire::Refusal;
use super::{hash, segment};
use crate::tags::Tags;

/// What survives a restart beside the records.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StreamFacts {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) name: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) retention_hours: u32,
    pub(crate) on_demand: bool,
    pub(crate) tags: Tags,
    /// ARN of the principal that created it.
    pub(crate) created_by: String,
    /// What is under way; none for an ACTIVE stream.
    #[serde(default)]
    pub(crate) busy: Option<Busy>,
    /// What arrived before this moment is gone, whatever the retention is now: it does not come back with a longer one.
    #[serde(default)]
    pub(crate) forgotten_before: DateTime<Utc>,
    /// When UpdateShardCount was called, over the last day.
    #[serde(default)]
    pub(crate) scalings: Vec<DateTime<Utc>>,
    /// When the capacity mode was changed, over the last day.
    #[serde(default)]
    pub(crate) mode_changes: Vec<DateTime<Utc>>,
    /// By shard number; closed shards stay.
    pub(crate) shards: Vec<ShardFacts>,
}

/// One shard's place in the stream.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ShardFacts {
    pub(crate) number: u32,
    #[serde(with = "decimal")]
    pub(crate) start: u128,
    #[serde(with = "decimal")]
    pub(crate) end: u128,
    /// None for a first shard, one for a child of a split, two for a child of a merge.
    pub(crate) parents: Vec<u32>,
    pub(crate) opened_at: DateTime<Utc>,
    pub(crate) closed: Option<Closed>,
}

/// When and where a shard ended.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Closed {
    pub(crate) at: DateTime<Utc>,
    /// Counter of the first record that will never be: readers that reach it have read all.
    pub(crate) end_counter: u64,
}

/// u128 as text, because JSON numbers of that size are not portable.
pub(super) mod decimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(in crate::kinesis) fn serialize<S: Serializer>(
        value: &u128,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&value.to_string())
    }

    pub(in crate::kinesis) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<u128, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

impl ShardFacts {
    pub(crate) fn id(&self) -> String {
        shard_id(self.number)
    }
}

impl StreamFacts {
    pub(crate) fn arn(&self) -> String {
        format!(
            "arn:aws:kinesis:{}:{}:stream/{}",
            self.region, self.account, self.name
        )
    }

    pub(crate) fn sequence(&self, shard: u32, counter: u64) -> SequenceNumber {
        let stream_born_ms = u64::try_from(self.created_at.timestamp_millis()).unwrap_or(0);
        SequenceNumber {
            stream_born_ms,
            shard,
            counter,
        }
    }

    pub(crate) fn open_shards(&self) -> impl Iterator<Item = &ShardFacts> {
        self.shards.iter().filter(|shard| shard.closed.is_none())
    }

    /// Records older than this are gone.
    pub(crate) fn horizon(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let retained = now - Duration::hours(i64::from(self.retention_hours));
        retained.max(self.forgotten_before)
    }

    /// Shards that are open or whose data has not aged out; others are no longer listed. A stream that is being made
    /// has none yet.
    pub(crate) fn listed_shards(&self, now: DateTime<Utc>) -> impl Iterator<Item = &ShardFacts> {
        let (horizon, creating) = (self.horizon(now), self.is_creating());
        self.shards
            .iter()
            .filter(move |shard| !creating && shard.closed.is_none_or(|closed| closed.at > horizon))
    }

    /// The shard of an id that is still listed.
    pub(crate) fn shard(&self, id: &str, now: DateTime<Utc>) -> Result<&ShardFacts, Refusal> {
        self.listed_shards(now)
            .find(|shard| shard.id() == id)
            .ok_or_else(|| {
                let (name, account) = (&self.name, &self.account);
                Refusal::not_found(format!(
                    "Could not find shard {id} in stream {name} under account {account}."
                ))
            })
    }
}

/// `shardId-` and twelve digits.
pub(crate) fn shard_id(number: u32) -> String {
    format!("shardId-{number:012}")
}

/// A record as a producer sends it.
#[derive(Debug)]
pub(crate) struct NewRecord {
    pub(crate) partition_key: Box<str>,
    pub(crate) explicit_hash_key: Option<u128>,
    pub(crate) data: Bytes,
}

impl NewRecord {
    /// What counts against the limits: data before base64 and partition key.
    pub(crate) fn bytes(&self) -> usize {
        self.data.len() + self.partition_key.len()
    }
}

/// Where a record landed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed {
    pub(crate) shard: u32,
    pub(crate) sequence: SequenceNumber,
}

/// Why one record of a batch was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// The shard's rate, or its memory, is used up.
    Throttled { shard: u32 },
    /// The disk refused.
    Failed,
}

/// One outcome for each record, in the batch's order.
pub(crate) type Outcomes = Vec<Result<Placed, Rejected>>;

/// A moment, and what the endpoint is like at it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) now: DateTime<Utc>,
    /// Whether the shards' rates are held against callers.
    pub(crate) rates_enforced: bool,
    /// Whether a fault lets the disk take nothing.
    pub(crate) disk_full: bool,
}

pub(crate) struct ShardState {
    pub(crate) log: Log,
    pub(crate) rates: ShardRates,
}

pub(crate) struct Topology {
    pub(crate) facts: StreamFacts,
    /// First hash key and number of every open shard, ascending.
    routes: Vec<(u128, u32)>,
    /// By shard number.
    states: Vec<Mutex<ShardState>>,
}

/// A stream and its records.
pub(crate) struct Stream {
    directory: Option<PathBuf>,
    topology: RwLock<Topology>,
}

impl Stream {
    /// Makes a stream's directory (when there is one) and its first shards.
    pub(crate) fn create(facts: StreamFacts, directory: Option<PathBuf>) -> std::io::Result<Self> {
        if let Some(directory) = &directory {
            std::fs::create_dir_all(directory)?;
        }
        let stream = Self::open(facts, directory)?;
        stream.save(&stream.read().facts)?;
        Ok(stream)
    }

    /// Takes up the streams' logs as they lie on disk.
    pub(crate) fn open(facts: StreamFacts, directory: Option<PathBuf>) -> std::io::Result<Self> {
        let states = facts
            .shards
            .iter()
            .map(|shard| open_shard(directory.as_deref(), shard.number));
        let states = states.collect::<Result<_, _>>()?;
        let topology = Topology {
            routes: routes(&facts),
            facts,
            states,
        };
        Ok(Self {
            directory,
            topology: RwLock::new(topology),
        })
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Topology> {
        self.topology
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Topology> {
        self.topology
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Makes new facts durable, opens the logs of new shards and then lets everybody see both.
    pub(crate) fn replace_facts(&self, topology: &mut Topology, facts: StreamFacts) -> Result<(), Refusal> {
        for shard in &facts.shards[topology.states.len()..] {
            topology
                .states
                .push(open_shard(self.directory.as_deref(), shard.number).map_err(Refusal::internal)?);
        }
        self.save(&facts).map_err(Refusal::internal)?;
        topology.routes = routes(&facts);
        topology.facts = facts;
        Ok(())
    }

    /// Takes a deleted stream's files away. A directory without its facts is no stream, so they go first: a crash in
    /// between leaves no half stream. What cannot be removed stays without being found again.
    pub(crate) fn erase(&self) {
        let Some(directory) = &self.directory else {
            return;
        };
        let erased = std::fs::remove_file(directory.join("stream.json"))
            .and_then(|()| std::fs::remove_dir_all(directory));
        if let Err(error) = erased {
            tracing::warn!(%error, "the files of a deleted stream could not be removed");
        }
    }

    /// Forgets what has aged out, in every shard.
    pub(crate) fn trim(topology: &Topology, now: DateTime<Utc>) {
        let horizon_ms = topology.facts.horizon(now).timestamp_millis();
        for shard in &topology.facts.shards {
            topology.state(shard.number).log.trim(horizon_ms);
        }
    }

    fn save(&self, facts: &StreamFacts) -> std::io::Result<()> {
        let Some(directory) = &self.directory else {
            return Ok(());
        };
        let content = serde_json::to_vec_pretty(facts).map_err(std::io::Error::other)?;
        segment::replace_file(&directory.join("stream.json"), &content)
    }

    /// Puts a batch. Each record succeeds or fails alone, order within a shard is the batch's order, and what is
    /// reported as placed has reached the disk.
    pub(crate) async fn put(&self, batch: Vec<NewRecord>, moment: Moment) -> Outcomes {
        let (mut outcomes, tickets) = self.append(batch, moment);
        for (shard, ticket) in tickets {
            if ticket.wait().await.is_err() {
                for outcome in &mut outcomes {
                    if matches!(outcome, Ok(placed) if placed.shard == shard) {
                        *outcome = Err(Rejected::Failed);
                    }
                }
            }
        }
        outcomes
    }

    fn append(&self, batch: Vec<NewRecord>, moment: Moment) -> (Outcomes, Vec<(u32, Ticket)>) {
        let topology = self.read();
        let mut outcomes = vec![Err(Rejected::Failed); batch.len()];
        let mut by_shard: BTreeMap<u32, Vec<(usize, NewRecord)>> = BTreeMap::new();
        for (index, record) in batch.into_iter().enumerate() {
            let key = record
                .explicit_hash_key
                .unwrap_or_else(|| hash::of_partition_key(&record.partition_key));
            by_shard
                .entry(topology.owner(key))
                .or_default()
                .push((index, record));
        }
        let mut tickets = Vec::new();
        for (shard, records) in by_shard {
            let ticket = topology.append_to(shard, records, moment, &mut outcomes);
            tickets.extend(ticket.map(|ticket| (shard, ticket)));
        }
        (outcomes, tickets)
    }
}

impl Topology {
    /// Number of the open shard that owns a hash key.
    pub(crate) fn owner(&self, key: u128) -> u32 {
        let after = self.routes.partition_point(|(start, _)| *start <= key);
        self.routes[after - 1].1
    }

    /// The shard's records, for this call alone.
    pub(crate) fn state(&self, shard: u32) -> MutexGuard<'_, ShardState> {
        self.states[shard as usize]
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Counter the shard's next record will have; none if the shard has no log yet.
    pub(crate) fn next_counter(&self, shard: u32) -> Option<u64> {
        ((shard as usize) < self.states.len()).then(|| self.state(shard).log.next_counter())
    }

    fn append_to(
        &self,
        shard: u32,
        records: Vec<(usize, NewRecord)>,
        moment: Moment,
        outcomes: &mut [Result<Placed, Rejected>],
    ) -> Option<Ticket> {
        let mut state = self.state(shard);
        state.log.trim(self.facts.horizon(moment.now).timestamp_millis());
        let (mut taken, mut indexes) = (
            Vec::with_capacity(records.len()),
            Vec::with_capacity(records.len()),
        );
        for (index, record) in records {
            let bytes = record.bytes() as u64;
            if moment.rates_enforced && !state.rates.admit_write(moment.now, bytes) {
                outcomes[index] = Err(Rejected::Throttled { shard });
                continue;
            }
            let arrived_ms = moment.now.timestamp_millis();
            taken.push(Record {
                counter: 0,
                arrived_ms,
                partition_key: record.partition_key,
                data: record.data,
            });
            indexes.push(index);
        }
        let (first, ticket, rejected) = match state.log.append(taken, moment.disk_full) {
            Ok((first, ticket)) => (first, ticket, None),
            Err(AppendError::Full) => (0, None, Some(Rejected::Throttled { shard })),
            Err(AppendError::Io(error)) => {
                tracing::error!(shard, %error, "a shard's log cannot be written");
                (0, None, Some(Rejected::Failed))
            }
        };
        for (index, counter) in indexes.into_iter().zip(first..) {
            let placed = Placed {
                shard,
                sequence: self.facts.sequence(shard, counter),
            };
            outcomes[index] = rejected.map_or(Ok(placed), Err);
        }
        ticket
    }
}

fn open_shard(directory: Option<&Path>, number: u32) -> std::io::Result<Mutex<ShardState>> {
    let log = match directory {
        Some(directory) => Log::open(&directory.join(shard_id(number)))?,
        None => Log::in_memory(),
    };
    Ok(Mutex::new(ShardState {
        log,
        rates: ShardRates::default(),
    }))
}

fn routes(facts: &StreamFacts) -> Vec<(u128, u32)> {
    let mut routes: Vec<_> = facts
        .open_shards()
        .map(|shard| (shard.start, shard.number))
        .collect();
    routes.sort_unstable();
    routes
}
