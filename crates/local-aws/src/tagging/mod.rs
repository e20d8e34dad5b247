//! Resource Groups Tagging: an account's resources of all services in a region, by tag.
//!
//! What there is comes from the endpoint's inventory ([`index`]); tags are changed by the services themselves
//! ([`change`]). Source: Resource Groups Tagging API reference.

mod change;
mod index;
mod request;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use self::index::{Index, Tagged};
use self::request::{Wanted, bad_token, invalid};
use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::{Protocol, Reply, page};
use crate::service::{Call, Service};

const PAGE_MAX: usize = 100;
/// Keys or values on a page.
const NAMES_MAX: usize = 1_000;

/// The service.
#[derive(Default)]
pub(crate) struct Tagging {
    index: Index,
}

#[async_trait::async_trait]
impl Service for Tagging {
    fn signing_name(&self) -> &'static str {
        "tagging"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Json { version: "1.1" }
    }

    async fn call(&self, core: &Arc<Core>, call: &Call) -> Result<Reply, AwsError> {
        let answer = match call.operation.as_str() {
            "GetResources" => self.resources(core, call),
            "GetTagKeys" => self.keys(core, call),
            "GetTagValues" => self.values(core, call),
            "TagResources" => change::tag(core, call).await,
            "UntagResources" => change::untag(core, call).await,
            other => Err(AwsError::not_implemented("tagging", other)),
        };
        answer.map(|value| Reply::json(&value))
    }
}

impl Tagging {
    /// Lets the index see what came and went.
    pub(crate) fn look(&self, core: &Core) {
        self.index.look(core);
    }

    fn resources(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: Wanted = call.json()?;
        permit(core, call)?;
        wanted.check()?;
        let mut found = self.index.tagged(core, call);
        found.retain(|resource| wanted.accepts(resource));
        let size = wanted.resources_per_page.unwrap_or(PAGE_MAX);
        let size = wanted.fitting(&found, size)?;
        let found = page(found, |resource| &resource.arn, wanted.token(), size).ok_or_else(bad_token)?;
        let mappings: Vec<Value> = found.items.iter().map(mapping).collect();
        Ok(json!({
            "ResourceTagMappingList": mappings,
            "PaginationToken": found.next.unwrap_or_default(),
        }))
    }

    fn keys(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: Wanted = call.json()?;
        permit(core, call)?;
        let keys = self
            .index
            .tagged(core, call)
            .into_iter()
            .flat_map(|resource| resource.tags.into_iter().map(|(key, _)| key));
        names("TagKeys", keys.collect(), &wanted)
    }

    fn values(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: Wanted = call.json()?;
        permit(core, call)?;
        let key = wanted.key.as_deref().unwrap_or_default();
        if !(1..=request::KEY_MAX).contains(&key.chars().count()) {
            return Err(invalid("Key must have 1 to 128 characters"));
        }
        let values = self
            .index
            .tagged(core, call)
            .into_iter()
            .filter_map(|mut resource| resource.tags.remove(key));
        names("TagValues", values.collect(), &wanted)
    }
}

fn mapping(resource: &Tagged) -> Value {
    let tags: Vec<Value> = resource
        .tags
        .iter()
        .map(|(key, value)| json!({ "Key": key, "Value": value }))
        .collect();
    json!({ "ResourceARN": resource.arn, "Tags": tags })
}

fn names(field: &str, names: BTreeSet<String>, wanted: &Wanted) -> Result<Value, AwsError> {
    let found = page(names, String::as_str, wanted.token(), NAMES_MAX).ok_or_else(bad_token)?;
    Ok(json!({ field: found.items, "PaginationToken": found.next.unwrap_or_default() }))
}

fn permit(core: &Core, call: &Call) -> Result<(), AwsError> {
    let action = format!("tag:{}", call.operation);
    core.authorize(&call.caller, &action, "*", &call.context())
        .map_err(|denied| denied.into_error("AccessDeniedException"))
}
