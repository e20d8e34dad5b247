//! Sessions: one connection that statements share, one after the other.
//!
//! A session is made by a statement with `SessionKeepAliveSeconds`, waits so long for the next one after each, and ends
//! after 24 hours in any case. Sources: API_ExecuteStatement, API_SessionData; management guide, "Running SQL
//! statements with session reuse".

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use tokio_postgres::Client;

use super::statement::Owner;
use super::target::Target;

/// Longest life of a session, and longest wait for the next statement.
pub(super) const LIFETIME: TimeDelta = TimeDelta::hours(24);

/// A session and its connection.
pub(crate) struct Session {
    pub(super) id: String,
    /// Place in the order of creation.
    pub(super) number: u64,
    pub(super) owner: Owner,
    pub(super) target: Target,
    pub(super) created_at: DateTime<Utc>,
    state: Mutex<State>,
    /// Made by the first statement that runs; temporary tables live in it.
    pub(super) connection: tokio::sync::Mutex<Option<Client>>,
}

#[derive(Clone, Debug)]
struct State {
    keep_alive: TimeDelta,
    updated_at: DateTime<Utc>,
    /// The statement that runs in it.
    current: Option<String>,
}

/// What a session is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum SessionStatus {
    Available,
    Busy,
    Closed,
}

/// A session as it is now.
pub(super) struct SessionView {
    pub(super) status: SessionStatus,
    pub(super) updated_at: DateTime<Utc>,
    pub(super) keep_alive: TimeDelta,
    pub(super) current: Option<String>,
}

impl SessionView {
    /// When it closes if nothing more happens.
    pub(super) fn ends_at(&self, created_at: DateTime<Utc>) -> DateTime<Utc> {
        (self.updated_at + self.keep_alive).min(created_at + LIFETIME)
    }
}

impl Session {
    /// A session that its first statement keeps busy.
    pub(super) fn begin(
        (id, number): (String, u64),
        (owner, target): (Owner, Target),
        keep_alive: TimeDelta,
        (statement, now): (String, DateTime<Utc>),
    ) -> Self {
        Self {
            id,
            number,
            owner,
            target,
            created_at: now,
            state: Mutex::new(State {
                keep_alive,
                updated_at: now,
                current: Some(statement),
            }),
            connection: tokio::sync::Mutex::new(None),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn view(&self, now: DateTime<Utc>) -> SessionView {
        let state = self.lock().clone();
        let idle_too_long = state.current.is_none() && now >= state.updated_at + state.keep_alive;
        let status = if idle_too_long || now >= self.created_at + LIFETIME {
            SessionStatus::Closed
        } else if state.current.is_some() {
            SessionStatus::Busy
        } else {
            SessionStatus::Available
        };
        let busy = status == SessionStatus::Busy;
        SessionView {
            status,
            updated_at: state.updated_at,
            keep_alive: state.keep_alive,
            current: state.current.filter(|_| busy),
        }
    }

    /// Takes an available session for a statement. The registry's lock keeps two from doing so at once.
    pub(super) fn occupy(&self, statement: &str, keep_alive: Option<TimeDelta>, now: DateTime<Utc>) {
        let mut state = self.lock();
        state.current = Some(statement.to_owned());
        state.updated_at = now;
        state.keep_alive = keep_alive.unwrap_or(state.keep_alive);
    }

    /// The statement has ended; the wait for the next one begins.
    pub(super) fn release(&self, now: DateTime<Utc>) {
        let mut state = self.lock();
        state.current = None;
        state.updated_at = now;
    }

    /// Ends the connection of a session that is closed; its temporary tables go with it.
    pub(super) fn hang_up(&self) {
        if let Ok(mut connection) = self.connection.try_lock() {
            *connection = None;
        }
    }
}
