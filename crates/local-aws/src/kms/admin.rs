//! Making, describing and ending keys; their policies and tags.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::Kms;
use super::key::{Key, State, default_policy};
use super::permit::{invalid_state, permit};
use super::request::{CreateKey, Listing, OfKey, invalid, refuse_too_many, tags};
use crate::core::Core;
use crate::error::AwsError;
use crate::iam::policy::Document;
use crate::protocol::page;
use crate::service::Call;
use crate::tags::Tags;

/// "Customer Master Keys (CMKs)" of Service Quotas.
const KEYS_QUOTA: &str = "L-C2F1777E";
const TAGS_MAX: usize = 50;
const POLICY_BYTES_MAX: usize = 32 * 1024;
const WAITING_DAYS: std::ops::RangeInclusive<i64> = 7..=30;

impl Kms {
    pub(super) fn create(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: CreateKey = call.json()?;
        let tags = tags(wanted.tags)?;
        permit_making(core, call, &tags)?;
        refuse_other_specs(&[
            (&wanted.key_usage, "ENCRYPT_DECRYPT"),
            (&wanted.key_spec, "SYMMETRIC_DEFAULT"),
            (&wanted.customer_master_key_spec, "SYMMETRIC_DEFAULT"),
            (&wanted.origin, "AWS_KMS"),
        ])?;
        let account = &call.caller.account;
        self.refuse_above_quota(core, call)?;
        let key = Key {
            id: new_id(core, wanted.multi_region),
            account: account.clone(),
            region: call.region.clone(),
            description: wanted.description.unwrap_or_default(),
            created_at: call.now,
            created_by: call.caller.principal_arn.clone(),
            state: State::Enabled,
            policy: wanted.policy.unwrap_or_else(|| default_policy(account)),
            tags,
            multi_region: wanted.multi_region,
            rotates: false,
            managed_for: None,
            secret: core.ids.bytes::<32>().to_vec(),
        };
        check_policy(core, call, &key, wanted.bypass_policy_lockout_safety_check)?;
        let metadata = key.metadata();
        self.places.with(account, &call.region, |keys| {
            keys.keys.insert(key.id.clone(), key);
        });
        Ok(json!({ "KeyMetadata": metadata }))
    }

    fn refuse_above_quota(&self, core: &Core, call: &Call) -> Result<(), AwsError> {
        let place = (call.caller.account.as_str(), call.region.as_str());
        let quota = core.peers.service_quotas.value(core, place, KEYS_QUOTA);
        let there = self.places.with(place.0, place.1, |keys| {
            keys.settle(call.now);
            let own = keys.keys.values().filter(|key| key.managed_for.is_none());
            own.count()
        });
        if quota.is_some_and(|quota| u64::try_from(there).unwrap_or(u64::MAX) >= quota) {
            let why = "The account has as many keys in this region as its quota allows";
            return Err(AwsError::bad("LimitExceededException", why));
        }
        Ok(())
    }

    pub(super) fn describe(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: OfKey = call.json()?;
        self.permitted(core, (call, &wanted.key_id), |key| {
            Ok(json!({ "KeyMetadata": key.metadata() }))
        })
    }

    pub(super) fn list(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: Listing = call.json()?;
        permit_in_account(core, call, &Tags::new())?;
        let keys: Vec<(String, String)> = self.places.with(&call.caller.account, &call.region, |keys| {
            keys.settle(call.now);
            keys.keys
                .values()
                .map(|key| (key.id.clone(), key.arn()))
                .collect()
        });
        let found = page(keys, |(id, _)| id, wanted.marker.as_deref(), limit(wanted.limit)?)
            .ok_or_else(|| AwsError::bad("InvalidMarkerException", "The marker is not valid"))?;
        let keys: Vec<Value> = found
            .items
            .into_iter()
            .map(|(id, arn)| json!({ "KeyId": id, "KeyArn": arn }))
            .collect();
        Ok(json!({ "Keys": keys, "NextMarker": found.next, "Truncated": found.next.is_some() }))
    }

    pub(super) fn enable(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        self.switch(core, call, State::Enabled)
    }

    pub(super) fn disable(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        self.switch(core, call, State::Disabled)
    }

    fn switch(&self, core: &Core, call: &Call, to: State) -> Result<Value, AwsError> {
        let wanted: OfKey = call.json()?;
        self.permitted(core, (call, &wanted.key_id), |key| {
            refuse_pending(key)?;
            key.state = to;
            Ok(json!({}))
        })
    }

    pub(super) fn schedule_deletion(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: OfKey = call.json()?;
        let days = wanted.pending_window_in_days.unwrap_or(*WAITING_DAYS.end());
        self.permitted(core, (call, &wanted.key_id), |key| {
            if !WAITING_DAYS.contains(&days) {
                return Err(invalid("PendingWindowInDays must be between 7 and 30"));
            }
            refuse_pending(key)?;
            let at = call.now + TimeDelta::days(days);
            key.state = State::PendingDeletion(at);
            Ok(json!({
                "KeyId": key.arn(),
                "DeletionDate": at.timestamp(),
                "KeyState": key.state_name(),
                "PendingWindowInDays": days,
            }))
        })
    }

    pub(super) fn cancel_deletion(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: OfKey = call.json()?;
        self.permitted(core, (call, &wanted.key_id), |key| {
            if !matches!(key.state, State::PendingDeletion(_)) {
                return Err(invalid_state(key));
            }
            // The key comes back disabled (KMS API reference, "CancelKeyDeletion").
            key.state = State::Disabled;
            Ok(json!({ "KeyId": key.arn() }))
        })
    }

    pub(super) fn get_policy(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: OfKey = call.json()?;
        self.permitted(core, (call, &wanted.key_id), |key| {
            require_default(wanted.policy_name.as_deref())?;
            Ok(json!({ "Policy": key.policy, "PolicyName": "default" }))
        })
    }

