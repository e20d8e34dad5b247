//! EC2: networks and what runs in them.

#![expect(clippy::too_many_lines, reason = "a case is read from top to bottom")]

mod addresses;
mod copies;
mod endpoints;
mod gateways;
mod groups;
mod images;
mod keys;
mod launches;
mod lifetimes;
mod nat;
mod networks;
mod offers;
mod outages;
mod pages;
mod permissions;
mod profiles;
mod routes;
mod snapshots;
mod subnets;
mod support;
mod tags;
mod teardown;
mod template_versions;
mod templates;
mod tokens;
mod volumes;
