//! EC2 in one account and region: looking by tag, and carrying out one call.
//!
//! Describing uses the client with three attempts, changing the one with a single attempt. Everything
//! that is made is tagged in the call that makes it; there is no moment at which it exists untagged.

mod carry_out;
mod compute;
mod describe;
mod furnish;
mod launch;
mod network;
mod shapes;
mod survey;
pub mod trial;

use std::{fmt, slice};

use aws_config::SdkConfig;
use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};
use tenant_model::{
    ids::{DeploymentId, TenantId},
    observation::{TAG_DEPLOYMENT, TAG_INSTALL, TAG_INTENT, TAG_RESOURCE, TAG_TENANT},
};
use uuid::Uuid;

pub use describe::Leftover;
pub use furnish::Furnished;

use crate::{Aws, settings::one_attempt};

/// EC2 as one session sees it.
#[derive(Clone)]
pub struct Ec2 {
    reads: aws_sdk_ec2::Client,
    writes: aws_sdk_ec2::Client,
    region: String,
}

impl fmt::Debug for Ec2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ec2")
    }
}

impl Ec2 {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self {
            reads: aws_sdk_ec2::Client::new(config),
            writes: aws_sdk_ec2::Client::new(&one_attempt(config)),
            region: config.region().map(ToString::to_string).unwrap_or_default(),
        }
    }
}

impl Aws {
    /// EC2 in the account and region of these settings.
    #[must_use]
    pub fn ec2(&self) -> Ec2 {
        Ec2::new(&self.reads())
    }
}

/// Logical name of the machines of a group: none of the blueprint's.
const MACHINE: &str = "machine";

/// Which of an account's resources are meant: those that carry these three tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Name of the installation.
    pub install: String,
    /// Whose.
    pub tenant_id: TenantId,
    /// Of which deployment.
    pub deployment_id: DeploymentId,
}

impl Scope {
    pub(crate) fn tags(&self) -> [(&'static str, String); 3] {
        [
            (TAG_INSTALL, self.install.clone()),
            (TAG_TENANT, self.tenant_id.to_string()),
            (TAG_DEPLOYMENT, self.deployment_id.to_string()),
        ]
    }

    pub(crate) fn filters(&self) -> Option<Vec<Filter>> {
        let filter = |(key, value)| Filter::builder().name(format!("tag:{key}")).values(value).build();
        Some(self.tags().into_iter().map(filter).collect())
    }
}

/// What a call leaves on the thing it makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark<'a> {
    /// Whose and of which deployment.
    pub scope: &'a Scope,
    /// Logical name of the resource.
    pub name: &'a str,
    /// The intent under which the call is made.
    pub intent: Uuid,
    /// The client token, for calls that take one.
    pub token: &'a str,
}

impl Mark<'_> {
    /// Keys and values of the tags.
    pub(crate) fn pairs(&self) -> Vec<(&'static str, String)> {
        let ours = self.scope.tags().into_iter().chain([
            (TAG_RESOURCE, self.name.to_owned()),
            (TAG_INTENT, self.intent.to_string()),
            // What the console of AWS shows in its first column.
            ("Name", format!("tenantry {}", self.name)),
        ]);
        ours.collect()
    }

    fn tags(&self, kind: ResourceType) -> TagSpecification {
        TagSpecification::builder()
            .resource_type(kind)
            .set_tags(Some(self.list()))
            .build()
    }

    fn list(&self) -> Vec<Tag> {
        let tag = |(key, value)| Tag::builder().key(key).value(value).build();
        self.pairs().into_iter().map(tag).collect()
    }

    /// Tags of the machines of a group: of the deployment, but none of its resources, because the group makes and ends
    /// them.
    fn machine_tags(&self) -> Vec<Tag> {
        let tag = |(key, value): (&str, String)| Tag::builder().key(key).value(value).build();
        let ours = self.scope.tags().into_iter();
        let named = [
            (TAG_RESOURCE, MACHINE.to_owned()),
            ("Name", "tenantry machine".to_owned()),
        ];
        ours.chain(named).map(tag).collect()
    }
}

fn tag<'a>(tags: &'a [Tag], key: &str) -> Option<&'a str> {
    let mut tags: slice::Iter<'a, Tag> = tags.iter();
    tags.find(|tag| tag.key() == Some(key)).and_then(Tag::value)
}
