//! State that every account has in every region.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A service's state by account and region. A global service uses one region name, `global`.
pub(crate) struct Places<T>(Mutex<BTreeMap<String, T>>);

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Default> Places<T> {
    /// Works on one account's state in one region. `work` must not ask another service: see [`crate::peers`].
    pub(crate) fn with<R>(&self, account: &str, region: &str, work: impl FnOnce(&mut T) -> R) -> R {
        work(self.lock().entry(format!("{account}/{region}")).or_default())
    }

    /// Goes through all places as (account, region, state).
    pub(crate) fn for_each(&self, mut work: impl FnMut(&str, &str, &mut T)) {
        for (place, state) in self.lock().iter_mut() {
            let (account, region) = place.split_once('/').unwrap_or_default();
            work(account, region, state);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, T>> {
        self.0.lock().expect("no holder panics")
    }
}

impl<T: Serialize + DeserializeOwned + Default> Places<T> {
    pub(crate) fn snapshot(&self) -> serde_json::Value {
        serde_json::json!(*self.lock())
    }

    pub(crate) fn restore(&self, state: serde_json::Value) -> Result<(), serde_json::Error> {
        *self.lock() = serde_json::from_value(state)?;
        Ok(())
    }
}
