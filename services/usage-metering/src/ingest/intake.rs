//! From judged events to acknowledged blocks.
//!
//! One task gathers what requests hand in, closes a block per shard, and puts the blocks. A request is
//! answered when every block with an event of its own is settled, so nothing of it stays in memory after
//! the answer. A stale list of shards is harmless: a stray event is recognised by its key.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use aws_access::kinesis::KinesisStream;
use service_kit::{Kit, Problem, kinds};
use tenant_model::TenantId;
use tenant_model::usage::{EventKey, explicit_hash_key};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::judge::Passed;
use super::put::{Delivery, put_until};
use crate::block::{Block, RawEvent, TenantPart};
use crate::config::MeteringConfig;

/// Requests that may wait for the gathering task.
const QUEUE_MAX: usize = 1_024;
/// How long a list of shards is good enough.
const SHARDS_FRESH: std::time::Duration = std::time::Duration::from_secs(5);

/// Where requests hand in their events.
#[derive(Clone)]
pub(crate) struct Intake {
    queue: mpsc::Sender<Submission>,
    in_flight: Arc<Mutex<InFlight>>,
    bounds: (usize, usize),
}

#[derive(Default)]
struct InFlight {
    total: usize,
    tenants: HashMap<TenantId, usize>,
}

/// Bytes a request may hold in memory until it is answered.
pub(super) struct Room {
    in_flight: Arc<Mutex<InFlight>>,
    tenant: TenantId,
    bytes: usize,
}

/// One request's events.
struct Submission {
    tenant: TenantId,
    passed: Vec<Passed>,
    rejected: u64,
    answer: oneshot::Sender<Vec<usize>>,
}

impl Intake {
    /// Starts the gathering task; it ends with the process.
    pub(crate) fn start(kit: &Kit, stream: &KinesisStream, config: &Arc<MeteringConfig>) -> Self {
        let (queue, requests) = mpsc::channel(QUEUE_MAX);
        let gatherer = Gatherer {
            kit: kit.clone(),
            stream: stream.clone(),
            config: config.clone(),
            shards: Vec::new(),
            listed_at: None,
        };
        kit.spawn("usage-intake", gatherer.run(requests));
        let bounds = (config.in_flight_bytes_max, config.in_flight_tenant_bytes_max);
        Self {
            queue,
            in_flight: Arc::default(),
            bounds,
        }
    }

    /// Makes room for a request's bytes, or says 429 before memory runs out.
    pub(super) fn make_room(&self, tenant: TenantId, bytes: usize) -> Result<Room, Problem> {
        let mut held = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        let of_tenant = held.tenants.get(&tenant).copied().unwrap_or(0) + bytes;
        if held.total + bytes > self.bounds.0 || of_tenant > self.bounds.1 {
            return Err(Problem::of(&kinds::RATE_LIMITED)
                .detail("Too much usage is on its way already.")
                .retry_after(1));
        }
        held.total += bytes;
        held.tenants.insert(tenant, of_tenant);
        Ok(Room {
            in_flight: self.in_flight.clone(),
            tenant,
            bytes,
        })
    }

    /// Sends the events; gives the places of those that the stream did not take. `None` when the process
    /// is stopping and nothing was sent.
    pub(super) async fn send(
        &self,
        tenant: TenantId,
        passed: Vec<Passed>,
        rejected: u64,
    ) -> Option<Vec<usize>> {
        let (answer, settled) = oneshot::channel();
        self.queue
            .send(Submission {
                tenant,
                passed,
                rejected,
                answer,
            })
            .await
            .ok()?;
        settled.await.ok()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut held = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        held.total = held.total.saturating_sub(self.bytes);
        if let Some(of_tenant) = held.tenants.get_mut(&self.tenant) {
            *of_tenant = of_tenant.saturating_sub(self.bytes);
            if *of_tenant == 0 {
                held.tenants.remove(&self.tenant);
            }
        }
    }
}

struct Gatherer {
    kit: Kit,
    stream: KinesisStream,
    config: Arc<MeteringConfig>,
    /// First hash keys of the open shards, rising.
    shards: Vec<u128>,
    listed_at: Option<Instant>,
}

impl Gatherer {
    async fn run(mut self, mut requests: mpsc::Receiver<Submission>) {
        loop {
            let first = tokio::select! {
                request = requests.recv() => request,
                () = self.kit.stopping.cancelled() => requests.try_recv().ok(),
            };
            let Some(first) = first else { return };
            let gathered = self.gather(first, &mut requests).await;
            self.refresh_shards().await;
            let work = send_all(self.stream.clone(), self.blocks(gathered), self.config.clone());
            // Not awaited here: the next requests need not wait for this put.
            self.kit.tasks.spawn(work);
        }
    }

