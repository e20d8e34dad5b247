//! `tenantry serve`: one service, or all, until a signal.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use service_kit::{ServerLimits, serve};
use tenantry::{Composition, Service, Settings};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

/// What is in hand may take so long after a signal; then the process ends all the same.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn run(service: Service, listen: SocketAddr) -> anyhow::Result<()> {
    let composition = Composition::connect(Settings::from_environment()?).await?;
    let listener = bind(listen).await?;
    info!(address = %listener.local_addr()?, "serving");
    stop_on_signal(composition.kit.stopping.clone())?;
    composition.start(service);
    let router = composition.router(service, None);
    until_stopped(&composition, listener, router).await
}

/// Serves until the kit stops, then waits for the workers.
pub(crate) async fn until_stopped(
    composition: &Composition,
    listener: TcpListener,
    router: Router,
) -> anyhow::Result<()> {
    serve(
        listener,
        router,
        ServerLimits::default(),
        composition.kit.stopping.clone(),
    )
    .await?;
    if !composition.kit.shut_down(SHUTDOWN_PATIENCE).await {
        tracing::warn!(
            "some work did not end in {}s; its leases expire by themselves",
            SHUTDOWN_PATIENCE.as_secs()
        );
    }
    composition.stores.close().await;
    Ok(())
}

pub(crate) async fn bind(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen).await.with_context(|| {
        format!("cannot listen on {listen}; choose another with --listen, port 0 takes a free one")
    })
}

/// Stops at SIGTERM and Ctrl-C. A second Ctrl-C ends the process at once.
pub(crate) fn stop_on_signal(stopping: CancellationToken) -> anyhow::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stopping.cancel();
        interrupt.recv().await;
        std::process::exit(130);
    });
    Ok(())
}
