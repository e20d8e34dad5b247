//! Series of exact points: every window of the span, zeros for the empty ones.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tenant_model::usage::{Tally, UsageSpan};
use tenant_model::{Meter, Quantity, TenantId};
use tenant_store::rollups::{self, RollupQuery, RollupRow, SplitBy};
use tenant_store::stream_shards;
use utoipa::ToSchema;

use super::{UsageError, UsageRequest};
use crate::{App, csv, meters, scope};

/// Most points of one answer.
const POINTS_MAX: usize = 10_000;

/// Usage of one meter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsageAnswer {
    /// The meter's short name.
    pub meter: String,
    /// What one of it is called.
    pub unit: String,
    /// How the numbers of a window were put together.
    pub aggregation: String,
    /// Where days begin.
    pub zone: String,
    /// The span.
    pub from: DateTime<Utc>,
    /// The span's end, not included.
    pub to: DateTime<Utc>,
    /// What arrived before this moment is in the numbers; none before the stream was first read.
    pub watermark: Option<DateTime<Utc>>,
    /// One series, or one for each group.
    pub series: Vec<UsageSeries>,
}

/// The points of one group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsageSeries {
    /// The group's value; none when not split, or for usage without a value.
    pub group: Option<String>,
    /// The whole span as one number.
    pub total: String,
    /// In order of time, without holes.
    pub points: Vec<UsagePoint>,
}

/// One window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsagePoint {
    /// Where the window begins.
    pub from: DateTime<Utc>,
    /// Where it ends, not included.
    pub to: DateTime<Utc>,
    /// An exact decimal.
    pub value: String,
    /// Events in it.
    pub events: u64,
    /// Whether everything that arrived before its end is counted; late events may still come.
    pub complete: bool,
}

/// Usage of a tenant, or of the fleet for an operator.
///
/// # Errors
/// When the question has no exact answer, or the database does not answer.
pub async fn usage(
    app: &App,
    subject: Option<TenantId>,
    request: &UsageRequest,
) -> Result<UsageAnswer, UsageError> {
    let meter = meters::find(app, &request.meter)
        .await?
        .ok_or_else(|| UsageError::UnknownMeter(request.meter.clone()))?;
    let span = UsageSpan::cut((request.from, request.to), request.window, request.zone)?;
    let query = RollupQuery {
        tenant_id: subject,
        meter_id: meter.id,
        granularity: span.granularity,
        from: request.from,
        to: request.to,
        split: split(&meter, subject, request.group_by.as_deref())?,
    };
    let mut tx = scope::begin(&app.stores, subject).await?;
    // The watermark first: numbers read after it hold at least what it promises.
    let watermark = stream_shards::status(&mut tx, app.stream.name()).await?.watermark;
    let rows = rollups::list(&mut tx, &query).await?;
    tx.commit().await?;
    let series = Series {
        meter: &meter,
        span: &span,
        watermark,
        by_tenant: query.split == SplitBy::Tenant,
    };
    Ok(UsageAnswer {
        meter: request.meter.clone(),
        unit: meter.definition.unit().to_owned(),
        aggregation: meter.definition.aggregation().as_str().to_owned(),
        zone: request.zone.name().to_owned(),
        from: request.from,
        to: request.to,
        watermark,
        series: series.build(rows, query.split == SplitBy::Nothing)?,
    })
}

fn split(meter: &Meter, subject: Option<TenantId>, by: Option<&str>) -> Result<SplitBy, UsageError> {
    let Some(name) = by else {
        return Ok(SplitBy::Nothing);
    };
    if name == "tenant" && subject.is_none() {
        return Ok(SplitBy::Tenant);
    }
    let known = meter
        .definition
        .dimensions()
        .iter()
        .any(|dimension| dimension.name.as_str() == name);
    known
        .then(|| SplitBy::Dimension(name.to_owned()))
        .ok_or_else(|| UsageError::UnknownDimension(name.to_owned()))
}

struct Series<'a> {
    meter: &'a Meter,
    span: &'a UsageSpan,
    watermark: Option<DateTime<Utc>>,
    by_tenant: bool,
}

impl Series<'_> {
    fn build(&self, rows: Vec<RollupRow>, always_one: bool) -> Result<Vec<UsageSeries>, UsageError> {
        let mut groups: BTreeMap<Option<String>, BTreeMap<usize, Tally>> = BTreeMap::new();
        if always_one {
            groups.insert(None, BTreeMap::new());
        }
        for row in rows {
            let Some(window) = self.span.index_of(row.window_start) else {
                continue;
            };
            let windows = groups.entry(self.label(row.group)).or_default();
            let merged = match windows.get(&window) {
                Some(present) => present.merge(row.tally),
                None => Some(row.tally),
            };
            windows.insert(window, merged.ok_or(UsageError::TooMany)?);
        }
        if groups.len() * (self.span.edges.len() - 1) > POINTS_MAX {
            return Err(UsageError::TooMany);
        }
        groups
            .into_iter()
            .map(|(group, windows)| self.one(group, &windows))
            .collect()
    }

    fn one(
        &self,
        group: Option<String>,
        windows: &BTreeMap<usize, Tally>,
    ) -> Result<UsageSeries, UsageError> {
        let aggregation = self.meter.definition.aggregation();
        let value = |tally: Option<&Tally>| {
            tally
                .map_or(Quantity::ZERO, |tally| tally.value(aggregation))
                .to_string()
        };
        let mut total: Option<Tally> = None;
        for tally in windows.values() {
            total = match total {
                Some(total) => Some(total.merge(*tally).ok_or(UsageError::TooMany)?),
                None => Some(*tally),
            };
        }
        let edges = self.span.edges.windows(2).enumerate();
        let points = edges.map(|(place, edge)| UsagePoint {
            from: edge[0],
            to: edge[1],
            value: value(windows.get(&place)),
            events: windows.get(&place).map_or(0, |tally| tally.count),
            complete: self.watermark.is_some_and(|watermark| watermark >= edge[1]),
        });
        Ok(UsageSeries {
            group,
            total: value(total.as_ref()),
            points: points.collect(),
        })
    }

    /// Tenants are told by their ids as everywhere, not by the database's form.
    fn label(&self, group: Option<String>) -> Option<String> {
        if !self.by_tenant {
            return group;
        }
        let uuid = group?.parse().ok()?;
        Some(TenantId::from_uuid(uuid).to_string())
    }
}

impl UsageAnswer {
    /// The same as comma-separated values.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut out = String::new();
        csv::line(
            &mut out,
            &["meter", "group", "from", "to", "value", "unit", "complete"],
        );
        for series in &self.series {
            for point in &series.points {
                let cells = [
                    self.meter.as_str(),
                    series.group.as_deref().unwrap_or_default(),
                    &text(point.from),
                    &text(point.to),
                    &point.value,
                    &self.unit,
                    if point.complete { "true" } else { "false" },
                ];
                csv::line(&mut out, &cells);
            }
        }
        out
    }
}

fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}
