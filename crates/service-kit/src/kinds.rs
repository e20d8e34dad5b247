//! The registry of problem codes: code, status and title, each written once.
//!
//! A code may be added, never renamed. docs/api.md and the OpenAPI document are held against [`ALL`].

/// A registered kind of problem.
#[derive(Debug, PartialEq, Eq)]
pub struct ProblemKind {
    /// Stable kebab-case.
    pub code: &'static str,
    /// The HTTP status it always has.
    pub status: u16,
    /// The title it always has.
    pub title: &'static str,
}

macro_rules! kinds {
    ($($name:ident $status:literal $code:literal $title:literal;)*) => {
        $(
            #[doc = concat!("`", $code, "`, ", stringify!($status), ": ", $title, ".")]
            pub const $name: ProblemKind = ProblemKind { code: $code, status: $status, title: $title };
        )*
        /// Every registered kind.
        pub const ALL: &[ProblemKind] = &[$($name),*];
    };
}

kinds! {
    MALFORMED_BODY 400 "malformed-body" "The request body is not readable";
    BAD_CURSOR 400 "bad-cursor" "The cursor is not one of ours";
    CURSOR_MISMATCH 400 "cursor-mismatch" "The cursor belongs to another filter";
    BAD_QUERY 400 "bad-query" "The query is not readable";
    IDEMPOTENCY_KEY_MISSING 400 "idempotency-key-missing" "The Idempotency-Key header is missing or unusable";
    NOT_SIGNED_IN 401 "not-signed-in" "There is no valid credential";
    CREDENTIAL_EXPIRED 401 "credential-expired" "The credential has expired";
    WRONG_CREDENTIALS 401 "wrong-credentials" "E-mail or password is wrong";
    NOT_ALLOWED 403 "not-allowed" "This needs a right that you do not have";
    CROSS_SITE_REQUEST 403 "cross-site-request" "The request comes from another site";
    GRANT_REQUIRED 403 "grant-required" "This needs a grant with a reason";
    NOT_FOUND 404 "not-found" "There is nothing here";
    METHOD_NOT_ALLOWED 405 "method-not-allowed" "This place does not know that method";
    TIMEOUT 408 "timeout" "The request arrived too slowly";
    IDEMPOTENCY_IN_PROGRESS 409 "request-in-progress" "The same request is being worked on";
    ALREADY_EXISTS 409 "already-exists" "There is one already";
    INVALID_TRANSITION 409 "invalid-transition" "The present state does not allow this";
    TENANT_SUSPENDED 409 "tenant-suspended" "The tenant is suspended";
    PLAN_STALE 409 "plan-stale" "The plan was made for an older state";
    APPROVAL_MISSING 409 "approval-missing" "This plan needs an approval first";
    CONNECTION_NOT_READY 409 "connection-not-ready" "The AWS account is not connected yet";
    STALE_VERSION 412 "stale-version" "Somebody else changed it meanwhile";
    BODY_TOO_LARGE 413 "body-too-large" "The request body is too large";
    UNSUPPORTED_MEDIA_TYPE 415 "unsupported-media-type" "The media type is not supported";
    UNKNOWN_FIELD 422 "unknown-field" "The request has a field that nobody reads";
    VALIDATION_FAILED 422 "validation-failed" "The request is readable but wrong";
    NUMBER_NOT_EXACT 422 "number-not-exact" "A number would lose digits; send it as text";
    IDEMPOTENCY_KEY_REUSED 422 "idempotency-key-reused" "The Idempotency-Key was used for another request";
    QUOTA_EXCEEDED 422 "quota-exceeded" "A quota would be exceeded";
    POLICY_REFUSED 422 "policy-refused" "A policy refuses this";
    TOKEN_NOT_USABLE 422 "token-not-usable" "The link is wrong, used or expired";
    IF_MATCH_MISSING 428 "if-match-missing" "The If-Match header is missing";
    RATE_LIMITED 429 "rate-limited" "Too many requests";
    INTERNAL 500 "internal" "Something went wrong on our side";
    UNAVAILABLE 503 "unavailable" "This cannot be served right now";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_unique_kebab_case_and_errors() {
        let codes: HashSet<_> = ALL.iter().map(|kind| kind.code).collect();
        assert_eq!(codes.len(), ALL.len());
        for kind in ALL {
            assert!(
                kind.code
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'-'),
                "{kind:?}"
            );
            assert!((400..600).contains(&kind.status), "{kind:?}");
        }
    }
}
