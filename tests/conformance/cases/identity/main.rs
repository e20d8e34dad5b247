//! STS and IAM: who may become whom, who may do what, and what holds their permissions.

mod access_keys;
mod assume_role;
mod boundaries;
mod consistency;
mod documents;
mod evaluation;
mod inline_policies;
mod instance_profiles;
mod linked_roles;
mod managed_policies;
mod operators;
mod roles;
mod session_limits;
mod sessions;
mod simulator;
mod support;
mod trust_conditions;
mod trust_external_id;
mod trust_principals;
mod trust_statements;
mod versions;
