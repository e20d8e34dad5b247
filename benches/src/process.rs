//! A process under test and what it used.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::process::Child;

/// Clock ticks of `/proc/<pid>/stat` in a second: fixed for user space on Linux.
const TICKS_PER_SECOND: u64 = 100;

/// A running process, killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    id: u32,
}

impl Process {
    /// Takes charge of a child that was spawned with `kill_on_drop`.
    ///
    /// # Errors
    /// When it has ended already.
    pub fn of(child: Child) -> anyhow::Result<Self> {
        let id = child.id().context("the process under test has ended")?;
        Ok(Self { child, id })
    }

    /// User and system time so far, of all its threads.
    ///
    /// # Errors
    /// When it has ended.
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id))?;
        // The name may hold spaces; what follows its parenthesis does not.
        let (_, fields) = stat.rsplit_once(')').context("a stat line has a name")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        ensure!(fields.len() > 12, "a stat line has user and system time");
        let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
        Ok(Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND))
    }

    /// Memory held now, in KiB.
    ///
    /// # Errors
    /// When it has ended.
    pub fn rss_kib(&self) -> anyhow::Result<u64> {
        self.status("VmRSS:")
    }

    /// The most memory it ever held, in KiB.
    ///
    /// # Errors
    /// When it has ended.
    pub fn peak_rss_kib(&self) -> anyhow::Result<u64> {
        self.status("VmHWM:")
    }

    /// Ends it and waits.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub async fn end(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    fn status(&self, name: &str) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|rest| rest.split_whitespace().next());
        Ok(number.context("the process has ended")?.parse()?)
    }
}
