//! What a profile compiles to: a list of resources with their dependencies.
//!
//! Compiling is a plain function, so that a plan shown to a person and the work done later come from
//! the same lines. References between resources are logical names; AWS ids are found at work.

mod highly_available;
mod kind;
mod names;
mod network;
mod single;
mod spec;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::names::Names;
pub use self::{
    kind::{KINDS, Kind},
    network::{DEFAULT_CIDR, NetworkChoice, PREFIX_MAX},
    spec::{Leads, Source, Spec},
};
use crate::{
    deployment::{Profile, Region},
    ids::DeploymentId,
};

/// Size of a machine's root volume.
pub const ROOT_VOLUME_GIB: i32 = 30;
/// Size of a database's storage.
pub const DATABASE_GIB: i32 = 100;
/// Class of a database.
pub const DATABASE_CLASS: &str = "db.t4g.medium";
/// The port on which the platform answers, with TLS.
pub const PLATFORM_PORT: i32 = 443;
/// The port of a PostgreSQL database.
pub const DATABASE_PORT: i32 = 5432;
/// The ISV's zone of an installation that was not told another: a name that nobody can own (RFC 2606).
pub const ENDPOINT_ZONE: &str = "platform.example";
/// Anybody.
pub const ANYWHERE: &str = "0.0.0.0/0";

/// What a person chooses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Design {
    /// The sequence of resources.
    pub profile: Profile,
    /// Where.
    pub region: Region,
    /// Size of the machines, one of the price table's.
    pub instance_type: String,
    /// Name of the release's machine image; every region has its own id for it.
    pub image: String,
    /// Whether a Multi-AZ database belongs to it; only highly available deployments have one.
    pub database: bool,
    /// In which network.
    pub network: NetworkChoice,
    /// Address blocks that may connect.
    pub admits: Vec<String>,
    /// The endpoint's name in the ISV's zone.
    pub domain: String,
}

/// The endpoint's name of a deployment in the ISV's zone `zone`.
#[must_use]
pub fn domain(deployment_id: DeploymentId, zone: &str) -> String {
    format!("{}.{zone}", deployment_id.suffix())
}

/// A resource with its logical name, unique in the deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Logical name.
    pub name: String,
    /// What it should be.
    pub spec: Spec,
}

fn resource(name: &str, spec: Spec) -> Resource {
    Resource {
        name: name.to_owned(),
        spec,
    }
}

/// What a design compiles to. Resources stand after everything they depend on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blueprint {
    /// What was chosen.
    pub design: Design,
    /// What is made of it.
    pub resources: Vec<Resource>,
    /// What earlier designs had and this one has not: taken away once everything else stands.
    pub retired: Vec<Resource>,
    /// AWS ids of what is there already and is not ours, by logical name.
    pub given: BTreeMap<String, String>,
}

impl Blueprint {
    /// Compiles a design.
    #[must_use]
    pub fn compile(deployment_id: DeploymentId, design: Design) -> Self {
        let names = Names::of(deployment_id);
        let resources = match design.profile {
            Profile::Single => single::compile(&design, &names),
            Profile::HighlyAvailable => highly_available::compile(&design, &names),
        };
        Self {
            given: network::given(&design.network),
            design,
            resources,
            retired: Vec::new(),
        }
    }

    /// The same, taking over from `before`: what that had and this has not is retired.
    #[must_use]
    pub fn succeeding(mut self, before: &Self) -> Self {
        let left = before.resources.iter().chain(&before.retired);
        self.retired = left
            .filter(|resource| !self.has(&resource.name))
            .cloned()
            .collect();
        self
    }

    /// The resource of that name, retired or not.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Resource> {
        self.all().find(|resource| resource.name == name)
    }

    /// True when the resource is a part of this design.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.resources.iter().any(|resource| resource.name == name)
    }

    /// True when the resource is to go although the deployment stays.
    #[must_use]
    pub fn is_retired(&self, name: &str) -> bool {
        self.retired.iter().any(|resource| resource.name == name)
    }

    /// Every resource, those to be retired last.
    pub fn all(&self) -> impl Iterator<Item = &Resource> {
        self.resources.iter().chain(&self.retired)
    }

    /// Names of the resources that depend directly on `name`.
    pub fn dependents<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.all()
            .filter(move |resource| resource.spec.depends_on().contains(&name))
            .map(|resource| resource.name.as_str())
    }
}

#[cfg(test)]
mod tests;
