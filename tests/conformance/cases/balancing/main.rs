//! Load balancers, their targets, and groups of instances that scale.

mod balancers;
mod groups;
mod health;
mod listeners;
mod refreshes;
mod scaling;
mod support;
mod targets;
