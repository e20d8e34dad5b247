//! Kinesis Data Streams.

mod accounts;
mod calls;
mod creation;
mod faults;
mod iterators;
mod merges;
mod modes;
mod pages;
mod puts;
mod rates;
mod reads;
mod retention;
mod scaling;
mod shards;
mod sizes;
mod splits;
mod states;
mod stress;
mod support;
mod tags;
