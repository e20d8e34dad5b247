//! Usage of a tenant and of the fleet.

use std::collections::HashMap;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, DurationRound, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use serde::Deserialize;
use service_kit::Problem;
use tenant_model::usage::WindowSize;
use tenant_model::{Action, Meter, TenantId};
use usage_metering::balance::{self, BalanceNumbers};
use usage_metering::query::{UsageAnswer, UsageRequest, top_tenants, usage};

use super::connections::id;
use super::{Answer, page, tenant_page};
use crate::app::Site;
use crate::format;
use crate::layout::Place;
use crate::pages::fleet_usage::{self as fleet_pages, FleetUsagePage, TopRow};
use crate::pages::usage::{self as pages, Balance, RANGES, UsagePage};
use crate::ui::Chart;
use crate::visit::{Refused, Visit};

const TOP_SHOWN: usize = 20;

/// What is chosen on a usage page.
#[derive(Debug, Default, Deserialize)]
pub(super) struct UsageQuery {
    #[serde(default)]
    meter: String,
    #[serde(default)]
    range: String,
}

impl UsageQuery {
    /// The range by name, the first for anything unknown.
    fn range(&self) -> &'static str {
        RANGES
            .iter()
            .find(|(name, _)| *name == self.range)
            .map_or(RANGES[0].0, |(name, _)| name)
    }

    /// The meter by key, the first for anything unknown.
    fn meter<'a>(&self, meters: &'a [Meter]) -> Option<&'a Meter> {
        meters
            .iter()
            .find(|meter| meter.definition.key().as_str() == self.meter)
            .or(meters.first())
    }
}

/// What a reader is told when the books cannot be read.
pub(super) fn failed<E: std::error::Error + 'static>(error: E) -> Refused {
    Problem::unavailable(&error).into()
}

pub(super) async fn of_tenant(
    State(site): State<Site>,
    visit: Visit,
    Path(tenant): Path<String>,
    Query(query): Query<UsageQuery>,
) -> Answer {
    let tenant = id(&tenant)?;
    let frame = visit.tenant(&site, tenant).await?;
    visit.require(Action::ReadUsage, Some(tenant))?;
    let view = tenant_view(&site, tenant, &query).await?;
    if visit.fragment {
        return Ok(pages::body(&view).into_response());
    }
    Ok(tenant_page(
        &visit,
        &frame,
        (Place::Usage, "Usage"),
        &pages::content(&view),
    ))
}

async fn tenant_view(site: &Site, tenant: TenantId, query: &UsageQuery) -> Result<UsagePage, Refused> {
    let meters = usage_metering::meters::list(&site.app.metering)
        .await
        .map_err(failed)?;
    let range = query.range();
    let sheet = balance::sheet(&site.app.metering, Some(tenant), days(site, range))
        .await
        .map_err(failed)?;
    let mut view = UsagePage {
        tenant,
        meters: names(&meters),
        meter: String::new(),
        unit: String::new(),
        range: range.to_owned(),
        total: Decimal::ZERO,
        before: None,
        peak: Decimal::ZERO,
        watermark: sheet.watermark,
        chart: None,
        rows: Vec::new(),
        balance: numbers(&sheet.total),
        failed: None,
    };
    let Some(meter) = query.meter(&meters) else {
        return Ok(view);
    };
    let key = meter.definition.key().as_str();
    view.meter = key.to_owned();
    view.unit = format::unit(meter.definition.unit());
    match answer(site, Some(tenant), key, range).await {
        Ok(answer) => fill(&mut view, meter, &answer),
        Err(Refused(problem)) => view.failed = Some(problem),
    }
    view.before = total_before(site, tenant, key, range).await;
    Ok(view)
}

fn fill(view: &mut UsagePage, meter: &Meter, answer: &UsageAnswer) {
    let points = points(answer);
    view.total = answer
        .series
        .first()
        .map_or(Decimal::ZERO, |series| decimal(&series.total));
    view.peak = points.iter().map(|(_, amount)| *amount).max().unwrap_or_default();
    view.watermark = answer.watermark;
    let events: u64 = answer
        .series
        .iter()
        .flat_map(|series| &series.points)
        .map(|point| point.events)
        .sum();
    if events > 0 {
        let line = [(meter.definition.name(), points.as_slice())];
        view.chart = Some(Chart::of(&line, step_seconds(&view.range), answer.watermark));
    }
    view.rows = points.into_iter().rev().collect();
}

async fn total_before(site: &Site, tenant: TenantId, meter: &str, range: &str) -> Option<Decimal> {
    let (from, to) = span(site.kit().clock.now(), range);
    let request = request(meter, (from - (to - from), from), WindowSize::None);
    // A comparison that cannot be made is left out; the page stands without it.
    let answer = usage(&site.app.metering, Some(tenant), &request).await.ok()?;
    Some(decimal(&answer.series.first()?.total))
}

/// Usage of one meter over a named range.
pub(super) async fn answer(
    site: &Site,
    subject: Option<TenantId>,
    meter: &str,
    range: &str,
) -> Result<UsageAnswer, Refused> {
    let window = if range == "30d" {
        WindowSize::Day
    } else {
        WindowSize::Hour
    };
    let request = request(meter, span(site.kit().clock.now(), range), window);
    Ok(usage(&site.app.metering, subject, &request).await?)
}

