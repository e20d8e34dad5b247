//! From a committed batch to verified rows in the warehouse.
//!
//! The attempt and its token are stored before the call, the statement's id right after it. When an answer is
//! lost nobody guesses: the warehouse's own ledger says whether the batch is there. A new attempt may run beside
//! a lost one; the lock at the head of the load orders the two, and the second replaces what the first did.
//!
//! A delivery has a lease of its own, so a slow or broken warehouse never holds up the files.

use aws_access::AwsErrorKind;
use aws_access::redshift::{Cell, StatementState, Transaction, Warehouse, limits};
use tenant_model::export::{
    Batch, Delivery, DeliveryState, Destination, Layout, MANIFEST_BYTES_MAX, Manifest, Month, Progress,
    Sha256Hex, Sides, Totals,
};
use tenant_store::exports::{batches, deliveries, destinations, source};

use crate::warehouse_sql::{self, Load, Refusal};
use crate::{App, PassError, Step, WarehouseConfig};

/// Questions about a short statement within one pass; each waits as long as the Data API lets it.
const QUESTIONS_MAX: u32 = 3;

/// Takes the warehouse's lease, moves the delivery that is due by one step, gives the lease back.
///
/// # Errors
/// Whatever stopped it; the next pass, of any worker, goes on from the ledger.
pub async fn pass(app: &App, worker: &str) -> Result<Step, PassError> {
    let Some(target) = app.target() else {
        return Ok(Step::Idle);
    };
    app.prepare().await?;
    let mut tx = app.stores.begin_ops().await?;
    let claimed = destinations::claim(&mut tx, &target.config.name, worker, app.config.lease).await?;
    tx.commit().await?;
    let Some(destination) = claimed else {
        return Ok(Step::Busy);
    };
    let done = Loader {
        app,
        destination: &destination,
        target: &target,
    }
    .advance()
    .await;
    let mut tx = app.stores.begin_ops().await?;
    destinations::release(&mut tx, &destination).await?;
    tx.commit().await?;
    done
}

/// The configured warehouse with its clients.
pub(crate) struct Target<'a> {
    pub(crate) config: &'a WarehouseConfig,
    pub(crate) warehouse: &'a Warehouse,
}

struct Loader<'a> {
    app: &'a App,
    destination: &'a Destination,
    target: &'a Target<'a>,
}

