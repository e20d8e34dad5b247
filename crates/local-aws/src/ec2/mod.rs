//! EC2: the network of a deployment and what runs in it, per account and region.
//!
//! Order of every operation: read the parameters, ask permission for each resource touched, answer a dry run,
//! look for what is named, check, act. A call without permission therefore learns nothing, and a dry run never acts.

mod address;
mod association;
mod catalog;
mod catalog_operations;
mod cidr;
mod describe;
mod gateway;
mod group;
mod instance;
mod instance_change;
mod instance_xml;
mod interface;
mod kind;
mod launch;
mod launch_request;
mod request;
mod route;
mod rule;
mod rule_request;
mod service;
mod settle;
mod state;
mod subnet;
mod tags;
mod token;
mod volume;
mod vpc;

pub(crate) use service::Ec2;
