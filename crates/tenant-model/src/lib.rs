//! The field's nouns and rules: tenants and their lifecycle, who may do what, deployments, usage,
//! exports and the audit chain.
//!
//! Nothing here waits, reads a clock or draws a random number: time and ids come in as parameters,
//! so every rule is a plain function that a table of cases can test. SQL is in `tenant-store`, AWS in
//! `aws-access`, HTTP in `service-kit`.

pub mod account;
pub mod audit;
pub mod blueprint;
pub mod call_log;
pub mod certificate;
pub mod cidr;
pub mod connection;
pub mod contract;
pub mod convergence;
pub mod deployment;
pub mod disclosure;
pub mod exit_kit;
pub mod export;
pub mod given_network;
pub mod idempotency;
pub mod ids;
pub mod ledger;
pub mod ledger_file;
pub mod meter;
pub mod observation;
pub mod operation;
pub mod permissions;
pub mod plan;
pub mod preflight;
pub mod principal;
pub mod proof;
pub mod quantity;
pub mod resource;
pub mod simulation;
pub mod tenant;
pub mod trust;
pub mod usage;
pub mod user;

pub use account::{AwsAccountId, ExternalId};
pub use connection::{Connection, ConnectionState};
pub use ids::{
    ApiKeyId, ConnectionId, DeploymentId, EventId, ExportId, InvitationId, MeterId, OperationId, SignupId,
    TenantId, UserId,
};
pub use meter::{Aggregation, Meter, MeterDefinition, MeterKey};
pub use principal::{Action, Principal, Refusal, Scope, TenantRole, authorize};
pub use quantity::Quantity;
pub use tenant::{InvalidTransition, Tenant, TenantState};
pub use user::{ApiKey, EmailAddress, Membership, User};
