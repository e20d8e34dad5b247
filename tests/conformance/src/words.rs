//! Words that the cases share.

use std::fmt::Debug;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// Looks for a state that AWS reaches after a while, this often and this far apart at most.
const LOOKS_MAX: u32 = 120;
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// The error code of a call that must be refused.
///
/// # Panics
/// When it was not.
pub fn code<T: Debug, E: ProvideErrorMetadata + Debug, R: Debug>(
    outcome: Result<T, SdkError<E, R>>,
) -> String {
    let error = outcome.expect_err("the call is refused");
    let code = error.code().map(str::to_owned);
    code.unwrap_or_else(|| format!("{error:?}"))
}

/// The HTTP status of a call that must be refused.
///
/// # Panics
/// When it was not, or when there was no answer.
pub fn status<T: Debug, E: Debug>(outcome: Result<T, SdkError<E, HttpResponse>>) -> u16 {
    let error = outcome.expect_err("the call is refused");
    let response = error.raw_response().expect("the refusal is an answer");
    response.status().as_u16()
}

/// Asks until the answer is yes. On an endpoint where nothing takes time, the first look sees it.
///
/// # Panics
/// When it stays no.
pub async fn eventually(what: &str, mut look: impl AsyncFnMut() -> bool) {
    for _ in 0..LOOKS_MAX {
        if look().await {
            return;
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
    panic!("never: {what}");
}
