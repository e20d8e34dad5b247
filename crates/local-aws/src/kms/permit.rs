//! Who may use a key: its policy decides first, and the account's policies only where it lets them.
//!
//! Source: KMS developer guide, "Key policies in AWS KMS" and "Determining access to AWS KMS keys".

use super::key::{Key, State};
use crate::auth::Caller;
use crate::core::Core;
use crate::error::AwsError;
use crate::iam::policy::{Context, Document, Question, ResourcePolicy};

/// Asks whether the caller may do `kms:<operation>` with the key.
pub(super) fn permit(
    core: &Core,
    caller: &Caller,
    (key, operation): (&Key, &str),
    context: &Context,
) -> Result<(), AwsError> {
    let document = Document::resource(&key.policy).map_err(|_| invalid_state(key))?;
    let (action, arn) = (format!("kms:{operation}"), key.arn());
    let context = context
        .clone()
        .resource_tags(&key.tags)
        .with("kms:CallerAccount", &caller.account);
    let question = Question {
        action: &action,
        resource: &arn,
        context: &context,
    };
    let policy = ResourcePolicy {
        document: Some(&document),
        owner: &key.account,
    };
    // Within an account too, a key's policy that does not reach the caller is the end of it.
    core.authority(caller)
        .ask_guarded(&question, &policy)
        .map_err(|refused| refused.into_error("AccessDeniedException"))
}

/// Operations that a policy may open to other accounts ("Cross-account use: Yes" of their pages).
const ABROAD: [&str; 6] = [
    "Decrypt",
    "DescribeKey",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GetKeyRotationStatus",
];

/// Refuses to another account what no policy can give it.
pub(super) fn refuse_abroad(caller: &Caller, (key, operation): (&Key, &str)) -> Result<(), AwsError> {
    if key.account == caller.account || ABROAD.contains(&operation) {
        return Ok(());
    }
    Err(denied(caller, operation, key))
}

fn denied(caller: &Caller, operation: &str, key: &Key) -> AwsError {
    let why = format!(
        "User: {} is not authorized to perform: kms:{operation} on resource: {} because no resource-based policy allows the kms:{operation} action",
        caller.principal_arn,
        key.arn()
    );
    AwsError::bad("AccessDeniedException", why)
}

/// The refusal of a key that may not be used as it stands.
pub(super) fn require_usable(key: &Key) -> Result<(), AwsError> {
    match key.state {
        State::Enabled => Ok(()),
        State::Disabled => Err(AwsError::bad(
            "DisabledException",
            format!("{} is disabled.", key.arn()),
        )),
        State::PendingDeletion(_) => Err(invalid_state(key)),
    }
}

/// `KMSInvalidStateException`.
pub(super) fn invalid_state(key: &Key) -> AwsError {
    let state = match key.state {
        State::PendingDeletion(_) => "pending deletion",
        State::Enabled => "enabled",
        State::Disabled => "disabled",
    };
    AwsError::bad("KMSInvalidStateException", format!("{} is {state}.", key.arn()))
}