    async fn gather(&self, first: Submission, requests: &mut mpsc::Receiver<Submission>) -> Vec<Submission> {
        let until = Instant::now() + self.config.linger;
        let mut bytes = first.bytes();
        let mut gathered = vec![first];
        while bytes < self.config.block_bytes_max {
            match tokio::time::timeout_at(until, requests.recv()).await {
                Ok(Some(next)) => {
                    bytes += next.bytes();
                    gathered.push(next);
                }
                Ok(None) | Err(_) => break,
            }
        }
        gathered
    }

    async fn refresh_shards(&mut self) {
        if self
            .listed_at
            .is_some_and(|listed| listed.elapsed() < SHARDS_FRESH)
        {
            return;
        }
        match self.stream.shards().await {
            Ok(listed) => {
                self.shards = listed
                    .iter()
                    .filter(|shard| shard.open)
                    .map(|shard| shard.hash_range.0)
                    .collect();
                self.shards.sort_unstable();
                self.listed_at = Some(Instant::now());
            }
            // The old list serves: it decides only which events share a block.
            Err(error) => tracing::warn!(error = %error, "could not list the shards of the usage stream"),
        }
    }

    fn blocks(&self, gathered: Vec<Submission>) -> Gathered {
        let mut open: BTreeMap<usize, OpenBlock> = BTreeMap::new();
        let mut closed = Vec::new();
        let mut answers = Vec::new();
        for (request, submission) in gathered.into_iter().enumerate() {
            let tenant = submission.tenant;
            if submission.rejected > 0 {
                let bucket = EventKey::of(tenant, "", "").bucket();
                let block = open.entry(self.shard_of(bucket)).or_default();
                block.hash_key.get_or_insert(explicit_hash_key(bucket));
                block.part(tenant).rejected += submission.rejected;
            }
            for passed in submission.passed {
                let shard = self.shard_of(passed.bucket);
                let block = open.entry(shard).or_default();
                block.hash_key.get_or_insert(explicit_hash_key(passed.bucket));
                block.add(tenant, (request, passed.index), passed.event);
                if block.bytes >= self.config.block_bytes_max {
                    closed.extend(open.remove(&shard));
                }
            }
            answers.push(submission.answer);
        }
        closed.extend(open.into_values());
        let deliveries = closed.into_iter().map(|block| self.seal(block)).collect();
        Gathered { deliveries, answers }
    }

    fn shard_of(&self, bucket: u16) -> usize {
        let key = explicit_hash_key(bucket);
        self.shards.partition_point(|first| *first <= key)
    }

    fn seal(&self, open: OpenBlock) -> (Delivery, Vec<(usize, usize)>) {
        let block = Block {
            id: self.kit.ids.uuid(),
            sealed_at: self.kit.clock.now(),
            parts: open.parts,
        };
        let delivery = Delivery {
            hash_key: open.hash_key.unwrap_or(0),
            record: block.encode(),
        };
        (delivery, open.places)
    }
}

impl Submission {
    fn bytes(&self) -> usize {
        self.passed.iter().map(|passed| passed.event.json.len()).sum()
    }
}

/// Blocks ready to be put, with the request and place of each of their events.
struct Gathered {
    deliveries: Vec<(Delivery, Vec<(usize, usize)>)>,
    answers: Vec<oneshot::Sender<Vec<usize>>>,
}

#[derive(Default)]
struct OpenBlock {
    hash_key: Option<u128>,
    bytes: usize,
    parts: Vec<TenantPart>,
    places: Vec<(usize, usize)>,
}

impl OpenBlock {
    fn part(&mut self, tenant: TenantId) -> &mut TenantPart {
        let at = self
            .parts
            .iter()
            .position(|part| part.tenant_id == tenant)
            .unwrap_or_else(|| {
                self.parts.push(TenantPart {
                    tenant_id: tenant,
                    rejected: 0,
                    events: Vec::new(),
                });
                self.parts.len() - 1
            });
        &mut self.parts[at]
    }

    fn add(&mut self, tenant: TenantId, place: (usize, usize), event: RawEvent) {
        self.bytes += event.json.len();
        self.places.push(place);
        self.part(tenant).events.push(event);
    }
}

async fn send_all(stream: KinesisStream, gathered: Gathered, config: Arc<MeteringConfig>) {
    let (deliveries, places): (Vec<_>, Vec<_>) = gathered.deliveries.into_iter().unzip();
    let stored = put_until(&stream, &deliveries, Instant::now() + config.put_deadline).await;
    let mut missing: Vec<Vec<usize>> = gathered.answers.iter().map(|_| Vec::new()).collect();
    for (places, stored) in places.iter().zip(stored) {
        if !stored {
            places
                .iter()
                .for_each(|(request, index)| missing[*request].push(*index));
        }
    }
    for (answer, missing) in gathered.answers.into_iter().zip(missing) {
        // A client that went away is not waiting any more; its events are on the stream all the same.
        let _ = answer.send(missing);
    }
}
