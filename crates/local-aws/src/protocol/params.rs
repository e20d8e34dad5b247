//! The form body of a query call: flat names with dots and numbers, read as values, lists and structures.

use std::collections::BTreeMap;

use crate::error::AwsError;
use crate::protocol::Protocol;

/// Most parameters one call may carry; a thousand tagged ids stay well below.
const PARAMETERS_MAX: usize = 8_192;

/// Parameters of one call, or of one structure in it.
#[derive(Clone, Debug)]
pub(crate) struct Params {
    values: BTreeMap<String, String>,
    protocol: Protocol,
}

impl Params {
    /// Reads a form body.
    ///
    /// # Errors
    /// `MalformedQueryString` for text that is not UTF-8, has a name twice or has too many names.
    pub(crate) fn parse(body: &[u8], protocol: Protocol) -> Result<Self, AwsError> {
        let malformed = |why| AwsError::bad("MalformedQueryString", why);
        let text = std::str::from_utf8(body).map_err(|_| malformed("the body is not UTF-8"))?;
        let mut values = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            if values.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err(malformed("a parameter is given twice"));
            }
            if values.len() > PARAMETERS_MAX {
                return Err(malformed("too many parameters"));
            }
        }
        Ok(Self { values, protocol })
    }

    /// Parameters that another part of the endpoint made: a stored template, a peer's request.
    pub(crate) fn of(pairs: impl IntoIterator<Item = (String, String)>, protocol: Protocol) -> Self {
        Self {
            values: pairs.into_iter().collect(),
            protocol,
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    pub(crate) fn required(&self, name: &str) -> Result<&str, AwsError> {
        match self.get(name) {
            Some(value) if !value.is_empty() => Ok(value),
            _ => Err(self.missing(name)),
        }
    }

    /// The service's refusal of an absent parameter.
    pub(crate) fn missing(&self, name: &str) -> AwsError {
        match self.protocol {
            Protocol::Ec2 => AwsError::bad(
                "MissingParameter",
                format!("The request must contain the parameter {name}"),
            ),
            _ => AwsError::bad(
                "ValidationError",
                format!("Value null at '{name}' failed to satisfy constraint: Member must not be null"),
            ),
        }
    }

    /// The service's refusal of a value it cannot take.
    pub(crate) fn invalid(&self, name: &str, value: &str) -> AwsError {
        match self.protocol {
            Protocol::Ec2 => AwsError::bad(
                "InvalidParameterValue",
                format!("Value ({value}) for parameter {name} is invalid."),
            ),
            _ => AwsError::bad(
                "ValidationError",
                format!("Value '{value}' at '{name}' failed to satisfy constraint"),
            ),
        }
    }

    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, AwsError> {
        match self.get(name) {
            None => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(text) => Err(self.invalid(name, text)),
        }
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>, AwsError> {
        self.get(name)
            .map(|text| text.parse().map_err(|_| self.invalid(name, text)))
            .transpose()
    }

    /// The parameters below `name.`, with that prefix removed.
    pub(crate) fn structure(&self, name: &str) -> Self {
        let prefix = format!("{name}.");
        let below = self
            .values
            .range(prefix.clone()..)
            .take_while(|(key, _)| key.starts_with(&prefix));
        let values = below
            .map(|(key, value)| (key[prefix.len()..].to_owned(), value.clone()))
            .collect();
        Self {
            values,
            protocol: self.protocol,
        }
    }

    /// The structures `name.1.…`, `name.2.…` (or `name.member.1.…`) in the order of their numbers.
    pub(crate) fn list(&self, name: &str) -> Vec<Self> {
        let list = self.list_root(name);
        list.numbers()
            .into_iter()
            .map(|number| list.structure(&number.to_string()))
            .collect()
    }

    /// The plain values `name.1`, `name.2` (or `name.member.1`) in the order of their numbers.
    pub(crate) fn strings(&self, name: &str) -> Vec<String> {
        let list = self.list_root(name);
        list.numbers()
            .into_iter()
            .filter_map(|number| list.get(&number.to_string()).map(str::to_owned))
            .collect()
    }

    fn list_root(&self, name: &str) -> Self {
        let list = self.structure(name);
        let members = list.structure("member");
        if members.values.is_empty() { list } else { members }
    }

    fn numbers(&self) -> Vec<u32> {
        let heads = self
            .values
            .keys()
            .map(|key| key.split('.').next().unwrap_or_default());
        let mut numbers: Vec<u32> = heads.filter_map(|head| head.parse().ok()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// The first parameter that none of `known` covers. An entry covers the parameter of its name and what lies below
    /// it, or only one value of it, as in `IpAddressType=ipv4`. The numbers of lists do not count, and neither does
    /// what has no value.
    pub(crate) fn uncovered(&self, known: &[&str]) -> Option<String> {
        let covers = |known: &str, name: &str, value: &str| match known.split_once('=') {
            Some((only, allowed)) => name == only && value == allowed,
            None => name
                .strip_prefix(known)
                .is_some_and(|below| below.is_empty() || below.starts_with('.')),
        };
        let given = self.values.iter().filter(|(_, value)| !value.is_empty());
        let mut names = given.map(|(name, value)| (plain_name(name), value));
        names
            .find(|(name, value)| !known.iter().any(|known| covers(known, name, value)))
            .map(|(name, _)| name)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// All names and values, in order: what a client token is compared by.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// A parameter's name without the numbers of the lists it lies in.
fn plain_name(name: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split('.') {
        if part.parse::<u32>().is_ok() {
            // `Tags.member.1.Key` and `Tags.1.Key` are one.
            if parts.last() == Some(&"member") {
                parts.pop();
            }
        } else {
            parts.push(part);
        }
    }
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use super::{Params, Protocol};

    #[test]
    fn what_no_entry_covers_is_named_without_its_numbers() {
        let body = b"Name=a&Tags.member.1.Key=k&Actions.member.2.Config.Order=7&Type=x&Empty=";
        let params = Params::parse(body, Protocol::Ec2).expect("a form");
        let known = ["Name", "Tags", "Type=x"];
        assert_eq!(params.uncovered(&known).as_deref(), Some("Actions.Config.Order"));
        let known = ["Name", "Tags", "Actions", "Type=y"];
        assert_eq!(params.uncovered(&known).as_deref(), Some("Type"));
        let known = ["Name", "Tags.Key", "Actions.Config", "Type"];
        assert_eq!(params.uncovered(&known), None);
    }
}
