//! The action ledger: every use of a customer's role is accounted for, in a chain that the customer can check.
//!
//! Work under a role comes in rounds: one pass over a deployment, one round of proof, one survey. A round is opened in
//! the ledger before its first session is assumed, and closed with the sessions it had and how often it called what.
//! A call that changes something is an entry of its own, committed with its intent before it is made, and a second one
//! with its answer. So whoever dies at any moment leaves a ledger that lacks no call; at most a round stays open.
//!
//! Entries are those of [`crate::audit`], in a chain of their own.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    audit::Entry,
    ids::{ConnectionId, OperationId, TenantId},
    resource::{Intent, Outcome},
};

/// A round begins; the role may be assumed from here on.
pub const ROUND_OPENED: &str = "round.opened";
/// A round is over; with its sessions and calls.
pub const ROUND_CLOSED: &str = "round.closed";
/// A call that changes something may be made from here on.
pub const CALL_INTENDED: &str = "call.intended";
/// What became of it.
pub const CALL_ANSWERED: &str = "call.answered";

/// Why the role is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To bring a deployment to what it should be, or to see that it is.
    Reconcile,
    /// To prove whom the role admits and what it may do.
    Prove,
    /// To see whether a wish fits into the account.
    Preflight,
    /// To compare the account's own log with this ledger.
    CompareLog,
    /// To delete what was kept for a time that is over.
    EndRetention,
}

/// A span of work under a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// Its id; entries of the round name it.
    pub id: Uuid,
    /// Whose account.
    pub tenant_id: TenantId,
    /// Through which connection.
    pub connection_id: ConnectionId,
    /// Why.
    pub purpose: Purpose,
    /// Name of its sessions, as the account's log shows them.
    pub session_name: String,
    /// Who acts, as the account's log shows it.
    pub source_identity: String,
    /// On what: a deployment's or a connection's id.
    pub subject: String,
    /// The operation whose plan is carried out, when there is one.
    pub operation: Option<Mandate>,
}

/// In whose name a deployment is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mandate {
    /// The operation.
    pub operation_id: OperationId,
    /// Hash of its plan.
    pub plan_hash: String,
    /// Who asked for it.
    pub requested_by: String,
    /// Who approved it.
    pub approved_by: Option<String>,
}

/// One session, without anything that opens a door: an access key's id is in every line of the account's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionUse {
    /// Class of its steps.
    pub class: String,
    /// Where it was used.
    pub region: String,
    /// First half of the SHA-256 of its session policy, in hexadecimal.
    pub policy: String,
    /// Id of its access key.
    pub key: String,
}

/// What a round did, counted where requests leave the process: an SDK's repetitions count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    /// Requests to assume the role.
    pub assumed: u32,
    /// AWS's ids of those that were answered.
    #[serde(default)]
    pub assumed_requests: Vec<String>,
    /// Sessions that were given.
    pub sessions: Vec<SessionUse>,
    /// Requests by action, in the words of the API.
    pub calls: BTreeMap<String, u32>,
}

/// An entry before it has its place in the chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Who acts.
    pub actor: String,
    /// What happens.
    pub action: &'static str,
    /// On what.
    pub subject: String,
    /// Particulars.
    pub detail: Value,
}

impl Round {
    /// The entry that opens it.
    #[must_use]
    pub fn opened(&self) -> Line {
        let mut detail = json!({
            "round": self.id,
            "connection": self.connection_id,
            "purpose": self.purpose,
            "session": self.session_name,
        });
        if let Some(mandate) = &self.operation {
            detail["operation"] = json!(mandate.operation_id);
            detail["plan"] = json!(mandate.plan_hash);
            detail["requested_by"] = json!(mandate.requested_by);
            detail["approved_by"] = json!(mandate.approved_by);
        }
        self.line(ROUND_OPENED, self.subject.clone(), detail)
    }

