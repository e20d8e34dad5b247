//! Why a request is refused, and how that is told.

use service_kit::{NextAction, NextActionKind, Problem, kinds};
use tenant_model::{InvalidTransition, plan::Plan, principal::Refusal};
use tenant_store::StoreError;

/// Why a request about deployments or operations is refused.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// There is no such thing, or it belongs to somebody else.
    #[error("there is nothing here")]
    NotFound,
    /// The caller lacks the right.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The tenant may not start anything.
    #[error("the tenant is not active")]
    TenantNotActive,
    /// The AWS account is not connected, or not proven.
    #[error("the AWS account is not connected yet")]
    ConnectionNotReady,
    /// A field is wrong: pointer, what is wanted.
    #[error("{detail}")]
    Invalid {
        /// Where, as a JSON pointer.
        pointer: &'static str,
        /// What was expected.
        detail: String,
    },
    /// Another operation of the deployment has not ended.
    #[error("another operation of this deployment has not ended")]
    Busy,
    /// The plan that was approved is not the plan that would be carried out.
    #[error("the plan was made for an older state")]
    PlanStale {
        /// The plan as it is now.
        plan: Box<Plan>,
        /// What has changed since the one that was shown; nothing when another hash was named.
        moved: Vec<String>,
    },
    /// The state does not allow it.
    #[error(transparent)]
    State(#[from] InvalidTransition),
    /// The version the caller saw is not the present one.
    #[error("somebody else changed it meanwhile")]
    Version {
        /// The present version.
        current: i64,
    },
    /// The database did not do it.
    #[error("could not record the request")]
    Store(#[source] StoreError),
}

impl From<StoreError> for RequestError {
    fn from(error: StoreError) -> Self {
        if error.violates(tenant_store::operations::ONE_LIVE) {
            return Self::Busy;
        }
        Self::Store(error)
    }
}

impl From<RequestError> for Problem {
    fn from(error: RequestError) -> Self {
        let conflict = |kind| Self::of(kind).detail(sentence(&error));
        match &error {
            RequestError::NotFound => Self::not_found(),
            RequestError::Refused(refusal) => (*refusal).into(),
            RequestError::TenantNotActive => conflict(&kinds::TENANT_SUSPENDED),
            RequestError::ConnectionNotReady => conflict(&kinds::CONNECTION_NOT_READY).next(NextAction::new(
                NextActionKind::Wait,
                "Finish connecting the AWS account first.",
            )),
            RequestError::Invalid { pointer, detail } => {
                Self::invalid(pointer, "not-offered", detail.as_str())
            }
            RequestError::Busy => conflict(&kinds::INVALID_TRANSITION).next(NextAction::new(
                NextActionKind::Wait,
                "Wait for it, or cancel it.",
            )),
            RequestError::PlanStale { plan, moved } => Self::of(&kinds::PLAN_STALE)
                .detail(what_moved(moved))
                .plan(serde_json::to_value(plan).unwrap_or_default())
                .next(NextAction::new(
                    NextActionKind::AskApproval,
                    "Look at the new plan and approve that one.",
                )),
            RequestError::State(_) => conflict(&kinds::INVALID_TRANSITION),
            RequestError::Version { current } => Self::of(&kinds::STALE_VERSION).current_etag(*current),
            RequestError::Store(StoreError::Stale) => conflict(&kinds::INVALID_TRANSITION),
            RequestError::Store(store) => Self::unavailable(store),
        }
    }
}

/// What has changed, in words for people.
#[must_use]
pub fn what_moved(moved: &[String]) -> String {
    let words: Vec<&str> = moved.iter().map(|part| part_in_words(part)).collect();
    if words.is_empty() {
        return "This is not the plan that is shown now.".to_owned();
    }
    format!("Since this plan was shown, {} changed.", words.join(" and "))
}

fn part_in_words(part: &str) -> &str {
    match part {
        "specification" => "what is wanted",
        "observed" => "what is in the account",
        "prices" => "the price table",
        "policies" => "what our work may do",
        other => other,
    }
}

fn sentence(error: &RequestError) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}
