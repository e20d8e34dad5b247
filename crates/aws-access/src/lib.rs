//! The only room that names the AWS SDK: the shared configuration, the credential broker and thin
//! calls that take and return plain values.
//!
//! Rules of the room. A mutating call gets one attempt, because a blind repetition of `CreateVpc` is
//! a second VPC; whoever asked looks first and asks again. A read gets three. Every call ends within
//! ten seconds. Credentials of a customer's account live in a [`TenantSession`] and nowhere else, and
//! nothing here prints them. Whether the endpoint is AWS or a local one is never asked.
//!
//! Start at [`Aws`]; roles are assumed in [`broker`]; errors are sorted in [`error`].

mod account;
mod balancing;
pub mod broker;
mod budget;
mod certificates;
pub mod cloudformation;
mod cloudtrail;
mod databases;
pub mod dns;
pub mod ec2;
pub mod error;
mod http;
pub mod iam;
mod import_facts;
mod keys;
pub mod kinesis;
mod load_balancers;
mod quotas;
pub mod redshift;
pub mod s3;
mod scaling;
pub mod session_policy;
mod settings;
mod sweep;
mod tags;
mod tally;

pub use account::Account;
pub use broker::{AssumeError, Broker, ProbeOutcome, SessionIdentity, TenantRole, TenantSession};
pub use budget::CallBudget;
pub use error::{AwsError, AwsErrorKind};
pub use http::CallObserver;
pub use session_policy::{SessionPolicy, StepClass};
pub use settings::{Aws, AwsCredentials, AwsSettings};
pub use sweep::Swept;
pub use tally::with_request_id;