    /// The entry that closes it.
    #[must_use]
    pub fn closed(&self, used: &Use) -> Line {
        let detail = json!({
            "round": self.id,
            "session": self.session_name,
            "assumed": used.assumed,
            "assumed_requests": used.assumed_requests,
            "sessions": used.sessions,
            "calls": used.calls,
        });
        self.line(ROUND_CLOSED, self.subject.clone(), detail)
    }

    /// The entry that goes before a call.
    #[must_use]
    pub fn intended(&self, intent: &Intent) -> Line {
        let mut detail = self.of_call(intent);
        detail["parameters"] = serde_json::to_value(&intent.call).unwrap_or_default();
        self.line(CALL_INTENDED, self.subject.clone(), detail)
    }

    /// The entry that follows a call, or the look that settled it.
    #[must_use]
    pub fn answered(&self, intent: &Intent, answer: &CallAnswer<'_>) -> Line {
        let mut detail = self.of_call(intent);
        detail["outcome"] = json!(answer.outcome.name());
        let particulars = [
            ("made", answer.made),
            ("error", answer.error),
            ("request", answer.request_id),
        ];
        for (name, value) in particulars {
            if let Some(value) = value {
                detail[name] = json!(value);
            }
        }
        self.line(CALL_ANSWERED, self.subject.clone(), detail)
    }

    fn of_call(&self, intent: &Intent) -> Value {
        json!({
            "round": self.id,
            "session": self.session_name,
            "intent": intent.id,
            "call": intent.call.action(),
            "resource": intent.name,
            "operation": self.operation.as_ref().map(|mandate| mandate.operation_id),
            "plan": self.operation.as_ref().map(|mandate| mandate.plan_hash.as_str()),
        })
    }

    fn line(&self, action: &'static str, subject: String, detail: Value) -> Line {
        Line {
            actor: self.source_identity.clone(),
            action,
            subject,
            detail,
        }
    }
}

/// What became of a call.
#[derive(Clone, Copy, Debug)]
pub struct CallAnswer<'a> {
    /// The outcome as recorded.
    pub outcome: Outcome,
    /// Id of what it made.
    pub made: Option<&'a str>,
    /// AWS's refusal, or ours to know.
    pub error: Option<&'a str>,
    /// AWS's id of the request, when there was an answer.
    pub request_id: Option<&'a str>,
}

/// A round as it can be read from the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Name of its sessions.
    pub session_name: String,
    /// When it was opened; nothing happened before.
    pub opened_at: DateTime<Utc>,
    /// What it did; none while it is open, or when whoever did it has died.
    pub used: Option<Use>,
    /// Calls that change something, by action: how many were intended.
    pub intended: BTreeMap<String, u32>,
    /// Calls that AWS has answered: when, the action and AWS's id of the request.
    pub answered: Vec<(DateTime<Utc>, String, String)>,
}

/// Reads rounds out of a part of a ledger. What belongs to rounds opened before that part is left out.
#[must_use]
pub fn accounts<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Vec<Account> {
    let mut rounds: BTreeMap<String, Account> = BTreeMap::new();
    for entry in entries {
        let (at, detail) = (entry.content.at, &entry.content.detail);
        let id = text(detail, "round");
        if entry.content.action == ROUND_OPENED {
            let account = Account {
                session_name: text(detail, "session"),
                opened_at: at,
                used: None,
                intended: BTreeMap::new(),
                answered: Vec::new(),
            };
            rounds.insert(id, account);
            continue;
        }
        let Some(account) = rounds.get_mut(&id) else {
            continue;
        };
        match entry.content.action.as_str() {
            ROUND_CLOSED => account.used = serde_json::from_value(detail.clone()).ok(),
            CALL_INTENDED => *account.intended.entry(text(detail, "call")).or_default() += 1,
            CALL_ANSWERED if detail["request"].is_string() => {
                let answered = (at, text(detail, "call"), text(detail, "request"));
                account.answered.push(answered);
            }
            // What later versions write is theirs to read.
            _ => {}
        }
    }
    rounds.into_values().collect()
}

fn text(detail: &Value, name: &str) -> String {
    detail[name].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
