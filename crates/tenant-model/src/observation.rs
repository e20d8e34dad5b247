//! What was found in an account: resources that carry our tags, as AWS describes them.
//!
//! The tag is the truth and a remembered id is a hint. But tags can be copied, so a found resource is
//! ours only if it carries the id of an intent that we recorded for that very name.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::blueprint::Kind;

/// Tag: which installation of Tenantry made it. Staging and production never sweep each other.
pub const TAG_INSTALL: &str = "tenantry:install";
/// Tag: whose it is.
pub const TAG_TENANT: &str = "tenantry:tenant";
/// Tag: of which deployment it is a part.
pub const TAG_DEPLOYMENT: &str = "tenantry:deployment";
/// Tag: its logical name there.
pub const TAG_RESOURCE: &str = "tenantry:resource";
/// Tag: the intent that made it.
pub const TAG_INTENT: &str = "tenantry:intent";

/// State of an instance, without the terminated ones: those are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceState {
    /// Starting.
    Pending,
    /// Up.
    Running,
    /// On its way to stopped.
    Stopping,
    /// Stopped.
    Stopped,
    /// On its way to gone.
    ShuttingDown,
}

/// What is known of a resource beyond its id, as far as it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A VPC and its DNS attributes.
    Vpc {
        /// Names are resolved inside.
        dns_support: bool,
        /// Instances get names.
        dns_hostnames: bool,
    },
    /// An internet gateway and the VPC it is attached to.
    InternetGateway {
        /// The VPC's id.
        attached: Option<String>,
    },
    /// A subnet.
    Subnet,
    /// A route table.
    RouteTable {
        /// Target of 0.0.0.0/0.
        default_route: Option<String>,
        /// Association id and subnet id, without the main association.
        associations: Vec<(String, String)>,
    },
    /// A security group and its TCP ports open to anywhere.
    SecurityGroup {
        /// The open ports.
        open_ports: Vec<i32>,
    },
    /// An instance.
    Instance {
        /// Its state.
        state: InstanceState,
    },
    /// An Elastic IP and what it is associated with.
    ElasticIp {
        /// Association id and instance id.
        association: Option<(String, Option<String>)>,
    },
}

impl Shape {
    /// Kind of the resource.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Vpc { .. } => Kind::Vpc,
            Self::InternetGateway { .. } => Kind::InternetGateway,
            Self::Subnet => Kind::Subnet,
            Self::RouteTable { .. } => Kind::RouteTable,
            Self::SecurityGroup { .. } => Kind::SecurityGroup,
            Self::Instance { .. } => Kind::Instance,
            Self::ElasticIp { .. } => Kind::ElasticIp,
        }
    }
}

/// One resource that carries the tag of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// AWS's id, for an Elastic IP the allocation id.
    pub aws_id: String,
    /// Its logical name, by tag.
    pub name: String,
    /// The intent that made it, by tag; none when the tag is missing or no UUID.
    pub intent: Option<Uuid>,
    /// What it looks like.
    pub shape: Shape,
}

/// What to do with the resources found under one logical name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claimed<'a> {
    /// The one that counts.
    pub kept: Option<&'a Found>,
    /// Ours as well, by a lost answer: to be deleted.
    pub twins: Vec<&'a Found>,
    /// Under our tags, but not made by us: never touched.
    pub foreign: Vec<&'a Found>,
}

/// Sorts what was found under one name. The recorded id wins; without one the smallest id does, so
/// that two workers choose alike.
#[must_use]
pub fn claim<'a>(
    recorded: Option<&str>,
    intents: &BTreeSet<Uuid>,
    found: impl IntoIterator<Item = &'a Found>,
) -> Claimed<'a> {
    let is_ours = |one: &Found| {
        recorded == Some(one.aws_id.as_str()) || one.intent.is_some_and(|id| intents.contains(&id))
    };
    let (mut ours, foreign): (Vec<_>, Vec<_>) = found.into_iter().partition(|one| is_ours(one));
    ours.sort_by_key(|one| (recorded != Some(one.aws_id.as_str()), one.aws_id.as_str()));
    let mut ours = ours.into_iter();
    Claimed {
        kept: ours.next(),
        twins: ours.collect(),
        foreign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(aws_id: &str, intent: Option<u128>) -> Found {
        Found {
            aws_id: aws_id.to_owned(),
            name: "subnet".to_owned(),
            intent: intent.map(Uuid::from_u128),
            shape: Shape::Subnet,
        }
    }

    fn ids(found: &[&Found]) -> Vec<String> {
        found.iter().map(|one| one.aws_id.clone()).collect()
    }

    #[test]
    fn only_what_carries_an_intent_of_ours_is_claimed() {
        let intents = BTreeSet::from([Uuid::from_u128(1), Uuid::from_u128(2)]);
        let all = [
            found("b", Some(1)),
            found("a", Some(2)),
            found("c", Some(9)),
            found("d", None),
        ];
        type Row<'a> = (Option<&'a str>, Option<&'a str>, &'a [&'a str], &'a [&'a str]);
        let rows: [Row<'_>; 3] = [
            (None, Some("a"), &["b"], &["c", "d"]),
            (Some("b"), Some("b"), &["a"], &["c", "d"]),
            // Recorded once by its answer, though its tag was taken away since.
            (Some("d"), Some("d"), &["a", "b"], &["c"]),
        ];
        for (recorded, kept, twins, foreign) in rows {
            let claimed = claim(recorded, &intents, &all);
            assert_eq!(claimed.kept.map(|one| one.aws_id.as_str()), kept, "{recorded:?}");
            assert_eq!(ids(&claimed.twins), twins, "{recorded:?}");
            assert_eq!(ids(&claimed.foreign), foreign, "{recorded:?}");
        }
        assert_eq!(claim(Some("x"), &intents, []), Claimed::default());
    }
}
