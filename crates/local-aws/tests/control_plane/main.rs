//! STS, IAM, CloudFormation and EC2 of the local endpoint, driven by the real SDK clients.
//!
//! Each case cites the AWS page it is from. One binary for all, because linking the EC2 client is slow.

#![expect(clippy::too_many_lines, reason = "a test is read from top to bottom")]

mod control_surface;
mod durability;
mod faults;
mod permissions;
mod signatures;
mod support;
