//! All keys and aliases of the endpoint, and how a key is found by any of its names.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::key::{Key, State, managed_policy, via};
use super::request::invalid;
use crate::core::Core;
use crate::error::AwsError;
use crate::tags::Tags;

/// KMS API reference, `KeyId`.
const NAME_BYTES_MAX: usize = 2_048;

/// One account's keys in one region.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Keys {
    pub(super) keys: BTreeMap<String, Key>,
    /// Alias, with its `alias/`, to key id.
    pub(super) aliases: BTreeMap<String, Alias>,
}

/// Another name of a key.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Alias {
    pub(super) key_id: String,
    pub(super) created_at: DateTime<Utc>,
}

/// A key as somebody names it: where it is and what to look for there.
pub(super) struct Named {
    pub(super) account: String,
    pub(super) region: String,
    pub(super) name: String,
}

impl Named {
    /// Reads a key id, a key's ARN, an alias or an alias' ARN, as seen from a place.
    pub(super) fn read(text: &str, (account, region): (&str, &str)) -> Result<Self, AwsError> {
        if text.is_empty() || text.len() > NAME_BYTES_MAX {
            return Err(invalid(format!(
                "KeyId must have 1 to {NAME_BYTES_MAX} characters"
            )));
        }
        let Some(rest) = text.strip_prefix("arn:") else {
            return Ok(Self {
                account: account.to_owned(),
                region: region.to_owned(),
                name: text.to_owned(),
            });
        };
        let parts: Vec<&str> = rest.splitn(5, ':').collect();
        let ["aws", "kms", arn_region, owner, resource] = parts[..] else {
            return Err(invalid_arn(text));
        };
        if arn_region != region {
            return Err(AwsError::bad(
                "NotFoundException",
                format!("Invalid arn {arn_region}"),
            ));
        }
        let name = match resource.strip_prefix("key/") {
            Some(id) => id,
            None if resource.starts_with("alias/") => resource,
            None => return Err(invalid_arn(text)),
        };
        Ok(Self {
            account: owner.to_owned(),
            region: arn_region.to_owned(),
            name: name.to_owned(),
        })
    }
}

impl Keys {
    /// Lets keys go whose deletion is due.
    pub(super) fn settle(&mut self, now: DateTime<Utc>) {
        self.keys.retain(|_, key| !key.is_gone(now));
        let keys = &self.keys;
        self.aliases.retain(|_, alias| keys.contains_key(&alias.key_id));
    }

    /// The key of an id or an alias. A key that AWS makes for its services is there as soon as it is named.
    pub(super) fn find(&mut self, core: &Core, named: &Named) -> Result<&mut Key, AwsError> {
        if let Some(service) = named.name.strip_prefix("alias/aws/")
            && !self.aliases.contains_key(&named.name)
            && let Some(calls_as) = via(service)
        {
            self.make_managed(core, named, (service, calls_as));
        }
        let id = match self.aliases.get(&named.name) {
            Some(alias) => alias.key_id.clone(),
            None => named.name.clone(),
        };
        self.keys.get_mut(&id).ok_or_else(|| not_found(named))
    }

    fn make_managed(&mut self, core: &Core, named: &Named, (service, calls_as): (&str, &str)) {
        let key = Key {
            id: core.ids.uuid(),
            account: named.account.clone(),
            region: named.region.clone(),
            description: "Default key that protects data when no other key is defined".to_owned(),
            created_at: core.clock.now(),
            created_by: String::new(),
            state: State::Enabled,
            policy: managed_policy(&named.account, &named.region, calls_as),
            tags: Tags::new(),
            multi_region: false,
            rotates: true,
            managed_for: Some(service.to_owned()),
            secret: core.ids.bytes::<32>().to_vec(),
        };
        let alias = Alias {
            key_id: key.id.clone(),
            created_at: key.created_at,
        };
        self.aliases.insert(named.name.clone(), alias);
        self.keys.insert(key.id.clone(), key);
    }
}

fn not_found(named: &Named) -> AwsError {
    let Named {
        account,
        region,
        name,
    } = named;
    let arn = if name.starts_with("alias/") {
        format!("Alias arn:aws:kms:{region}:{account}:{name} is not found.")
    } else {
        format!("Key 'arn:aws:kms:{region}:{account}:key/{name}' does not exist")
    };
    AwsError::bad("NotFoundException", arn)
}

fn invalid_arn(text: &str) -> AwsError {
    AwsError::bad(
        "InvalidArnException",
        format!("{text} is not a valid ARN of a key"),
    )
}
