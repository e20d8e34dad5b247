//! KMS: keys, their policies and aliases, their use, and their scheduled deletion.
//!
//! Symmetric keys for encryption only; other specs are refused by name. Other services ask [`Kms::usable`] before they
//! encrypt with a key. Source: KMS API reference.

mod admin;
mod alias;
mod cipher;
mod key;
mod permit;
mod request;
mod state;
mod usage;

use std::sync::Arc;

use serde_json::Value;

use self::key::Key;
use self::state::{Keys, Named};
use crate::auth::Caller;
use crate::control::InventoryItem;
use crate::core::{Core, request_context};
use crate::error::AwsError;
use crate::iam::policy::Context;
use crate::places::Places;
use crate::protocol::{Protocol, Reply};
use crate::service::{Call, Service};

/// The service.
#[derive(Default)]
pub(crate) struct Kms {
    places: Places<Keys>,
}

#[async_trait::async_trait]
impl Service for Kms {
    fn signing_name(&self) -> &'static str {
        "kms"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Json { version: "1.1" }
    }

    async fn call(&self, core: &Arc<Core>, call: &Call) -> Result<Reply, AwsError> {
        let answer = match call.operation.as_str() {
            "CreateKey" => self.create(core, call),
            "DescribeKey" => self.describe(core, call),
            "ListKeys" => self.list(core, call),
            "EnableKey" => self.enable(core, call),
            "DisableKey" => self.disable(core, call),
            "ScheduleKeyDeletion" => self.schedule_deletion(core, call),
            "CancelKeyDeletion" => self.cancel_deletion(core, call),
            "GetKeyPolicy" => self.get_policy(core, call),
            "PutKeyPolicy" => self.put_policy(core, call),
            "EnableKeyRotation" | "DisableKeyRotation" => self.set_rotation(core, call),
            "GetKeyRotationStatus" => self.rotation(core, call),
            "TagResource" => self.tag(core, call),
            "UntagResource" => self.untag(core, call),
            "ListResourceTags" => self.list_tags(core, call),
            "CreateAlias" => self.create_alias(core, call),
            "UpdateAlias" => self.update_alias(core, call),
            "DeleteAlias" => self.delete_alias(core, call),
            "ListAliases" => self.list_aliases(core, call),
            "Encrypt" => self.encrypt(core, call),
            "Decrypt" => self.decrypt(core, call),
            "GenerateDataKey" => self.generate_data_key(core, call, true),
            "GenerateDataKeyWithoutPlaintext" => self.generate_data_key(core, call, false),
            other => Err(AwsError::not_implemented("kms", other)),
        };
        answer.map(|value| Reply::json(&value))
    }

    fn inventory(&self, core: &Core) -> Vec<InventoryItem> {
        let now = core.clock.now();
        let mut items = Vec::new();
        self.places.for_each(|account, region, keys| {
            keys.settle(now);
            let made = keys.keys.values().filter(|key| key.managed_for.is_none());
            items.extend(made.map(|key| InventoryItem {
                account: account.to_owned(),
                region: region.to_owned(),
                kind: "kms:key".to_owned(),
                id: key.arn(),
                tags: key.tags.clone(),
                created_by: key.created_by.clone(),
            }));
        });
        items
    }

    fn snapshot(&self) -> Value {
        self.places.snapshot()
    }

    fn changes(&self) -> Vec<(String, Value)> {
        self.places.changes()
    }

    fn restore(&self, state: Value) -> Result<(), serde_json::Error> {
        self.places.restore(state)
    }
}

impl Kms {
    /// The ARN of a key that `caller` may use for an operation (such as `GenerateDataKey`) in a region through a
    /// service, which policies know by its name: `ec2`, `rds`.
    ///
    /// # Errors
    /// KMS's own refusals: `NotFoundException`, `AccessDeniedException`, `DisabledException`,
    /// `KMSInvalidStateException`.
    pub(crate) fn usable(
        &self,
        core: &Core,
        caller: &Caller,
        (region, key): (&str, &str),
        (service, operation): (&str, &str),
    ) -> Result<String, AwsError> {
        let named = Named::read(key, (&caller.account, region))?;
        let context = request_context(region, std::net::IpAddr::from([127, 0, 0, 1]))
            .with("kms:ViaService", format!("{service}.{region}.amazonaws.com"));
        self.with_key(core, &named, |key| {
            permit::permit(core, caller, (key, operation), &context)?;
            permit::require_usable(key)?;
            Ok(key.arn())
        })
    }

    /// Works on the key of a name.
    fn with_key<R>(
        &self,
        core: &Core,
        named: &Named,
        work: impl FnOnce(&mut Key) -> Result<R, AwsError>,
    ) -> Result<R, AwsError> {
        self.places.with(&named.account, &named.region, |keys| {
            keys.settle(core.clock.now());
            work(keys.find(core, named)?)
        })
    }

    /// Works on the key that a call names, once the caller may do what the call is.
    fn permitted<R>(
        &self,
        core: &Core,
        (call, key_id): (&Call, &str),
        work: impl FnOnce(&mut Key) -> Result<R, AwsError>,
    ) -> Result<R, AwsError> {
        self.permitted_with(core, (call, key_id), &call.context(), work)
    }

    /// The same where the call has more facts than every call has.
    fn permitted_with<R>(
        &self,
        core: &Core,
        (call, key_id): (&Call, &str),
        context: &Context,
        work: impl FnOnce(&mut Key) -> Result<R, AwsError>,
    ) -> Result<R, AwsError> {
        let named = Named::read(key_id, (&call.caller.account, &call.region))?;
        self.with_key(core, &named, |key| {
            permit::refuse_abroad(&call.caller, (key, &call.operation))?;
            permit::permit(core, &call.caller, (key, &call.operation), context)?;
            work(key)
        })
    }
}
