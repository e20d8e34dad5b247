//! `/v1/incidents`.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use service_kit::{Caller, Problem, ProblemBody};
use tenant_store::incidents::Incident;
use utoipa::ToSchema;

use crate::{App, incidents};

/// A region of AWS that gave no answer about several accounts at once.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Incident)]
pub struct IncidentView {
    /// The region.
    #[schema(example = "eu-central-1")]
    pub region: String,
    /// When it was noticed.
    pub began_at: DateTime<Utc>,
    /// When the region answered again.
    pub ended_at: Option<DateTime<Utc>>,
    /// Most accounts without an answer at once.
    pub accounts: i32,
}

/// Incidents.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct IncidentList {
    /// The newest first.
    pub items: Vec<IncidentView>,
}

impl From<Incident> for IncidentView {
    fn from(incident: Incident) -> Self {
        Self {
            region: incident.region,
            began_at: incident.began_at,
            ended_at: incident.ended_at,
            accounts: incident.accounts,
        }
    }
}

/// List the incidents of AWS itself, newest first: operators only
#[utoipa::path(get, path = "/v1/incidents", operation_id = "incident_list", tag = "connections",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The newest incidents", body = IncidentList),
        (status = 401, body = ProblemBody, description = "not-signed-in, credential-expired"),
        (status = 403, body = ProblemBody, description = "not-allowed"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn list_incidents(
    State(app): State<App>,
    Caller(caller): Caller,
) -> Result<axum::Json<IncidentList>, Problem> {
    let found = incidents::list(&app, &caller).await?;
    let items = found.into_iter().map(IncidentView::from).collect();
    Ok(axum::Json(IncidentList { items }))
}