impl Loader<'_> {
    async fn advance(&self) -> Result<Step, PassError> {
        let now = self.app.kit.clock.now();
        let mut tx = self.app.stores.begin_ops().await?;
        let Some(delivery) = deliveries::find_due(&mut tx, self.destination.id, now).await? else {
            return Ok(Step::Idle);
        };
        let missing = || PassError::Inconsistent("a delivery without its batch");
        let batch = batches::find(&mut tx, delivery.batch_id)
            .await?
            .ok_or_else(missing)?;
        let files = batches::list_files(&mut tx, delivery.batch_id).await?;
        tx.commit().await?;
        let load = Load {
            identity: batch.identity.clone(),
            files,
        };
        let next = match delivery.state {
            DeliveryState::Pending => self.submit(delivery, &load).await?,
            // Somebody stored an attempt and was not heard of again.
            DeliveryState::Submitting => delivery.lost(now)?,
            DeliveryState::Submitted => self.poll(delivery).await?,
            DeliveryState::Unknown => self.settle(delivery, &load).await?,
            DeliveryState::Finished => self.verify(delivery, &batch, &load).await?,
            DeliveryState::Verified | DeliveryState::Superseded | DeliveryState::Failed => {
                return Ok(Step::Idle);
            }
        };
        self.save(&next).await?;
        Ok(Step::Advanced)
    }

    /// Writes the delivery while holding the warehouse's row by our fence.
    async fn save(&self, delivery: &Delivery) -> Result<(), PassError> {
        let mut tx = self.app.stores.begin_ops().await?;
        destinations::hold(&mut tx, self.destination, self.app.config.lease).await?;
        deliveries::update(
            &mut tx,
            delivery,
            self.destination.fence,
            self.app.kit.clock.now(),
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn submit(&self, delivery: Delivery, load: &Load) -> Result<Delivery, PassError> {
        let config = self.target.config;
        if !self.ensure_tables(&load.months()).await? {
            return Ok(delivery.wait(self.later()));
        }
        let delivery = delivery.begin_attempt(self.app.kit.clock.now())?;
        let layout = Layout::new(&self.app.config.prefix, &load.identity);
        let transaction = load.transaction(&delivery, &layout, self.app.bucket.name(), &config.copy_role)?;
        self.save(&delivery).await?;
        let handed_in = self.target.warehouse.begin(transaction).await;
        let now = self.app.kit.clock.now();
        Ok(match handed_in {
            Ok(statement_id) => delivery.submitted(statement_id, now)?,
            Err(error) if error.kind == AwsErrorKind::Unknown => delivery.lost(now)?,
            Err(error) => delivery.again(error.to_string(), now)?,
        })
    }

    async fn poll(&self, delivery: Delivery) -> Result<Delivery, PassError> {
        let id = delivery
            .statement_id
            .clone()
            .ok_or(PassError::Inconsistent("submitted without a statement id"))?;
        let state = self.target.warehouse.describe(&id, limits::WAIT_SECONDS).await;
        let now = self.app.kit.clock.now();
        Ok(match state {
            Ok(StatementState::Running) => delivery.wait(self.later()),
            Ok(StatementState::Finished { .. }) => delivery.finished(now)?,
            Ok(StatementState::Aborted) => delivery.again("the statement was cancelled".to_owned(), now)?,
            Ok(StatementState::Failed { error }) => match warehouse_sql::refusal(&error) {
                Refusal::Conflict => delivery.again(error, now)?,
                Refusal::Superseded => delivery.ended(DeliveryState::Superseded, error)?,
                Refusal::Lasting => {
                    tracing::error!(export.id = %delivery.batch_id, %error, "the warehouse refused a batch");
                    delivery.ended(DeliveryState::Failed, error)?
                }
            },
            // The history of a day has forgotten it.
            Err(error) if error.is_not_found() => delivery.lost(now)?,
            Err(error) => return Err(error.into()),
        })
    }

    /// Asks the warehouse's own ledger whose batch it holds for the window.
    async fn settle(&self, delivery: Delivery, load: &Load) -> Result<Delivery, PassError> {
        let parameters = vec![("w", load.identity.window_key())];
        let Some(rows) = self.ask(&warehouse_sql::loaded_batch(), parameters).await? else {
            return Ok(delivery.wait(self.later()));
        };
        let ours = Cell::Text(load.identity.batch_key().to_string());
        let now = self.app.kit.clock.now();
        if rows.iter().any(|row| row.first() == Some(&ours)) {
            // The forgotten statement's results are gone with its id; the count is asked anew.
            return Ok(Delivery {
                statement_id: None,
                ..delivery
            }
            .finished(now)?);
        }
        Ok(delivery.again("the answer was lost before the batch was loaded".to_owned(), now)?)
    }

    /// Counts all three sides where they lie and compares.
    async fn verify(&self, delivery: Delivery, batch: &Batch, load: &Load) -> Result<Delivery, PassError> {
        let Some(warehouse) = self.warehouse_totals(&delivery, load).await? else {
            return Ok(delivery.wait(self.later()));
        };
        let mut tx = self.app.stores.begin_snapshot().await?;
        let source = source::sum(&mut tx, batch.identity.window).await?;
        tx.rollback().await?;
        let stored = self.stored_totals(batch).await?;
        let sides = Sides {
            source: Some(source),
            stored,
            warehouse: Some(warehouse),
        };
        if !sides.balanced() {
            tracing::error!(export.id = %batch.id, "source, bucket and warehouse do not hold the same");
        }
        Ok(delivery.compared(sides)?)
    }

    async fn warehouse_totals(&self, delivery: &Delivery, load: &Load) -> Result<Option<Totals>, PassError> {
        if let Some(id) = &delivery.statement_id {
            // Results are read by the part's own id, and only of a finished whole.
            match self.target.warehouse.describe(id, 0).await {
                Ok(StatementState::Finished { parts }) => {
                    let last = parts
                        .last()
                        .ok_or(PassError::Inconsistent("a load without parts"))?;
                    return Ok(Some(totals_from(&self.target.warehouse.rows(last).await?)?));
                }
                Ok(_) => return Err(PassError::Inconsistent("a finished load that is not finished")),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error.into()),
            }
        }
        let rows = self
            .ask(&warehouse_sql::totals(), load.totals_parameters())
            .await?;
        rows.map(|rows| totals_from(&rows)).transpose()
    }

    /// What the manifest in the bucket says, if it is there and the one we committed.
    async fn stored_totals(&self, batch: &Batch) -> Result<Option<Totals>, PassError> {
        let Progress::Committed {
            manifest_key,
            manifest_sha256,
            ..
        } = &batch.progress
        else {
            return Err(PassError::Inconsistent(
                "a delivery of a batch that is not committed",
            ));
        };
        let Some(bytes) = self.app.bucket.get(manifest_key, MANIFEST_BYTES_MAX).await? else {
            return Ok(None);
        };
        if Sha256Hex::of(&bytes) != *manifest_sha256 {
            tracing::error!(export.id = %batch.id, "the manifest in the bucket is not the one we committed");
            return Ok(None);
        }
        Ok(Some(Manifest::from_bytes(&bytes)?.meters))
    }

    /// Makes the tables that are not known to be there. False while the warehouse is still at it.
    async fn ensure_tables(&self, months: &[Month]) -> Result<bool, PassError> {
        let mut tx = self.app.stores.begin_ops().await?;
        let known = destinations::list_months(&mut tx, self.destination.id).await?;
        tx.commit().await?;
        let new: Vec<Month> = months
            .iter()
            .filter(|month| !known.contains(month))
            .copied()
            .collect();
        if new.is_empty() {
            return Ok(true);
        }
        let mut all = [known, new.clone()].concat();
        all.sort_unstable();
        let token = self.app.kit.ids.uuid().simple().to_string();
        let name = format!("tenantry-tables-{token}");
        let statements = warehouse_sql::tables(&new, &all);
        let transaction = Transaction {
            statements,
            parameters: Vec::new(),
            client_token: token,
            name,
        };
        let id = self.target.warehouse.begin(transaction).await?;
        if !self.wait_for(&id).await? {
            return Ok(false);
        }
        let mut tx = self.app.stores.begin_ops().await?;
        destinations::hold(&mut tx, self.destination, self.app.config.lease).await?;
        destinations::insert_months(&mut tx, self.destination.id, &new, self.app.kit.clock.now()).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The rows of a reading statement; `None` while it is still running.
    async fn ask(
        &self,
        sql: &str,
        parameters: Vec<(&'static str, String)>,
    ) -> Result<Option<Vec<Vec<Cell>>>, PassError> {
        let id = self.target.warehouse.ask(sql, parameters).await?;
        if !self.wait_for(&id).await? {
            return Ok(None);
        }
        Ok(Some(self.target.warehouse.rows(&id).await?))
    }

    /// True when the statement has finished, false when it is still running after some waiting.
    async fn wait_for(&self, id: &str) -> Result<bool, PassError> {
        for _ in 0..QUESTIONS_MAX {
            match self.target.warehouse.describe(id, limits::WAIT_SECONDS).await? {
                StatementState::Finished { .. } => return Ok(true),
                StatementState::Failed { error } => return Err(PassError::Warehouse(error)),
                StatementState::Aborted => {
                    return Err(PassError::Warehouse("the statement was cancelled".to_owned()));
                }
                StatementState::Running => self.renew().await?,
            }
        }
        Ok(false)
    }

    async fn renew(&self) -> Result<(), PassError> {
        let mut tx = self.app.stores.begin_ops().await?;
        destinations::hold(&mut tx, self.destination, self.app.config.lease).await?;
        tx.commit().await?;
        Ok(())
    }

    fn later(&self) -> chrono::DateTime<chrono::Utc> {
        self.app.kit.clock.now() + self.app.config.poll_every
    }
}

/// `meter, count, sum` rows as totals.
fn totals_from(rows: &[Vec<Cell>]) -> Result<Totals, PassError> {
    let unreadable = || PassError::Warehouse("a result of other columns than were asked for".to_owned());
    let mut totals = Totals::default();
    for row in rows {
        let [Cell::Text(meter), Cell::Long(count), Cell::Text(sum)] = row.as_slice() else {
            return Err(unreadable());
        };
        totals.add(meter, *count, sum.parse().map_err(|_| unreadable())?)?;
    }
    Ok(totals)
}
