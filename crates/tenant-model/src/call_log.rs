//! The account's own log of calls beside our ledger: a call that is in the log and not in the ledger is an alarm.
//!
//! Calls are matched session by session. A closed round tells its sessions by the ids of their keys, and how often
//! they called what; a call that changes something must have been intended besides. A round that is open, because it is
//! under way or its worker has died, is known by its sessions' name for as long as a session can live: what only looks
//! is taken as its own then, what changes something still has to be intended. Whoever compares reads the log first and
//! the ledger after, so that each call in the log had its chance to be in the ledger.
//!
//! Fields: CloudTrail user guide, "CloudTrail record contents" and "CloudTrail userIdentity element".

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::ledger::Account;

/// Longest time from the opening of a round to its last call: a session lives a quarter of an hour, and a round that is
/// under way takes new ones.
const ROUND_LIFE: TimeDelta = TimeDelta::hours(1);
/// Our clock and AWS's may differ by as much: AWS refuses requests that are off by more (Signature Version 4).
const SKEW: TimeDelta = TimeDelta::minutes(5);
/// What a call without effect was answered.
const NO_EFFECT: [&str; 4] = [
    "DryRunOperation",
    "UnauthorizedOperation",
    "AccessDenied",
    "AccessDeniedException",
];

/// What an event of the log is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Somebody assumed the role.
    Assumed,
    /// Somebody called as a session of the role.
    Called,
}

/// An event of the account's log that concerns our role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEvent {
    /// Its id in the log.
    pub id: String,
    /// What it is about.
    pub kind: EventKind,
    /// When, to the second.
    pub at: DateTime<Utc>,
    /// Where.
    pub region: String,
    /// The API's action.
    pub action: String,
    /// Name of the session.
    pub session_name: String,
    /// Id of the access key of the session.
    pub key: String,
    /// Whether the action only looks.
    pub read_only: bool,
    /// What was answered, unless it was success; without `Client.` or `Server.` before it.
    pub error: Option<String>,
    /// AWS's id of the request.
    pub request_id: String,
    /// Who was named as acting.
    pub source_identity: Option<String>,
    /// Where it came from.
    pub source_ip: String,
}

impl LogEvent {
    fn takes_effect(&self) -> bool {
        let error = self.error.as_deref();
        !self.read_only && !error.is_some_and(|code| NO_EFFECT.contains(&code))
    }
}

/// What a comparison found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// Somebody assumed the role, and no round of ours did.
    ForeignSession,
    /// A call under the role that our ledger does not have.
    ForeignCall,
    /// A call of our ledger that the log does not have. CloudTrail promises no bound of its delay.
    MissingInLog,
    /// Something carries a living deployment's tags and is not of it.
    Orphan,
}

impl FindingKind {
    /// Stable name in the database and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ForeignSession => "foreign_session",
            Self::ForeignCall => "foreign_call",
            Self::MissingInLog => "missing_in_log",
            Self::Orphan => "orphan",
        }
    }

    /// Whether somebody has to look at it.
    #[must_use]
    pub const fn is_alarm(self) -> bool {
        match self {
            Self::ForeignSession | Self::ForeignCall | Self::Orphan => true,
            Self::MissingInLog => false,
        }
    }

    /// What it means and what to do, for the person who reads it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::ForeignSession => {
                "The role was assumed, and not by us: its external id is known to somebody. Delete the role's stack, \
                 connect anew, and look in CloudTrail for what the session did."
            }
            Self::ForeignCall => {
                "A call was made as our role that our ledger does not have. Delete the role's stack, connect anew, and \
                 look in CloudTrail for the other calls of the session."
            }
            Self::MissingInLog => {
                "A call of the ledger is not in CloudTrail's event history yet. CloudTrail promises no bound of its delay."
            }
            Self::Orphan => "Something carries a deployment's tags and is not part of it. It may cost money.",
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference<'a> {
    /// What it is.
    pub kind: FindingKind,
    /// The event, for what the log has.
    pub event: Option<&'a LogEvent>,
    /// Action and request id, for what the log lacks.
    pub missing: Option<(&'a str, &'a str)>,
}

/// Over which time a comparison speaks.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// From when the log was read.
    pub from: DateTime<Utc>,
    /// Calls after this moment may still be on their way into the log.
    pub delivered_until: DateTime<Utc>,
}

