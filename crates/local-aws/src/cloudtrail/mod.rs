//! CloudTrail: an account looks up the management events of its calls in a region.
//!
//! It reads the endpoint's log of calls, which keeps the last 200,000 management events and not ninety days. A call that assumes a role
//! in another account is an event there too. Source: CloudTrail API reference, "LookupEvents".

mod event;
pub(crate) mod parameters;

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use self::event::Event;
pub(crate) use self::event::is_data_event;
use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::{Protocol, Reply, page};
use crate::service::{Call, Service};

const PAGE_MAX: usize = 50;

/// The service.
#[derive(Default)]
pub(crate) struct CloudTrail;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Lookup {
    #[serde(default)]
    lookup_attributes: Vec<Attribute>,
    start_time: Option<serde_json::Number>,
    end_time: Option<serde_json::Number>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    attribute_key: String,
    attribute_value: String,
}

#[async_trait::async_trait]
impl Service for CloudTrail {
    fn signing_name(&self) -> &'static str {
        "cloudtrail"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Json { version: "1.1" }
    }

    async fn call(&self, core: &Arc<Core>, call: &Call) -> Result<Reply, AwsError> {
        match call.operation.as_str() {
            "LookupEvents" => lookup(core, call).map(|value| Reply::json(&value)),
            other => Err(AwsError::not_implemented("cloudtrail", other)),
        }
    }
}

fn lookup(core: &Core, call: &Call) -> Result<Value, AwsError> {
    let wanted: Lookup = call.json()?;
    core.authorize(&call.caller, "cloudtrail:LookupEvents", "*", &call.context())
        .map_err(|denied| denied.into_error("AccessDeniedException"))?;
    wanted.check()?;
    let (start, end) = (
        seconds(wanted.start_time.as_ref()),
        seconds(wanted.end_time.as_ref()),
    );
    let concerned = |record: &_| Event::concerns(record, &call.caller.account, &call.region);
    let records = core.calls.management(concerned).into_iter();
    let mut events: Vec<Event> = records
        .map(|(number, record)| Event::new(number, record))
        .filter(|event| start.is_none_or(|start| event.at >= start) && end.is_none_or(|end| event.at <= end))
        .filter(|event| {
            wanted
                .lookup_attributes
                .iter()
                .all(|one| event.has(&one.attribute_key, &one.attribute_value))
        })
        .collect();
    // The newest come first.
    events.reverse();
    let size = wanted.max_results.unwrap_or(PAGE_MAX);
    let found = page(events, |event| &event.place, wanted.next_token.as_deref(), size)
        .ok_or_else(|| AwsError::bad("InvalidNextTokenException", "The token is not valid"))?;
    let shown: Vec<Value> = found.items.iter().map(Event::view).collect();
    Ok(json!({ "Events": shown, "NextToken": found.next }))
}

fn seconds(time: Option<&serde_json::Number>) -> Option<i64> {
    let text = time?.to_string();
    text.split('.').next()?.parse().ok()
}

impl Lookup {
    fn check(&self) -> Result<(), AwsError> {
        if self.lookup_attributes.len() > 1 {
            let why = "You can only use one lookup attribute";
            return Err(AwsError::bad("InvalidLookupAttributesException", why));
        }
        let unknown = self
            .lookup_attributes
            .iter()
            .any(|one| !event::KEYS.contains(&one.attribute_key.as_str()));
        if unknown {
            return Err(AwsError::bad(
                "InvalidLookupAttributesException",
                "The attribute is not valid",
            ));
        }
        if self
            .max_results
            .is_some_and(|size| !(1..=PAGE_MAX).contains(&size))
        {
            return Err(AwsError::bad(
                "InvalidMaxResultsException",
                "MaxResults must be between 1 and 50",
            ));
        }
        let (start, end) = (seconds(self.start_time.as_ref()), seconds(self.end_time.as_ref()));
        if start.zip(end).is_some_and(|(start, end)| start > end) {
            return Err(AwsError::bad(
                "InvalidTimeRangeException",
                "The start time is after the end time",
            ));
        }
        Ok(())
    }
}
