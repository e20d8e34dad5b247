//! One call: its parameters, permission, and the refusals that many operations share.

use super::state::{Meta, Tags};
use crate::core::Core;
use crate::ec2::Place;
use crate::error::AwsError;
use crate::protocol::{Page, Params, page};
use crate::service::Call;

const TAGS_MAX: usize = 50;
const RECORDS_DEFAULT: i64 = 100;

/// A call with what is needed to carry it out.
pub(super) struct Request<'a> {
    pub(super) core: &'a Core,
    pub(super) call: &'a Call,
    pub(super) params: Params,
}

impl<'a> Request<'a> {
    pub(super) fn new(core: &'a Core, call: &'a Call) -> Result<Self, AwsError> {
        Ok(Self {
            core,
            call,
            params: call.params()?,
        })
    }

    pub(super) fn place(&self) -> Place<'a> {
        Place {
            account: &self.call.caller.account,
            region: &self.call.region,
        }
    }

    /// The ARN of a resource here: `db:orders`.
    pub(super) fn arn(&self, kind: &str, id: &str) -> String {
        let Place { account, region } = self.place();
        arn(region, account, kind, id)
    }

    /// The ARN that a name, or an ARN, means.
    pub(super) fn named(&self, kind: &str, named: &str) -> String {
        if named.starts_with("arn:") {
            return named.to_owned();
        }
        self.arn(kind, &named.to_lowercase())
    }

    /// What a new resource begins with.
    pub(super) fn meta(&self, kind: &str, id: &str, tags: Tags) -> Meta {
        Meta {
            arn: self.arn(kind, id),
            id: id.to_owned(),
            account: self.call.caller.account.clone(),
            region: self.call.region.clone(),
            created_at: self.call.now,
            created_by: self.call.caller.principal_arn.clone(),
            tags,
        }
    }

    /// An id such as `db-ABCDEFGHIJKLMNOP`.
    pub(super) fn resource_id(&self, prefix: &str) -> String {
        self.core.ids.unique(prefix)
    }

    /// Permission on a resource, with the tags it has and those the call gives.
    pub(super) fn permit(&self, arn: &str, has: &Tags, gives: &Tags) -> Result<(), AwsError> {
        let action = format!("rds:{}", self.call.operation);
        let context = self.call.context().resource_tags(has).request_tags(gives);
        Ok(self.core.authorize(&self.call.caller, &action, arn, &context)?)
    }

    /// Permission to describe one resource of a kind, or all of them.
    pub(super) fn permit_describing(&self, kind: &str, named: Option<&str>) -> Result<(), AwsError> {
        let arn = self.named(kind, named.unwrap_or("*"));
        self.permit(&arn, &Tags::new(), &Tags::new())
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, AwsError> {
        let value = self.params.get(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| missing(name))
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, AwsError> {
        self.params
            .flag(name)
            .map_err(|_| invalid(format!("The value of {name} must be true or false")))
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, AwsError> {
        self.params
            .number(name)
            .map_err(|_| invalid(format!("The value of {name} must be a number")))
    }

    /// A list of values; the name of its items is part of RDS's wire form.
    pub(super) fn strings(&self, list: &str, item: &str) -> Vec<String> {
        let found = self.params.strings(&format!("{list}.{item}"));
        if found.is_empty() {
            self.params.strings(list)
        } else {
            found
        }
    }

    fn list(&self, list: &str, item: &str) -> Vec<Params> {
        let found = self.params.list(&format!("{list}.{item}"));
        if found.is_empty() {
            self.params.list(list)
        } else {
            found
        }
    }

    /// The tags of the call.
    pub(super) fn tags(&self) -> Result<Tags, AwsError> {
        let mut tags = Tags::new();
        for tag in self.list("Tags", "Tag") {
            let key = tag.get("Key").unwrap_or_default();
            let value = tag.get("Value").unwrap_or_default();
            if !(1..=128).contains(&key.len()) || value.len() > 256 {
                return Err(invalid(
                    "A tag has a key of 1 to 128 characters and a value of at most 256",
                ));
            }
            if key.to_ascii_lowercase().starts_with("aws:") || key.to_ascii_lowercase().starts_with("rds:") {
                return Err(invalid(format!(
                    "The tag key {key} begins with a reserved prefix"
                )));
            }
            tags.insert(key.to_owned(), value.to_owned());
        }
        if tags.len() > TAGS_MAX {
            return Err(invalid("A resource has at most 50 tags"));
        }
        Ok(tags)
    }

    /// The filters of the call, each a name and its values.
    pub(super) fn filters(&self, known: &[&str]) -> Result<Vec<(String, Vec<String>)>, AwsError> {
        let mut filters = Vec::new();
        for filter in self.list("Filters", "Filter") {
            let name = filter.get("Name").ok_or_else(|| missing("Filters.Filter.Name"))?;
            if !known.contains(&name) {
                return Err(invalid(format!("Unrecognized filter name: {name}")));
            }
            let mut values = filter.strings("Values.Value");
            if values.is_empty() {
                values = filter.strings("Values");
            }
            if values.is_empty() {
                return Err(invalid(format!("The filter {name} has no values")));
            }
            filters.push((name.to_owned(), values));
        }
        Ok(filters)
    }

    /// The page of sorted items that the call asks for.
    pub(super) fn page<T>(
        &self,
        items: impl IntoIterator<Item = T>,
        key: impl Fn(&T) -> &str,
    ) -> Result<Page<T>, AwsError> {
        let size = self.number("MaxRecords")?.unwrap_or(RECORDS_DEFAULT);
        if !(20..=100).contains(&size) {
            return Err(invalid(format!(
                "Invalid value {size} for MaxRecords. Must be between 20 and 100"
            )));
        }
        let marker = self.params.get("Marker").filter(|marker| !marker.is_empty());
        let size = usize::try_from(size).unwrap_or(100);
        page(items, key, marker, size).ok_or_else(|| invalid("Invalid marker"))
    }

    /// Refuses one more when the account has as many as its quota allows.
    pub(super) fn within_quota(
        &self,
        code: &str,
        count: usize,
        refusal: (&'static str, &str),
    ) -> Result<(), AwsError> {
        let Place { account, region } = self.place();
        let quotas = &self.core.peers.service_quotas;
        let limit = quotas.value(self.core, (account, region), code);
        if limit.is_some_and(|limit| u64::try_from(count).unwrap_or(u64::MAX) >= limit) {
            return Err(AwsError::bad(refusal.0, refusal.1));
        }
        Ok(())
    }
}

/// An ARN of RDS.
pub(super) fn arn(region: &str, account: &str, kind: &str, id: &str) -> String {
    format!("arn:aws:rds:{region}:{account}:{kind}:{id}")
}

/// The region of an ARN.
pub(super) fn region_of(arn: &str) -> &str {
    arn.split(':').nth(3).unwrap_or_default()
}

/// The name at the end of an ARN.
pub(super) fn name_of(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or_default()
}

/// An identifier of an instance, cluster or snapshot, in lower case. Source: API reference, "CreateDBInstance".
pub(super) fn identifier(parameter: &str, text: &str, longest: usize) -> Result<String, AwsError> {
    let legal = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    if !legal || !begins || text.len() > longest || text.ends_with('-') || text.contains("--") {
        return Err(invalid(format!(
            "The parameter {parameter} is not a valid identifier. Identifiers must begin with a letter; must contain only \
             ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens."
        )));
    }
    Ok(text.to_ascii_lowercase())
}

/// `InvalidParameterValue`.
pub(super) fn invalid(why: impl std::fmt::Display) -> AwsError {
    AwsError::bad("InvalidParameterValue", why)
}

/// `InvalidParameterCombination`.
pub(super) fn clash(why: impl std::fmt::Display) -> AwsError {
    AwsError::bad("InvalidParameterCombination", why)
}

/// `MissingParameter`.
pub(super) fn missing(name: &str) -> AwsError {
    AwsError::bad(
        "MissingParameter",
        format!("The request must contain the parameter {name}."),
    )
}

pub(super) fn instance_missing(named: &str) -> AwsError {
    let why = format!("DBInstance {} not found.", name_of(named));
    AwsError::not_found("DBInstanceNotFound", why)
}

pub(super) fn cluster_missing(named: &str) -> AwsError {
    let why = format!("DBCluster {} not found.", name_of(named));
    AwsError::not_found("DBClusterNotFoundFault", why)
}

pub(super) fn global_missing(named: &str) -> AwsError {
    let why = format!("Global cluster {} not found", name_of(named));
    AwsError::not_found("GlobalClusterNotFoundFault", why)
}

pub(super) fn snapshot_missing(named: &str) -> AwsError {
    let why = format!("DBSnapshot {} not found.", name_of(named));
    AwsError::not_found("DBSnapshotNotFound", why)
}

/// `InvalidDBInstanceState`.
pub(super) fn instance_state(why: impl std::fmt::Display) -> AwsError {
    AwsError::bad("InvalidDBInstanceState", why)
}

/// `InvalidDBClusterStateFault`.
pub(super) fn cluster_state(why: impl std::fmt::Display) -> AwsError {
    AwsError::bad("InvalidDBClusterStateFault", why)
}

/// `InvalidGlobalClusterStateFault`.
pub(super) fn global_state(why: impl std::fmt::Display) -> AwsError {
    AwsError::bad("InvalidGlobalClusterStateFault", why)
}
