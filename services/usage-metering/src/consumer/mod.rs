//! Reads shards under fenced leases and books what they hold.
//!
//! Any number of workers share a stream. A shard has one owner at a time, told by the database's clock; the
//! fence in every write makes a worker that slept through its lease harmless. A shard opens when all its
//! parents are closed, so the parts of a split or a merge are booked in order. Nothing a worker holds in
//! memory matters: killed anywhere, another goes on from the checkpoint.

mod batch;
mod booking;
mod ledger;
mod shard;

use std::collections::HashMap;
use std::time::Duration;

use aws_access::AwsError;
use chrono::NaiveDate;
use futures_util::future::join_all;
use tenant_store::stream_shards::ShardLease;
use tenant_store::{StoreError, dedupe, rollups, stream_shards};
use tokio::time::Instant;

use crate::App;
pub use booking::{BookError, Booked};
pub use shard::ShardError;
use shard::{ShardPass, ShardReader, listed};

/// After a failed pass; the failure is logged each time.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);
/// Minutes older than this serve no chart.
const MINUTES_KEPT: chrono::TimeDelta = chrono::TimeDelta::hours(72);
/// Rows forgotten at once, so that no booking waits for it.
const FORGET_ROWS_MAX: i64 = 5_000;

/// A worker of the usage stream.
pub struct Consumer {
    app: App,
    worker: String,
    readers: HashMap<String, ShardReader>,
    day: Option<NaiveDate>,
    discover_at: Option<Instant>,
}

/// What one pass over the worker's shards came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pass {
    /// Shards held.
    pub shards: usize,
    /// Records read.
    pub records: usize,
    /// What was booked.
    pub booked: Booked,
    /// Shards that could not be read or booked; they are tried again.
    pub failed: usize,
    /// Shards another worker has taken meanwhile.
    pub lost: usize,
    /// Nothing is known to wait.
    pub idle: bool,
}

