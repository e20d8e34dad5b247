//! Reads one shard and books what it reads.

use aws_access::AwsError;
use aws_access::kinesis::{ReadFrom, ReadPage, ShardInfo};
use tenant_model::usage::{InvalidPosition, StreamPosition};
use tenant_store::stream_shards::{ListedShard, ShardLease};
use tenant_store::{StoreError, meters};

use super::batch::Batch;
use super::booking::{BookError, Booked, Ending, book};
use crate::App;
use crate::meters::MeterSet;

/// The watermark of an idle shard moves in steps of at least this.
const IDLE_STEP: chrono::TimeDelta = chrono::TimeDelta::milliseconds(500);

/// A shard under a lease, with the reader opened for it.
#[derive(Debug)]
pub(crate) struct ShardReader {
    pub(crate) lease: ShardLease,
    iterator: Option<String>,
}

/// What one read of a shard came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ShardPass {
    pub(crate) records: usize,
    pub(crate) booked: Booked,
    /// More is waiting.
    pub(crate) behind: bool,
    /// The shard has ended.
    pub(crate) ended: bool,
    /// Somebody else holds the shard now.
    pub(crate) lost: bool,
}

/// Why a shard could not be read or booked this time.
#[derive(Debug, thiserror::Error)]
pub enum ShardError {
    /// Kinesis refused or did not answer.
    #[error("could not read the shard")]
    Stream(#[from] AwsError),
    /// The database failed, or no day is open.
    #[error("could not book the batch")]
    Book(#[from] BookError),
    /// Kinesis told a position that is none.
    #[error(transparent)]
    Position(#[from] InvalidPosition),
}

impl From<StoreError> for ShardError {
    fn from(error: StoreError) -> Self {
        Self::Book(BookError::Store(error))
    }
}

impl ShardReader {
    pub(crate) fn new(lease: ShardLease) -> Self {
        Self {
            lease,
            iterator: None,
        }
    }

    /// Takes what the database says of the lease; a reader opened for another turn is forgotten.
    pub(crate) fn renew(&mut self, lease: ShardLease) {
        if lease.fence != self.lease.fence || lease.checkpoint != self.lease.checkpoint {
            self.iterator = None;
        }
        self.lease = lease;
    }

    /// Reads one page and books it.
    pub(crate) async fn pass(&mut self, app: &App) -> Result<ShardPass, ShardError> {
        // Whatever was acknowledged before this moment is on the pages up to the tip.
        let asked_at = app.kit.clock.now();
        let Some(page) = self.read(app).await? else {
            return Ok(ShardPass {
                behind: true,
                ..ShardPass::default()
            });
        };
        let mut pass = ShardPass {
            records: page.records.len(),
            behind: page.next.is_some() && page.behind_ms > 0,
            ended: page.next.is_none(),
            ..ShardPass::default()
        };
        let caught_up = (page.behind_ms == 0).then_some(asked_at);
        match self.book_page(app, &page, (caught_up, &mut pass)).await {
            Ok(()) => self.iterator = page.next,
            Err(ShardError::Book(BookError::LeaseLost)) => {
                self.iterator = None;
                return Ok(ShardPass { lost: true, ..pass });
            }
            Err(error) => {
                // What was read and not booked is read again.
                self.iterator = None;
                return Err(error);
            }
        }
        Ok(pass)
    }

    async fn read(&mut self, app: &App) -> Result<Option<ReadPage>, ShardError> {
        let iterator = match self.iterator.take() {
            Some(iterator) => iterator,
            None => {
                let from = match &self.lease.checkpoint {
                    Some(position) => ReadFrom::After(position.as_str()),
                    None => ReadFrom::TrimHorizon,
                };
                app.stream.open(&self.lease.shard_id, from).await?
            }
        };
        let page = app.stream.read(&iterator, app.config.read_records_max).await?;
        Ok(page)
    }

    async fn book_page(
        &mut self,
        app: &App,
        page: &ReadPage,
        (caught_up, pass): (Option<chrono::DateTime<chrono::Utc>>, &mut ShardPass),
    ) -> Result<(), ShardError> {
        let mut batch = Batch::default();
        if !page.records.is_empty() {
            let set = self.meters(app).await?;
            for record in &page.records {
                let position: StreamPosition = record.sequence_number.parse()?;
                // Told again by a reader that began before the checkpoint.
                if self
                    .lease
                    .checkpoint
                    .as_ref()
                    .is_some_and(|booked| position <= *booked)
                {
                    continue;
                }
                let data = (record.data.clone(), record.arrived_at);
                batch.add(position, data, (&set, app.config.time_bounds));
                if batch.events >= app.config.batch_events_max {
                    let full = std::mem::take(&mut batch);
                    self.book(app, &full, (Ending::default(), &mut *pass)).await?;
                }
            }
        }
        let ending = Ending {
            booked_until: caught_up,
            children: pass.ended.then(|| children(&page.children)),
        };
        let idle = batch.is_empty() && ending.children.is_none();
        if idle && !self.watermark_is_due(caught_up) {
            return Ok(());
        }
        self.book(app, &batch, (ending, pass)).await
    }

    async fn meters(&self, app: &App) -> Result<MeterSet, ShardError> {
        let mut tx = app.stores.begin_ops().await?;
        let set = MeterSet::new(meters::list(&mut tx).await?);
        tx.commit().await?;
        Ok(set)
    }

    fn watermark_is_due(&self, caught_up: Option<chrono::DateTime<chrono::Utc>>) -> bool {
        match (caught_up, self.lease.booked_until) {
            (Some(now), Some(booked)) => now - booked >= IDLE_STEP,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    async fn book(
        &mut self,
        app: &App,
        batch: &Batch,
        (mut ending, pass): (Ending, &mut ShardPass),
    ) -> Result<(), ShardError> {
        ending.booked_until = ending.booked_until.or(batch.arrived_until);
        let booked = book(app, &self.lease, batch, &ending).await?;
        if batch.checkpoint.is_some() {
            self.lease.checkpoint.clone_from(&batch.checkpoint);
        }
        self.lease.booked_until = self.lease.booked_until.max(ending.booked_until);
        pass.booked.accepted += booked.accepted;
        pass.booked.quarantined += booked.quarantined;
        pass.booked.redelivered += booked.redelivered;
        Ok(())
    }
}

fn children(infos: &[ShardInfo]) -> Vec<ListedShard> {
    infos.iter().map(listed).collect()
}

pub(crate) fn listed(info: &ShardInfo) -> ListedShard {
    ListedShard {
        shard_id: info.shard_id.clone(),
        parents: info.parents.clone(),
    }
}
