//! `POST /v1/usage-events`: validates, puts on the stream, and answers when the stream has it.
//!
//! Nothing is counted here and no key is claimed: an answer of 2xx says that the events are on the stream,
//! and booking decides. The tenant comes from the credential, never from the payload.

mod body;
mod intake;
mod judge;
mod put;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use service_kit::{Caller, Problem, ProblemBody, kinds, read_body};
use tenant_model::{Action, TenantId};
use utoipa::ToSchema;

use crate::App;
use body::{BODY_BYTES_MAX, Encoding, Format};
pub(crate) use intake::Intake;
use judge::{Door, Judged, Outcome};

/// Bodies above this are taken apart on a thread of their own.
const INLINE_BYTES_MAX: usize = 32 * 1024;

/// What became of a request's events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IngestReply {
    /// On the stream; counted within about a second.
    pub accepted: usize,
    /// Twice in this request; counted once.
    pub duplicate: usize,
    /// A key of this request with another payload; kept aside.
    pub conflict: usize,
    /// Will never count as they are.
    pub rejected: usize,
    /// Not on the stream; send them again.
    pub unavailable: usize,
    /// Every event that was not accepted.
    pub results: Vec<EventResult>,
}

/// What became of one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventResult {
    /// Its place in the request, from 0.
    pub index: usize,
    /// `duplicate`, `conflict`, `rejected` or `unavailable`.
    pub outcome: String,
    /// Why it was rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Where in the event, as a JSON pointer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

/// A problem that also lists each event.
#[derive(Serialize)]
struct RefusedBatch {
    #[serde(flatten)]
    problem: ProblemBody,
    #[serde(flatten)]
    reply: IngestReply,
}

/// Report usage: one CloudEvent, an array of them, or one per line.
#[utoipa::path(
    post, path = "/v1/usage-events", operation_id = "usage_event_create", tag = "usage",
    request_body(content = String, content_type = "application/cloudevents-batch+json",
        description = "CloudEvents 1.0; identity, gzip or zstd; at most 10,000 events and 10 MiB"),
    responses(
        (status = 202, description = "All events are on the stream", body = IngestReply),
        (status = 207, description = "Some are not; see results", body = IngestReply),
        (status = 400, description = "malformed-body, with the position", body = ProblemBody),
        (status = 401, description = "not-signed-in, credential-expired", body = ProblemBody),
        (status = 403, description = "not-allowed", body = ProblemBody),
        (status = 408, description = "timeout", body = ProblemBody),
        (status = 413, description = "body-too-large", body = ProblemBody),
        (status = 415, description = "unsupported-media-type", body = ProblemBody),
        (status = 422, description = "validation-failed: no event is valid", body = ProblemBody),
        (status = 429, description = "rate-limited", body = ProblemBody),
        (status = 503, description = "unavailable: the stream does not acknowledge", body = ProblemBody),
    ),
    security(("bearer" = [])),
)]
pub async fn usage_event_create(
    State(app): State<App>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    caller.may(Action::WriteUsage, caller.0.tenant_id())?;
    let tenant = caller.0.tenant_id().ok_or_else(Problem::not_found)?;
    let format = Format::of(request.headers())?;
    let encoding = Encoding::of(request.headers())?;
    let body = read_body(request, BODY_BYTES_MAX).await?;
    Ok(respond(
        receive(
            &app,
            tenant,
            Received {
                body,
                encoding,
                format,
            },
        )
        .await?,
    ))
}

/// A body with what its headers say of it.
struct Received {
    body: bytes::Bytes,
    encoding: Encoding,
    format: Format,
}

async fn receive(app: &App, tenant: TenantId, received: Received) -> Result<IngestReply, Problem> {
    // A packed body may grow to the bound; room is made for what it may become.
    let bytes = match received.encoding {
        Encoding::Identity => received.body.len(),
        Encoding::Gzip | Encoding::Zstd => (received.body.len() * 8).min(BODY_BYTES_MAX),
    };
    let _room = app.intake.make_room(tenant, bytes)?;
    let meters = app
        .meters
        .current(app)
        .await
        .map_err(|error| crate::scope::store_problem(&error))?;
    let (arrived_at, bounds) = (app.kit.clock.now(), app.config.time_bounds);
    let work = move || -> Result<Judged, Problem> {
        let events = body::events(received.body, received.encoding, received.format)?;
        Ok(Door {
            tenant,
            arrived_at,
            bounds,
            meters: &meters,
        }
        .judge(events))
    };
    let judged = if bytes > INLINE_BYTES_MAX {
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| Problem::internal(&error))??
    } else {
        work()?
    };
    deliver(app, tenant, judged).await
}

async fn deliver(app: &App, tenant: TenantId, judged: Judged) -> Result<IngestReply, Problem> {
    let Judged {
        mut outcomes,
        passed,
        rejected,
    } = judged;
    let (sent, total) = (passed.len(), outcomes.len());
    let places: Vec<usize> = passed.iter().map(|passed| passed.index).collect();
    let missing = app.intake.send(tenant, passed, rejected).await.unwrap_or(places);
    metrics::counter!("tenantry_metering_events_received_total").increment(total as u64);
    if sent > 0 && missing.len() == sent {
        return Err(Problem::of(&kinds::UNAVAILABLE)
            .detail(
                "The usage stream did not acknowledge. Nothing of this request counts yet; send it again.",
            )
            .retry_after(1));
    }
    for index in missing {
        outcomes[index] = Outcome::Unavailable;
    }
    Ok(reply(&outcomes))
}

fn reply(outcomes: &[Outcome]) -> IngestReply {
    let mut reply = IngestReply::default();
    for (index, outcome) in outcomes.iter().enumerate() {
        let (name, rejection) = match outcome {
            Outcome::Accepted => {
                reply.accepted += 1;
                continue;
            }
            Outcome::Duplicate => {
                reply.duplicate += 1;
                ("duplicate", None)
            }
            Outcome::Conflict => {
                reply.conflict += 1;
                ("conflict", None)
            }
            Outcome::Rejected(rejection) => {
                reply.rejected += 1;
                ("rejected", Some(rejection))
            }
            Outcome::Unavailable => {
                reply.unavailable += 1;
                ("unavailable", None)
            }
        };
        reply.results.push(EventResult {
            index,
            outcome: name.to_owned(),
            code: rejection.map(|rejection| rejection.code.as_str().to_owned()),
            pointer: rejection.map(|rejection| rejection.pointer.clone()),
        });
    }
    reply
}

fn respond(reply: IngestReply) -> Response {
    if reply.conflict + reply.rejected + reply.unavailable == 0 {
        return (StatusCode::ACCEPTED, Json(reply)).into_response();
    }
    if reply.accepted + reply.duplicate + reply.conflict + reply.unavailable > 0 {
        return (StatusCode::MULTI_STATUS, Json(reply)).into_response();
    }
    let mut problem = Problem::of(&kinds::VALIDATION_FAILED).detail("No event of this request can count.");
    // The problem names the first few; `results` has them all.
    for result in reply.results.iter().take(20) {
        let pointer = format!(
            "/{}{}",
            result.index,
            result.pointer.as_deref().unwrap_or_default()
        );
        let code = result.code.as_deref().unwrap_or_default();
        problem = problem.error(&pointer, code, code.replace('_', " "));
    }
    let refused = RefusedBatch {
        problem: problem.body().clone(),
        reply,
    };
    let mut response = (StatusCode::UNPROCESSABLE_ENTITY, Json(refused)).into_response();
    let media_type = http::HeaderValue::from_static("application/problem+json");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, media_type);
    response
}
