//! `/v1/connections/{id}/events`: a connection as it changes.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use futures_util::stream::{self, Stream};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use service_kit::sse::{self, SseEvent};
use service_kit::{Caller, IdPath, Problem, ProblemBody, Query};
use tenant_model::{Connection, ConnectionId, ConnectionState, Principal};

use super::connections::{ConnectionView, DoubtView};
use crate::App;
use crate::connections;

/// How often a live stream looks for news.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// A stream ends with the shortest credential; the browser comes back by itself.
const LOOKS_MAX: u32 = 1_200;

/// Where to go on.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AfterQuery {
    /// The last event seen, when the header `Last-Event-ID` cannot be sent.
    after: Option<i64>,
}

/// Watch a connection: an event `state` with the whole connection and its doubt at each change, `done` once it is ready or ended.
#[utoipa::path(get, path = "/v1/connections/{id}/events", operation_id = "connection_events", tag = "connections",
    params(("id" = String, Path), AfterQuery), security(("bearer" = [])),
    responses(
        (status = 200, description = "A stream of events", content_type = "text/event-stream", body = String),
        (status = 400, body = ProblemBody, description = "bad-query"),
        (status = 401, body = ProblemBody, description = "not-signed-in, credential-expired"),
        (status = 403, body = ProblemBody, description = "not-allowed"),
        (status = 404, body = ProblemBody, description = "not-found"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn connection_events(
    State(app): State<App>,
    Caller(caller): Caller,
    IdPath(id): IdPath<ConnectionId>,
    headers: HeaderMap,
    Query(query): Query<AfterQuery>,
) -> Result<Response, Problem> {
    let after = sse::after(&headers, query.after)?;
    connections::find(&app, &caller, id).await?;
    let stopping = app.kit.stopping.clone();
    Ok(sse::respond(watch(app, caller, (id, after)), &stopping))
}

/// What a stream remembers between two looks.
struct Watch {
    app: App,
    caller: Principal,
    id: ConnectionId,
    after: i64,
    looks: u32,
    done: bool,
}

fn watch(
    app: App,
    caller: Principal,
    (id, after): (ConnectionId, i64),
) -> impl Stream<Item = SseEvent> + Send {
    let watch = Watch {
        app,
        caller,
        id,
        after,
        looks: 0,
        done: false,
    };
    stream::unfold(watch, |mut watch| async move {
        let event = watch.next().await?;
        Some((event, watch))
    })
}

impl Watch {
    async fn next(&mut self) -> Option<SseEvent> {
        while !self.done && self.looks < LOOKS_MAX {
            if self.looks > 0 {
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
            self.looks += 1;
            // A connection that cannot be read right now ends the stream; the reader comes back.
            let connection = connections::find(&self.app, &self.caller, self.id).await.ok()?;
            connections::note_watched(&self.app, &connection).await.ok()?;
            // Both only grow, and every change makes one of them grow.
            let place = connection.version + i64::from(connection.check_count);
            self.done = ended(&connection.state);
            if place > self.after || self.done {
                self.after = place;
                let name = if self.done { "done" } else { "state" };
                return Some(SseEvent::json(place, name, &self.news(&connection).await?));
            }
        }
        None
    }

    async fn news(&self, connection: &Connection) -> Option<ConnectionNews> {
        let doubt = connections::find_doubt(&self.app, &self.caller, self.id)
            .await
            .ok()?;
        Some(ConnectionNews {
            connection: ConnectionView::new(&self.app, connection),
            doubt: doubt.map(DoubtView::from),
        })
    }
}

/// What an event carries.
#[derive(Serialize)]
struct ConnectionNews {
    #[serde(flatten)]
    connection: ConnectionView,
    doubt: Option<DoubtView>,
}

const fn ended(state: &ConnectionState) -> bool {
    match state {
        ConnectionState::Ready { .. } | ConnectionState::Revoked { .. } => true,
        ConnectionState::AwaitingRole
        | ConnectionState::Verifying { .. }
        | ConnectionState::Quarantined { .. } => false,
    }
}
