//! The control surface: what tests and rehearsals see and change beside the AWS protocols.
//!
//! In process it is [`Control`]; over HTTP it is `/_local/*` (see `http.rs`). It is the judge of the tests: what
//! the endpoint holds and who called it, read from the endpoint and not from the product's tables.

mod calls;
mod commands;
pub(crate) mod fault_codes;
mod faults;
mod guardrails;
mod handle;
pub(crate) mod http;
mod inventory;
mod lag;
mod latency;
mod outages;
mod partial;
mod used;

pub(crate) use calls::CallLog;
pub use calls::{CallRecord, SessionIssuer};
pub(crate) use commands::Commands;
pub(crate) use faults::{Armed, Faults, Target};
pub use faults::{Fault, FaultRule};
pub(crate) use guardrails::Guardrails;
pub use handle::{Control, ServiceCredentials};
pub use inventory::InventoryItem;
pub(crate) use lag::Lag;
pub use lag::LagSettings;
pub(crate) use latency::Latency;
pub use latency::LatencyModel;
pub use outages::Outage;
pub(crate) use outages::Outages;
pub(crate) use partial::Failing;
pub use used::Used;
pub(crate) use used::UsedLog;
