//! STS, IAM, CloudFormation and EC2 of the local endpoint, driven by the real SDK clients.
//!
//! Each case cites the AWS page it is from. One binary for all, because linking the EC2 client is slow.

#![expect(clippy::too_many_lines, reason = "a test is read from top to bottom")]

mod cloudformation;
mod confused_deputy;
mod control_surface;
mod deny_by_default;
mod durability;
mod faults;
mod iam_roles;
mod instances;
mod network;
mod permissions;
mod sessions;
mod signatures;
mod support;
mod trust_policies;
