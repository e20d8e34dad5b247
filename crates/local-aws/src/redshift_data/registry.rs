//! All statements and sessions of an endpoint: who may have another one, and what is forgotten when.
//!
//! Sources: API_ExecuteStatement ("ClientToken", errors); management guide, "Considerations when calling the Amazon
//! Redshift Data API".

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::session::{Session, SessionStatus};
use super::statement::{Owner, Statement, Submission, new};
use crate::control::Fault;

/// How long a finished statement and its results can be asked for.
const HISTORY: TimeDelta = TimeDelta::hours(24);
/// How long a ClientToken is remembered (verify on AWS).
const TOKEN_LIFETIME: TimeDelta = TimeDelta::hours(8);
/// Statements that may be under way on a cluster or workgroup at once (read 2026-11).
const ACTIVE_MAX: usize = 500;
/// Sessions that may be open on a cluster or workgroup at once (read 2026-11).
const SESSIONS_MAX: usize = 500;

/// Why a submission was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// The token belongs to another request.
    OtherRequest,
    /// Too many statements are under way.
    TooMany,
    /// Too many sessions are open.
    TooManySessions,
    /// There is no such session.
    NoSession,
    /// The session runs another statement.
    SessionBusy,
    /// The session is over.
    SessionClosed,
}

/// What a submission became.
pub(crate) enum Taken {
    /// It is new and must be run.
    New(Arc<Statement>),
    /// The same request under the same token came before.
    Before(Arc<Statement>),
}

/// What comes with a submission and is not part of what is submitted.
pub(crate) struct Arrival {
    pub(crate) token: Option<String>,
    pub(crate) now: DateTime<Utc>,
    /// Id for the statement, should it be new.
    pub(crate) id: String,
    /// Id for a session, should one be made.
    pub(crate) session_id: String,
    pub(crate) fault: Option<Fault>,
}

#[derive(Default)]
struct Known {
    statements: BTreeMap<String, Arc<Statement>>,
    sessions: BTreeMap<String, Arc<Session>>,
    /// By account and token.
    tokens: HashMap<(String, String), (Arc<Statement>, DateTime<Utc>)>,
    count: u64,
}

/// All statements and sessions of the last 24 hours.
#[derive(Default)]
pub(crate) struct Registry(Mutex<Known>);

impl Registry {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a submission, or finds the one its token stands for.
    pub(crate) fn take(&self, submission: Submission, arrival: Arrival) -> Result<Taken, NotTaken> {
        let mut known = self.lock();
        let now = arrival.now;
        known.forget(now);
        let account = submission.owner.account.clone();
        let token = arrival.token.clone().map(|token| (account, token));
        if let Some((statement, _)) = token.as_ref().and_then(|token| known.tokens.get(token)) {
            let same = statement.submission == submission;
            return if same {
                Ok(Taken::Before(Arc::clone(statement)))
            } else {
                Err(NotTaken::OtherRequest)
            };
        }
        if known.active(&submission) >= ACTIVE_MAX {
            return Err(NotTaken::TooMany);
        }
        known.count += 1;
        let session = known.session_for(&submission, &arrival)?;
        let statement = Arc::new(new(submission, arrival, (known.count, session)));
        known
            .statements
            .insert(statement.id.clone(), Arc::clone(&statement));
        if let Some(token) = token {
            known.tokens.insert(token, (Arc::clone(&statement), now));
        }
        Ok(Taken::New(statement))
    }

    /// A statement of an account in a region.
    pub(crate) fn find(&self, owner: &Owner, id: &str, now: DateTime<Utc>) -> Option<Arc<Statement>> {
        let mut known = self.lock();
        known.forget(now);
        let found = known
            .statements
            .get(id)
            .filter(|statement| statement.submission.owner.shares_place(owner));
        found.cloned()
    }

    /// Statements of a role or user, newest first.
    pub(crate) fn list(&self, asking: &Owner, role_level: bool, now: DateTime<Utc>) -> Vec<Arc<Statement>> {
        let mut known = self.lock();
        known.forget(now);
        let own = known
            .statements
            .values()
            .filter(|statement| statement.submission.owner.shows_to(asking, role_level));
        let mut own: Vec<_> = own.cloned().collect();
        own.sort_by_key(|statement| std::cmp::Reverse(statement.number));
        own
    }

