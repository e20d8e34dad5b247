//! Everything that is saved, as one value: what the state file holds, and what a snapshot is.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::auth::Key;
use crate::control::Commands;
use crate::endpoint::Endpoint;
use crate::iam::IamAccount;

/// The state of an endpoint.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Saved {
    /// How often the endpoint was started over this directory; seeds the ids.
    pub(crate) generation: u64,
    /// The journal that goes on from here.
    #[serde(default)]
    pub(super) journal: u64,
    /// What was commanded: clock, faults, outages, policies of the organisation.
    #[serde(default)]
    pub(super) commands: Commands,
    pub(super) keys: HashMap<String, Key>,
    pub(super) iam: BTreeMap<String, IamAccount>,
    pub(super) services: HashMap<String, Value>,
}

/// Why a state was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("there is no service {0}")]
    UnknownService(String),
    #[error("the state of {0} is missing")]
    MissingService(String),
    #[error("the state of {0} cannot be read: {1}")]
    Service(String, serde_json::Error),
    #[error("a service control policy cannot be read: {0}")]
    Policy(String),
}

pub(crate) fn gather(endpoint: &Endpoint) -> Saved {
    let core = &endpoint.core;
    let snapshots = endpoint
        .services
        .iter()
        .map(|service| (service.signing_name().to_owned(), service.snapshot()));
    Saved {
        generation: core.generation.load(Ordering::Relaxed),
        journal: 0,
        commands: Commands::of(core),
        keys: core.keys.snapshot(),
        iam: core.iam.lock().clone(),
        services: snapshots.filter(|(_, state)| !state.is_null()).collect(),
    }
}

/// Hands a state of this or an earlier version to its owners, at the start.
pub(crate) fn restore(endpoint: &Endpoint, saved: Saved) -> Result<(), Refused> {
    let generation = saved.generation;
    endpoint.core.generation.store(generation, Ordering::Relaxed);
    hand_out(endpoint, saved)
}

/// Takes a running endpoint back to a snapshot: all of it or nothing.
pub(crate) fn take_back(endpoint: &Endpoint, saved: Saved) -> Result<(), Refused> {
    let before = gather(endpoint);
    if let Some(missing) = before
        .services
        .keys()
        .find(|name| !saved.services.contains_key(*name))
    {
        return Err(Refused::MissingService(missing.clone()));
    }
    let taken = hand_out(endpoint, saved);
    if taken.is_err()
        && let Err(error) = hand_out(endpoint, before)
    {
        tracing::error!(%error, "an endpoint could not go back to the state it was in");
    }
    endpoint.core.rewrite.store(true, Ordering::Release);
    endpoint.core.mark_dirty();
    taken
}

/// What may be refused comes first.
fn hand_out(endpoint: &Endpoint, mut saved: Saved) -> Result<(), Refused> {
    let known = |name: &str| endpoint.service(name).is_some();
    if let Some(unknown) = saved.services.keys().find(|name| !known(name)) {
        return Err(Refused::UnknownService(unknown.clone()));
    }
    let policies = saved.commands.policies().map_err(Refused::Policy)?;
    for service in &endpoint.services {
        let name = service.signing_name();
        if let Some(state) = saved.services.remove(name) {
            let restored = service.restore(state);
            restored.map_err(|error| Refused::Service(name.to_owned(), error))?;
        }
    }
    let core = &endpoint.core;
    core.keys.restore(saved.keys);
    *core.iam.lock() = saved.iam;
    saved.commands.give(core, policies);
    Ok(())
}
