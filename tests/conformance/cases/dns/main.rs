//! Route 53: zones, record sets, health checks, and what a resolver answers.

mod changes;
mod checks;
mod resolver;
mod support;
mod zones;
