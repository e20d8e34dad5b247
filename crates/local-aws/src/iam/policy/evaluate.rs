//! The decision: an explicit deny wins, then every kind of policy that applies must allow.
//!
//! Source: IAM user guide, "Policy evaluation logic" and "Cross-account policy evaluation logic".

use super::condition::expand;
use super::context::Context;
use super::document::{Document, Element, Statement};
use super::pattern::{action_glob, glob};
use super::principal::{Grant, PrincipalView};

/// What is asked: may the caller do `action` on `resource` in this context.
pub(crate) struct Question<'a> {
    pub(crate) action: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) context: &'a Context,
}

/// The policies on the caller's side.
#[derive(Clone, Default)]
pub(crate) struct Policies {
    /// The account's root user: allowed everything its account may.
    pub(crate) root: bool,
    pub(crate) identity: Vec<Document>,
    pub(crate) boundary: Option<Document>,
    pub(crate) session: Option<Document>,
}

/// The policy on the resource's side, with the account that owns the resource.
pub(crate) struct ResourcePolicy<'a> {
    pub(crate) document: Option<&'a Document>,
    pub(crate) owner: &'a str,
}

/// The outcome, with what made it so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Allowed.
    Allowed,
    /// A statement denies it; the kind of policy it stands in.
    Denied(&'static str),
    /// No statement of this kind of policy allows it.
    NotAllowed(&'static str),
}

/// Decides a question for a caller.
pub(crate) fn decide(
    question: &Question<'_>,
    caller: &PrincipalView<'_>,
    policies: &Policies,
    resource: Option<&ResourcePolicy<'_>>,
) -> Decision {
    if let Some(kind) = explicit_deny(question, caller, policies, resource) {
        return Decision::Denied(kind);
    }
    let granted = resource.and_then(|resource| resource_grant(question, caller, resource.document?));
    let foreign = resource.is_some_and(|resource| resource.owner != caller.account);
    if foreign && granted.is_none() {
        return Decision::NotAllowed("resource-based");
    }
    if policies.root {
        return Decision::Allowed;
    }
    let enough_alone = !foreign && granted == Some(Grant::Caller);
    if !enough_alone
        && !policies
            .identity
            .iter()
            .any(|document| allows(document, question))
    {
        return Decision::NotAllowed("identity-based");
    }
    let limits = [
        ("permissions boundary", &policies.boundary),
        ("session", &policies.session),
    ];
    let refusing = limits
        .into_iter()
        .find(|(_, limit)| limit.as_ref().is_some_and(|limit| !allows(limit, question)));
    refusing.map_or(Decision::Allowed, |(kind, _)| Decision::NotAllowed(kind))
}

fn explicit_deny(
    question: &Question<'_>,
    caller: &PrincipalView<'_>,
    policies: &Policies,
    resource: Option<&ResourcePolicy<'_>>,
) -> Option<&'static str> {
    let on_caller = policies
        .identity
        .iter()
        .map(|document| ("identity-based", document));
    let boundary = policies
        .boundary
        .iter()
        .map(|document| ("permissions boundary", document));
    let session = policies.session.iter().map(|document| ("session", document));
    let mut all = on_caller.chain(boundary).chain(session);
    if let Some((kind, _)) = all.find(|(_, document)| applies(document, question, false)) {
        return Some(kind);
    }
    let document = resource?.document?;
    let mut denying = document.statements.iter().filter(|statement| !statement.allow);
    let denied =
        denying.any(|statement| names(statement, caller).is_some() && covers(document, statement, question));
    denied.then_some("resource-based")
}

/// How far a resource's policy (or a role's trust policy) lets the caller in.
pub(crate) fn resource_grant(
    question: &Question<'_>,
    caller: &PrincipalView<'_>,
    document: &Document,
) -> Option<Grant> {
    let allowing = document.statements.iter().filter(|statement| statement.allow);
    allowing
        .filter(|statement| covers(document, statement, question))
        .filter_map(|statement| names(statement, caller))
        .max()
}

fn names(statement: &Statement, caller: &PrincipalView<'_>) -> Option<Grant> {
    match statement.principals.as_ref()? {
        Element::Is(element) => element.grant(caller),
        Element::Not(element) => element.grant(caller).is_none().then_some(Grant::Caller),
    }
}

fn allows(document: &Document, question: &Question<'_>) -> bool {
    applies(document, question, true)
}

fn applies(document: &Document, question: &Question<'_>, allow: bool) -> bool {
    let mut statements = document
        .statements
        .iter()
        .filter(|statement| statement.allow == allow);
    statements.any(|statement| covers(document, statement, question))
}

fn covers(document: &Document, statement: &Statement, question: &Question<'_>) -> bool {
    let action = element_matches(&statement.actions, |pattern| {
        action_glob(pattern, question.action)
    });
    let resource = statement.resources.as_ref().is_none_or(|resources| {
        element_matches(resources, |pattern| {
            expand(pattern, question.context, document.variables)
                .is_some_and(|pattern| glob(&pattern, question.resource))
        })
    });
    action && resource && conditions_met(document, statement, question)
}

fn conditions_met(document: &Document, statement: &Statement, question: &Question<'_>) -> bool {
    statement.conditions.iter().all(|clause| {
        if question.context.is_unknown(&clause.key) {
            // Only an Allow gets the benefit of the doubt; a Deny needs a fact.
            return statement.allow;
        }
        clause.is_met(question.context, document.variables)
    })
}

fn element_matches(element: &Element<Vec<String>>, matches: impl Fn(&str) -> bool) -> bool {
    match element {
        Element::Is(patterns) => patterns.iter().any(|pattern| matches(pattern)),
        Element::Not(patterns) => !patterns.iter().any(|pattern| matches(pattern)),
    }
}
