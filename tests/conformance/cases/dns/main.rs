//! Route 53: zones, records, health checks, and what names lead to.

mod balanced;
mod batches;
mod changes;
mod durability;
mod forms;
mod health_checks;
mod health_rules;
mod health_status;
mod pages;
mod permissions;
mod policies;
mod resolver;
mod routing;
mod support;
mod tags;
mod values;
mod zones;