    pub(super) fn put_policy(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: OfKey = call.json()?;
        let policy = wanted
            .policy
            .clone()
            .ok_or_else(|| invalid("Policy is missing"))?;
        self.permitted(core, (call, &wanted.key_id), |key| {
            require_default(wanted.policy_name.as_deref())?;
            refuse_pending(key)?;
            let changed = Key {
                policy,
                ..key.clone()
            };
            check_policy(core, call, &changed, wanted.bypass_policy_lockout_safety_check)?;
            *key = changed;
            Ok(json!({}))
        })
    }

    pub(super) fn set_rotation(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: OfKey = call.json()?;
        self.permitted(core, (call, &wanted.key_id), |key| {
            super::permit::require_usable(key)?;
            key.rotates = call.operation == "EnableKeyRotation";
            Ok(json!({}))
        })
    }

    pub(super) fn rotation(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: OfKey = call.json()?;
        self.permitted(core, (call, &wanted.key_id), |key| {
            Ok(json!({ "KeyRotationEnabled": key.rotates }))
        })
    }

    pub(super) fn tag(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: OfKey = call.json()?;
        let new = tags(wanted.tags)?;
        self.permitted(core, (call, &wanted.key_id), |key| {
            refuse_pending(key)?;
            let mut tags = key.tags.clone();
            tags.extend(new);
            refuse_too_many(&tags)?;
            key.tags = tags;
            Ok(json!({}))
        })
    }

    pub(super) fn untag(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: OfKey = call.json()?;
        self.permitted(core, (call, &wanted.key_id), |key| {
            refuse_pending(key)?;
            key.tags.retain(|name, _| !wanted.tag_keys.contains(name));
            Ok(json!({}))
        })
    }

    pub(super) fn list_tags(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: OfKey = call.json()?;
        self.permitted(core, (call, &wanted.key_id), |key| {
            let size = wanted.limit.unwrap_or(TAGS_MAX);
            if !(1..=TAGS_MAX).contains(&size) {
                return Err(invalid("Limit must be between 1 and 50"));
            }
            let found = page(&key.tags, |(name, _)| name, wanted.marker.as_deref(), size)
                .ok_or_else(|| AwsError::bad("InvalidMarkerException", "The marker is not valid"))?;
            let tags: Vec<Value> = found
                .items
                .into_iter()
                .map(|(name, value)| json!({ "TagKey": name, "TagValue": value }))
                .collect();
            Ok(json!({ "Tags": tags, "NextMarker": found.next, "Truncated": found.next.is_some() }))
        })
    }
}

/// Permission to make a key, and to tag it where it comes with tags (KMS API reference, "CreateKey").
fn permit_making(core: &Core, call: &Call, tags: &Tags) -> Result<(), AwsError> {
    permit_in_account(core, call, tags)?;
    if tags.is_empty() {
        return Ok(());
    }
    let context = call.context().request_tags(tags);
    core.authorize(&call.caller, "kms:TagResource", "*", &context)
        .map_err(|denied| denied.into_error("AccessDeniedException"))
}

/// The id of a new key; that of a key for many regions says so.
fn new_id(core: &Core, multi_region: bool) -> String {
    let id = core.ids.uuid();
    if multi_region {
        return format!("mrk-{}", id.replace('-', ""));
    }
    id
}

/// Permission for what concerns no key that is there.
pub(super) fn permit_in_account(core: &Core, call: &Call, tags: &Tags) -> Result<(), AwsError> {
    let action = format!("kms:{}", call.operation);
    core.authorize(&call.caller, &action, "*", &call.context().request_tags(tags))
        .map_err(|denied| denied.into_error("AccessDeniedException"))
}

pub(super) fn limit(asked: Option<usize>) -> Result<usize, AwsError> {
    let limit = asked.unwrap_or(100);
    if !(1..=1_000).contains(&limit) {
        return Err(invalid("Limit must be between 1 and 1000"));
    }
    Ok(limit)
}

fn refuse_other_specs(wishes: &[(&Option<String>, &str)]) -> Result<(), AwsError> {
    let other = wishes
        .iter()
        .find_map(|(wish, ours)| wish.as_deref().filter(|wish| wish != ours));
    match other {
        None => Ok(()),
        Some(other) => Err(AwsError::bad(
            "UnsupportedOperationException",
            format!("the local endpoint makes symmetric keys for encryption only, not {other}"),
        )),
    }
}

fn refuse_pending(key: &Key) -> Result<(), AwsError> {
    match key.state {
        State::PendingDeletion(_) => Err(invalid_state(key)),
        State::Enabled | State::Disabled => Ok(()),
    }
}

fn require_default(name: Option<&str>) -> Result<(), AwsError> {
    match name {
        None | Some("default") => Ok(()),
        Some(_) => Err(AwsError::bad("NotFoundException", "No such policy exists")),
    }
}

/// A policy is readable, not too long, and lets the caller change it again unless the caller waives that.
fn check_policy(core: &Core, call: &Call, key: &Key, waived: bool) -> Result<(), AwsError> {
    let malformed = |why: &str| AwsError::bad("MalformedPolicyDocumentException", why);
    if key.policy.len() > POLICY_BYTES_MAX {
        return Err(AwsError::bad(
            "LimitExceededException",
            "A key policy has 32 KiB at most",
        ));
    }
    Document::resource(&key.policy)
        .map_err(|_| malformed("The key policy is not a valid policy document"))?;
    if !waived && permit(core, &call.caller, (key, "PutKeyPolicy"), &call.context()).is_err() {
        return Err(malformed(
            "The new key policy will not allow you to update the key policy in the future.",
        ));
    }
    Ok(())
}
