//! AWS's wire protocols on loopback, with true semantics, a clock and faults.
//!
//! The real SDKs and the AWS CLI work against one [`LocalAws`] unchanged: set its [`LocalAws::endpoint`] as endpoint
//! URL. An access key id of twelve digits is that account's root, its secret is `test`. Whatever an operation does
//! here it does because AWS documents it; anything not built answers `NotImplemented` and never an empty success.
//!
//! Where things are: [`Control`] is what tests see and change; `dispatch` brings a request to its service;
//! `auth` proves the caller; `iam/policy` decides what it may do; `protocol` reads and writes the wire forms; one
//! folder per service holds the operations.
//!
//! # Adding an operation
//!
//! 1. Write a function in the service's folder, in the file of its aggregate. It reads the parameters from the
//!    [`Call`](service::Call), asks `authorize` for every resource it touches, checks, changes the state, and
//!    returns what goes between the answer's tags.
//! 2. Name it in the service's `match` over operation names.
//! 3. Test it with the real SDK client in `tests/`, each case citing the AWS page it is from.
//!
//! State belongs to one service; other services reach it through [`Core`](core::Core). There are no globals: many
//! endpoints live side by side in one process.

mod acm;
mod auth;
mod autoscaling;
mod clock;
mod cloudformation;
mod cloudtrail;
mod control;
mod core;
mod dispatch;
mod ec2;
mod elbv2;
mod endpoint;
mod error;
#[cfg(test)]
mod fuzz_tests;
mod iam;
mod ids;
mod kinesis;
mod kms;
mod lock;
mod marketplace;
mod peers;
mod persist;
mod places;
mod protocol;
mod pulse;
mod rds;
mod redshift_data;
mod route53;
mod s3;
mod server;
mod service;
mod service_quotas;
mod sts;
mod tagging;
mod tags;

pub use clock::Clock;
pub use control::{
    CallRecord, Control, Fault, FaultRule, InventoryItem, LagSettings, LatencyModel, Outage,
    ServiceCredentials, SessionIssuer, Used,
};
pub use rds::{DatabaseView, MarkerRefused};
pub use route53::{DnsAnswer, DnsQuestion};
pub use server::{LocalAws, Options, StartError};
pub use tags::Tags;
