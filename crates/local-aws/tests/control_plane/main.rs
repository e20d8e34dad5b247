//! STS, IAM, CloudFormation and EC2 of the local endpoint, driven by the real SDK clients.
//!
//! Each case cites the AWS page it is from. One binary for all, because linking the EC2 client is slow.

mod control_surface;
mod durability;
mod faults;
mod support;
