//! Holds the architecture: who may import whom, which room alone names a library, what is banned.
//!
//! Reads `cargo metadata` and the tree itself; takes about a second and needs no network.

mod conformance;
mod dependencies;
mod rooms;
mod sources;
