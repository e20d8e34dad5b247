//! The pages: each is a function from what is known to markup. Handlers are in [`crate::routes`].

pub(crate) mod api_keys;
pub(crate) mod audit;
pub(crate) mod connections;
pub(crate) mod deployments;
pub(crate) mod exports;
pub(crate) mod fleet;
pub(crate) mod fleet_usage;
pub(crate) mod incidents;
pub(crate) mod operation;
pub(crate) mod outbox;
pub(crate) mod overview;
pub(crate) mod people;
pub(crate) mod permissions;
pub(crate) mod plan;
pub(crate) mod quarantine;
pub(crate) mod refusal;
pub(crate) mod sign_in;
pub(crate) mod sign_up;
pub(crate) mod usage;
