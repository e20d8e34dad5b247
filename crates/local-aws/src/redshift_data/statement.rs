//! A submitted statement and how far it is.
//!
//! What was submitted never changes; what has happened is behind a lock of its own, and waiters are woken at each
//! change. Source: API_DescribeStatement, "Status".

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_postgres::CancelToken;

use super::registry::Arrival;
use super::session::Session;
use super::target::Target;
use crate::control::Fault;
use crate::service::Call;

/// Calls that may wait for one statement at once. AWS has such a limit and does not say which.
const WAITING_MAX: usize = 10;

/// Status of a statement or a sub-statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Status {
    Submitted,
    Picked,
    Started,
    Finished,
    Failed,
    Aborted,
}

impl Status {
    /// Whether nothing will change any more.
    pub(crate) fn is_final(self) -> bool {
        match self {
            Self::Submitted | Self::Picked | Self::Started => false,
            Self::Finished | Self::Failed | Self::Aborted => true,
        }
    }
}

/// A named parameter; values are text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct SqlParameter {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// Whose statement it is: the role or user, and the very session of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Owner {
    pub(crate) account: String,
    pub(crate) region: String,
    /// ARN of the role or user.
    pub(crate) role: String,
    /// `aws:userid`, which tells two sessions of a role apart.
    pub(crate) user_id: String,
}

impl Owner {
    pub(crate) fn of(call: &Call) -> Self {
        Self {
            account: call.caller.account.clone(),
            region: call.region.clone(),
            role: call.caller.policy_arn().to_owned(),
            user_id: call.caller.user_id(),
        }
    }

    /// Whether both are of one account in one region.
    pub(crate) fn shares_place(&self, other: &Self) -> bool {
        self.account == other.account && self.region == other.region
    }

    /// Whether lists of `asking` show what belongs to this owner.
    pub(crate) fn shows_to(&self, asking: &Self, role_level: bool) -> bool {
        let same_role = self.shares_place(asking) && self.role == asking.role;
        same_role && (role_level || self.user_id == asking.user_id)
    }
}

/// What was submitted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Submission {
    pub(crate) owner: Owner,
    pub(crate) target: Target,
    /// The session to run in.
    pub(crate) session: Option<String>,
    /// Seconds to keep a session alive.
    pub(crate) keep_alive: Option<i64>,
    pub(crate) name: Option<String>,
    pub(crate) sqls: Vec<String>,
    /// Whether it came as a batch, even of one.
    pub(crate) batch: bool,
    /// Whether all of it is one transaction.
    pub(crate) transaction: bool,
    /// Whether results are CSV and not JSON.
    pub(crate) csv: bool,
    pub(crate) parameters: Vec<SqlParameter>,
}

/// A column of a result.
#[derive(Clone, Debug)]
pub(crate) struct ResultColumn {
    pub(crate) name: String,
    pub(crate) kind: tokio_postgres::types::Type,
}

/// The rows of a query, as text.
#[derive(Debug, Default)]
pub(crate) struct ResultSet {
    pub(crate) columns: Vec<ResultColumn>,
    pub(crate) rows: Vec<Vec<Option<String>>>,
}

/// How far one statement of a submission is.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) status: Status,
    pub(crate) error: Option<String>,
    /// Rows returned or changed; -1 for a statement that counts none.
    pub(crate) rows: i64,
    pub(crate) bytes: i64,
    pub(crate) nanos: i64,
    pub(crate) result: Option<Arc<ResultSet>>,
    pub(crate) updated_at: DateTime<Utc>,
}

/// How far a submission is.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    pub(crate) status: Status,
    pub(crate) error: Option<String>,
    pub(crate) steps: Vec<Step>,
    pub(crate) updated_at: DateTime<Utc>,
    /// Somebody asked for an end.
    pub(crate) cancelled: bool,
    /// The process of the warehouse that works for it.
    pub(crate) pid: i64,
}

/// A submission, its progress and those who wait for it.
pub(crate) struct Statement {
    pub(crate) id: String,
    pub(crate) created_at: DateTime<Utc>,
    /// Place in the order of submission.
    pub(crate) number: u64,
    pub(crate) submission: Submission,
    /// What it connects to: the submission's own target, or its session's.
    pub(crate) target: Target,
    pub(crate) session: Option<Arc<Session>>,
    /// What a fault has in store for it.
    pub(crate) fault: Option<Fault>,
    progress: Mutex<Progress>,
    waiting: AtomicUsize,
    changed: watch::Sender<()>,
    /// Set while a backend works for it.
    pub(crate) cancel: Mutex<Option<CancelToken>>,
}

impl Statement {
    pub(crate) fn progress(&self) -> Progress {
        self.lock().clone()
    }

    pub(crate) fn status(&self) -> Status {
        self.lock().status
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the progress and wakes who waits.
    pub(crate) fn update<T>(&self, now: DateTime<Utc>, change: impl FnOnce(&mut Progress) -> T) -> T {
        let outcome = {
            let mut progress = self.lock();
            progress.updated_at = now;
            change(&mut progress)
        };
        self.changed.send_replace(());
        outcome
    }

    /// Waits until the statement has ended, or for so many seconds; false when too many wait already.
    pub(crate) async fn wait(&self, seconds: u64) -> bool {
        if seconds == 0 {
            return true;
        }
        let (_place, allowed) = Waiting::take(&self.waiting);
        if !allowed {
            return false;
        }
        let ended = self.until(|progress| progress.status.is_final());
        // Running out of time is an answer like any other: the caller reads the status.
        let _ = tokio::time::timeout(Duration::from_secs(seconds), ended).await;
        true
    }

    /// Waits until somebody asks for an end.
    pub(crate) async fn cancelled(&self) {
        self.until(|progress| progress.cancelled).await;
    }

    async fn until(&self, reached: impl Fn(&Progress) -> bool) {
        let mut changes = self.changed.subscribe();
        while !reached(&self.lock()) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }
}

/// A place among those who wait for one statement, given back when dropped: a caller may hang up.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    /// The place, and whether there was room for it.
    fn take(count: &'a AtomicUsize) -> (Self, bool) {
        let before = count.fetch_add(1, Ordering::Relaxed);
        (Self(count), before < WAITING_MAX)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A statement that nothing has happened to yet.
pub(super) fn new(
    submission: Submission,
    arrival: Arrival,
    (number, session): (u64, Option<Arc<Session>>),
) -> Statement {
    let now = arrival.now;
    let step = Step {
        status: Status::Submitted,
        error: None,
        rows: -1,
        bytes: -1,
        nanos: 0,
        result: None,
        updated_at: now,
    };
    let progress = Progress {
        status: Status::Submitted,
        error: None,
        steps: vec![step; submission.sqls.len()],
        updated_at: now,
        cancelled: false,
        pid: 0,
    };
    let target = session
        .as_ref()
        .map_or_else(|| submission.target.clone(), |session| session.target.clone());
    Statement {
        id: arrival.id,
        created_at: now,
        number,
        submission,
        target,
        session,
        fault: arrival.fault,
        progress: Mutex::new(progress),
        waiting: AtomicUsize::new(0),
        changed: watch::Sender::new(()),
        cancel: Mutex::new(None),
    }
}
