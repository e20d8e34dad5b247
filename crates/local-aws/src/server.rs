//! Listening, serving and stopping.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::control::Control;
use crate::endpoint::Endpoint;

/// How an endpoint is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens; port 0 takes a free one. The control surface answers loopback callers only.
    pub listen: SocketAddr,
    /// Where state survives a restart; `None` keeps everything in memory.
    pub data_dir: Option<PathBuf>,
    /// A PostgreSQL server that plays the Redshift warehouse.
    pub warehouse_url: Option<String>,
    /// Seeds ids, keys, lag and fault rates.
    pub seed: u64,
    /// The endpoint's clock.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            data_dir: None,
            warehouse_url: None,
            seed: 0,
            clock: Clock::system(),
        }
    }
}

/// Why an endpoint did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port or the data directory cannot be used.
    #[error("could not open the port or the data directory")]
    Io(#[from] std::io::Error),
    /// The data directory cannot be made, read or written.
    #[error("could not use {path}")]
    Directory {
        /// The directory, or the file in it.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Another process uses the data directory.
    #[error("another process uses the data directory {0}")]
    InUse(PathBuf),
    /// A state file is damaged, or of another shape.
    #[error("the state in {path} cannot be read")]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A service did not start.
    #[error("{0} did not start")]
    Service(&'static str, #[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A running endpoint. Dropping it stops serving; [`LocalAws::stop`] also writes the last state.
pub struct LocalAws {
    address: SocketAddr,
    endpoint: Arc<Endpoint>,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

/// How often changes are written that no call waits for: what time did, what was commanded in this process.
const SAVE_INTERVAL: Duration = Duration::from_secs(1);
/// How long a stop waits for calls in flight.
const STOP_TIME_MAX: Duration = Duration::from_secs(5);
const HEADER_TIME_MAX: Duration = Duration::from_secs(30);

impl LocalAws {
    /// Opens the state, the services and the port.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let endpoint = Arc::new(Endpoint::open(&options).await?);
        let listener = TcpListener::bind(options.listen).await?;
        let running = Self {
            address: listener.local_addr()?,
            endpoint,
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        let (endpoint, tasks) = (Arc::clone(&running.endpoint), running.tasks.clone());
        running
            .tasks
            .spawn(accept(listener, endpoint, running.stopping.clone(), tasks));
        if options.data_dir.is_some() {
            running.tasks.spawn(save_often(
                Arc::clone(&running.endpoint),
                running.stopping.clone(),
            ));
        }
        Ok(running)
    }

    /// The address to configure as endpoint URL, such as `http://127.0.0.1:4566`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The control surface.
    #[must_use]
    pub fn control(&self) -> Control {
        Control {
            endpoint: Arc::clone(&self.endpoint),
        }
    }

    /// Lets the calls in flight end (five seconds at most), stops the services and writes the state.
    ///
    /// # Errors
    /// The state could not be written.
    pub async fn stop(self) -> std::io::Result<()> {
        self.stopping.cancel();
        self.tasks.close();
        self.endpoint.calls.close();
        let ended = async {
            self.tasks.wait().await;
            self.endpoint.calls.wait().await;
        };
        if tokio::time::timeout(STOP_TIME_MAX, ended).await.is_err() {
            tracing::warn!("calls were still in flight when the local endpoint stopped");
        }
        for service in &self.endpoint.services {
            service.stop().await;
        }
        if let Some(objects) = &self.endpoint.objects {
            objects.stop().await;
        }
        self.endpoint.core.mark_dirty();
        crate::persist::save(&self.endpoint).await
    }
}

impl Drop for LocalAws {
    fn drop(&mut self) {
        self.stopping.cancel();
        self.endpoint.release();
    }
}

async fn accept(
    listener: TcpListener,
    endpoint: Arc<Endpoint>,
    stopping: CancellationToken,
    tasks: TaskTracker,
) {
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                tasks.spawn(serve(stream, peer.ip(), Arc::clone(&endpoint), stopping.clone()));
            }
            // Out of file handles, most often: others may close some.
            Err(error) => {
                tracing::warn!(%error, "the local endpoint could not accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, peer: IpAddr, endpoint: Arc<Endpoint>, stopping: CancellationToken) {
    // Answers are small and wanted at once.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(move |request| crate::dispatch::answer(Arc::clone(&endpoint), request, peer));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME_MAX)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to the local endpoint ended early");
    }
}

async fn save_often(endpoint: Arc<Endpoint>, stopping: CancellationToken) {
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(SAVE_INTERVAL) => {}
        }
        if let Err(error) = crate::persist::save(&endpoint).await {
            tracing::warn!(%error, "the local endpoint could not write its state");
        }
    }
}
