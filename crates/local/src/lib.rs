//! The embedded default: a private PostgreSQL, the local AWS endpoint and the demo world.
//!
//! [`World`] is one installation for a test, [`postgres`] runs the database for both it and
//! `tenantry dev`, [`Stage`] is what a rehearsal plays on, in a [`Theatre`]; [`accounts`] are the AWS accounts of
//! either. Nothing here imitates a service of ours: what runs on it is the product.

pub mod accounts;
pub mod customers;
mod databases;
mod embedded;
pub mod postgres;
mod stage;
mod world;

pub use databases::Databases;
pub use embedded::{Embedded, EmbeddedError, EmbeddedOptions};
pub use stage::{Stage, Theatre};
pub use world::World;
