//! Settings, read once, whole, and failing whole.
//!
//! A service describes its settings by calling a [`Reader`]; the reader keeps every mistake, so that an
//! operator mends a configuration in one round. Nobody reads the environment again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use secrecy::SecretString;

/// Names that begin so are ours; an unknown one is a mistake.
const PREFIX: &str = "TENANTRY_";

/// One mistake in the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigMistake {
    /// The setting.
    pub key: String,
    /// What was found, `***` for secrets, nothing when it is missing.
    pub found: Option<String>,
    /// What was expected.
    pub expected: String,
}

/// All mistakes of the settings together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigMistakes(pub Vec<ConfigMistake>);

impl fmt::Display for ConfigMistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} setting(s) cannot be used", self.0.len())?;
        for mistake in &self.0 {
            let found = mistake.found.as_deref().unwrap_or("nothing");
            write!(
                f,
                "\n  {}: expected {}, found {found}",
                mistake.key, mistake.expected
            )?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigMistakes {}

/// A setting in effect, for `tenantry config show`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// The setting.
    pub key: String,
    /// Its value, `***` for secrets.
    pub value: String,
    /// Whether it was given, or is the default.
    pub given: bool,
}

/// Reads settings and remembers mistakes.
#[derive(Debug)]
pub struct Reader {
    given: BTreeMap<String, String>,
    known: BTreeSet<String>,
    effective: Vec<Effective>,
    mistakes: Vec<ConfigMistake>,
}

impl Reader {
    /// Reads the environment of the process.
    #[must_use]
    pub fn from_environment() -> Self {
        Self::new(std::env::vars())
    }

    /// Reads the given pairs.
    #[must_use]
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            given: pairs.into_iter().collect(),
            known: BTreeSet::new(),
            effective: Vec::new(),
            mistakes: Vec::new(),
        }
    }

    /// A value with a default; `expected` says in words what would be right.
    pub fn value<T: FromStr + fmt::Display>(&mut self, key: &str, expected: &str, default: T) -> T {
        let (value, given) = match self.parsed::<T>(key, expected) {
            Some(value) => (value, true),
            None => (default, false),
        };
        self.effective.push(Effective {
            key: key.to_owned(),
            value: value.to_string(),
            given,
        });
        value
    }

    /// A value that may be absent.
    pub fn optional<T: FromStr + fmt::Display>(&mut self, key: &str, expected: &str) -> Option<T> {
        let value = self.parsed::<T>(key, expected)?;
        self.effective.push(Effective {
            key: key.to_owned(),
            value: value.to_string(),
            given: true,
        });
        Some(value)
    }

    /// A secret that may be absent. `file:/path` reads the file.
    pub fn secret(&mut self, key: &str) -> Option<SecretString> {
        self.known.insert(key.to_owned());
        let text = self.given.get(key)?.clone();
        self.effective.push(Effective {
            key: key.to_owned(),
            value: "***".to_owned(),
            given: true,
        });
        let Some(path) = text.strip_prefix("file:") else {
            return Some(SecretString::from(text));
        };
        match std::fs::read_to_string(path) {
            Ok(text) => Some(SecretString::from(text.trim_end().to_owned())),
            Err(error) => {
                self.mistake(key, Some("***".to_owned()), &format!("a readable file ({error})"));
                None
            }
        }
    }

    /// Notes a mistake that concerns several settings.
    pub fn mistake(&mut self, key: &str, found: Option<String>, expected: &str) {
        self.mistakes.push(ConfigMistake {
            key: key.to_owned(),
            found,
            expected: expected.to_owned(),
        });
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// All mistakes, also names of ours that nobody asked for.
    pub fn finish(mut self) -> Result<Vec<Effective>, ConfigMistakes> {
        let unknown: Vec<String> = self
            .given
            .keys()
            .filter(|key| key.starts_with(PREFIX) && !self.known.contains(*key))
            .cloned()
            .collect();
        for key in unknown {
            self.mistake(
                &key,
                Some("a value".to_owned()),
                "no such setting; is it misspelt?",
            );
        }
        if self.mistakes.is_empty() {
            Ok(self.effective)
        } else {
            Err(ConfigMistakes(self.mistakes))
        }
    }

    fn parsed<T: FromStr>(&mut self, key: &str, expected: &str) -> Option<T> {
        self.known.insert(key.to_owned());
        let text = self.given.get(key)?.clone();
        let value = text.parse().ok();
        if value.is_none() {
            self.mistake(key, Some(text), expected);
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(pairs: &[(&str, &str)]) -> Reader {
        Reader::new(
            pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned())),
        )
    }

    #[test]
    fn all_mistakes_are_told_together_and_secrets_are_not() {
        let mut reader = reader(&[
            ("TENANTRY_PORT", "http"),
            ("TENANTRY_SIZE", "7"),
            ("TENANTRY_TYPO", "x"),
            ("TENANTRY_KEY", "file:/nowhere/at/all"),
            ("HOME", "/root"),
        ]);
        assert_eq!(reader.value::<u16>("TENANTRY_PORT", "a port", 80), 80);
        assert_eq!(reader.value::<u16>("TENANTRY_SIZE", "a size", 1), 7);
        assert!(reader.secret("TENANTRY_KEY").is_none());
        let mistakes = reader.finish().expect_err("three are wrong");
        let keys: Vec<_> = mistakes.0.iter().map(|mistake| mistake.key.as_str()).collect();
        assert_eq!(keys, ["TENANTRY_PORT", "TENANTRY_KEY", "TENANTRY_TYPO"]);
        assert!(!mistakes.to_string().contains("nowhere"));
    }

    #[test]
    fn what_is_in_effect_can_be_shown() {
        let mut reader = reader(&[("TENANTRY_TOKEN", "hunter2")]);
        reader.secret("TENANTRY_TOKEN");
        reader.value("TENANTRY_PORT", "a port", 80);
        let shown = reader.finish().expect("nothing is wrong");
        assert!(shown.iter().all(|setting| !setting.value.contains("hunter2")));
        assert_eq!(
            shown.iter().map(|setting| setting.given).collect::<Vec<_>>(),
            [true, false]
        );
    }
}