    /// Sessions of a role or user, newest first.
    pub(crate) fn sessions(&self, asking: &Owner, role_level: bool, now: DateTime<Utc>) -> Vec<Arc<Session>> {
        let mut known = self.lock();
        known.forget(now);
        let own = known
            .sessions
            .values()
            .filter(|session| session.owner.shows_to(asking, role_level));
        let mut own: Vec<_> = own.cloned().collect();
        own.sort_by_key(|session| std::cmp::Reverse(session.number));
        own
    }

    /// A session of a role or user, whatever it is doing.
    pub(crate) fn session(&self, owner: &Owner, id: &str) -> Option<Arc<Session>> {
        let known = self.lock();
        let session = known.sessions.get(id);
        session
            .filter(|session| session.owner.shows_to(owner, true))
            .cloned()
    }

    /// Forgets everything that has ended, whenever it did.
    pub(crate) fn forget_ended(&self) {
        let mut known = self.lock();
        known
            .statements
            .retain(|_, statement| !statement.status().is_final());
        known
            .tokens
            .retain(|_, (statement, _)| !statement.status().is_final());
    }
}

impl Known {
    /// How many statements are under way where this one wants to run.
    fn active(&self, submission: &Submission) -> usize {
        let session = submission.session.as_ref().and_then(|id| self.sessions.get(id));
        let target = session.map_or(&submission.target, |session| &session.target);
        let here = self.statements.values().filter(|statement| {
            let owner = &statement.submission.owner;
            owner.shares_place(&submission.owner) && statement.target.is_same_place(target)
        });
        here.filter(|statement| !statement.status().is_final()).count()
    }

    /// The session a submission runs in: the one it names, a new one, or none.
    fn session_for(
        &mut self,
        submission: &Submission,
        arrival: &Arrival,
    ) -> Result<Option<Arc<Session>>, NotTaken> {
        let keep_alive = submission.keep_alive.map(TimeDelta::seconds);
        if let Some(id) = &submission.session {
            let session = self.sessions.get(id).ok_or(NotTaken::NoSession)?;
            return match session.view(arrival.now).status {
                SessionStatus::Closed => Err(NotTaken::SessionClosed),
                SessionStatus::Busy => Err(NotTaken::SessionBusy),
                SessionStatus::Available => {
                    session.occupy(&arrival.id, keep_alive, arrival.now);
                    Ok(Some(Arc::clone(session)))
                }
            };
        }
        match keep_alive.filter(|keep_alive| *keep_alive > TimeDelta::zero()) {
            Some(keep_alive) => self.new_session(submission, arrival, keep_alive).map(Some),
            None => Ok(None),
        }
    }

    fn new_session(
        &mut self,
        submission: &Submission,
        arrival: &Arrival,
        keep_alive: TimeDelta,
    ) -> Result<Arc<Session>, NotTaken> {
        let here = self.sessions.values().filter(|session| {
            session.owner.shares_place(&submission.owner) && session.target.is_same_place(&submission.target)
        });
        let open = here.filter(|session| session.view(arrival.now).status != SessionStatus::Closed);
        if open.count() >= SESSIONS_MAX {
            return Err(NotTaken::TooManySessions);
        }
        let session = Arc::new(Session::begin(
            (arrival.session_id.clone(), self.count),
            (submission.owner.clone(), submission.target.clone()),
            keep_alive,
            (arrival.id.clone(), arrival.now),
        ));
        self.sessions.insert(session.id.clone(), Arc::clone(&session));
        Ok(session)
    }

    fn forget(&mut self, now: DateTime<Utc>) {
        self.statements
            .retain(|_, statement| !statement.status().is_final() || now - statement.created_at < HISTORY);
        self.tokens.retain(|_, (_, at)| now - *at < TOKEN_LIFETIME);
        for session in self.sessions.values() {
            if session.view(now).status == SessionStatus::Closed {
                session.hang_up();
            }
        }
        self.sessions
            .retain(|_, session| now - session.created_at < HISTORY);
    }
}
