//! The state in parts that change by themselves: a key, an account's IAM, what a service holds in one place.

use serde_json::{Value, json};

use super::state::Saved;
use crate::control::Commands;
use crate::endpoint::Endpoint;

/// Owners that are no service; a signing name holds no such character.
const KEYS: &str = "#keys";
const IAM: &str = "#iam";
const COMMANDS: &str = "#commands";

/// Whose a part is, and which of its parts: a key id, an account, `account/region`, or nothing for all it has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Name {
    pub(super) owner: String,
    pub(super) place: String,
}

impl Name {
    fn new(owner: &str, place: impl Into<String>) -> Self {
        Self {
            owner: owner.to_owned(),
            place: place.into(),
        }
    }
}

/// Every part that may have changed since this was last asked. A key that is gone is null.
pub(super) fn changed(endpoint: &Endpoint) -> Vec<(Name, Value)> {
    let core = &endpoint.core;
    let mut parts = vec![(Name::new(COMMANDS, ""), json!(Commands::of(core)))];
    let keys = core.keys.changes().into_iter();
    parts.extend(keys.map(|(id, key)| (Name::new(KEYS, id), json!(key))));
    let accounts = core.iam.changes().into_iter();
    parts.extend(accounts.map(|(id, account)| (Name::new(IAM, id), account)));
    for service in &endpoint.services {
        let places = service.changes().into_iter();
        parts.extend(places.map(|(place, state)| (Name::new(service.signing_name(), place), state)));
    }
    parts
}

/// Puts a part from a journal into the state.
pub(super) fn put(saved: &mut Saved, name: Name, state: Value) -> Result<(), serde_json::Error> {
    match name.owner.as_str() {
        COMMANDS => saved.commands = serde_json::from_value(state)?,
        KEYS if state.is_null() => drop(saved.keys.remove(&name.place)),
        KEYS => drop(saved.keys.insert(name.place, serde_json::from_value(state)?)),
        IAM => drop(saved.iam.insert(name.place, serde_json::from_value(state)?)),
        _ if name.place.is_empty() => drop(saved.services.insert(name.owner, state)),
        _ => {
            let service = saved.services.entry(name.owner).or_insert_with(|| json!({}));
            service[name.place] = state;
        }
    }
    Ok(())
}
