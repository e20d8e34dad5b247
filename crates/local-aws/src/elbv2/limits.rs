//! How much there may be of each thing.
//!
//! Source: user guides, "Quotas for your Application Load Balancers" and "Quotas for your Network Load Balancers".

use std::collections::BTreeSet;

use super::request::Request;
use super::state::{Action, Balancer, Balancing};
use crate::ec2::Place;
use crate::error::AwsError;

/// Rules of one load balancer, the default ones not counted.
pub(super) const RULES_MAX: usize = 100;
/// Target groups of one load balancer.
const GROUPS_MAX: usize = 100;
/// Targets of one target group.
pub(super) const TARGETS_MAX: usize = 1_000;
/// Target groups that one action sends to, of an application and of a network load balancer.
const GROUPS_PER_ACTION: [(&str, usize); 2] = [("application", 5), ("network", 1)];
/// The quota of targets behind one application load balancer.
const TARGETS_QUOTA: &str = "L-7E6692B2";

/// What an account's quota allows. Read before the state is worked on, because it asks a peer.
pub(super) fn quota(request: &Request<'_>, code: &str) -> Option<usize> {
    let Place { account, region } = request.place();
    let quotas = &request.core.peers.service_quotas;
    let limit = quotas.value(request.core, (account, region), code)?;
    Some(usize::try_from(limit).unwrap_or(usize::MAX))
}

/// How many targets one application load balancer may have.
pub(super) fn targets_max(request: &Request<'_>) -> Option<usize> {
    quota(request, TARGETS_QUOTA)
}

/// Refuses one more where there are as many as a quota allows.
pub(super) fn refuse_full(
    limit: Option<usize>,
    count: usize,
    (error, what): (&'static str, &str),
) -> Result<(), AwsError> {
    if limit.is_some_and(|limit| count >= limit) {
        return Err(above(error, what));
    }
    Ok(())
}

/// The refusal of one more.
pub(super) fn above(error: &'static str, what: &str) -> AwsError {
    AwsError::bad(error, format!("You've reached the limit on the number of {what}"))
}

/// Refuses an action that sends to more target groups than its load balancer can.
pub(super) fn refuse_many_groups(action: &Action, kind: &str) -> Result<(), AwsError> {
    let most = GROUPS_PER_ACTION.iter().find(|(of, _)| *of == kind);
    match most {
        Some((_, most)) if action.group_arns().count() > *most => {
            Err(above("TooManyTargetGroups", "target groups per action"))
        }
        _ => Ok(()),
    }
}

/// Refuses actions that would give a load balancer too many target groups or targets.
pub(super) fn refuse_many(
    state: &Balancing,
    (balancer, actions): (&Balancer, &[Action]),
    targets_max: Option<usize>,
) -> Result<(), AwsError> {
    let mut arns: BTreeSet<&str> = state.groups_of(&balancer.arn);
    arns.extend(actions.iter().flat_map(Action::group_arns));
    if arns.len() > GROUPS_MAX {
        let what = "unique target groups per load balancer";
        return Err(above("TooManyUniqueTargetGroupsPerLoadBalancer", what));
    }
    if balancer.kind != "application" {
        return Ok(());
    }
    let groups = arns.iter().filter_map(|arn| state.groups.get(*arn));
    let targets: usize = groups.map(|group| group.targets.len()).sum();
    if targets_max.is_some_and(|most| targets > most) {
        return Err(above("TooManyTargets", "targets per load balancer"));
    }
    Ok(())
}

/// Refuses targets that a group, or a load balancer it serves, has no room for.
pub(super) fn refuse_many_targets(
    state: &Balancing,
    (group_arn, new): (&str, usize),
    targets_max: Option<usize>,
) -> Result<(), AwsError> {
    let of = |arn: &str| state.groups.get(arn).map_or(0, |group| group.targets.len());
    if of(group_arn) + new > TARGETS_MAX {
        return Err(above("TooManyTargets", "targets per target group"));
    }
    let Some(most) = targets_max else {
        return Ok(());
    };
    for balancer in state.balancers_of(group_arn) {
        let application = state
            .balancers
            .get(&balancer)
            .map(|one| one.kind == "application");
        let targets: usize = state.groups_of(&balancer).into_iter().map(of).sum();
        if application == Some(true) && targets + new > most {
            return Err(above("TooManyTargets", "targets per load balancer"));
        }
    }
    Ok(())
}
