//! Other names of keys.

use serde_json::{Value, json};

use super::Kms;
use super::admin::{limit, permit_in_account};
use super::request::{Listing, OfAlias, invalid};
use super::state::{Alias, Named};
use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::page;
use crate::service::Call;
use crate::tags::Tags;

impl Kms {
    pub(super) fn create_alias(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: OfAlias = call.json()?;
        check_name(&wanted.alias_name)?;
        permit_on_alias(core, call, &wanted.alias_name)?;
        let key_id = self.target(core, call, &wanted)?;
        self.places.with(&call.caller.account, &call.region, |keys| {
            if keys.aliases.contains_key(&wanted.alias_name) {
                let why = format!("An alias with the name {} already exists", wanted.alias_name);
                return Err(AwsError::bad("AlreadyExistsException", why));
            }
            let alias = Alias {
                key_id,
                created_at: call.now,
            };
            keys.aliases.insert(wanted.alias_name, alias);
            Ok(json!({}))
        })
    }

    pub(super) fn update_alias(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: OfAlias = call.json()?;
        check_name(&wanted.alias_name)?;
        permit_on_alias(core, call, &wanted.alias_name)?;
        let key_id = self.target(core, call, &wanted)?;
        self.places.with(&call.caller.account, &call.region, |keys| {
            let alias = keys.aliases.get_mut(&wanted.alias_name);
            alias.ok_or_else(|| missing(call, &wanted.alias_name))?.key_id = key_id;
            Ok(json!({}))
        })
    }

    pub(super) fn delete_alias(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: OfAlias = call.json()?;
        check_name(&wanted.alias_name)?;
        permit_on_alias(core, call, &wanted.alias_name)?;
        let place = (call.caller.account.as_str(), call.region.as_str());
        let named = self.places.with(place.0, place.1, |keys| {
            keys.settle(call.now);
            keys.aliases
                .get(&wanted.alias_name)
                .map(|alias| alias.key_id.clone())
        });
        let key_id = named.ok_or_else(|| missing(call, &wanted.alias_name))?;
        self.permitted(core, (call, &key_id), |_| Ok(()))?;
        self.places
            .with(place.0, place.1, |keys| keys.aliases.remove(&wanted.alias_name));
        Ok(json!({}))
    }

    pub(super) fn list_aliases(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: Listing = call.json()?;
        permit_in_account(core, call, &Tags::new())?;
        let place = (call.caller.account.as_str(), call.region.as_str());
        let of_key = match &wanted.key_id {
            None => None,
            Some(name) => {
                let named = Named::read(name, place)?;
                Some(self.with_key(core, &named, |key| Ok(key.id.clone()))?)
            }
        };
        let mut aliases: Vec<(String, Alias)> = self.places.with(place.0, place.1, |keys| {
            keys.settle(call.now);
            keys.aliases
                .iter()
                .map(|(name, alias)| (name.clone(), alias.clone()))
                .collect()
        });
        aliases.retain(|(_, alias)| of_key.as_ref().is_none_or(|id| alias.key_id == *id));
        let found = page(
            aliases,
            |(name, _)| name,
            wanted.marker.as_deref(),
            limit(wanted.limit)?,
        )
        .ok_or_else(|| AwsError::bad("InvalidMarkerException", "The marker is not valid"))?;
        let views: Vec<Value> = found
            .items
            .into_iter()
            .map(|(name, alias)| {
                json!({
                    "AliasName": name,
                    "AliasArn": format!("arn:aws:kms:{}:{}:{name}", place.1, place.0),
                    "TargetKeyId": alias.key_id,
                    "CreationDate": alias.created_at.timestamp(),
                })
            })
            .collect();
        Ok(json!({ "Aliases": views, "NextMarker": found.next, "Truncated": found.next.is_some() }))
    }

    /// The id of the key that the alias is to name: one of the caller's own.
    fn target(&self, core: &Core, call: &Call, wanted: &OfAlias) -> Result<String, AwsError> {
        let key = wanted.target_key_id.as_deref();
        let key = key.ok_or_else(|| invalid("TargetKeyId is missing"))?;
        self.permitted(core, (call, key), |key| {
            if key.account != call.caller.account {
                return Err(AwsError::bad(
                    "NotFoundException",
                    "An alias names a key of its own account",
                ));
            }
            Ok(key.id.clone())
        })
    }
}

fn check_name(name: &str) -> Result<(), AwsError> {
    let rest = name.strip_prefix("alias/").unwrap_or_default();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/_-".contains(&byte);
    if rest.is_empty() || rest.len() > 250 || !rest.bytes().all(allowed) {
        return Err(AwsError::bad(
            "InvalidAliasNameException",
            format!("{name:?} is not the name of an alias"),
        ));
    }
    if rest.starts_with("aws/") {
        return Err(AwsError::bad(
            "NotAuthorizedException",
            "The prefix alias/aws/ is AWS's own",
        ));
    }
    Ok(())
}

/// Permission on the alias, which an identity's policy gives; permission on its key is asked for beside it (KMS
/// developer guide, "Controlling access to aliases").
fn permit_on_alias(core: &Core, call: &Call, name: &str) -> Result<(), AwsError> {
    let action = format!("kms:{}", call.operation);
    let arn = format!("arn:aws:kms:{}:{}:{name}", call.region, call.caller.account);
    core.authorize(&call.caller, &action, &arn, &call.context())
        .map_err(|denied| denied.into_error("AccessDeniedException"))
}

fn missing(call: &Call, name: &str) -> AwsError {
    let why = format!(
        "Alias arn:aws:kms:{}:{}:{name} is not found.",
        call.region, call.caller.account
    );
    AwsError::bad("NotFoundException", why)
}
