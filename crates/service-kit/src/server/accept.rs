//! The accept loop: HTTP/1.1 over hyper, with the time limits that axum's own loop does not have.
//!
//! HTTP/2 ends at the load balancer.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::ServerLimits;
use super::stall::StalledWriter;

/// Out of file descriptors: a busy loop would not free any.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(50);

/// Serves until `stopping`, then finishes the requests in hand, at most `limits.shutdown`.
///
/// # Errors
/// None today; the listener's failures are retried.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ServerLimits,
    stopping: CancellationToken,
) -> io::Result<()> {
    let server = Arc::new(Server {
        router,
        limits,
        stopping: stopping.clone(),
        giving_up: CancellationToken::new(),
    });
    let places = Arc::new(Semaphore::new(limits.connections_max));
    let connections = TaskTracker::new();
    while let Some((stream, peer, place)) = next_connection(&listener, &places, &stopping).await {
        let server = server.clone();
        connections.spawn(async move {
            server.attend(stream, peer).await;
            drop(place);
        });
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(limits.shutdown, connections.wait())
        .await
        .is_err()
    {
        tracing::warn!(
            connections = connections.len(),
            "some requests did not end in time and are cut"
        );
        server.giving_up.cancel();
        connections.wait().await;
    }
    Ok(())
}

type Accepted = (TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit);

async fn next_connection(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    stopping: &CancellationToken,
) -> Option<Accepted> {
    let place = tokio::select! {
        () = stopping.cancelled() => return None,
        place = places.clone().acquire_owned() => place.ok()?,
    };
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => return None,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => return Some((stream, peer, place)),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
            }
        }
    }
}

struct Server {
    router: Router,
    limits: ServerLimits,
    stopping: CancellationToken,
    /// Cancelled when the time for requests in hand is over.
    giving_up: CancellationToken,
}

impl Server {
    async fn attend(&self, stream: TcpStream, peer: SocketAddr) {
        // Replies are small; waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        let socket = TokioIo::new(Box::pin(StalledWriter::new(stream, self.limits.write_stall)));
        let service = service_fn(|request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            self.router.clone().oneshot(request)
        });
        let connection = http1::Builder::new()
            // Without the timer the next setting would panic.
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.header_read)
            .max_header_size(self.limits.header_bytes_max)
            .serve_connection(socket, service);
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.stopping.cancelled() => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection.as_mut() => ended,
                    () = self.giving_up.cancelled() => Ok(()),
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::{get, post};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    struct Running {
        address: SocketAddr,
        stopping: CancellationToken,
        done: tokio::task::JoinHandle<io::Result<()>>,
    }

    async fn start(router: Router, limits: ServerLimits) -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let stopping = CancellationToken::new();
        let done = tokio::spawn(serve(listener, router, limits, stopping.clone()));
        Running {
            address,
            stopping,
            done,
        }
    }

    async fn talk(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.expect("listening");
        stream.write_all(request.as_bytes()).await.expect("writable");
        let mut reply = Vec::new();
        // A reset is an end as well.
        let _ = stream.read_to_end(&mut reply).await;
        String::from_utf8_lossy(&reply).into_owned()
    }

    #[tokio::test]
    async fn slow_heads_are_closed() {
        let limits = ServerLimits {
            header_read: Duration::from_millis(100),
            ..ServerLimits::default()
        };
        let running = start(Router::new().route("/", get(|| async { "ok" })), limits).await;
        for half in ["", "GET", "GET / HTTP/1.1\r\nHost: x\r\nX-"] {
            let reply = talk(running.address, half).await;
            assert!(!reply.contains("200"), "{half:?} gave {reply:?}");
        }
        let whole = talk(
            running.address,
            "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        )
        .await;
        assert!(whole.starts_with("HTTP/1.1 200"), "{whole}");
    }

    #[tokio::test]
    async fn a_stop_finishes_the_request_in_hand() {
        let entered = Arc::new(tokio::sync::Notify::new());
        let leave = Arc::new(tokio::sync::Notify::new());
        let (inside, gate) = (entered.clone(), leave.clone());
        let handler = post(move || async move {
            inside.notify_one();
            gate.notified().await;
            "done"
        });
        let running = start(Router::new().route("/", handler), ServerLimits::default()).await;
        let request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
        let client = tokio::spawn(async move { talk(running.address, request).await });
        entered.notified().await;
        running.stopping.cancel();
        leave.notify_one();
        assert!(client.await.expect("no panic").ends_with("done"));
        assert!(running.done.await.expect("no panic").is_ok());
    }
}
