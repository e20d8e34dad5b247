//! The decision: an explicit deny wins, then every kind of policy that applies must allow.
//!
//! Source: IAM user guide, "Policy evaluation logic" and "Cross-account policy evaluation logic".

use super::context::Context;
use super::document::{Document, Element, Statement};
use super::pattern::{self, action_glob};
use super::principal::{Grant, PrincipalView};
use super::variable::expand_pattern;

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
    /// The organisation's service control policy for the account; it limits the root user too.
    pub(crate) guardrail: Option<Document>,
    pub(crate) identity: Vec<Document>,
    pub(crate) boundary: Option<Document>,
    /// What limits a session: one of them must allow. `None` for a session without limits of its own.
    pub(crate) session: Option<Vec<Document>>,
}

impl Policies {
    /// The kinds of policy that only limit, each with the documents of which one must allow.
    fn limits(&self) -> impl Iterator<Item = (&'static str, &[Document])> {
        let one = |kind: &'static str| move |document| (kind, std::slice::from_ref(document));
        let guardrail = self.guardrail.iter().map(one("service control"));
        let boundary = self.boundary.iter().map(one("permissions boundary"));
        let session = self
            .session
            .iter()
            .map(|documents| ("session", documents.as_slice()));
        guardrail.chain(boundary).chain(session)
    }
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
    let guarded = policies.guardrail.as_ref();
    if guarded.is_some_and(|guardrail| !applies(guardrail, question, true)) {
        return Decision::NotAllowed("service control");
    }
    if policies.root {
        return Decision::Allowed;
    }
    // Within one account a policy that names the very user or session is enough, whatever else does not allow it.
    if !foreign && granted == Some(Grant::Itself) {
        return Decision::Allowed;
    }
    let enough_alone = !foreign && granted == Some(Grant::Caller);
    if !enough_alone && !any_allows(&policies.identity, question) {
        return Decision::NotAllowed("identity-based");
    }
    let refusing = policies
        .limits()
        .find(|(_, documents)| !any_allows(documents, question));
    refusing.map_or(Decision::Allowed, |(kind, _)| Decision::NotAllowed(kind))
}

fn any_allows(documents: &[Document], question: &Question<'_>) -> bool {
    documents.iter().any(|document| applies(document, question, true))
}

fn explicit_deny(
    question: &Question<'_>,
    caller: &PrincipalView<'_>,
    policies: &Policies,
    resource: Option<&ResourcePolicy<'_>>,
) -> Option<&'static str> {
    let identity = std::iter::once(("identity-based", policies.identity.as_slice()));
    let mut all = identity.chain(policies.limits());
    let denies = |documents: &[Document]| {
        let mut documents = documents.iter();
        documents.any(|document| applies(document, question, false))
    };
    if let Some((kind, _)) = all.find(|(_, documents)| denies(documents)) {
        return Some(kind);
    }
    let document = resource?.document?;
    let mut denying = document.statements.iter().filter(|statement| !statement.allow);
    let bounded = policies.boundary.is_some();
    let denied = denying.any(|statement| {
        reaches_by_denial(statement, caller, bounded) && covers(document, statement, question)
    });
    denied.then_some("resource-based")
}

/// Whether a denying statement of a resource's policy is about the caller. "The NotPrincipal element with a Deny
/// effect will always deny any IAM principal that has a permissions boundary policy attached."
fn reaches_by_denial(statement: &Statement, caller: &PrincipalView<'_>, bounded: bool) -> bool {
    match &statement.principals {
        Some(Element::Is(element)) => element.grant(caller).is_some(),
        Some(Element::Not(element)) => bounded || !element.exempts(caller),
        None => false,
    }
}

/// The statements of a document that allow, or deny, what is asked: their positions in it.
pub(crate) fn matching(document: &Document, question: &Question<'_>, allow: bool) -> Vec<usize> {
    let statements = document.statements.iter().enumerate();
    statements
        .filter(|(_, statement)| statement.allow == allow && covers(document, statement, question))
        .map(|(position, _)| position)
        .collect()
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

/// An allowing statement's word on the caller; the reader refuses one with `NotPrincipal`.
fn names(statement: &Statement, caller: &PrincipalView<'_>) -> Option<Grant> {
    match statement.principals.as_ref()? {
        Element::Is(element) => element.grant(caller),
        Element::Not(_) => None,
    }
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
            expand_pattern(pattern, question.context, document.variables)
                .is_some_and(|pattern| pattern::matches(&pattern, question.resource))
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
