//! A worker process as its director holds it: told where to halt, killed, stopped, and let go on.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// A worker that says nothing for so long hangs.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// What a worker process says, one word and its detail a line; see [`super::worker`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It waits for orders.
    Ready,
    /// It has passed a point.
    Passed(String),
    /// It halts at a point.
    Halted(String),
    /// A pass ended: `worked`, `idle` or `overtaken`.
    Ended(String),
    /// A pass failed.
    Failed(String),
}

/// A process of this executable that works on a scene.
pub(super) struct WorkerProcess {
    child: Child,
    id: u32,
    orders: ChildStdin,
    words: Lines<BufReader<ChildStdout>>,
}

impl WorkerProcess {
    /// Starts it and waits until it is ready.
    pub(super) async fn spawn(environment: &BTreeMap<&'static str, String>) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("this executable has a path")?;
        let mut child = Command::new(program)
            .arg("rehearse-worker")
            .env_clear()
            .envs(environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .context("a worker process starts")?;
        let id = child.id().context("a process that has just started has an id")?;
        let orders = child.stdin.take().context("its input is piped")?;
        let words = child.stdout.take().context("its output is piped")?;
        let mut process = Self {
            child,
            id,
            orders,
            words: BufReader::new(words).lines(),
        };
        let first = process.hear().await?;
        ensure!(first == Said::Ready, "a worker process began with {first:?}");
        Ok(process)
    }

    /// Gives an order.
    pub(super) async fn order(&mut self, order: &str) -> anyhow::Result<()> {
        self.orders.write_all(format!("{order}\n").as_bytes()).await?;
        Ok(self.orders.flush().await?)
    }

    /// The next thing it says.
    pub(super) async fn hear(&mut self) -> anyhow::Result<Said> {
        let line = tokio::time::timeout(SILENCE_MAX, self.words.next_line())
            .await
            .context("a worker process has said nothing for a minute")??;
        let line = line.context("a worker process has ended by itself")?;
        let (word, detail) = line.split_once(' ').unwrap_or((&line, ""));
        let detail = detail.to_owned();
        Ok(match word {
            "ready" => Said::Ready,
            "passed" => Said::Passed(detail),
            "halted" => Said::Halted(detail),
            "ended" => Said::Ended(detail),
            "failed" => Said::Failed(detail),
            _ => bail!("a worker process said {line}"),
        })
    }

    /// `kill -9`: no chance to release a lease, finish a transaction or say goodbye.
    pub(super) async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("the worker can be killed")
    }

    /// SIGSTOP, and it has taken hold.
    pub(super) async fn stop(&self) -> anyhow::Result<()> {
        self.signal("STOP").await?;
        while !self.is_stopped()? {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// SIGCONT.
    pub(super) async fn go_on(&self) -> anyhow::Result<()> {
        self.signal("CONT").await
    }

    async fn signal(&self, name: &str) -> anyhow::Result<()> {
        let status = Command::new("kill")
            .args([&format!("-{name}"), &self.id.to_string()])
            .status()
            .await?;
        ensure!(status.success(), "kill -{name} ended with {status}");
        Ok(())
    }

    /// Where the kernel shows no state of processes the signal is taken at its word.
    fn is_stopped(&self) -> anyhow::Result<bool> {
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{}/stat", self.id)) else {
            return Ok(true);
        };
        // The state is the first field behind the name, which may hold parentheses itself.
        let (_, fields) = stat.rsplit_once(')').context("a stat line has a name")?;
        Ok(fields.trim_start().starts_with('T'))
    }
}
