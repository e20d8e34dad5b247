//! State that every account has in every region.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::lock;

/// A service's state by account and region. A global service uses one region name, `global`.
pub(crate) struct Places<T>(Mutex<BTreeMap<String, Place<T>>>);

struct Place<T> {
    state: T,
    /// Somebody worked on it since [`Places::changes`] was asked.
    touched: bool,
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Default> Default for Place<T> {
    fn default() -> Self {
        Self {
            state: T::default(),
            touched: false,
        }
    }
}

impl<T: Default> Places<T> {
    /// Works on one account's state in one region. `work` must not ask another service: see [`crate::peers`].
    pub(crate) fn with<R>(&self, account: &str, region: &str, work: impl FnOnce(&mut T) -> R) -> R {
        let mut places = self.lock();
        let place = places.entry(format!("{account}/{region}")).or_default();
        place.touched = true;
        work(&mut place.state)
    }

    /// Goes through all places as (account, region, state).
    pub(crate) fn for_each(&self, mut work: impl FnMut(&str, &str, &mut T)) {
        for (name, place) in self.lock().iter_mut() {
            let (account, region) = name.split_once('/').unwrap_or_default();
            place.touched = true;
            work(account, region, &mut place.state);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Place<T>>> {
        lock::held(&self.0)
    }
}

impl<T: Serialize + DeserializeOwned + Default> Places<T> {
    pub(crate) fn snapshot(&self) -> Value {
        let places = self.lock();
        let states = places.iter();
        states
            .map(|(name, place)| (name.clone(), json!(place.state)))
            .collect()
    }

    /// The places that somebody worked on since this was last asked.
    pub(crate) fn changes(&self) -> Vec<(String, Value)> {
        let mut places = self.lock();
        let touched = places.iter_mut().filter(|(_, place)| place.touched);
        touched
            .map(|(name, place)| {
                place.touched = false;
                (name.clone(), json!(place.state))
            })
            .collect()
    }

    pub(crate) fn restore(&self, state: Value) -> Result<(), serde_json::Error> {
        let states: BTreeMap<String, T> = serde_json::from_value(state)?;
        let places = states.into_iter().map(|(name, state)| {
            let touched = false;
            (name, Place { state, touched })
        });
        *self.lock() = places.collect();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_leaves_the_places_usable() {
        let places: Places<u32> = Places::default();
        places.with("1", "here", |state| *state = 7);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            places.with("1", "here", |_| panic!("a mistake in a service"));
        }));
        assert!(panicked.is_err());
        assert_eq!(places.with("1", "here", |state| *state), 7);
    }

    #[test]
    fn only_what_was_worked_on_may_have_changed() {
        let places: Places<u32> = Places::default();
        places.with("1", "here", |state| *state = 1);
        places.with("2", "here", |state| *state = 2);
        assert_eq!(places.changes().len(), 2);
        places.with("2", "here", |state| *state = 3);
        assert_eq!(places.changes(), [("2/here".to_owned(), json!(3))]);
        assert_eq!(places.snapshot(), json!({ "1/here": 1, "2/here": 3 }));
    }
}
