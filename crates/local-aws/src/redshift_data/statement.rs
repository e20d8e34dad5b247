//! A submitted statement and how far it is.
//!
//! What was submitted never changes; what has happened is behind a lock of its own, and waiters are woken at each
//! change. Source: API_DescribeStatement, "Status".

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_postgres::CancelToken;

/// How long a finished statement and its results can be asked for.
const HISTORY: TimeDelta = TimeDelta::hours(24);
/// How long a ClientToken is remembered (verify on AWS).
const TOKEN_LIFETIME: TimeDelta = TimeDelta::hours(8);
/// Statements that may be under way at once.
const ACTIVE_MAX: usize = 500;

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

/// What was submitted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Submission {
    pub(crate) account: String,
    pub(crate) cluster: Option<String>,
    pub(crate) workgroup: Option<String>,
    pub(crate) database: String,
    pub(crate) db_user: Option<String>,
    pub(crate) secret_arn: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) sqls: Vec<String>,
    /// Whether it came as a batch, even of one.
    pub(crate) batch: bool,
    /// Whether all of it is one transaction.
    pub(crate) transaction: bool,
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
}

/// A submission, its progress and those who wait for it.
pub(crate) struct Statement {
    pub(crate) id: String,
    pub(crate) created_at: DateTime<Utc>,
    /// Place in the order of submission.
    pub(crate) number: u64,
    pub(crate) submission: Submission,
    progress: Mutex<Progress>,
    changed: watch::Sender<()>,
    /// Set while a backend works for it.
    pub(crate) cancel: Mutex<Option<CancelToken>>,
}

impl Statement {
    pub(crate) fn progress(&self) -> Progress {
        self.lock().clone()
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

    /// Waits until the statement has ended, or for so many seconds.
    pub(crate) async fn wait(&self, seconds: u64) {
        let mut changes = self.changed.subscribe();
        let ended = async {
            while !self.lock().status.is_final() {
                if changes.changed().await.is_err() {
                    return;
                }
            }
        };
        // Running out of time is an answer like any other: the caller reads the status.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(seconds), ended).await;
    }
}

/// Why a submission was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// The token belongs to another request.
    OtherRequest,
    /// Too many statements are under way.
    TooMany,
}

/// What a submission became.
pub(crate) enum Taken {
    /// It is new and must be run.
    New(Arc<Statement>),
    /// The same request under the same token came before.
    Before(Arc<Statement>),
}

#[derive(Default)]
struct Known {
    statements: BTreeMap<String, Arc<Statement>>,
    /// By account and token.
    tokens: HashMap<(String, String), (Arc<Statement>, DateTime<Utc>)>,
    count: u64,
}

/// All statements of the last 24 hours.
#[derive(Default)]
pub(crate) struct Registry(Mutex<Known>);

impl Registry {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a submission, or finds the one its token stands for.
    pub(crate) fn take(
        &self,
        submission: Submission,
        token: Option<String>,
        (id, now): (String, DateTime<Utc>),
    ) -> Result<Taken, NotTaken> {
        let mut known = self.lock();
        known.forget(now);
        let token = token.map(|token| (submission.account.clone(), token));
        if let Some((statement, _)) = token.as_ref().and_then(|token| known.tokens.get(token)) {
            let same = statement.submission == submission;
            return if same {
                Ok(Taken::Before(Arc::clone(statement)))
            } else {
                Err(NotTaken::OtherRequest)
            };
        }
        let active = known
            .statements
            .values()
            .filter(|statement| !statement.lock().status.is_final())
            .count();
        if active >= ACTIVE_MAX {
            return Err(NotTaken::TooMany);
        }
        known.count += 1;
        let statement = Arc::new(new(submission, id, known.count, now));
        known
            .statements
            .insert(statement.id.clone(), Arc::clone(&statement));
        if let Some(token) = token {
            known.tokens.insert(token, (Arc::clone(&statement), now));
        }
        Ok(Taken::New(statement))
    }

    /// A statement of an account.
    pub(crate) fn find(&self, account: &str, id: &str, now: DateTime<Utc>) -> Option<Arc<Statement>> {
        let mut known = self.lock();
        known.forget(now);
        known
            .statements
            .get(id)
            .filter(|statement| statement.submission.account == account)
            .cloned()
    }

    /// All statements of an account, newest first.
    pub(crate) fn list(&self, account: &str, now: DateTime<Utc>) -> Vec<Arc<Statement>> {
        let mut known = self.lock();
        known.forget(now);
        let own = known
            .statements
            .values()
            .filter(|statement| statement.submission.account == account);
        let mut own: Vec<_> = own.cloned().collect();
        own.sort_by_key(|statement| std::cmp::Reverse(statement.number));
        own
    }
}

impl Known {
    fn forget(&mut self, now: DateTime<Utc>) {
        self.statements.retain(|_, statement| {
            !statement.lock().status.is_final() || now - statement.created_at < HISTORY
        });
        self.tokens.retain(|_, (_, at)| now - *at < TOKEN_LIFETIME);
    }
}

fn new(submission: Submission, id: String, number: u64, now: DateTime<Utc>) -> Statement {
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
    };
    Statement {
        id,
        created_at: now,
        number,
        submission,
        progress: Mutex::new(progress),
        changed: watch::Sender::new(()),
        cancel: Mutex::new(None),
    }
}
