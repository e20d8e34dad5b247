//! The export ledger: datasets, batches and their files, deliveries to warehouses, and the source they read.
//!
//! All of it runs as the role `ops`, because a batch mixes tenants. Whoever changes a row first holds the
//! dataset's or the destination's row by its fence ([`datasets::hold`], [`destinations::hold`]) in the same
//! transaction: a worker whose lease was taken over gets [`crate::StoreError::Stale`] and changes nothing.

pub mod batches;
pub mod datasets;
pub mod deliveries;
pub mod destinations;
pub mod source;

use std::time::Duration;

use sqlx::postgres::types::PgInterval;

/// Leases are measured by the database's clock alone, so that no process's clock can prolong one.
fn interval(lease: Duration) -> PgInterval {
    let microseconds = i64::try_from(lease.as_micros()).unwrap_or(i64::MAX);
    PgInterval {
        months: 0,
        days: 0,
        microseconds,
    }
}
