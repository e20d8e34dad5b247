//! What our work needs in a tenant's account, declared step by step, and the policies compiled from it.
//!
//! Nobody writes a policy by hand. Each action stands here once, with the resources it touches and the condition under
//! which it may: the role's policy and its boundary in the customer's template, and the session policy of each class
//! of step, come from this one list. Reading is allowed as such; making only with the tenant's tag in the request,
//! changing and deleting only what carries it. Resource types and conditions: Service Authorization Reference,
//! "Actions, resources, and condition keys for Amazon EC2", "… for AWS IAM" and "… for Service Quotas".

mod needs;
mod session;
mod template;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) use self::session::condition;
pub use self::{
    needs::NEEDS,
    session::{SessionScope, session_document},
    template::{PARTS, Part, template_statements},
};

/// A group of calls that are made under one session policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepClass {
    /// Looking.
    Observe,
    /// Making and wiring the network.
    Network,
    /// Making, starting and stopping instances and their address.
    Compute,
    /// Making load balancers and certificates.
    Balancing,
    /// Making and refreshing groups of machines.
    Scaling,
    /// Making databases.
    Data,
    /// Taking down what stands in the network.
    Dismantle,
    /// Taking down the network.
    TakeDown,
    /// Reading our own role.
    Identity,
    /// Looking what fits into the account.
    Preflight,
    /// Looking for what is left, in all regions.
    Sweep,
    /// Reading the account's own log of our calls, in all regions.
    Audit,
    /// Records in the ISV's own zone: no session of a tenant's is needed.
    Dns,
}

/// Every class that has a session in a tenant's account, for tests and listings.
pub const STEP_CLASSES: [StepClass; 12] = [
    StepClass::Observe,
    StepClass::Network,
    StepClass::Compute,
    StepClass::Balancing,
    StepClass::Scaling,
    StepClass::Data,
    StepClass::Dismantle,
    StepClass::TakeDown,
    StepClass::Identity,
    StepClass::Preflight,
    StepClass::Sweep,
    StepClass::Audit,
];

/// On what an action works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// The action knows no resources.
    Any,
    /// One kind of EC2's resources in the tenant's account.
    Ec2(&'static str),
    /// Resources of another service in the tenant's account: its name and the end of the ARN.
    Of(&'static str, &'static str),
    /// Images, which belong to whoever published them.
    Image,
    /// The role itself.
    OwnRole,
    /// The roles that services have of their own in the account.
    LinkedRoles,
    /// The same by their names only: one that is not there has no path, and whether it is there is the question.
    ServiceRoles,
}

/// Under which condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum When {
    /// Under none.
    Always,
    /// The request tags what it makes as the tenant's.
    TaggedInRequest,
    /// The resource is tagged as the tenant's.
    TaggedAlready,
    /// As part of a creation that is in this list and tags as the tenant's.
    AtCreation,
    /// The same of Elastic Load Balancing.
    AtBalancing,
    /// The tenant has tagged it for our use.
    Offered,
    /// The tenant has said what the subnet is for, which it does for our use alone.
    OfferedSubnet,
    /// The role is made for one of the services that we use.
    ForServices,
    /// The key is used by RDS on our behalf.
    ByDatabases,
    /// A service calls it on our behalf.
    ThroughService,
}

/// One action that our work needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// In the words of a policy.
    pub action: &'static str,
    /// In which classes of step it is called.
    pub classes: &'static [StepClass],
    /// What it touches, and when it may.
    pub on: &'static [(Target, When)],
}

impl StepClass {
    /// Stable name, used as a session tag.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Network => "network",
            Self::Compute => "compute",
            Self::Balancing => "balancing",
            Self::Scaling => "scaling",
            Self::Data => "data",
            Self::Dismantle => "dismantle",
            Self::TakeDown => "take-down",
            Self::Identity => "identity",
            Self::Preflight => "preflight",
            Self::Sweep => "sweep",
            Self::Audit => "audit",
            Self::Dns => "dns",
        }
    }

    /// True when nothing of it changes anything.
    #[must_use]
    pub const fn only_looks(self) -> bool {
        match self {
            Self::Observe | Self::Identity | Self::Preflight | Self::Sweep | Self::Audit => true,
            Self::Network
            | Self::Compute
            | Self::Balancing
            | Self::Scaling
            | Self::Data
            | Self::Dismantle
            | Self::TakeDown
            | Self::Dns => false,
        }
    }

    /// True when its calls are not bound to one region: IAM has none, and the others look into all of them.
    #[must_use]
    pub const fn is_everywhere(self) -> bool {
        match self {
            Self::Identity | Self::Sweep | Self::Audit => true,
            Self::Observe
            | Self::Network
            | Self::Compute
            | Self::Balancing
            | Self::Scaling
            | Self::Data
            | Self::Dismantle
            | Self::TakeDown
            | Self::Preflight
            | Self::Dns => false,
        }
    }

    /// The actions of the class.
    #[must_use]
    pub fn actions(self) -> Vec<&'static str> {
        self.needs().map(|need| need.action).collect()
    }

    fn needs(self) -> impl Iterator<Item = &'static Need> {
        NEEDS.iter().filter(move |need| need.classes.contains(&self))
    }
}

impl Need {
    /// True when the action changes nothing.
    #[must_use]
    pub fn is_look(&self) -> bool {
        let name = self.action.split(':').nth(1).unwrap_or_default();
        ["Describe", "Get", "List", "Lookup", "Simulate"]
            .iter()
            .any(|verb| name.starts_with(verb))
    }
}

/// Actions that do the same to the same under the same condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The condition.
    pub when: When,
    /// Sorted.
    pub actions: Vec<&'static str>,
    /// Sorted.
    pub targets: Vec<Target>,
}

/// Groups needs into as few statements as say exactly the same: no action gets a resource that it does not need.
#[must_use]
pub fn grants<'a>(needs: impl IntoIterator<Item = &'a Need>) -> Vec<Grant> {
    let mut by_target: BTreeMap<(When, Target), Vec<&'static str>> = BTreeMap::new();
    for need in needs {
        for (target, when) in need.on {
            by_target.entry((*when, *target)).or_default().push(need.action);
        }
    }
    let mut grants: Vec<Grant> = Vec::new();
    for ((when, target), actions) in by_target {
        match grants
            .iter_mut()
            .find(|grant| grant.when == when && grant.actions == actions)
        {
            Some(grant) => grant.targets.push(target),
            None => grants.push(Grant {
                when,
                actions,
                targets: vec![target],
            }),
        }
    }
    grants
}

/// Creations among `needs` that tag what they make, without the service's name: values of `ec2:CreateAction`.
#[must_use]
pub fn tagging_creations<'a>(needs: impl IntoIterator<Item = &'a Need>) -> Vec<&'static str> {
    let tags = |need: &&Need| need.on.iter().any(|(_, when)| *when == When::TaggedInRequest);
    needs
        .into_iter()
        .filter(tags)
        .filter_map(|need| need.action.strip_prefix("ec2:"))
        .collect()
}

#[cfg(test)]
mod tests;