fn request(meter: &str, (from, to): (DateTime<Utc>, DateTime<Utc>), window: WindowSize) -> UsageRequest {
    UsageRequest {
        meter: meter.to_owned(),
        from,
        to,
        window,
        zone: Tz::UTC,
        group_by: None,
    }
}

/// The whole windows of a named range, with the present one as the last.
fn span(now: DateTime<Utc>, range: &str) -> (DateTime<Utc>, DateTime<Utc>) {
    let (window, count) = match range {
        "30d" => (TimeDelta::days(1), 30),
        "7d" => (TimeDelta::hours(1), 7 * 24),
        _ => (TimeDelta::hours(1), 24),
    };
    let begun = now.duration_trunc(window).unwrap_or(now);
    (begun - window * (count - 1), begun + window)
}

fn step_seconds(range: &str) -> i64 {
    if range == "30d" { 86_400 } else { 3_600 }
}

fn days(site: &Site, range: &str) -> (NaiveDate, NaiveDate) {
    let (from, to) = span(site.kit().clock.now(), range);
    (
        from.date_naive(),
        (to - TimeDelta::microseconds(1)).date_naive() + TimeDelta::days(1),
    )
}

/// The windows of an answer's first series with their amounts.
pub(super) fn points(answer: &UsageAnswer) -> Vec<(DateTime<Utc>, Decimal)> {
    let first = answer.series.first().map_or(&[][..], |series| &series.points);
    first
        .iter()
        .map(|point| (point.from, decimal(&point.value)))
        .collect()
}

/// Amounts have at most 38 digits; what does not fit the decimal of the pages is shown as its largest.
fn decimal(text: &str) -> Decimal {
    text.parse().unwrap_or(Decimal::MAX)
}

fn names(meters: &[Meter]) -> Vec<(String, String)> {
    let pair = |meter: &Meter| {
        (
            meter.definition.key().to_string(),
            meter.definition.name().to_owned(),
        )
    };
    meters.iter().map(pair).collect()
}

fn numbers(numbers: &BalanceNumbers) -> Balance {
    Balance {
        received: numbers.received,
        accepted: numbers.accepted,
        duplicate: numbers.duplicate,
        conflict: numbers.conflict,
        rejected: numbers.rejected,
        quarantined: numbers.quarantined,
    }
}

pub(super) async fn of_fleet(
    State(site): State<Site>,
    visit: Visit,
    Query(query): Query<UsageQuery>,
) -> Answer {
    visit.require(Action::OperateFleet, None)?;
    let view = fleet_view(&site, &visit, &query).await?;
    Ok(fleet_answer(&visit, &view))
}

fn fleet_answer(visit: &Visit, view: &FleetUsagePage) -> Response {
    if visit.fragment {
        return fleet_pages::body(view).into_response();
    }
    page(visit, (Place::FleetUsage, "Usage"), &fleet_pages::content(view))
}

async fn fleet_view(site: &Site, visit: &Visit, query: &UsageQuery) -> Result<FleetUsagePage, Refused> {
    let app = &site.app.metering;
    let meters = usage_metering::meters::list(app).await.map_err(failed)?;
    let range = query.range();
    let sheet = balance::sheet(app, None, days(site, range))
        .await
        .map_err(failed)?;
    let mut view = FleetUsagePage {
        meters: names(&meters),
        meter: String::new(),
        unit: String::new(),
        range: range.to_owned(),
        watermark: sheet.watermark,
        chart: None,
        top: Vec::new(),
        balance: Some(numbers(&sheet.total)),
    };
    let Some(meter) = query.meter(&meters) else {
        return Ok(view);
    };
    let key = meter.definition.key().as_str();
    let answer = answer(site, None, key, range).await?;
    let points = points(&answer);
    view.chart = Some(Chart::of(
        &[(meter.definition.name(), points.as_slice())],
        step_seconds(range),
        answer.watermark,
    ));
    view.meter = key.to_owned();
    view.unit = format::unit(meter.definition.unit());
    view.top = top(site, visit, key, range).await?;
    Ok(view)
}

async fn top(site: &Site, visit: &Visit, meter: &str, range: &str) -> Result<Vec<TopRow>, Refused> {
    let span = span(site.kit().clock.now(), range);
    let found = top_tenants(&site.app.metering, meter, span, TOP_SHOWN).await?;
    let names: HashMap<TenantId, String> = super::operator::tenants(site, visit, None)
        .await?
        .into_iter()
        .map(|tenant| (tenant.id, tenant.name))
        .collect();
    let row = |tenant_id: TenantId, value: &str| TopRow {
        tenant: tenant_id,
        name: names
            .get(&tenant_id)
            .cloned()
            .unwrap_or_else(|| tenant_id.to_string()),
        amount: decimal(value),
    };
    Ok(found
        .items
        .iter()
        .map(|item| row(item.tenant_id, &item.value))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_ends_with_the_window_that_has_begun() {
        let now = DateTime::from_timestamp(1_795_460_465, 0).expect("a moment");
        for (range, windows) in [("24h", 24), ("7d", 168), ("30d", 30)] {
            let (from, to) = span(now, range);
            assert!(from < now && now < to, "{range}");
            assert_eq!(
                (to - from).num_seconds() / step_seconds(range),
                windows,
                "{range}"
            );
        }
    }
}
