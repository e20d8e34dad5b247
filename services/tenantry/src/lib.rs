//! The executable's composition as a library, so that `tests/` starts exactly what people start.

pub mod api;
pub mod audit;
pub mod client;
pub mod compose;
pub mod configs;
pub mod journey;
pub mod settings;

pub use client::Client;
pub use compose::{Composition, Service};
pub use configs::ServiceConfigs;
pub use settings::Settings;