/// Why a pass did not come to its shards.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// The database failed.
    #[error("could not renew the leases")]
    Store(#[from] StoreError),
    /// Kinesis failed.
    #[error("could not list the shards")]
    Stream(#[from] AwsError),
}

impl Consumer {
    /// A worker of this name, which must be its own: leases are told apart by it.
    #[must_use]
    pub fn new(app: App, worker: impl Into<String>) -> Self {
        Self {
            app,
            worker: worker.into(),
            readers: HashMap::new(),
            day: None,
            discover_at: None,
        }
    }

    /// Works until the process stops, then lets its shards go. The handle kills it in mid-step.
    pub fn start(self) -> tokio::task::AbortHandle {
        let tasks = self.app.kit.tasks.clone();
        tasks.spawn(self.run()).abort_handle()
    }

    async fn run(mut self) {
        let stopping = self.app.kit.stopping.clone();
        let beat = heartbeat(self.app.clone(), self.worker.clone());
        tokio::select! {
            () = self.work() => {}
            // In the task of the work, so that they live and die together.
            () = beat => {}
            () = stopping.cancelled() => {}
        }
        if let Err(error) = self.release().await {
            tracing::warn!(error = %error, "could not let the shards go; their leases will end");
        }
    }

    async fn work(&mut self) {
        self.ensure_stream().await;
        loop {
            let pause = match self.pass().await {
                Ok(pass) if pass.failed > 0 => PAUSE_AFTER_FAILURE,
                Ok(pass) if pass.idle => self.app.config.poll_interval,
                Ok(_) => continue,
                Err(error) => {
                    tracing::warn!(error = %service_kit::Chain(&error), "a pass over the usage stream failed");
                    PAUSE_AFTER_FAILURE
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Asks for the stream until it is there.
    async fn ensure_stream(&self) {
        loop {
            match prepare_stream(&self.app).await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => tracing::warn!(error = %error, "the usage stream is not there yet"),
            }
            tokio::time::sleep(self.app.config.poll_interval).await;
        }
    }

    /// Looks for shards, renews and claims leases, reads each shard once and books what it gave. May be
    /// dropped anywhere.
    ///
    /// # Errors
    /// When leases could not be renewed or shards not listed; failures of single shards are in [`Pass`].
    pub async fn pass(&mut self) -> Result<Pass, PassError> {
        self.open_day().await?;
        self.discover().await?;
        let leases = self.leases().await?;
        let readers: Vec<_> = leases
            .into_iter()
            .map(|lease| match self.readers.remove(&lease.shard_id) {
                Some(mut reader) => {
                    reader.renew(lease);
                    reader
                }
                None => ShardReader::new(lease),
            })
            .collect();
        self.readers.clear();
        let app = &self.app;
        let passes = readers.into_iter().map(|mut reader| async move {
            let pass = reader.pass(app).await;
            (reader, pass)
        });
        let results = join_all(passes).await;
        Ok(self.conclude(results))
    }

    /// Lets all shards go, so that another worker need not wait for the leases to end.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn release(&mut self) -> Result<(), StoreError> {
        let mut tx = self.app.stores.begin_ops().await?;
        stream_shards::release(&mut tx, self.app.stream.name(), &self.worker).await?;
        self.readers.clear();
        tx.commit().await
    }

    fn conclude(&mut self, results: Vec<(ShardReader, Result<ShardPass, ShardError>)>) -> Pass {
        let mut pass = Pass {
            idle: true,
            shards: results.len(),
            ..Pass::default()
        };
        for (reader, result) in results {
            let shard_id = reader.lease.shard_id.clone();
            match result {
                Ok(done) => {
                    pass.records += done.records;
                    pass.booked.accepted += done.booked.accepted;
                    pass.booked.quarantined += done.booked.quarantined;
                    pass.booked.redelivered += done.booked.redelivered;
                    pass.idle &= !done.behind && !done.ended && done.records == 0;
                    pass.lost += usize::from(done.lost);
                    if done.ended || done.lost {
                        // Its children may be ready, or somebody else knows more than we do.
                        self.discover_at = None;
                    } else {
                        self.readers.insert(shard_id, reader);
                    }
                }
                Err(error) => {
                    pass.failed += 1;
                    tracing::warn!(shard.id = %shard_id, error = %service_kit::Chain(&error), "a shard could not be booked");
                }
            }
        }
        pass
    }

    /// Opens the dedupe day of today, and forgets what the new day makes too old.
    async fn open_day(&mut self) -> Result<(), StoreError> {
        let now = self.app.kit.clock.now();
        if self.day.is_some_and(|day| day >= now.date_naive()) {
            return Ok(());
        }
        let mut tx = self.app.stores.begin_ops().await?;
        dedupe::open_day(&mut tx, now.date_naive()).await?;
        tx.commit().await?;
        self.day = Some(now.date_naive());
        let mut tx = self.app.stores.begin_ops().await?;
        rollups::delete_minutes(&mut tx, now - MINUTES_KEPT, FORGET_ROWS_MAX).await?;
        tx.commit().await
    }

    async fn discover(&mut self) -> Result<(), PassError> {
        if self.discover_at.is_some_and(|due| Instant::now() < due) {
            return Ok(());
        }
        let shards: Vec<_> = self.app.stream.shards().await?.iter().map(listed).collect();
        let ids: Vec<_> = shards.iter().map(|shard| shard.shard_id.clone()).collect();
        let stream = self.app.stream.name();
        let mut tx = self.app.stores.begin_ops().await?;
        stream_shards::insert_listed(&mut tx, stream, &shards).await?;
        stream_shards::open_ready(&mut tx, stream, &ids).await?;
        tx.commit().await?;
        self.discover_at = Some(Instant::now() + self.app.config.discovery_interval);
        Ok(())
    }

    /// The shards this worker may read now: renewed ones, less those it was asked for, and new ones up to a
    /// fair share.
    async fn leases(&self) -> Result<Vec<ShardLease>, StoreError> {
        let (stream, lease_ms) = (self.app.stream.name(), self.app.config.lease_ms());
        let mut tx = self.app.stores.begin_ops().await?;
        let (asked, mut held): (Vec<_>, Vec<_>) =
            stream_shards::renew(&mut tx, stream, &self.worker, lease_ms)
                .await?
                .into_iter()
                .partition(|lease| lease.wanted);
        for lease in &asked {
            stream_shards::hand_over(&mut tx, lease, lease_ms).await?;
        }
        let share = stream_shards::fair_share(&mut tx, stream, &self.worker).await?;
        let missing = share - i64::try_from(held.len()).unwrap_or(i64::MAX);
        if missing > 0 && asked.is_empty() {
            let claimed = stream_shards::claim(&mut tx, stream, &self.worker, (lease_ms, missing)).await?;
            if claimed.is_empty() {
                stream_shards::ask_for_one(&mut tx, stream, &self.worker, share).await?;
            }
            held.extend(claimed);
        }
        tx.commit().await?;
        Ok(held)
    }
}

/// Asks for the stream. True when it takes records.
///
/// # Errors
/// Any refusal but "exists".
pub async fn prepare_stream(app: &App) -> Result<bool, AwsError> {
    match app.stream.is_active().await {
        Ok(active) => Ok(active),
        Err(error) if error.is_not_found() => {
            app.stream.create(app.config.stream_shards).await?;
            app.stream.is_active().await
        }
        Err(error) => Err(error),
    }
}

/// Keeps the leases while a long batch is booked. Ends never.
async fn heartbeat(app: App, worker: String) {
    loop {
        tokio::time::sleep(app.config.lease / 3).await;
        let renewed = async {
            let mut tx = app.stores.begin_ops().await?;
            stream_shards::renew(&mut tx, app.stream.name(), &worker, app.config.lease_ms()).await?;
            tx.commit().await
        };
        if let Err(error) = renewed.await {
            tracing::warn!(error = %error, "could not renew the leases of the usage stream");
        }
    }
}
