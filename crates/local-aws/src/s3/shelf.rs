//! The versions of a bucket's keys, in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::content::Content;
use super::facts::{ObjectFacts, ObjectState};

/// The id by which callers name the version that has none.
pub(crate) const NULL: &str = "null";

/// A version of a key: the facts it was written with, what became of them, and its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) facts: ObjectFacts,
    /// As it is now; `facts.state` is how it began.
    pub(crate) state: ObjectState,
    pub(crate) content: Content,
}

impl Object {
    /// The version's id as callers name it.
    pub(crate) fn version_id(&self) -> &str {
        self.facts.version.as_deref().unwrap_or(NULL)
    }

    /// The storage class it lies in now.
    pub(crate) fn class(&self) -> &str {
        self.state.storage_class.as_deref().unwrap_or("STANDARD")
    }
}

/// All versions of one key, oldest first. There is at least one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Versions(Vec<Arc<Object>>);

impl Versions {
    /// The newest version, which may be a delete marker.
    pub(crate) fn latest(&self) -> Option<&Arc<Object>> {
        self.0.last()
    }

    /// The newest version, unless it is a delete marker.
    pub(crate) fn current(&self) -> Option<&Arc<Object>> {
        self.latest().filter(|object| !object.facts.delete_marker)
    }

    /// The version of an id, `null` among them.
    pub(crate) fn find(&self, id: &str) -> Option<&Arc<Object>> {
        self.0.iter().find(|object| object.version_id() == id)
    }

    /// From the oldest to the newest.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Arc<Object>> {
        self.0.iter()
    }
}

/// A bucket's keys.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    pub(crate) keys: BTreeMap<String, Versions>,
    /// The bucket has been deleted: a write that was under way must not land in it.
    pub(crate) closed: bool,
}

impl Shelf {
    /// The object of a key.
    pub(crate) fn current(&self, key: &str) -> Option<&Arc<Object>> {
        self.keys.get(key)?.current()
    }

    /// Puts a version on top of its key; gives the null version that it replaces.
    pub(crate) fn put(&mut self, object: Arc<Object>) -> Option<Arc<Object>> {
        let versions = &mut self.keys.entry(object.facts.key.clone()).or_default().0;
        let replaced = versions
            .iter()
            .position(|other| object.facts.version.is_none() && other.facts.version.is_none())
            .map(|at| versions.remove(at));
        versions.push(object);
        replaced
    }

    /// Puts another state of a version in the version's place.
    pub(crate) fn exchange(&mut self, object: Arc<Object>) {
        let versions = self.keys.get_mut(&object.facts.key);
        let place = versions.and_then(|versions| {
            let same = |other: &&mut Arc<Object>| other.facts.version == object.facts.version;
            versions.0.iter_mut().find(same)
        });
        if let Some(place) = place {
            *place = object;
        }
    }

    /// Takes a version away.
    pub(crate) fn take(&mut self, key: &str, id: &str) -> Option<Arc<Object>> {
        let versions = &mut self.keys.get_mut(key)?.0;
        let at = versions.iter().position(|object| object.version_id() == id)?;
        let taken = versions.remove(at);
        if versions.is_empty() {
            self.keys.remove(key);
        }
        Some(taken)
    }
}
