//! From what is wanted and what is found to the next call: the pure heart of the reconciler.
//!
//! [`next`] looks at one resource and names at most one call. It is asked again after every call, so
//! it needs no memory: an interrupted sequence continues where the account stands. What is made is in
//! [`creation`], what is changed in [`change`], what is taken away in [`removal`].

mod call;
mod change;
mod creation;
mod removal;

use crate::{blueprint::Spec, deployment::Wanted, observation::Shape};

pub use self::{
    call::{Call, DnsAttribute, Effect, Facts, Idempotency, Machine},
    change::excess,
    removal::removal,
};

/// What one resource needs next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is as wanted.
    Settled,
    /// AWS is still at work on it, or something it needs is not there.
    Wait,
    /// One call.
    Call(Call),
    /// AWS has given up on it, for this reason; asking again would not help.
    Stuck(String),
}

/// What is known of the other resources of the same deployment, by their logical names.
pub trait Surroundings {
    /// AWS's id of a resource, or of a machine image by its name.
    fn id_of(&self, name: &str) -> Option<&str>;

    /// How a resource was found.
    fn shape_of(&self, name: &str) -> Option<&Shape>;

    /// Name of the `number`-th availability zone that is used.
    fn zone(&self, number: usize) -> Option<&str>;
}

/// The ids of several resources; none if one of them is missing.
fn ids(names: &[String], around: &impl Surroundings) -> Option<Vec<String>> {
    names.iter().map(|name| id(name, around)).collect()
}

fn id(name: &str, around: &impl Surroundings) -> Option<String> {
    around.id_of(name).map(str::to_owned)
}

/// The next call for one resource: `found` is its id and shape, none if it does not exist.
/// Dependencies are the caller's business: everything it depends on is settled when it is to be
/// present, everything that depends on it is gone when it is to be absent.
#[must_use]
pub fn next(spec: &Spec, wanted: Wanted, found: Option<(&str, &Shape)>, around: &impl Surroundings) -> Next {
    match (wanted, found) {
        (Wanted::Absent, None) => Next::Settled,
        (Wanted::Absent, Some((aws_id, shape))) => removal(aws_id, shape),
        (Wanted::Present | Wanted::Stopped, None) => {
            creation::creation(spec, around).map_or(Next::Wait, Next::Call)
        }
        (Wanted::Present | Wanted::Stopped, Some(found)) => {
            change::change(spec, wanted, found, around).unwrap_or(Next::Wait)
        }
    }
}

#[cfg(test)]
mod tests;
