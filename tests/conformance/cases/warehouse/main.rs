//! The Redshift Data API.

mod batches;
mod cancels;
mod catalog;
mod copy;
mod faults;
mod lists;
mod parameters;
mod permissions;
mod postgres;
mod requests;
mod results;
mod sessions;
mod states;
mod support;
mod targets;
mod tokens;
