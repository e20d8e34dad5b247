//! An installation with an export, and the words in which the tests speak of it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use analytics_export::verify::{Report, verify_export};
use analytics_export::{App, ExportConfig, PassError, Step, WarehouseConfig, exports, pass};
use aws_access::Aws;
use aws_access::redshift::{Cell, Compute, StatementState, Warehouse, WarehouseSettings};
use aws_access::s3::{Bucket, BucketSettings};
use chrono::{DateTime, TimeDelta, Utc};
use local::World;
use local::accounts::{BUCKET, COPY_ROLE_ARN};
use tenant_model::export::{Sha256Hex, Totals, Window};
use tenant_model::usage::{Dimensions, EventKey};
use tenant_model::{MeterId, Quantity, TenantId};
use tenant_store::exports::source;
use tenant_store::usage_events::{self, BookedEvent};
use tenant_store::{Stores, Tx};
use uuid::Uuid;

/// Steps after which something is stuck.
const STEPS_MAX: usize = 600;

/// An installation with an export.
pub(crate) struct Plant {
    /// What it runs on.
    pub(crate) world: World,
    /// The export.
    pub(crate) app: App,
}

impl Plant {
    /// A plant with production's rules.
    pub(crate) async fn start() -> Self {
        Self::start_with(|config| config).await
    }

    /// A plant with other figures.
    pub(crate) async fn start_with(change: impl FnOnce(ExportConfig) -> ExportConfig) -> Self {
        let world = World::start().await;
        let app = app(&world, &world.aws, change(config()));
        Self { world, app }
    }

    /// Books `count` events in one transaction: several tenants, two meters, a tenth of them late.
    pub(crate) async fn book(&self, batch: u32, count: u32) {
        let mut tx = begin(&self.world.stores).await;
        self.book_in(&mut tx, batch, count).await;
        tx.commit().await.expect("commits");
    }

    /// As [`Plant::book`], in a transaction that stays open.
    pub(crate) async fn book_in(&self, tx: &mut Tx, batch: u32, count: u32) {
        let now = self.world.kit.clock.now();
        let events: Vec<_> = (0..count).map(|number| event(batch, number, now)).collect();
        usage_events::insert_many(tx, &events).await.expect("books");
    }

    /// Lets the export come to rest: everything booked until now is exported, loaded and compared.
    pub(crate) async fn settle(&self) {
        exports::close_window_now(&self.app, "test").await.expect("asks");
        for _ in 0..STEPS_MAX {
            match pass(&self.app, "settler").await {
                Ok(Step::Advanced) => {}
                Ok(Step::Busy) => self.world.expire_leases().await,
                Ok(Step::Idle) if self.at_rest().await => return,
                Ok(Step::Idle) => self.world.advance(Duration::from_secs(1)).await,
                Err(error) => {
                    assert!(!error.needs_operator(), "{error}");
                    self.world.advance(Duration::from_secs(1)).await;
                }
            }
        }
        panic!(
            "the export does not come to rest: {:?}",
            exports::list(&self.app, None, 3).await
        );
    }

    async fn at_rest(&self) -> bool {
        let freshness = exports::freshness(&self.app).await.expect("reads");
        let batches = exports::list(&self.app, None, 500).await.expect("reads");
        let mut deliveries = batches.iter().flat_map(|export| &export.deliveries);
        !freshness.closing && deliveries.all(|delivery| delivery.due_at.is_none())
    }

    /// Rows and sums of everything that was ever booked.
    pub(crate) async fn booked(&self) -> Totals {
        let mut tx = begin(&self.world.stores).await;
        let all = Window::new(0, i64::MAX).expect("a window");
        source::sum(&mut tx, all).await.expect("reads")
    }

    /// Rows and sums of everything in the warehouse, whatever batch it says it is of.
    pub(crate) async fn warehoused(&self) -> Totals {
        let rows = self
            .query("SELECT meter, COUNT(*), SUM(quantity) FROM usage.events GROUP BY meter")
            .await;
        let mut totals = Totals::default();
        for row in rows {
            let [Cell::Text(meter), Cell::Long(count), Cell::Text(sum)] = row.as_slice() else {
                panic!("other columns: {row:?}");
            };
            totals
                .add(meter, *count, sum.parse().expect("a decimal"))
                .expect("fits");
        }
        totals
    }

    /// The rows of a statement on the warehouse.
    pub(crate) async fn query(&self, sql: &str) -> Vec<Vec<Cell>> {
        let warehouse = Warehouse::open(&self.world.aws, warehouse_settings());
        let id = warehouse.ask(sql, Vec::new()).await.expect("is taken");
        loop {
            match warehouse.describe(&id, 5).await.expect("is known") {
                StatementState::Running => {}
                StatementState::Finished { .. } => return warehouse.rows(&id).await.expect("a result"),
                other => panic!("{sql}: {other:?}"),
            }
        }
    }

