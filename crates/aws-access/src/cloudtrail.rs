//! CloudTrail: what the account's own log has of our role.
//!
//! Two questions, of which neither reads what is not about us: who assumed the role, by its ARN, and what its sessions
//! called, by their names. Sources: CloudTrail API reference, "LookupEvents" (two requests a second for each account
//! and region, one attribute at a time, fifty events a page); CloudTrail user guide, "CloudTrail userIdentity element".

use aws_sdk_cloudtrail::types::{Event, LookupAttribute, LookupAttributeKey};
use aws_smithy_types::DateTime as SmithyTime;
use chrono::{DateTime, Utc};
use serde_json::Value;
use tenant_model::call_log::{EventKind, LogEvent};

use crate::{AwsError, TenantSession};

/// Most events read by one question. Beyond it the question has to be asked of a shorter time.
const EVENTS_MAX: usize = 2_000;

impl TenantSession {
    /// Who assumed the role in the session's region since `from`, oldest first.
    ///
    /// # Errors
    /// Any failure of `LookupEvents`; more events than can be read are one, too.
    pub async fn assumptions_since(&self, from: DateTime<Utc>) -> Result<Vec<LogEvent>, AwsError> {
        let by_role = (LookupAttributeKey::ResourceName, self.role_arn());
        let events = self.lookup(by_role, from).await?;
        Ok(events.iter().filter_map(|event| self.assumption(event)).collect())
    }

    /// What sessions of the role with that name called in the session's region since `from`, oldest first.
    ///
    /// # Errors
    /// As for [`TenantSession::assumptions_since`].
    pub async fn calls_since(&self, name: &str, from: DateTime<Utc>) -> Result<Vec<LogEvent>, AwsError> {
        let events = self.lookup((LookupAttributeKey::Username, name), from).await?;
        Ok(events.iter().filter_map(|event| self.call(event)).collect())
    }

    async fn lookup(
        &self,
        (key, value): (LookupAttributeKey, &str),
        from: DateTime<Utc>,
    ) -> Result<Vec<Event>, AwsError> {
        let attribute = LookupAttribute::builder()
            .attribute_key(key)
            .attribute_value(value)
            .build()
            .expect("key and value are set");
        let mut pages = aws_sdk_cloudtrail::Client::new(self.config())
            .lookup_events()
            .lookup_attributes(attribute)
            .start_time(SmithyTime::from_secs(from.timestamp()))
            .into_paginator()
            .items()
            .send();
        let mut events = Vec::new();
        while let Some(event) = pages.next().await {
            events.push(event?);
            if events.len() > EVENTS_MAX {
                return Err(AwsError::too_much("events"));
            }
        }
        events.reverse();
        Ok(events)
    }

    fn assumption(&self, event: &Event) -> Option<LogEvent> {
        let whole = whole(event)?;
        let about_us = whole["requestParameters"]["roleArn"] == self.role_arn();
        if event.event_name() != Some("AssumeRole") || !about_us {
            return None;
        }
        let name = whole["requestParameters"]["roleSessionName"].as_str()?;
        // CloudTrail tells the key that was given; the session's calls are found by it.
        let key = text(&whole["responseElements"]["credentials"]["accessKeyId"]);
        Some(read(event, &whole, (EventKind::Assumed, name.to_owned(), key)))
    }

    fn call(&self, event: &Event) -> Option<LogEvent> {
        let whole = whole(event)?;
        let identity = &whole["userIdentity"];
        let ours = identity["sessionContext"]["sessionIssuer"]["arn"] == self.role_arn();
        let name = identity["arn"].as_str()?.rsplit('/').next()?.to_owned();
        let key = text(&identity["accessKeyId"]);
        ours.then(|| read(event, &whole, (EventKind::Called, name, key)))
    }
}

fn whole(event: &Event) -> Option<Value> {
    serde_json::from_str(event.cloud_trail_event()?).ok()
}

fn read(event: &Event, whole: &Value, (kind, session_name, key): (EventKind, String, String)) -> LogEvent {
    let error = whole["errorCode"].as_str().map(|code| {
        let plain = code
            .strip_prefix("Client.")
            .or_else(|| code.strip_prefix("Server."));
        plain.unwrap_or(code).to_owned()
    });
    let source_identity = &whole["userIdentity"]["sessionContext"]["sourceIdentity"];
    LogEvent {
        id: event.event_id().unwrap_or_default().to_owned(),
        kind,
        at: time(event),
        region: text(&whole["awsRegion"]),
        action: event.event_name().unwrap_or_default().to_owned(),
        session_name,
        key,
        read_only: event.read_only() == Some("true"),
        error,
        request_id: text(&whole["requestID"]),
        source_identity: source_identity.as_str().map(str::to_owned),
        source_ip: text(&whole["sourceIPAddress"]),
    }
}

fn time(event: &Event) -> DateTime<Utc> {
    let at = event
        .event_time()
        .and_then(|at| DateTime::from_timestamp(at.secs(), 0));
    at.unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
