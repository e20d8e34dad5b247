//! What happened to databases, as DescribeEvents tells it.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::Rds;
use super::request::{Request, clash, invalid};
use super::state::{Databases, Meta};
use crate::error::AwsError;
use crate::protocol::Xml;

/// Most events kept; the oldest go first.
const EVENTS_MAX: usize = 5_000;
/// AWS keeps events for fourteen days.
const KEPT: TimeDelta = TimeDelta::days(14);
const SOURCES: [&str; 4] = ["db-instance", "db-cluster", "db-snapshot", "db-parameter-group"];

/// A category and a sentence.
type Said = (&'static str, &'static str);

pub(super) const CREATED: Said = ("creation", "DB instance created");
pub(super) const DELETED: Said = ("deletion", "DB instance deleted");
pub(super) const STOPPED: Said = ("notification", "DB instance stopped");
pub(super) const STARTED: Said = ("notification", "DB instance started");
pub(super) const RESTARTED: Said = ("availability", "DB instance restarted");
pub(super) const CHANGED: Said = ("configuration change", "Finished applying modification");
pub(super) const FAILOVER_STARTED: Said = ("failover", "Multi-AZ instance failover started");
pub(super) const FAILOVER_DONE: Said = ("failover", "Multi-AZ instance failover completed");
pub(super) const CLUSTER_FAILOVER: Said = ("failover", "Completed failover to DB instance");
pub(super) const PROMOTED: Said = (
    "read replica",
    "Promoted Read Replica instance to a stand-alone database instance",
);

/// Something that happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Event {
    source_arn: String,
    source_id: String,
    at: DateTime<Utc>,
    category: String,
    message: String,
}

/// Writes an event down.
pub(super) fn record(state: &mut Databases, meta: &Meta, at: DateTime<Utc>, (category, message): Said) {
    if state.events.len() >= EVENTS_MAX {
        state.events.pop_front();
    }
    state.events.push_back(Event {
        source_arn: meta.arn.clone(),
        source_id: meta.id.clone(),
        at,
        category: category.to_owned(),
        message: message.to_owned(),
    });
}

impl Event {
    fn source_type(&self) -> &'static str {
        match self.source_arn.split(':').nth(5) {
            Some("cluster") => "db-cluster",
            Some("snapshot") => "db-snapshot",
            _ => "db-instance",
        }
    }
}

/// What is asked for.
struct Wanted {
    source: Option<(String, Option<String>)>,
    categories: Vec<String>,
    from: DateTime<Utc>,
}

pub(super) fn describe(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    request.permit_describing("es", None)?;
    request.filters(&[])?;
    let wanted = wanted(request)?;
    let here = format!(
        "arn:aws:rds:{}:{}:",
        request.place().region,
        request.place().account
    );
    let events: Vec<(String, Event)> = rds.with(|state| {
        let all = state.events.iter().enumerate();
        let mine = all.filter(|(_, event)| event.source_arn.starts_with(&here) && wanted.takes(event));
        mine.map(|(at, event)| (format!("{at:08}"), event.clone()))
            .collect()
    });
    let found = request.page(events, |(key, _)| key)?;
    let mut xml = Xml::new();
    xml.node("Events", |xml| {
        for (_, event) in &found.items {
            xml.node("Event", |xml| view(xml, event));
        }
    });
    xml.optional("Marker", found.next);
    Ok(xml)
}

fn wanted(request: &Request<'_>) -> Result<Wanted, AwsError> {
    let id = request.params.get("SourceIdentifier");
    let source = match (request.params.get("SourceType"), id) {
        (None, Some(_)) => return Err(clash("Cannot specify a source identifier without a source type")),
        (Some(kind), _) if !SOURCES.contains(&kind) => {
            return Err(invalid(format!("Invalid source type: {kind}")));
        }
        (kind, id) => kind.map(|kind| (kind.to_owned(), id.map(str::to_lowercase))),
    };
    let minutes = request.number("Duration")?.unwrap_or(60);
    let span = TimeDelta::try_minutes(minutes.max(0)).unwrap_or(KEPT).min(KEPT);
    let from = match request.params.get("StartTime") {
        Some(text) => text
            .parse()
            .map_err(|_| invalid(format!("{text} is not a time")))?,
        None => request.call.now - span,
    };
    Ok(Wanted {
        source,
        categories: request.strings("EventCategories", "EventCategory"),
        from: from.max(request.call.now - KEPT),
    })
}

impl Wanted {
    fn takes(&self, event: &Event) -> bool {
        let of_source = self.source.as_ref().is_none_or(|(kind, id)| {
            *kind == event.source_type() && id.as_ref().is_none_or(|id| *id == event.source_id)
        });
        let of_category = self.categories.is_empty() || self.categories.contains(&event.category);
        of_source && of_category && event.at >= self.from
    }
}

fn view(xml: &mut Xml, event: &Event) {
    xml.leaf("SourceIdentifier", &event.source_id)
        .leaf("SourceType", event.source_type())
        .leaf("Message", &event.message);
    xml.node("EventCategories", |xml| {
        xml.leaf("EventCategory", &event.category);
    });
    xml.leaf("Date", super::view::time(event.at))
        .leaf("SourceArn", &event.source_arn);
}
