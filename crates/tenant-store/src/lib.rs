//! PostgreSQL: the only room with SQL, one file per aggregate.
//!
//! Functions are free, take a connection and domain types, and give domain types back. They never begin
//! or commit: the caller owns the transaction ([`Stores::begin`], [`Stores::begin_ops`]). Row structs are
//! private; `TryFrom<Row>` is the only way out of them.
//!
//! Three roles (see [`bootstrap`]): the owner runs migrations, `app_rw` is bound by row-level security,
//! `ops` sees all tenants. A tenant's request uses [`Stores::begin`] and cannot see another tenant's row.

pub mod api_keys;
pub mod audit;
pub mod balance;
pub mod bootstrap;
pub mod certificates;
mod chained;
pub mod connections;
pub mod dedupe;
pub mod deployments;
mod error;
pub mod exports;
pub mod findings;
pub mod idempotency;
pub mod import_facts;
pub mod incidents;
pub mod intents;
pub mod invitations;
pub mod journal;
pub mod ledger;
pub mod ledger_watch;
pub mod mails;
pub mod meters;
pub mod operations;
pub mod outbox;
mod pool;
pub mod preflights;
pub mod quarantine;
pub mod rehearsal;
pub mod resources;
pub mod retained;
pub mod rollups;
pub mod sessions;
pub mod signups;
pub mod stream_shards;
pub mod sweeps;
pub mod tenants;
pub mod usage_events;
pub mod users;
pub mod work;

pub use error::StoreError;
pub use pool::{CommitObserver, Pause, StoreSettings, Stores, Tx};

/// What a store function needs: a connection inside the caller's transaction.
pub type Conn = sqlx::PgConnection;