/// Compares what the log has of our role with the rounds of the ledger.
#[must_use]
pub fn compare<'a>(accounts: &'a [Account], events: &'a [LogEvent], span: Span) -> Vec<Difference<'a>> {
    let mut books = Books::new(accounts);
    let mut found = Vec::new();
    // Those that are known by their ids first: what is left over is for those whose answer was lost.
    let known: BTreeSet<&str> = events
        .iter()
        .filter(|event| event.kind == EventKind::Assumed && books.assumed_exactly(event))
        .map(|event| event.id.as_str())
        .collect();
    for event in events {
        let accounted = match event.kind {
            EventKind::Assumed => {
                event.error.is_some() || known.contains(event.id.as_str()) || books.assumed(event)
            }
            EventKind::Called => books.called(event),
        };
        if !accounted {
            let kind = match event.kind {
                EventKind::Assumed => FindingKind::ForeignSession,
                EventKind::Called => FindingKind::ForeignCall,
            };
            found.push(Difference {
                kind,
                event: Some(event),
                missing: None,
            });
        }
    }
    found.extend(missing(accounts, events, span));
    found
}

fn missing<'a>(
    accounts: &'a [Account],
    events: &'a [LogEvent],
    span: Span,
) -> impl Iterator<Item = Difference<'a>> {
    let seen: BTreeSet<&str> = events.iter().map(|event| event.request_id.as_str()).collect();
    let answered = accounts.iter().flat_map(|account| &account.answered);
    answered
        .filter(move |(at, _, request)| {
            *at > span.from + SKEW && *at <= span.delivered_until && !seen.contains(request.as_str())
        })
        .map(|(_, action, request)| Difference {
            kind: FindingKind::MissingInLog,
            event: None,
            missing: Some((action.as_str(), request.as_str())),
        })
}

/// What is left of the ledger's counts while events are taken off them.
struct Books<'a> {
    accounts: &'a [Account],
    assumed: Vec<u32>,
    calls: Vec<BTreeMap<&'a str, u32>>,
    intended: Vec<BTreeMap<&'a str, u32>>,
    by_key: BTreeMap<&'a str, usize>,
    by_request: BTreeMap<&'a str, usize>,
    by_name: BTreeMap<&'a str, Vec<usize>>,
}

impl<'a> Books<'a> {
    fn new(accounts: &'a [Account]) -> Self {
        let mut books = Self {
            accounts,
            assumed: Vec::new(),
            calls: Vec::new(),
            intended: Vec::new(),
            by_key: BTreeMap::new(),
            by_request: BTreeMap::new(),
            by_name: BTreeMap::new(),
        };
        for (place, account) in accounts.iter().enumerate() {
            let used = account.used.as_ref();
            books.assumed.push(used.map_or(u32::MAX, |used| used.assumed));
            books
                .calls
                .push(used.map(|used| counted(&used.calls)).unwrap_or_default());
            books.intended.push(counted(&account.intended));
            for session in used.iter().flat_map(|used| &used.sessions) {
                books.by_key.insert(session.key.as_str(), place);
            }
            for request in used.iter().flat_map(|used| &used.assumed_requests) {
                books.by_request.insert(request.as_str(), place);
            }
            let names = books.by_name.entry(account.session_name.as_str()).or_default();
            names.push(place);
        }
        books
    }

    /// Rounds whose sessions had that name and could have lived at that time.
    fn living(&self, event: &LogEvent) -> Vec<usize> {
        let named = self.by_name.get(event.session_name.as_str());
        let lives = |place: &usize| {
            let opened = self.accounts[*place].opened_at;
            (opened - SKEW..=opened + ROUND_LIFE + SKEW).contains(&event.at)
        };
        named.into_iter().flatten().copied().filter(lives).collect()
    }

    /// Whether the request's id, or the key that it gave, is that of a round.
    fn assumed_exactly(&mut self, event: &LogEvent) -> bool {
        let by_request = self.by_request.get(event.request_id.as_str());
        let place = by_request
            .or_else(|| self.by_key.get(event.key.as_str()))
            .copied();
        place.is_some_and(|place| take(&mut self.assumed[place]))
    }

    fn assumed(&mut self, event: &LogEvent) -> bool {
        let living = self.living(event);
        living.into_iter().any(|place| take(&mut self.assumed[place]))
    }

    fn called(&mut self, event: &LogEvent) -> bool {
        if let Some(place) = self.by_key.get(event.key.as_str()).copied() {
            let counted = self.calls[place].get_mut(event.action.as_str()).is_some_and(take);
            return counted && self.intended(place, event);
        }
        let mut living = self.living(event);
        living.retain(|place| self.accounts[*place].used.is_none());
        living.into_iter().any(|place| self.intended(place, event))
    }

    fn intended(&mut self, place: usize, event: &LogEvent) -> bool {
        !event.takes_effect()
            || self.intended[place]
                .get_mut(event.action.as_str())
                .is_some_and(take)
    }
}

fn counted(counts: &BTreeMap<String, u32>) -> BTreeMap<&str, u32> {
    counts
        .iter()
        .map(|(name, count)| (name.as_str(), *count))
        .collect()
}

/// One off a count; false when there is none left.
const fn take(left: &mut u32) -> bool {
    if *left == 0 {
        return false;
    }
    *left -= 1;
    true
}

#[cfg(test)]
#[path = "call_log_tests.rs"]
mod tests;
