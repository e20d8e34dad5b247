//! Load balancers, their targets, and groups of instances that scale.

mod actions;
mod balancers;
mod groups;
mod health;
mod limits;
mod listeners;
mod pages;
mod policies;
mod preferences;
mod refreshes;
mod refreshing;
mod refused;
mod rules;
mod scaling;
mod serving;
mod site;
mod standing;
mod support;
mod targets;
mod updates;
mod zones;
