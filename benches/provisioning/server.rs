//! The one PostgreSQL server on which everybody is measured: durable, as in production, and thrown away afterwards.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use local::Databases;
use local::postgres::{Postgres, SUPERUSER, Search};
use tokio::process::Command;

/// Clock ticks of `/proc/<pid>/stat` in a second: fixed for user space on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// A running server with our databases on it.
pub(crate) struct Server {
    pub(crate) databases: Databases,
    postgres: Postgres,
    directory: PathBuf,
}

impl Server {
    /// Starts it with `fsync` on, next to the executable: a temporary folder may be memory.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let program = std::env::current_exe()?;
        let home = program.parent().context("an executable lies in a folder")?;
        let directory = home.join(format!("bench-postgres-{}", std::process::id()));
        let place = directory.clone();
        let postgres =
            tokio::task::spawn_blocking(move || Postgres::start_near(&place, &Search::machine())).await??;
        Ok(Self {
            databases: Databases::prepare(&postgres).await?,
            postgres,
            directory,
        })
    }

    /// Where a superuser reaches a database, with libpq's and the drivers' way of naming a socket.
    pub(crate) fn url(&self, database: &str) -> String {
        self.postgres.url(SUPERUSER, database)
    }

    /// User and system time of all its processes so far, those that have ended included.
    pub(crate) fn cpu_seconds(&self) -> anyhow::Result<f64> {
        let pid_file = self.postgres.directory().join("data/postmaster.pid");
        let text = std::fs::read_to_string(pid_file)?;
        let postmaster = text.lines().next().context("a pid file begins with the pid")?;
        let mut ticks = stat(postmaster).context("the server lives")?.ticks(true);
        for entry in std::fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let process = name.to_str().and_then(stat);
            ticks += process
                .filter(|process| process.parent == postmaster)
                .map_or(0, |process| process.ticks(false));
        }
        Ok(f64::from(u32::try_from(ticks)?) / TICKS_PER_SECOND)
    }

    /// Runs a script of single statements through `pgbench`, the server's own, and gives the commits per second.
    pub(crate) async fn pgbench(&self, script: &str, arguments: &[&str]) -> anyhow::Result<f64> {
        let file = self.directory.with_extension("sql");
        std::fs::write(&file, script)?;
        let program = program("pgbench");
        let output = Command::new(&program)
            .args(["-n", "-M", "prepared", "-f"])
            .arg(&file)
            .args(arguments)
            .arg(self.url("postgres"))
            .stdin(Stdio::null())
            .output()
            .await
            .with_context(|| format!("{} runs", program.display()))?;
        std::fs::remove_file(&file)?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(
            output.status.success(),
            "pgbench: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let line = said.lines().find_map(|line| line.strip_prefix("tps = "));
        let number = line.and_then(|rest| rest.split_whitespace().next());
        Ok(number.context("pgbench says its rate")?.parse()?)
    }

    /// Stops it and removes its data.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        let data = self.postgres.directory().to_owned();
        let postgres = self.postgres;
        tokio::task::spawn_blocking(move || postgres.stop()).await?;
        std::fs::remove_dir_all(data)?;
        Ok(())
    }
}

/// A program of PostgreSQL: where the newest version has it, else as the path finds it.
fn program(name: &str) -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib/postgresql");
    let versions = folders.into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions
        .map(|version| version.path().join("bin").join(name))
        .collect();
    found.retain(|path| path.exists());
    found.sort();
    found.pop().unwrap_or_else(|| Path::new(name).to_owned())
}

struct Stat {
    parent: String,
    own: u64,
    ended_children: u64,
}

impl Stat {
    fn ticks(&self, with_children: bool) -> u64 {
        self.own + if with_children { self.ended_children } else { 0 }
    }
}

fn stat(pid: &str) -> Option<Stat> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold spaces; what follows its parenthesis does not.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Stat {
        parent: (*fields.get(1)?).to_owned(),
        own: number(11)? + number(12)?,
        ended_children: number(13)? + number(14)?,
    })
}
