//! RDS: databases, what they survive, and what they lose.

mod backups;
mod changes;
mod cluster_rules;
mod clusters;
mod creation;
mod creation_rules;
mod deletion;
mod durability;
mod global_moves;
mod globals;
mod lifecycle;
mod lists;
mod outages;
mod permissions;
mod replicas;
mod restores;
mod snapshots;
mod subnet_groups;
mod support;
mod tags;
