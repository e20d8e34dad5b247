//! The books: accepted + duplicate + conflict + rejected + quarantined = received, and it is shown.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use service_kit::{Caller, Problem, ProblemBody, Query, kinds};
use tenant_model::TenantId;
use tenant_store::balance::{Balance, BalanceLine};
use tenant_store::{StoreError, balance, stream_shards};
use utoipa::{IntoParams, ToSchema};

use crate::App;
use crate::scope::{begin, readable, store_problem};

/// Most lines of one sheet; more are summed into the total all the same when asked by the day.
const LINES_MAX: i64 = 10_000;

/// The books of some days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BalanceSheet {
    /// The first day.
    pub from: NaiveDate,
    /// The day after the last.
    pub to: NaiveDate,
    /// What arrived before this moment is in the books.
    pub watermark: Option<DateTime<Utc>>,
    /// Blocks that the stream delivered again and that were recognised; no event of them is below.
    pub redelivered_blocks: i64,
    /// All lines added up.
    pub total: BalanceNumbers,
    /// One line for each tenant and day of arrival.
    pub items: Vec<BalanceItem>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BalanceItem {
    /// Whose events.
    #[schema(value_type = String)]
    pub tenant_id: TenantId,
    /// The day they arrived.
    pub day: NaiveDate,
    /// How many.
    #[serde(flatten)]
    pub numbers: BalanceNumbers,
}

/// Numbers of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BalanceNumbers {
    /// All that came in.
    pub received: i64,
    /// Counted.
    pub accepted: i64,
    /// Came again.
    pub duplicate: i64,
    /// Came again with another payload; kept aside.
    pub conflict: i64,
    /// Refused at the door.
    pub rejected: i64,
    /// Kept aside with a reason.
    pub quarantined: i64,
    /// What is unexplained: zero, or a defect of ours.
    pub difference: i64,
}

impl From<&Balance> for BalanceNumbers {
    fn from(balance: &Balance) -> Self {
        Self {
            received: balance.received,
            accepted: balance.accepted,
            duplicate: balance.duplicate,
            conflict: balance.conflict,
            rejected: balance.rejected,
            quarantined: balance.quarantined,
            difference: balance.difference(),
        }
    }
}

/// The books of a tenant, or of all for an operator, for days of arrival `[from, to)`.
///
/// # Errors
/// When the database does not answer.
pub async fn sheet(
    app: &App,
    subject: Option<TenantId>,
    (from, to): (NaiveDate, NaiveDate),
) -> Result<BalanceSheet, StoreError> {
    let mut tx = begin(&app.stores, subject).await?;
    let status = stream_shards::status(&mut tx, app.stream.name()).await?;
    let lines = balance::list(&mut tx, subject, (from, to), LINES_MAX).await?;
    tx.commit().await?;
    let mut total = Balance::default();
    lines.iter().for_each(|line| total.add(&line.balance));
    let item = |line: &BalanceLine| BalanceItem {
        tenant_id: line.tenant_id,
        day: line.day,
        numbers: BalanceNumbers::from(&line.balance),
    };
    Ok(BalanceSheet {
        from,
        to,
        watermark: status.watermark,
        redelivered_blocks: status.redelivered,
        total: BalanceNumbers::from(&total),
        items: lines.iter().map(item).collect(),
    })
}

/// Parameters of `GET /v1/usage/balance`.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct BalanceParameters {
    /// First day of arrival (UTC); default seven days up to today.
    from: Option<NaiveDate>,
    /// The day after the last.
    to: Option<NaiveDate>,
    /// Operators: one tenant instead of the fleet.
    #[param(value_type = Option<String>)]
    tenant: Option<TenantId>,
}

/// Show that every event received is accounted for.
#[utoipa::path(
    get, path = "/v1/usage/balance", operation_id = "usage_balance", tag = "usage",
    params(BalanceParameters),
    responses(
        (status = 200, description = "The books", body = BalanceSheet),
        (status = 400, description = "bad-query", body = ProblemBody),
        (status = 401, description = "not-signed-in, credential-expired", body = ProblemBody),
        (status = 403, description = "not-allowed", body = ProblemBody),
        (status = 404, description = "not-found: another tenant", body = ProblemBody),
    ),
    security(("bearer" = [])),
)]
pub async fn usage_balance(
    State(app): State<App>,
    caller: Caller,
    Query(parameters): Query<BalanceParameters>,
) -> Result<Json<BalanceSheet>, Problem> {
    let subject = readable(&caller, parameters.tenant)?;
    let tomorrow = app.kit.clock.now().date_naive() + Days::new(1);
    let to = parameters.to.unwrap_or(tomorrow);
    let from = parameters
        .from
        .unwrap_or_else(|| to.checked_sub_days(Days::new(7)).unwrap_or(to));
    if from >= to || (to - from).num_days() > 400 {
        return Err(Problem::of(&kinds::BAD_QUERY).detail("from lies before to, by at most 400 days."));
    }
    let sheet = sheet(&app, subject, (from, to))
        .await
        .map_err(|error| store_problem(&error))?;
    Ok(Json(sheet))
}
