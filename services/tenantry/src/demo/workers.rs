//! Worker processes that the demo starts, and kills without warning.

use std::collections::BTreeMap;
use std::process::Stdio;

use anyhow::Context as _;
use tokio::process::{Child, Command};

/// A process of this executable that runs one service.
pub(crate) struct Worker(Child);

impl Worker {
    /// Starts a process of `service` in the world that `environment` describes.
    pub(crate) fn spawn(service: &str, environment: &BTreeMap<&'static str, String>) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("this executable has a path")?;
        let child = Command::new(program)
            .args(["serve", service, "--listen", "127.0.0.1:0"])
            .env_clear()
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("a worker process of {service} starts"))?;
        Ok(Self(child))
    }

    /// `kill -9`: no chance to release a lease, finish a transaction or say goodbye.
    pub(crate) async fn kill(mut self) -> anyhow::Result<()> {
        self.0.kill().await.context("the worker can be killed")
    }
}
