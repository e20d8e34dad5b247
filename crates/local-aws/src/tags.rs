//! The tags of a resource.
//!
//! An endpoint keeps one of these for each of hundreds of thousands of resources, and most hold one to five tags. The
//! first node of a tree has room for eleven and takes 544 bytes; a sorted list without spare room takes 48 for each tag.

use std::collections::BTreeMap;
use std::ops::Index;

use serde::{Deserialize, Serialize, Serializer};

/// Tags by key, in the order of the keys. On the wire and on disk they are a map.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(from = "BTreeMap<String, String>")]
pub struct Tags(Vec<(String, String)>);

/// One tag of a borrowed list.
type Borrowed<'a> = (&'a String, &'a String);
/// How a borrowed list is walked.
type Walk<'a> =
    std::iter::Map<std::slice::Iter<'a, (String, String)>, fn(&'a (String, String)) -> Borrowed<'a>>;

impl Tags {
    /// No tags.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&String> {
        let at = self.find(key).ok()?;
        Some(&self.0[at].1)
    }

    /// Whether there is such a key.
    pub fn contains_key(&self, key: &str) -> bool {
        self.find(key).is_ok()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, by key.
    pub fn iter(&self) -> Walk<'_> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// The keys in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &String> {
        self.0.iter().map(|(key, _)| key)
    }

    /// Sets a tag; the value it had comes back.
    pub(crate) fn insert(&mut self, key: String, value: String) -> Option<String> {
        match self.find(&key) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                // A list grows by four at least; most would never fill them.
                self.0.reserve_exact(1);
                self.0.insert(at, (key, value));
                None
            }
        }
    }

    /// Takes a tag away.
    pub(crate) fn remove(&mut self, key: &str) -> Option<String> {
        let at = self.find(key).ok()?;
        Some(self.0.remove(at).1)
    }

    /// Keeps what `keep` says yes to.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&String, &mut String) -> bool) {
        self.0.retain_mut(|(key, value)| keep(key, value));
    }

    /// Takes all away.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    fn find(&self, key: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(own, _)| own.as_str().cmp(key))
    }
}

impl From<BTreeMap<String, String>> for Tags {
    fn from(map: BTreeMap<String, String>) -> Self {
        let mut list = Vec::with_capacity(map.len());
        list.extend(map);
        Self(list)
    }
}

impl<const N: usize> From<[(String, String); N]> for Tags {
    fn from(tags: [(String, String); N]) -> Self {
        tags.into_iter().collect()
    }
}

impl FromIterator<(String, String)> for Tags {
    /// The last value of a key counts.
    fn from_iter<I: IntoIterator<Item = (String, String)>>(tags: I) -> Self {
        let mut all = Self::new();
        all.extend(tags);
        all
    }
}

impl Extend<(String, String)> for Tags {
    fn extend<I: IntoIterator<Item = (String, String)>>(&mut self, tags: I) {
        for (key, value) in tags {
            self.insert(key, value);
        }
    }
}

impl IntoIterator for Tags {
    type Item = (String, String);
    type IntoIter = std::vec::IntoIter<(String, String)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Tags {
    type Item = Borrowed<'a>;
    type IntoIter = Walk<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Index<&str> for Tags {
    type Output = String;

    fn index(&self, key: &str) -> &String {
        self.get(key).expect("the caller knows that the tag is there")
    }
}

impl Serialize for Tags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn keys_are_sorted_and_the_last_value_counts() {
        let tags = Tags::from([tag("b", "1"), tag("a", "2"), tag("b", "3")]);
        let all: Vec<Borrowed<'_>> = tags.iter().collect();
        assert_eq!(
            all,
            [
                (&"a".to_owned(), &"2".to_owned()),
                (&"b".to_owned(), &"3".to_owned())
            ]
        );
        assert_eq!((tags.get("a"), tags.get("c")), (Some(&"2".to_owned()), None));
    }

    #[test]
    fn tags_come_and_go() {
        let mut tags = Tags::from([tag("a", "1"), tag("b", "2"), tag("c", "3")]);
        assert_eq!(tags.insert("b".to_owned(), "4".to_owned()), Some("2".to_owned()));
        assert_eq!((tags.remove("a"), tags.remove("a")), (Some("1".to_owned()), None));
        tags.retain(|key, _| key != "c");
        assert_eq!(tags, Tags::from([tag("b", "4")]));
    }

    #[test]
    fn a_map_is_what_is_written_and_read() {
        let tags = Tags::from([tag("b", "2"), tag("a", "1")]);
        let text = serde_json::to_string(&tags).expect("tags are JSON");
        assert_eq!(text, r#"{"a":"1","b":"2"}"#);
        assert_eq!(serde_json::from_str::<Tags>(&text).expect("they come back"), tags);
    }

    #[test]
    fn no_room_is_kept_for_tags_that_never_come() {
        let tags: Tags = [tag("a", "1"), tag("b", "2")].into_iter().collect();
        assert_eq!(tags.0.capacity(), 2);
    }
}
