//! One management event, made from a record of the log of calls.

use chrono::{DateTime, Utc};
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

/// Calls that change nothing and whose names do not say so, as CloudTrail has them: AssumeRole among them.
const READ_ONLY: &[&str] = &["AssumeRole", "Decrypt", "Encrypt", "GenerateDataKey"];

/// Whether a call moves records or objects.
pub(crate) fn is_data_event(service: &str, operation: &str) -> bool {
    DATA_EVENTS
        .iter()
        .any(|(of, operations)| *of == service && operations.contains(&operation))
}

/// A management event of one account and region.
pub(super) struct Event {
    /// Sorts as the log does, newest first; what pages count by.
    pub(super) place: String,
    /// In seconds.
    pub(super) at: i64,
    record: CallRecord,
}

impl Event {
    /// Whether a call is an event of an account in a region: its own, or one about its role.
    pub(super) fn concerns(record: &CallRecord, account: &str, region: &str) -> bool {
        let about = |arn: &String| arn.split(':').nth(4) == Some(account);
        let concerned = record.account == account || record.resources.iter().any(about);
        concerned && record.region == region && !record.operation.is_empty()
    }

    /// The event of a call, by its number in the log.
    pub(super) fn new(number: u64, record: CallRecord) -> Self {
        Self {
            place: format!("{:020}", u64::MAX - number),
            at: record.at.timestamp(),
            record,
        }
    }

    /// Whether an attribute has a value.
    pub(super) fn has(&self, key: &str, value: &str) -> bool {
        match key {
            "AccessKeyId" => self.record.access_key_id == value,
            "EventId" => self.record.request_id == value,
            "EventName" => self.record.operation == value,
            "EventSource" => self.source() == value,
            "ReadOnly" => self.read_only().to_string() == value,
            "Username" => self.username() == value,
            "ResourceType" => !self.record.resources.is_empty() && value == ROLE_TYPE,
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
        let operation = self.record.operation.as_str();
        crate::dispatch::is_read(operation) || READ_ONLY.contains(&operation)
    }

    /// The session's or the user's name, or `root`.
    fn username(&self) -> &str {
        let last = self.record.principal.rsplit(['/', ':']).next();
        last.unwrap_or_default()
    }

    /// The event as LookupEvents shows it.
    pub(super) fn view(&self) -> Value {
        let resources = self.record.resources.iter();
        let resources: Vec<Value> = resources
            .map(|name| json!({ "ResourceName": name, "ResourceType": ROLE_TYPE }))
            .collect();
        json!({
            "AccessKeyId": self.record.access_key_id,
            "EventId": self.record.request_id,
            "EventName": self.record.operation,
            "ReadOnly": self.read_only().to_string(),
            "EventTime": self.at,
            "EventSource": self.source(),
            "Username": self.username(),
            "Resources": resources,
            "CloudTrailEvent": self.whole().to_string(),
        })
    }

    /// The event's own document (CloudTrail user guide, "CloudTrail record contents").
    fn whole(&self) -> Value {
        let record = &self.record;
        let parameters: Option<Value> = record
            .parameters
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok());
        let mut whole = json!({
            "eventVersion": "1.11",
            "userIdentity": self.identity(),
            "eventTime": time(record.at),
            "eventSource": self.source(),
            "eventName": record.operation,
            "awsRegion": record.region,
            "sourceIPAddress": record.source_ip,
            "userAgent": record.user_agent,
            "requestParameters": parameters,
            "requestID": record.request_id,
            "eventID": record.request_id,
            "readOnly": self.read_only(),
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "recipientAccountId": record.account,
            "eventCategory": "Management",
        });
        if !record.session_tags.is_empty() {
            whole["additionalEventData"] = json!({ "principalTags": record.session_tags });
        }
        if !record.resources.is_empty() {
            let resources = record.resources.iter();
            whole["resources"] = resources
                .map(|arn| json!({ "ARN": arn, "type": ROLE_TYPE, "accountId": arn.split(':').nth(4) }))
                .collect();
        }
        if record.code != "OK" {
            whole["errorCode"] = json!(record.code);
        }
        whole
    }

    /// Who called (CloudTrail user guide, "CloudTrail userIdentity element").
    fn identity(&self) -> Value {
        let record = &self.record;
        let kind = match record.principal.split(':').nth(5).unwrap_or_default() {
            "root" => "Root",
            resource if resource.starts_with("assumed-role/") => "AssumedRole",
            resource if resource.starts_with("user/") => "IAMUser",
            _ => "Unknown",
        };
        let mut identity = json!({
            "type": kind,
            "principalId": record.principal_id,
            "arn": record.principal,
            "accountId": record.account,
            "accessKeyId": record.access_key_id,
        });
        if kind == "IAMUser" {
            identity["userName"] = json!(self.username());
        }
        if let Some(issuer) = &record.session_issuer {
            identity["sessionContext"] = json!({
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": issuer.id,
                    "arn": issuer.arn,
                    "accountId": record.account,
                    "userName": issuer.arn.rsplit('/').next(),
                },
                "attributes": { "creationDate": time(issuer.issued_at), "mfaAuthenticated": "false" },
            });
            if let Some(source) = &record.source_identity {
                identity["sessionContext"]["sourceIdentity"] = json!(source);
            }
        }
        identity
    }
}

/// The only resources that events name here.
const ROLE_TYPE: &str = "AWS::IAM::Role";

fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
