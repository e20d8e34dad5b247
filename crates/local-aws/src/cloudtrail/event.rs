//! One management event, made from a record of the log of calls.

use serde_json::{Value, json};

use crate::control::CallRecord;

/// What events can be looked up by.
pub(super) const KEYS: [&str; 8] = [
    "AccessKeyId",
    "EventId",
    "EventName",
    "EventSource",
    "ReadOnly",
    "ResourceName",
    "ResourceType",
    "Username",
];

/// Calls that move data: CloudTrail has them only on request, and LookupEvents never.
const DATA_EVENTS: &[(&str, &[&str])] = &[
    (
        "kinesis",
        &["PutRecord", "PutRecords", "GetRecords", "GetShardIterator"],
    ),
    (
        "s3",
        &[
            "PutObject",
            "GetObject",
            "HeadObject",
            "CopyObject",
            "DeleteObject",
            "DeleteObjects",
            "ListObjects",
            "ListObjectsV2",
            "UploadPart",
            "CreateMultipartUpload",
            "CompleteMultipartUpload",
            "AbortMultipartUpload",
        ],
    ),
];

/// A management event of one account and region.
pub(super) struct Event {
    /// Sorts as the log does, newest first; what pages count by.
    pub(super) place: String,
    /// In seconds.
    pub(super) at: i64,
    record: CallRecord,
}

impl Event {
    /// The event that a call is for an account in a region, if it is one.
    pub(super) fn of(number: usize, record: CallRecord, account: &str, region: &str) -> Option<Self> {
        let about = |arn: &String| arn.split(':').nth(4) == Some(account);
        let concerned = record.account == account || record.resources.iter().any(about);
        let is_data = DATA_EVENTS.iter().any(|(service, operations)| {
            record.service == *service && operations.contains(&record.operation.as_str())
        });
        (concerned && record.region == region && !is_data && !record.operation.is_empty()).then(|| Self {
            place: format!("{:020}", u64::MAX - u64::try_from(number).unwrap_or(0)),
            at: record.at.timestamp(),
            record,
        })
    }

    /// Whether an attribute has a value.
    pub(super) fn has(&self, key: &str, value: &str) -> bool {
        match key {
            "EventId" => self.record.request_id == value,
            "EventName" => self.record.operation == value,
            "EventSource" => self.source() == value,
            "ReadOnly" => self.read_only().to_string() == value,
            "Username" => self.username() == value,
            "ResourceName" => self.record.resources.iter().any(|resource| resource == value),
            _ => false,
        }
    }

    fn source(&self) -> String {
        let service = match self.record.service.as_str() {
            "aws-marketplace" => "metering-marketplace",
            other => other,
        };
        format!("{service}.amazonaws.com")
    }

    fn read_only(&self) -> bool {
        crate::dispatch::is_read(&self.record.operation)
    }

    /// The session's or the user's name, or `root`.
    fn username(&self) -> &str {
        let last = self.record.principal.rsplit(['/', ':']).next();
        last.unwrap_or_default()
    }

    /// The event as LookupEvents shows it.
    pub(super) fn view(&self) -> Value {
        json!({
            "EventId": self.record.request_id,
            "EventName": self.record.operation,
            "ReadOnly": self.read_only().to_string(),
            "EventTime": self.at,
            "EventSource": self.source(),
            "Username": self.username(),
            "Resources": self.record.resources.iter().map(|name| json!({ "ResourceName": name })).collect::<Vec<_>>(),
            "CloudTrailEvent": self.whole().to_string(),
        })
    }

    /// The event's own document (CloudTrail user guide, "CloudTrail record contents").
    fn whole(&self) -> Value {
        let record = &self.record;
        let kind = match record.principal.split(':').nth(5).unwrap_or_default() {
            "root" => "Root",
            resource if resource.starts_with("assumed-role/") => "AssumedRole",
            resource if resource.starts_with("user/") => "IAMUser",
            _ => "Unknown",
        };
        let mut whole = json!({
            "eventVersion": "1.11",
            "userIdentity": { "type": kind, "arn": record.principal, "accountId": record.account },
            "eventTime": record.at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "eventSource": self.source(),
            "eventName": record.operation,
            "awsRegion": record.region,
            "requestID": record.request_id,
            "eventID": record.request_id,
            "readOnly": self.read_only(),
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "recipientAccountId": record.account,
            "eventCategory": "Management",
        });
        if let Some(identity) = &record.source_identity {
            whole["userIdentity"]["sessionContext"] = json!({ "sourceIdentity": identity });
        }
        if !record.session_tags.is_empty() {
            whole["additionalEventData"] = json!({ "principalTags": record.session_tags });
        }
        if record.code != "OK" {
            whole["errorCode"] = json!(record.code);
        }
        whole
    }
}
