//! The tenants with most usage, each beside the span of the same length before.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use tenant_model::usage::{UsageSpan, WindowSize};
use tenant_model::{Meter, Quantity, TenantId};
use tenant_store::rollups::{self, RollupQuery, SplitBy};
use utoipa::ToSchema;

use super::UsageError;
use crate::{App, meters};

/// Tenants in falling order of usage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TopTenants {
    /// The meter's short name.
    pub meter: String,
    /// What one of it is called.
    pub unit: String,
    /// The most active first.
    pub items: Vec<TopTenant>,
}

/// One tenant's usage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TopTenant {
    /// The tenant.
    #[schema(value_type = String)]
    pub tenant_id: TenantId,
    /// In the span.
    pub value: String,
    /// In the span of the same length before.
    pub previous: String,
}

/// The tenants with most usage in `[from, to)`.
///
/// # Errors
/// When the span is not of whole hours, or the database does not answer.
pub async fn top_tenants(
    app: &App,
    meter: &str,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    limit: usize,
) -> Result<TopTenants, UsageError> {
    let meter = meters::find(app, meter)
        .await?
        .ok_or_else(|| UsageError::UnknownMeter(meter.to_owned()))?;
    let now = totals(app, &meter, (from, to)).await?;
    let before = totals(app, &meter, (from - (to - from), from)).await?;
    let mut ranked: Vec<_> = now.into_iter().collect();
    ranked.sort_by(|left, right| right.1.cmp(&left.1).then(left.0.cmp(&right.0)));
    let items = ranked
        .into_iter()
        .take(limit)
        .map(|(tenant_id, value)| TopTenant {
            tenant_id,
            value: value.to_string(),
            previous: before
                .get(&tenant_id)
                .copied()
                .unwrap_or(Quantity::ZERO)
                .to_string(),
        });
    Ok(TopTenants {
        meter: meter.definition.key().to_string(),
        unit: meter.definition.unit().to_owned(),
        items: items.collect(),
    })
}

async fn totals(
    app: &App,
    meter: &Meter,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<HashMap<TenantId, Quantity>, UsageError> {
    let span = UsageSpan::cut((from, to), WindowSize::None, Tz::UTC)?;
    let query = RollupQuery {
        tenant_id: None,
        meter_id: meter.id,
        granularity: span.granularity,
        from,
        to,
        split: SplitBy::Tenant,
    };
    let mut tx = app.stores.begin_ops().await?;
    let rows = rollups::list(&mut tx, &query).await?;
    tx.commit().await?;
    let mut totals = HashMap::new();
    for row in rows {
        let Some(tenant) = row
            .group
            .and_then(|group| group.parse().ok())
            .map(TenantId::from_uuid)
        else {
            continue;
        };
        let merged = match totals.remove(&tenant) {
            Some(tally) => row.tally.merge(tally).ok_or(UsageError::TooMany)?,
            None => row.tally,
        };
        totals.insert(tenant, merged);
    }
    let aggregation = meter.definition.aggregation();
    Ok(totals
        .into_iter()
        .map(|(tenant, tally)| (tenant, tally.value(aggregation)))
        .collect())
}
