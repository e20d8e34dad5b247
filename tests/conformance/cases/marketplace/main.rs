//! Marketplace metering.

mod allocations;
mod licences;
mod records;
mod retries;
mod sellers;
mod support;
