//! Pages that keep themselves up to date: whole fragments over server-sent events.
//!
//! Unnamed events are swapped into the page; the named event `done` tells it to stop listening. The place of a
//! look grows with every change, so a page that comes back names the last place it saw and misses nothing.

use std::future::Future;
use std::time::Duration;

use axum::response::Response;
use futures_util::{Stream, stream};
use maud::Markup;
use service_kit::sse::{self, SseEvent};
use tokio_util::sync::CancellationToken;

const INTERVAL: Duration = Duration::from_millis(500);
/// A stream ends after two minutes and the page comes back by itself, with its session checked again.
const LOOKS_MAX: u32 = 240;

/// What is there at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    /// Grows with every change.
    pub(crate) place: i64,
    /// Nothing more will happen.
    pub(crate) over: bool,
    pub(crate) fragment: Markup,
}

/// Streams a fragment whenever the place has grown beyond `after`, and `done` at the end.
pub(crate) fn respond<F, W>(after: i64, stopping: &CancellationToken, look: F) -> Response
where
    F: Fn(i64) -> W + Send + 'static,
    W: Future<Output = Option<Look>> + Send + 'static,
{
    sse::respond(events((after, INTERVAL), look), stopping)
}

struct Watch<F> {
    look: F,
    after: i64,
    interval: Duration,
    looks: u32,
    over: bool,
    told: bool,
}

fn events<F, W>((after, interval): (i64, Duration), look: F) -> impl Stream<Item = SseEvent> + Send
where
    F: Fn(i64) -> W + Send + 'static,
    W: Future<Output = Option<Look>> + Send + 'static,
{
    let watch = Watch {
        look,
        after,
        interval,
        looks: 0,
        over: false,
        told: false,
    };
    stream::unfold(watch, |mut watch| async move {
        let event = watch.next().await?;
        Some((event, watch))
    })
}

impl<F, W> Watch<F>
where
    F: Fn(i64) -> W,
    W: Future<Output = Option<Look>>,
{
    async fn next(&mut self) -> Option<SseEvent> {
        if self.over {
            let first = !std::mem::replace(&mut self.told, true);
            return first.then(|| SseEvent {
                id: Some(self.after),
                event: "done".to_owned(),
                data: "done".to_owned(),
            });
        }
        while self.looks < LOOKS_MAX {
            if self.looks > 0 {
                tokio::time::sleep(self.interval).await;
            }
            self.looks += 1;
            // What cannot be read now ends the stream; the page comes back.
            let look = (self.look)(self.after).await?;
            self.over = look.over;
            if look.place > self.after || look.over {
                self.after = look.place.max(self.after);
                return Some(SseEvent {
                    id: Some(self.after),
                    event: String::new(),
                    data: look.fragment.0,
                });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt;
    use maud::html;

    #[tokio::test]
    async fn changes_are_sent_once_and_the_end_is_told() {
        let look = |after: i64| async move {
            let place = (after + 1).min(3);
            Some(Look {
                place,
                over: place == 3,
                fragment: html! { p { (place) } },
            })
        };
        let told: Vec<_> = events((1, Duration::ZERO), look).collect().await;
        let lines: Vec<_> = told
            .iter()
            .map(|event| (event.id, event.event.as_str(), event.data.as_str()))
            .collect();
        let expected = [
            (Some(2), "", "<p>2</p>"),
            (Some(3), "", "<p>3</p>"),
            (Some(3), "done", "done"),
        ];
        assert_eq!(lines, expected);
    }

    #[tokio::test]
    async fn a_page_that_saw_the_end_is_told_again() {
        let look = |_| async {
            Some(Look {
                place: 3,
                over: true,
                fragment: html! { "x" },
            })
        };
        let told: Vec<_> = events((3, Duration::ZERO), look)
            .map(|event| event.event)
            .collect()
            .await;
        assert_eq!(told, ["", "done"]);
    }

    #[tokio::test]
    async fn silence_ends_and_the_page_comes_back() {
        let look = |_| async {
            Some(Look {
                place: 0,
                over: false,
                fragment: html! {},
            })
        };
        assert_eq!(events((0, Duration::ZERO), look).count().await, 0);
    }
}
