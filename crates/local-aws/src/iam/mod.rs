//! IAM: roles, users and their access keys, instance profiles, policies, and the policy language. Global per
//! account.
//!
//! `policy` decides; the other modules keep what it decides by. A service that takes a role asks [`pass`].

mod access_keys;
mod attached;
mod aws_managed;
mod entity;
mod held;
mod inline;
pub(crate) mod linked;
pub(crate) mod managed;
mod managed_operations;
mod names;
mod operations;
pub(crate) mod pass;
pub(crate) mod policy;
pub(crate) mod profiles;
pub(crate) mod roles;
mod service;
pub(crate) mod service_role;
mod simulate;
mod spans;
mod state;
mod trust;
mod users;

pub(crate) use profiles::InstanceProfile;
pub(crate) use service::Iam;
pub(crate) use state::{IamAccount, IamState, Role};
