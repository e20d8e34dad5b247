//! The rules of the analytics export: windows, batches, deliveries, and the names of what they write.
//!
//! A batch is a ledger row that fixes its input before anything is written. Everything after that
//! (files, keys, manifest, the key rows carry in the warehouse) is derived from the row here, so two
//! workers that finish the same row write the same objects. Nothing here waits or reads a clock; the
//! service is `analytics-export`.

mod event;
mod layout;
mod ledger;
mod manifest;
mod quantity;
mod state;
mod totals;

pub use event::{BookedEvent, Partition, arrange, totals_of};
pub use layout::{
    BucketName, InvalidBucketName, InvalidKeyPrefix, KeyPrefix, Layout, Month, TENANT_BUCKETS, month_of,
    tenant_bucket,
};
pub use ledger::{Batch, Dataset, Delivery, Destination, Progress, Sides};
pub use manifest::{FileEntry, LoadManifestEntry, MANIFEST_BYTES_MAX, Manifest, ManifestError, Sha256Hex};
pub use quantity::{InvalidQuantity, Quantity38};
pub use state::{BatchState, DeliveryState, InvalidDeliveryState, UnknownState};
pub use totals::{MeterTotal, Totals, TotalsOverflow};

use uuid::Uuid;

/// The columns of the `events` files; grows by addition only, and each number has a golden file.
pub const EVENTS_SCHEMA_ID: i32 = 1;

/// Name space of [`batch_key`]. Fixed for ever: changing it would rename every object ever written.
const BATCH_KEYS: Uuid = Uuid::from_u128(0x5b0c_8f2e_71d4_4c1a_9a6e_2f6d_3c9b_7e10);

/// A half-open range of booking positions `[lo, hi)`.
///
/// A position is a PostgreSQL transaction id (`xid8`). `hi` is taken from the oldest transaction still
/// open, so nothing can be booked into a window after it was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    lo: i64,
    hi: i64,
}

/// A window that would hold nothing or lie below zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("window [{lo}, {hi}) is empty or negative")]
pub struct InvalidWindow {
    lo: i64,
    hi: i64,
}

impl Window {
    /// A window of at least one position.
    pub fn new(lo: i64, hi: i64) -> Result<Self, InvalidWindow> {
        if lo < 0 || hi <= lo {
            return Err(InvalidWindow { lo, hi });
        }
        Ok(Self { lo, hi })
    }

    /// First position inside.
    pub fn lo(self) -> i64 {
        self.lo
    }

    /// First position after the window; the next window begins here.
    pub fn hi(self) -> i64 {
        self.hi
    }
}

/// What identifies a batch for ever: the same values name the same objects, also after the ledger was
/// rebuilt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchIdentity {
    /// Name of the dataset, such as `events`.
    pub dataset: String,
    /// Raised when positions start again, for example after a restore from a dump.
    pub source_epoch: i32,
    /// The input.
    pub window: Window,
    /// 0 for the first export of the window.
    pub revision: i32,
}

impl BatchIdentity {
    /// The UUIDv5 that stands in the files, the object keys and every row of the warehouse.
    pub fn batch_key(&self) -> Uuid {
        let name = format!(
            "{}/{}/{}/{}/{}",
            self.dataset,
            self.source_epoch,
            self.window.lo(),
            self.window.hi(),
            self.revision
        );
        Uuid::new_v5(&BATCH_KEYS, name.as_bytes())
    }

    /// Key of the window in the warehouse's own ledger. All revisions of a window share it.
    pub fn window_key(&self) -> String {
        format!("{}/{}/{}", self.dataset, self.source_epoch, self.window.lo())
    }
}

/// How far the booked rows between the last window and the watermark fit the budget of one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// There are no rows.
    Nothing,
    /// All of them fit.
    All,
    /// Only those up to this position, inclusive. A booking transaction that is over the budget alone is
    /// taken whole, because a window is never cut inside one.
    Until(i64),
}

/// The next window: from the end of the last one to `sealed`, the oldest transaction still open, or to where the
/// budget ends. `None` when it would hold no rows.
pub fn cut(lo: i64, sealed: i64, reach: Reach) -> Result<Option<Window>, WatermarkWentBack> {
    if sealed < lo {
        return Err(WatermarkWentBack { lo, sealed });
    }
    let hi = match reach {
        Reach::Nothing => return Ok(None),
        Reach::All => sealed,
        Reach::Until(last) => sealed.min(last.saturating_add(1)),
    };
    Ok(Window::new(lo, hi).ok())
}

/// The database counts transactions from a lower number than the last window: it was restored or moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the sealed position {sealed} lies before the end of the last window {lo}; the source was restored or moved"
)]
pub struct WatermarkWentBack {
    lo: i64,
    sealed: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> BatchIdentity {
        BatchIdentity {
            dataset: "events".to_owned(),
            source_epoch: 1,
            window: Window::new(10, 20).expect("a valid window"),
            revision: 0,
        }
    }

    #[test]
    fn a_window_holds_at_least_one_position() {
        assert!(Window::new(5, 5).is_err());
        assert!(Window::new(6, 5).is_err());
        assert!(Window::new(-1, 5).is_err());
        assert!(Window::new(5, 6).is_ok());
    }

    #[test]
    fn the_batch_key_is_the_same_for_ever() {
        // Objects in buckets carry this value; a change would orphan every one of them.
        assert_eq!(
            identity().batch_key().to_string(),
            "3dc44b98-3f03-50ff-b8cc-74aaea6c4e93"
        );
    }

    #[test]
    fn every_part_of_the_identity_changes_the_key_but_only_the_start_names_the_window() {
        let other_end = BatchIdentity {
            window: Window::new(10, 21).expect("valid"),
            ..identity()
        };
        let other_revision = BatchIdentity {
            revision: 1,
            ..identity()
        };
        let other_epoch = BatchIdentity {
            source_epoch: 2,
            ..identity()
        };
        for other in [&other_end, &other_revision, &other_epoch] {
            assert_ne!(other.batch_key(), identity().batch_key());
        }
        assert_eq!(other_revision.window_key(), identity().window_key());
        assert_ne!(other_epoch.window_key(), identity().window_key());
    }

    #[test]
    fn a_window_ends_at_the_watermark_or_at_the_last_transaction_that_fits() {
        let ends = |sealed, reach| cut(100, sealed, reach).expect("not behind").map(Window::hi);
        assert_eq!(ends(150, Reach::Nothing), None, "no rows, no batch");
        assert_eq!(ends(150, Reach::All), Some(150));
        assert_eq!(ends(150, Reach::Until(120)), Some(121), "cut by the budget");
        assert_eq!(ends(150, Reach::Until(149)), Some(150));
        assert_eq!(ends(100, Reach::All), None, "a window of nothing");
        assert!(
            cut(100, 99, Reach::Nothing).is_err(),
            "a lower watermark stops the export"
        );
    }
}
