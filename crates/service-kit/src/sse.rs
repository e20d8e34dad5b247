//! Server-sent events: replies that go on, resumable by event id.
//!
//! Each event is a whole value, so that a lost one harms nothing; ids grow, so that a reader that comes
//! back names the last one it saw ([`after`]) and the rest follows from stored rows.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, future, stream};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::{Problem, kinds};

/// Proxies and browsers drop silent connections; a comment keeps them.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// One event of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SseEvent {
    /// Grows within the stream; none for events that cannot be resumed from.
    pub id: Option<i64>,
    /// The event's name.
    pub event: String,
    /// JSON on one line.
    pub data: String,
}

impl SseEvent {
    /// An event with a JSON value.
    pub fn json(id: i64, event: &str, data: &impl Serialize) -> Self {
        let data = serde_json::to_string(data).expect("wire types hold only what JSON can say");
        Self {
            id: Some(id),
            event: event.to_owned(),
            data,
        }
    }

    fn frame(&self) -> String {
        let mut frame = String::with_capacity(self.data.len() + 48);
        if let Some(id) = self.id {
            frame.push_str(&format!("id: {id}\n"));
        }
        frame.push_str(&format!("event: {}\n", self.event));
        // A newline inside the data would end the field; every line carries its own name.
        for line in self.data.split('\n') {
            frame.push_str(&format!("data: {}\n", line.trim_end_matches('\r')));
        }
        frame.push('\n');
        frame
    }
}

/// The id behind which to go on: the header `Last-Event-ID`, else `?after=`, else 0.
///
/// # Errors
/// `bad-query` when it is not a number.
pub fn after(headers: &HeaderMap, query: Option<i64>) -> Result<i64, Problem> {
    let Some(header) = headers.get("last-event-id") else {
        return Ok(query.unwrap_or(0));
    };
    header
        .to_str()
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Problem::of(&kinds::BAD_QUERY).detail("Last-Event-ID is not one of ours."))
}

/// The reply that sends `events` until they end or the process stops. A reader that does not take what
/// is sent is cut by the server's stalled-writer limit.
pub fn respond<S>(events: S, stopping: &CancellationToken) -> Response
where
    S: Stream<Item = SseEvent> + Send + 'static,
{
    let opening = stream::once(future::ready(Bytes::from_static(b"retry: 2000\n\n")));
    let frames = with_heartbeat(events.map(|event| Bytes::from(event.frame())), HEARTBEAT);
    let body = opening
        .chain(frames)
        .take_until(stopping.clone().cancelled_owned())
        .map(Ok::<_, Infallible>);
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

fn with_heartbeat(
    frames: impl Stream<Item = Bytes> + Send + 'static,
    silence_max: Duration,
) -> impl Stream<Item = Bytes> + Send {
    stream::unfold(Box::pin(frames), move |mut frames| async move {
        // `next` is cancel-safe: a frame that is not ready yet stays in the stream.
        match tokio::time::timeout(silence_max, frames.next()).await {
            Ok(Some(frame)) => Some((frame, frames)),
            Ok(None) => None,
            Err(_elapsed) => Some((Bytes::from_static(b": still here\n\n"), frames)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    #[tokio::test]
    async fn events_are_framed_and_the_stream_ends() {
        let events = vec![
            SseEvent::json(1, "state", &"queued"),
            SseEvent::json(2, "done", &"x\ny"),
        ];
        let response = respond(stream::iter(events), &CancellationToken::new());
        assert_eq!(response.headers()[CONTENT_TYPE], "text/event-stream");
        let body = response
            .into_body()
            .collect()
            .await
            .expect("infallible")
            .to_bytes();
        let text =
            "retry: 2000\n\nid: 1\nevent: state\ndata: \"queued\"\n\nid: 2\nevent: done\ndata: \"x\\ny\"\n\n";
        assert_eq!(body, text);
    }

    #[tokio::test]
    async fn a_stopping_process_ends_the_stream() {
        let stopping = CancellationToken::new();
        let response = respond(stream::pending(), &stopping);
        stopping.cancel();
        assert!(response.into_body().collect().await.is_ok());
    }

    #[tokio::test]
    async fn silence_is_filled_with_comments() {
        let mut frames = Box::pin(with_heartbeat(stream::pending(), Duration::from_millis(5)));
        assert_eq!(frames.next().await, Some(Bytes::from_static(b": still here\n\n")));
    }

    #[test]
    fn the_header_wins_over_the_query() {
        let mut headers = HeaderMap::new();
        assert_eq!(after(&headers, Some(3)), Ok(3));
        headers.insert("last-event-id", HeaderValue::from_static("7"));
        assert_eq!(after(&headers, Some(3)), Ok(7));
        headers.insert("last-event-id", HeaderValue::from_static("x"));
        assert!(after(&headers, None).is_err());
    }
}
