//! What the tests across services share: databases of their own, typed callers, the demo's numbers.

mod database;

pub use database::Database;
