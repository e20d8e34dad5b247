//! Stacks and their events.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A stack; deleted ones stay to be described by their id.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Stack {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) status: String,
    pub(super) reason: Option<String>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) created_by: String,
    pub(super) deleted_at: Option<DateTime<Utc>>,
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) capabilities: Vec<String>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) outputs: Vec<Output>,
    /// In the order they were made.
    pub(super) resources: Vec<Made>,
    pub(super) events: Vec<Event>,
    /// The create call's token and what it asked, for a repeated call.
    pub(super) token: Option<String>,
}

/// One output.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Output {
    pub(super) key: String,
    pub(super) value: String,
    pub(super) description: Option<String>,
}

/// A resource a stack made.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Made {
    pub(super) logical_id: String,
    pub(super) physical_id: String,
    pub(super) kind: String,
}

/// One line of the stack's story.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) at: DateTime<Utc>,
    pub(super) logical_id: String,
    pub(super) physical_id: String,
    pub(super) kind: String,
    pub(super) status: String,
    pub(super) reason: Option<String>,
}

impl Stack {
    pub(super) fn is_live(&self) -> bool {
        self.deleted_at.is_none()
    }

    /// Adds an event about the stack itself and takes its status.
    pub(super) fn enter(&mut self, status: &str, reason: Option<String>, at: DateTime<Utc>) {
        self.status = status.to_owned();
        self.reason.clone_from(&reason);
        let made = Made {
            logical_id: self.name.clone(),
            physical_id: self.id.clone(),
            kind: "AWS::CloudFormation::Stack".to_owned(),
        };
        self.tell(&made, status, reason, at);
    }

    /// Adds an event about one resource.
    pub(super) fn tell(&mut self, made: &Made, status: &str, reason: Option<String>, at: DateTime<Utc>) {
        self.events.push(Event {
            id: format!("{}-{}", made.logical_id, self.events.len()),
            at,
            logical_id: made.logical_id.clone(),
            physical_id: made.physical_id.clone(),
            kind: made.kind.clone(),
            status: status.to_owned(),
            reason,
        });
    }
}
