//! The facts of one request that conditions may ask for.

use crate::tags::Tags;
use std::collections::BTreeMap;

/// Condition keys and their values. Keys do not distinguish case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Context {
    values: BTreeMap<String, Vec<String>>,
    resource_tags_unknown: bool,
}

impl Context {
    /// Sets a key with one value.
    #[must_use]
    pub(crate) fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.set(key, vec![value.into()]);
        self
    }

    /// Sets a key with many values; an empty list leaves the key absent.
    #[must_use]
    pub(crate) fn with_all(mut self, key: &str, values: Vec<String>) -> Self {
        if !values.is_empty() {
            self.set(key, values);
        }
        self
    }

    /// Adds `aws:RequestTag/…` and `aws:TagKeys`.
    #[must_use]
    pub(crate) fn request_tags(mut self, tags: &Tags) -> Self {
        for (key, value) in tags {
            self.set(&format!("aws:RequestTag/{key}"), vec![value.clone()]);
        }
        self.with_all("aws:TagKeys", tags.keys().cloned().collect())
    }

    /// Adds `aws:ResourceTag/…`.
    #[must_use]
    pub(crate) fn resource_tags(mut self, tags: &Tags) -> Self {
        for (key, value) in tags {
            self.set(&format!("aws:ResourceTag/{key}"), vec![value.clone()]);
        }
        self
    }

    /// The resource does not exist, so nobody knows its tags: an Allow that asks for tags counts as met, so that
    /// the caller hears "not found" and not "denied". Not verified on AWS.
    #[must_use]
    pub(crate) fn resource_missing(mut self) -> Self {
        self.resource_tags_unknown = true;
        self
    }

    pub(crate) fn set(&mut self, key: &str, values: Vec<String>) {
        self.values.insert(key.to_ascii_lowercase(), values);
    }

    /// Takes over every key of `other`; `other` wins, so that a request cannot claim facts about its caller.
    pub(crate) fn add_all(&mut self, other: &Self) {
        self.values.extend(
            other
                .values
                .iter()
                .map(|(key, values)| (key.clone(), values.clone())),
        );
    }

    pub(super) fn get(&self, key: &str) -> Option<&[String]> {
        self.values.get(&key.to_ascii_lowercase()).map(Vec::as_slice)
    }

    pub(super) fn is_unknown(&self, key: &str) -> bool {
        let key = key.to_ascii_lowercase();
        self.resource_tags_unknown
            && (key.starts_with("aws:resourcetag/") || key.starts_with("ec2:resourcetag/"))
    }
}
