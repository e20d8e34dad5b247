//! Stacks and their events. A stack's state at a time is what its events have told until then.

use crate::tags::Tags;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A stack; deleted ones stay to be described by their id.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Stack {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) created_by: String,
    pub(super) parameters: Vec<ParameterValue>,
    pub(super) capabilities: Vec<String>,
    pub(super) tags: Tags,
    pub(super) outputs: Vec<Output>,
    /// In the order they were made.
    pub(super) resources: Vec<Made>,
    /// In the order of their times; those of the future are not told yet.
    pub(super) events: Vec<Event>,
    /// The create call's token and what it asked, for a repeated call.
    pub(super) token: Option<(String, String)>,
    /// The token of the call whose events are being told.
    pub(super) current_token: Option<String>,
    pub(super) rollback_disabled: bool,
    pub(super) protected: bool,
}

/// A parameter's value, as it is shown.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct ParameterValue {
    pub(super) key: String,
    /// Stars for a parameter without echo.
    pub(super) shown: String,
}

/// One output.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Output {
    pub(super) key: String,
    pub(super) value: String,
    pub(super) description: Option<String>,
    pub(super) export: Option<String>,
}

/// A resource a stack made, with what it put into others.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Made {
    pub(super) logical_id: String,
    pub(super) physical_id: String,
    pub(super) kind: String,
    /// Names of inline policies put on the role, or by the policy on its roles.
    pub(super) inline: Vec<String>,
    /// ARNs of managed policies attached to the role.
    pub(super) attached: Vec<String>,
    /// Roles that the policy was put on, or that the profile holds.
    pub(super) roles: Vec<String>,
    pub(super) on_delete: OnDelete,
}

/// What becomes of a resource when its stack goes: its `DeletionPolicy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum OnDelete {
    /// It goes too.
    #[default]
    Delete,
    /// It stays.
    Retain,
    /// It stays, unless the stack fails at its creation.
    RetainExceptOnCreate,
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
    pub(super) token: Option<String>,
}

/// The resource type of stacks themselves, in their own events.
const STACK: &str = "AWS::CloudFormation::Stack";

impl Stack {
    /// The events told until `now`.
    pub(super) fn told(&self, now: DateTime<Utc>) -> impl DoubleEndedIterator<Item = &Event> {
        self.events.iter().filter(move |event| event.at <= now)
    }

    /// The last event about the stack itself: its status and its reason.
    pub(super) fn state(&self, now: DateTime<Utc>) -> Option<&Event> {
        self.told(now).rev().find(|event| event.kind == STACK)
    }

    pub(super) fn status(&self, now: DateTime<Utc>) -> &str {
        self.state(now).map_or("", |event| event.status.as_str())
    }

    /// False once the deletion is complete.
    pub(super) fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.status(now) != "DELETE_COMPLETE"
    }

    pub(super) fn deleted_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let last = self.state(now)?;
        (last.status == "DELETE_COMPLETE").then_some(last.at)
    }

    /// The last event about each resource told until `now`, by logical id.
    pub(super) fn resource_states(&self, now: DateTime<Utc>) -> BTreeMap<&str, &Event> {
        let events = self.told(now).filter(|event| event.kind != STACK);
        events.map(|event| (event.logical_id.as_str(), event)).collect()
    }

    /// Takes back what was to be told later: another call changes the course.
    pub(super) fn interrupt(&mut self, now: DateTime<Utc>) {
        self.events.retain(|event| event.at <= now);
    }

    /// Adds an event about the stack itself.
    pub(super) fn enter(&mut self, status: &str, reason: Option<String>, at: DateTime<Utc>) {
        let made = Made {
            logical_id: self.name.clone(),
            physical_id: self.id.clone(),
            kind: STACK.to_owned(),
            ..Made::default()
        };
        self.tell(&made, status, reason, at);
    }

    /// Adds an event about one resource.
    pub(super) fn tell(&mut self, made: &Made, status: &str, reason: Option<String>, at: DateTime<Utc>) {
        self.events.push(Event {
            id: format!("{}-{status}-{:06}", made.logical_id, self.events.len()),
            at,
            logical_id: made.logical_id.clone(),
            physical_id: made.physical_id.clone(),
            kind: made.kind.clone(),
            status: status.to_owned(),
            reason,
            token: self.current_token.clone(),
        });
    }
}
