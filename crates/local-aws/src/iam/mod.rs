//! IAM: roles, their policies, and the policy language. Global per account.

pub(crate) mod policy;
pub(crate) mod service_role;
mod state;

pub(crate) use state::{IamAccount, IamState, ManagedPolicy, Role};
