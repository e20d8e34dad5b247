//! Why a request to this service is refused or fails, and how that is told.

use std::fmt;

use service_kit::{NextAction, NextActionKind, Problem, kinds};
use tenant_model::{InvalidTransition, Refusal};
use tenant_store::StoreError;

/// What an application function of this service answers when it does not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum OnboardingError {
    /// It does not exist, or not for this caller.
    #[error("not found")]
    NotFound,
    /// The right is missing.
    #[error("not allowed")]
    NotAllowed,
    /// Fields of the request are wrong; all of them.
    #[error("the request has {} invalid field(s)", .0.len())]
    Invalid(Vec<InvalidField>),
    /// The address or the password is wrong; which one is not told.
    #[error("wrong address or password")]
    WrongCredentials,
    /// The session or refresh token does not work any more.
    #[error("not signed in")]
    NotSignedIn,
    /// A link's token is unknown, used or expired.
    #[error("the link is wrong, used or expired")]
    TokenNotUsable,
    /// There is one already.
    #[error("{0}")]
    AlreadyExists(&'static str),
    /// The present state refuses.
    #[error(transparent)]
    InvalidTransition(#[from] InvalidTransition),
    /// The tenant is not active.
    #[error("the tenant is not active")]
    TenantNotActive,
    /// Somebody else changed it; the present version.
    #[error("changed meanwhile")]
    Stale(i64),
    /// A problem of the kit: rate limit, reused key.
    #[error(transparent)]
    Problem(#[from] Problem),
    /// The store did not do it.
    #[error("could not be stored")]
    Store(#[source] StoreError),
}

/// One invalid field of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidField {
    /// RFC 6901 pointer.
    pub pointer: &'static str,
    /// Stable kebab-case.
    pub code: &'static str,
    /// For people.
    pub detail: String,
}

impl InvalidField {
    pub(crate) fn new(pointer: &'static str, code: &'static str, detail: impl fmt::Display) -> Self {
        Self {
            pointer,
            code,
            detail: detail.to_string(),
        }
    }
}

impl From<StoreError> for OnboardingError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Refusal> for OnboardingError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::NotFound,
            Refusal::NotAllowed => Self::NotAllowed,
        }
    }
}

impl From<OnboardingError> for Problem {
    fn from(error: OnboardingError) -> Self {
        let text = error.to_string();
        match error {
            OnboardingError::NotFound => Self::not_found(),
            OnboardingError::NotAllowed => Self::of(&kinds::NOT_ALLOWED),
            OnboardingError::Invalid(fields) => fields
                .into_iter()
                .fold(Self::of(&kinds::VALIDATION_FAILED), |problem, field| {
                    problem.error(field.pointer, field.code, field.detail)
                }),
            OnboardingError::WrongCredentials => Self::of(&kinds::WRONG_CREDENTIALS).next(NextAction::new(
                NextActionKind::FixRequest,
                "Check the address and the password. Did you verify the address by the mail we sent?",
            )),
            OnboardingError::NotSignedIn => Self::not_signed_in(),
            OnboardingError::TokenNotUsable => Self::of(&kinds::TOKEN_NOT_USABLE)
                .next(NextAction::new(NextActionKind::FixRequest, "Ask for a new link.")),
            OnboardingError::AlreadyExists(what) => {
                Self::of(&kinds::ALREADY_EXISTS)
                    .detail(what)
                    .next(NextAction::new(
                        NextActionKind::ChooseOther,
                        "Use the one that exists.",
                    ))
            }
            OnboardingError::InvalidTransition(_) => Self::of(&kinds::INVALID_TRANSITION).detail(text),
            OnboardingError::TenantNotActive => Self::of(&kinds::TENANT_SUSPENDED).next(NextAction::new(
                NextActionKind::ContactOperator,
                "Ask the operator to resume the tenant.",
            )),
            OnboardingError::Stale(version) => Self::of(&kinds::STALE_VERSION).current_etag(version),
            OnboardingError::Problem(problem) => problem,
            OnboardingError::Store(StoreError::Stale) => Self::of(&kinds::STALE_VERSION),
            OnboardingError::Store(error @ StoreError::Database(_)) => Self::unavailable(&error),
            OnboardingError::Store(error) => Self::internal(&error),
        }
    }
}
