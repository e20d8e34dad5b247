//! What the tests across services share: databases and whole installations of their own.

mod database;
mod installation;

pub use database::Database;
pub use installation::{Installation, PASSWORD};
