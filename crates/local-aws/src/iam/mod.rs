//! IAM: roles, their policies, and the policy language. Global per account.

mod operations;
pub(crate) mod policy;
mod role_policies;
pub(crate) mod roles;
mod service;
pub(crate) mod service_role;
mod state;
mod trust;

pub(crate) use service::Iam;
pub(crate) use state::{IamAccount, IamState, Role};
