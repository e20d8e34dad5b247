//! What is answered to input that no SDK would send: a documented code, never a 500, never silence.

mod bodies;
mod names;
mod signatures;

use conformance::{Answer, Raw};

/// The status and the code.
fn refused(answer: &Answer) -> (u16, String) {
    (answer.status, answer.code())
}

const WHO: &str = "Action=GetCallerIdentity&Version=2011-06-15";

/// Sends a form and gives status and code.
async fn form(raw: Raw, body: &str) -> (u16, String) {
    refused(&raw.form(body).send().await)
}
