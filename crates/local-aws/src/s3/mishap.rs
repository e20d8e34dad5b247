//! Faults that take their effect deep in a call: where bytes are written, where one key of many is deleted.
//!
//! The gate learns of them when s3s has told the operation and before it is carried out, in the same task. They are
//! therefore the task's: what is written or deleted by no call meets none.

use std::cell::Cell;
use std::io;

use s3s::{S3Error, S3ErrorCode, S3Result};

use crate::control::Failing;

/// What the running call meets.
#[derive(Clone, Copy, Default)]
struct Mishap {
    disk_full: bool,
    failing: Option<Failing>,
}

tokio::task_local! {
    static MISHAP: Cell<Mishap>;
}

/// Runs a call to its end, with what it may meet.
pub(crate) async fn within<F: Future>(call: F) -> F::Output {
    MISHAP.scope(Cell::new(Mishap::default()), call).await
}

fn met() -> Mishap {
    MISHAP.try_with(Cell::get).unwrap_or_default()
}

fn meet(change: impl FnOnce(&mut Mishap)) {
    let mut mishap = met();
    change(&mut mishap);
    // Outside of a call there is nothing to meet it.
    let _ = MISHAP.try_with(|cell| cell.set(mishap));
}

/// Lets the disk take nothing more of the running call.
pub(crate) fn fill_disk() {
    meet(|mishap| mishap.disk_full = true);
}

/// Lets some of the keys fail that the running call is about.
pub(crate) fn let_keys_fail(failing: Failing) {
    meet(|mishap| mishap.failing = Some(failing));
}

/// Asked where bytes are written.
///
/// # Errors
/// The disk is full.
pub(crate) fn refuse_full_disk() -> io::Result<()> {
    if met().disk_full {
        return Err(io::ErrorKind::StorageFull.into());
    }
    Ok(())
}

/// Asked for each key of a call about many.
///
/// # Errors
/// `InternalError`, which a client may try again.
pub(crate) fn refuse_key(key: &str) -> S3Result<()> {
    if met().failing.is_some_and(|failing| failing.hits(key, &[])) {
        let why = "We encountered an internal error. Please try again.";
        return Err(S3Error::with_message(S3ErrorCode::InternalError, why));
    }
    Ok(())
}
