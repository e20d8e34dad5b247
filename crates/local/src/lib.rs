//! The embedded default: a private PostgreSQL, the local AWS endpoint and the demo world.

pub mod postgres;
