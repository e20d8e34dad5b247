//! EC2: the network of a deployment and what runs in it, per account and region.
//!
//! Order of every operation: read the parameters, ask permission for each resource touched, answer a dry run,
//! look for what is named, check, act. A call without permission therefore learns nothing, and a dry run never acts.

mod account;
mod address;
mod association;
mod capacity;
mod catalog;
mod catalog_operations;
mod cidr;
mod copy;
mod describe;
mod disk;
mod endpoint;
mod gateway;
mod group;
mod image;
mod instance;
mod instance_attribute;
mod instance_change;
mod instance_status;
mod instance_xml;
mod interface;
mod keys;
mod kind;
mod launch;
mod launch_request;
mod limits;
mod nat;
mod peer;
mod peer_view;
mod profile;
mod request;
mod route;
mod routes;
mod rule;
mod rule_request;
mod service;
mod settle;
mod snapshot;
mod state;
mod subnet;
mod tags;
mod template;
mod template_data;
mod template_version;
mod template_xml;
mod token;
mod volume;
mod vpc;

pub(crate) use interface::ServiceInterface;
pub(crate) use peer::{LaunchOrder, Place};
#[allow(unused_imports, reason = "other services name the views they keep")]
pub(crate) use peer_view::{
    GroupView, InstanceView, InterfaceView, SubnetView, TemplateView, ZoneView, is_region, is_region_enabled,
    zones,
};
pub(crate) use service::Ec2;
