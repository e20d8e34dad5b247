//! What the reading calls carry, and which resources they ask for.

use serde::Deserialize;

use super::index::Tagged;
use crate::error::AwsError;

const FILTERS_MAX: usize = 50;
const VALUES_MAX: usize = 20;
const KINDS_MAX: usize = 100;
const ARNS_MAX: usize = 100;
pub(super) const KEY_MAX: usize = 128;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Wanted {
    #[serde(default)]
    tag_filters: Vec<TagFilter>,
    #[serde(default)]
    resource_type_filters: Vec<String>,
    #[serde(default, rename = "ResourceARNList")]
    resource_arn_list: Vec<String>,
    pub(super) resources_per_page: Option<usize>,
    tags_per_page: Option<usize>,
    pagination_token: Option<String>,
    #[serde(default)]
    include_compliance_details: bool,
    #[serde(default)]
    exclude_compliant_resources: bool,
    pub(super) key: Option<String>,
}

/// A key with any of its values; without values the key alone.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TagFilter {
    key: Option<String>,
    #[serde(default)]
    values: Vec<String>,
}

impl Wanted {
    pub(super) fn check(&self) -> Result<(), AwsError> {
        self.check_together()?;
        if self.resource_arn_list.len() > ARNS_MAX {
            return Err(invalid("ResourceARNList has at most 100 ARNs"));
        }
        if self.resource_type_filters.len() > KINDS_MAX {
            return Err(invalid("ResourceTypeFilters has at most 100 types"));
        }
        if self.tag_filters.len() > FILTERS_MAX {
            return Err(invalid("TagFilters has at most 50 filters"));
        }
        for filter in &self.tag_filters {
            let key = filter.key.as_deref().unwrap_or_default();
            if !(1..=KEY_MAX).contains(&key.chars().count()) || filter.values.len() > VALUES_MAX {
                return Err(invalid("A filter has a key and at most 20 values"));
            }
        }
        let between = |value: Option<usize>, range: std::ops::RangeInclusive<usize>| {
            value.is_none_or(|value| range.contains(&value))
        };
        if !between(self.resources_per_page, 1..=super::PAGE_MAX) {
            return Err(invalid("ResourcesPerPage must be between 1 and 100"));
        }
        if !between(self.tags_per_page, 100..=500) {
            return Err(invalid("TagsPerPage must be between 100 and 500"));
        }
        Ok(())
    }

    /// Parameters that exclude each other.
    fn check_together(&self) -> Result<(), AwsError> {
        let paged = self.resources_per_page.is_some() || self.tags_per_page.is_some();
        let filtered = !self.tag_filters.is_empty() || !self.resource_type_filters.is_empty();
        if !self.resource_arn_list.is_empty() && (filtered || paged) {
            return Err(invalid(
                "ResourceARNList cannot be combined with other parameters",
            ));
        }
        if self.exclude_compliant_resources && !self.include_compliance_details {
            return Err(invalid(
                "ExcludeCompliantResources goes with IncludeComplianceDetails only",
            ));
        }
        if self.include_compliance_details {
            let what = "GetResources with IncludeComplianceDetails";
            return Err(AwsError::not_implemented("tagging", what));
        }
        Ok(())
    }

    /// Every filter must hold; within one, any of its values.
    pub(super) fn accepts(&self, resource: &Tagged) -> bool {
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

    /// The token of an earlier page. An empty one asks for the first (API reference, "GetResources").
    pub(super) fn token(&self) -> Option<&str> {
        self.pagination_token.as_deref().filter(|token| !token.is_empty())
    }

    /// How many of the resources behind the token make a page of `size` resources and of no more tags than asked for;
    /// one resource in any case.
    pub(super) fn fitting(&self, found: &[Tagged], size: usize) -> Result<usize, AwsError> {
        let Some(tags_max) = self.tags_per_page else {
            return Ok(size);
        };
        let all = found.iter().map(|resource| resource.arn.as_str());
        let rest = crate::protocol::page(all, |arn| arn, self.token(), found.len()).ok_or_else(bad_token)?;
        let rest = &found[found.len() - rest.items.len()..];
        let mut tags = 0;
        let fitting = rest.iter().take_while(|resource| {
            tags += resource.tags.len();
            tags <= tags_max
        });
        Ok(fitting.count().clamp(1, size))
    }
}

/// `InvalidParameterException`.
pub(super) fn invalid(why: impl std::fmt::Display) -> AwsError {
    AwsError::bad("InvalidParameterException", why)
}

pub(super) fn bad_token() -> AwsError {
    AwsError::bad("PaginationTokenExpiredException", "The token is not valid")
}