    /// What `verify-export` finds in the bucket.
    pub(crate) async fn verified(&self, head: Option<Sha256Hex>) -> Report {
        verify(self.app.bucket(), head).await
    }

    /// The one check that every test ends with: source = ledger = bucket = warehouse, nothing twice, chain whole.
    pub(crate) async fn assert_exactly_once(&self) {
        let booked = self.booked().await;
        let report = self.verified(None).await;
        assert_eq!(report.faults, [], "the bucket is whole");
        assert_eq!(report.totals, booked, "the bucket holds what was booked");
        assert_eq!(
            self.warehoused().await,
            booked,
            "the warehouse holds what was booked"
        );
        let mut ledger = Totals::default();
        for export in exports::list(&self.app, None, 500).await.expect("reads") {
            assert!(export.balanced(), "{:?}", export.deliveries);
            ledger
                .merge(export.batch.totals().expect("written"))
                .expect("fits");
        }
        assert_eq!(ledger, booked, "the ledger says what was booked");
    }
}

/// What `verify-export` finds in a bucket.
pub(crate) async fn verify(bucket: &Bucket, head: Option<Sha256Hex>) -> Report {
    verify_export(bucket, &config().prefix, "events", head)
        .await
        .expect("the bucket can be read")
}

/// An export over another view of AWS, as another process would have.
pub(crate) fn app(world: &World, aws: &Aws, config: ExportConfig) -> App {
    App::new(world.kit.clone(), world.stores.clone(), aws, config)
}

/// The tests' configuration: production's with a bucket of our own.
pub(crate) fn config() -> ExportConfig {
    let bucket = BucketSettings {
        name: BUCKET.parse().expect("a name"),
        expected_owner: None,
        kms_key_id: None,
    };
    let warehouse = WarehouseConfig {
        name: "warehouse".to_owned(),
        settings: warehouse_settings(),
        copy_role: COPY_ROLE_ARN.parse().expect("a role"),
    };
    ExportConfig::new(bucket, "isv".parse().expect("a prefix"), Some(warehouse))
}

fn warehouse_settings() -> WarehouseSettings {
    let compute = Compute::Workgroup {
        name: "tenantry".to_owned(),
    };
    WarehouseSettings {
        compute,
        database: "warehouse".to_owned(),
    }
}

/// A transaction over all tenants.
pub(crate) async fn begin(stores: &Stores) -> Tx {
    stores.begin_ops().await.expect("begins")
}

/// A configuration whose leases are over at once: every worker may take over from every other at any moment.
pub(crate) fn without_leases(config: ExportConfig) -> ExportConfig {
    ExportConfig {
        lease: Duration::ZERO,
        ..config
    }
}

fn event(batch: u32, number: u32, now: DateTime<Utc>) -> BookedEvent {
    let tenant_id = TenantId::from_uuid(Uuid::from_u128(u128::from(number % 7)));
    let event_id = format!("evt-{batch}-{number}");
    let scanned = number.is_multiple_of(3);
    let (meter_id, meter) = if scanned {
        (1, "rows_scanned")
    } else {
        (3, "compute_seconds")
    };
    // Late enough to lie in another month than the rest, whatever today is.
    let late = if number.is_multiple_of(10) {
        TimeDelta::days(33)
    } else {
        TimeDelta::zero()
    };
    BookedEvent {
        tenant_id,
        key: EventKey::of(tenant_id, "urn:test", &event_id),
        event_id,
        source: "urn:test".to_owned(),
        event_type: meter.to_owned(),
        subject: None,
        meter_id: MeterId::from_uuid(Uuid::from_u128(
            0x0190_0000_0000_7000_8000_0000_0000_0000 + meter_id,
        )),
        meter: meter.parse().expect("a meter"),
        event_time: now - late - TimeDelta::milliseconds(i64::from(number)),
        ingested_at: now,
        quantity: Quantity::from_ledger(&format!("{number}.000000001")).expect("a quantity"),
        dimensions: Dimensions::default(),
    }
}

/// Runs `work` until it has waited `waits` times, and drops it there: a process that dies at that await. `None`
/// when it died, the work's result when it came to its end before.
pub(crate) async fn dying_after<Work: Future>(waits: u32, work: Work) -> Option<Work::Output> {
    Dying {
        work: Box::pin(work),
        left: waits,
    }
    .await
}

struct Dying<Work> {
    work: Pin<Box<Work>>,
    left: u32,
}

impl<Work: Future> Future for Dying<Work> {
    type Output = Option<Work::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.work.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if self.left == 0 => Poll::Ready(None),
            Poll::Pending => {
                self.left -= 1;
                Poll::Pending
            }
        }
    }
}

/// Steps of one worker until it finds nothing to do. Only being taken over may stop it.
pub(crate) async fn run_until_idle(app: &App, worker: &str) -> Result<(), PassError> {
    for _ in 0..STEPS_MAX {
        match pass(app, worker).await? {
            Step::Advanced => {}
            Step::Idle | Step::Busy => return Ok(()),
        }
    }
    Ok(())
}
