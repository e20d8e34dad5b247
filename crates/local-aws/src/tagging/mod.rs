//! Resource Groups Tagging: an account's resources of all services in a region, by tag.
//!
//! It reads the endpoint's inventory. AWS's index follows resources with some delay and goes on listing what was
//! deleted for a while; here the consistency lag for describing calls delays what is new. Tags are changed through
//! the services themselves. Source: Resource Groups Tagging API reference.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::control::InventoryItem;
use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::{Protocol, Reply, page};
use crate::service::{Call, Service};

const FILTERS_MAX: usize = 50;
const VALUES_MAX: usize = 20;
const PAGE_MAX: usize = 100;

/// The service.
#[derive(Default)]
pub(crate) struct Tagging;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wanted {
    #[serde(default)]
    tag_filters: Vec<TagFilter>,
    #[serde(default)]
    resource_type_filters: Vec<String>,
    #[serde(default, rename = "ResourceARNList")]
    resource_arn_list: Vec<String>,
    resources_per_page: Option<usize>,
    pagination_token: Option<String>,
    key: Option<String>,
}

/// A key with any of its values; without values the key alone.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TagFilter {
    key: Option<String>,
    #[serde(default)]
    values: Vec<String>,
}

/// A resource with at least one tag.
struct Tagged {
    arn: String,
    kind: String,
    tags: BTreeMap<String, String>,
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
            "GetResources" => resources(core, call),
            "GetTagKeys" => keys(core, call),
            "GetTagValues" => values(core, call),
            other => Err(AwsError::not_implemented("tagging", other)),
        };
        answer.map(|value| Reply::json(&value))
    }
}

fn resources(core: &Core, call: &Call) -> Result<Value, AwsError> {
    let wanted: Wanted = call.json()?;
    permit(core, call)?;
    wanted.check()?;
    let mut found = tagged(core, call);
    found.retain(|resource| wanted.accepts(resource));
    let size = wanted.resources_per_page.unwrap_or(PAGE_MAX);
    // An empty token asks for the first page (API reference, "GetResources").
    let token = wanted
        .pagination_token
        .as_deref()
        .filter(|token| !token.is_empty());
    let found = page(found, |resource| &resource.arn, token, size)
        .ok_or_else(|| AwsError::bad("PaginationTokenExpiredException", "The token is not valid"))?;
    let mappings: Vec<Value> = found
        .items
        .iter()
        .map(|resource| {
            let tags: Vec<Value> = resource
                .tags
                .iter()
                .map(|(key, value)| json!({ "Key": key, "Value": value }))
                .collect();
            json!({ "ResourceARN": resource.arn, "Tags": tags })
        })
        .collect();
    Ok(json!({
        "ResourceTagMappingList": mappings,
        "PaginationToken": found.next.unwrap_or_default(),
    }))
}

fn keys(core: &Core, call: &Call) -> Result<Value, AwsError> {
    let _: Wanted = call.json()?;
    permit(core, call)?;
    let keys: BTreeSet<String> = tagged(core, call)
        .into_iter()
        .flat_map(|resource| resource.tags.into_keys())
        .collect();
    Ok(json!({ "TagKeys": keys, "PaginationToken": "" }))
}

fn values(core: &Core, call: &Call) -> Result<Value, AwsError> {
    let wanted: Wanted = call.json()?;
    permit(core, call)?;
    let key = wanted.key.ok_or_else(|| invalid("Key is missing"))?;
    let values: BTreeSet<String> = tagged(core, call)
        .into_iter()
        .filter_map(|mut resource| resource.tags.remove(&key))
        .collect();
    Ok(json!({ "TagValues": values, "PaginationToken": "" }))
}

fn permit(core: &Core, call: &Call) -> Result<(), AwsError> {
    let action = format!("tag:{}", call.operation);
    core.authorize(&call.caller, &action, "*", &call.context())
        .map_err(|denied| denied.into_error("AccessDeniedException"))
}

/// The caller's tagged resources in the call's region, sorted by ARN. Global ones are listed in `us-east-1`.
fn tagged(core: &Core, call: &Call) -> Vec<Tagged> {
    let here = |item: &InventoryItem| {
        let global = item.region == "global" && call.region == "us-east-1";
        item.account == call.caller.account && (item.region == call.region || global)
    };
    let items = core.inventory().into_iter().filter(here);
    let mut found: Vec<Tagged> = items
        .filter(|item| !item.tags.is_empty())
        .map(|item| Tagged {
            arn: arn(&item),
            kind: item.kind,
            tags: item.tags,
        })
        .collect();
    found.sort_by(|one, next| one.arn.cmp(&next.arn));
    found
}

/// The ARN of a resource whose service names it by a shorter id.
fn arn(item: &InventoryItem) -> String {
    if item.id.starts_with("arn:") {
        return item.id.clone();
    }
    let (service, kind) = item.kind.split_once(':').unwrap_or((&item.kind, ""));
    match service {
        "s3" => format!("arn:aws:s3:::{}", item.id),
        "route53" => format!("arn:aws:route53:::{kind}/{}", item.id),
        _ => format!(
            "arn:aws:{service}:{}:{}:{kind}/{}",
            item.region, item.account, item.id
        ),
    }
}

impl Wanted {
    fn check(&self) -> Result<(), AwsError> {
        if !self.resource_arn_list.is_empty()
            && (!self.tag_filters.is_empty() || self.resources_per_page.is_some())
        {
            return Err(invalid(
                "ResourceARNList cannot be combined with other parameters",
            ));
        }
        if self.resource_arn_list.len() > 100 {
            return Err(invalid("ResourceARNList has at most 100 ARNs"));
        }
        if self.tag_filters.len() > FILTERS_MAX {
            return Err(invalid("TagFilters has at most 50 filters"));
        }
        for filter in &self.tag_filters {
            let key = filter.key.as_deref().unwrap_or_default();
            if !(1..=128).contains(&key.len()) || filter.values.len() > VALUES_MAX {
                return Err(invalid("A filter has a key and at most 20 values"));
            }
        }
        if self
            .resources_per_page
            .is_some_and(|size| !(1..=PAGE_MAX).contains(&size))
        {
            return Err(invalid("ResourcesPerPage must be between 1 and 100"));
        }
        Ok(())
    }

    /// Every filter must hold; within one, any of its values.
    fn accepts(&self, resource: &Tagged) -> bool {
        let tags = self.tag_filters.iter().all(|filter| {
            let value = filter.key.as_ref().and_then(|key| resource.tags.get(key));
            value.is_some_and(|value| filter.values.is_empty() || filter.values.contains(value))
        });
        let kinds = &self.resource_type_filters;
        let kind = kinds.is_empty()
            || kinds
                .iter()
                .any(|wanted| *wanted == resource.kind || resource.kind.split(':').next() == Some(wanted));
        let named = self.resource_arn_list.is_empty() || self.resource_arn_list.contains(&resource.arn);
        tags && kind && named
    }
}

fn invalid(why: &str) -> AwsError {
    AwsError::bad("InvalidParameterException", why)
}
