//! Journaled steps: ours, `pgbench`'s single-row commits and the peers, on one server, in turns.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use benches::peers;
use benches::report::Side;
use tenant_model::deployment::Profile;
use tenant_store::work;
use tokio::process::Command;

use crate::installation::Installation;
use crate::load::Done;
use crate::server::Server;
use crate::worker::{MODE, STEPS};

/// Lists that run side by side, and `pgbench`'s clients.
const LANES: u16 = 32;
const ROUNDS: u32 = 3;
const ROUND_SECONDS: u32 = 5;
const DBOS_PYTHON: &str = "3.4.0";
const DBOS_RUST: &str = "0.5.0";
/// One row, about as wide as an intent.
const PGBENCH_TABLE: &str = "create table if not exists bench_row (id uuid primary key, owner integer not null, \
                             name text not null, detail jsonb not null, at timestamptz not null default now());";
const PGBENCH_ROW: &str = "insert into bench_row (id, owner, name, detail) values (gen_random_uuid(), :client_id, \
                           'step', '{\"call\": \"CreateSubnet\", \"cidr\": \"10.42.0.0/24\"}');";

/// A program that runs lists for some seconds and says how many.
struct Runner {
    name: String,
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
    done: Done,
    server_cpu: f64,
}

/// All sides in turns; ours comes back with its share of `pgbench`, the peers by name.
pub(crate) async fn measure(
    server: &Server,
    installation: &mut Installation,
) -> anyhow::Result<(Side, BTreeMap<String, Side>, bool)> {
    for _ in 0..LANES {
        installation.ask(Profile::Single).await?;
    }
    let before = intents(installation).await?;
    let mut ours = ours(server)?;
    let mut others: Vec<Runner> = [dbos_rust(server).await, dbos_python(server)]
        .into_iter()
        .flatten()
        .collect();
    server.pgbench(PGBENCH_TABLE, &["-t", "1"]).await?;
    let (clients, seconds) = (LANES.to_string(), ROUND_SECONDS.to_string());
    let mut commits = 0.0;
    for _ in 0..ROUNDS {
        commits += server
            .pgbench(PGBENCH_ROW, &["-c", &clients, "-j", "2", "-T", &seconds])
            .await?;
        ours.round(server).await?;
        for other in &mut others {
            other.round(server).await?;
        }
    }
    let commits = commits / f64::from(ROUNDS);
    let written = intents(installation).await? - before;
    let exact = written == ours.done.lists * u64::from(STEPS);
    if !exact {
        eprintln!(
            "bench: {} lists, but {written} steps are written down",
            ours.done.lists
        );
    }
    retire(installation).await?;
    let mut side = ours.side();
    let steps = side.figures["steps_per_second"];
    side.figures
        .insert("pgbench_commits_per_second".to_owned(), commits);
    side.figures
        .insert("steps_per_pgbench_commit".to_owned(), steps / commits);
    side.figures
        .insert("commits_per_pgbench_commit".to_owned(), 2.0 * steps / commits);
    let peers = others
        .iter()
        .map(|other| (other.name.clone(), other.side()))
        .collect();
    Ok((side, peers, exact))
}

/// The lanes' deployments were never meant to be made.
async fn retire(installation: &Installation) -> anyhow::Result<()> {
    let stores = &installation.app.stores;
    loop {
        let mut tx = stores.begin_ops().await?;
        let lease = work::claim(&mut tx, "bench").await?;
        tx.commit().await?;
        let Some(lease) = lease else { return Ok(()) };
        let mut tx = stores.begin(lease.tenant_id).await?;
        work::retire(&mut tx, &lease).await?;
        tx.commit().await?;
    }
}

/// Intents of all deployments so far.
async fn intents(installation: &Installation) -> anyhow::Result<u64> {
    let mut tx = installation.app.stores.begin_ops().await?;
    let deployments = tenant_store::deployments::list(&mut tx, None, None, 1_000).await?;
    let mut count = 0;
    for deployment in deployments {
        count += tenant_store::intents::list_ids(&mut tx, deployment.id)
            .await?
            .len();
    }
    Ok(u64::try_from(count)?)
}

fn ours(server: &Server) -> anyhow::Result<Runner> {
    let databases = &server.databases;
    Ok(Runner {
        name: "ours".to_owned(),
        program: std::env::current_exe()?,
        arguments: [MODE, "lists", &LANES.to_string(), &ROUND_SECONDS.to_string()]
            .map(str::to_owned)
            .into(),
        environment: vec![
            (crate::worker::APP_URL, databases.app_url.clone()),
            (crate::worker::OPS_URL, databases.ops_url.clone()),
            (crate::worker::ENDPOINT, "http://127.0.0.1:9".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ],
        done: Done::default(),
        server_cpu: 0.0,
    })
}

fn peer(name: String, program: PathBuf, first: Vec<String>) -> Runner {
    let rest = [ROUND_SECONDS.to_string(), LANES.to_string()];
    Runner {
        name,
        program,
        arguments: first.into_iter().chain(rest).collect(),
        environment: Vec::new(),
        done: Done::default(),
        server_cpu: 0.0,
    }
}

/// A socket's folder as a parameter of the address: Python resolves whatever stands in the host's place as a name.
fn in_query(url: &str) -> String {
    let parts = url
        .split_once('@')
        .and_then(|(user, rest)| Some((user, rest.split_once('/')?)));
    match parts {
        Some((user, (host, database))) if host.contains("%2F") => {
            let (database, more) = database.split_once('?').unwrap_or((database, ""));
            let (host, port) = host.split_once(':').unwrap_or((host, "5432"));
            format!("{user}@/{database}?host={host}&port={port}&{more}")
                .trim_end_matches('&')
                .to_owned()
        }
        _ => url.to_owned(),
    }
}

/// dbos for Python, when it can be installed.
fn dbos_python(server: &Server) -> Option<Runner> {
    let wanted = format!("dbos=={DBOS_PYTHON}");
    let home = peers::python("dbos", &[&wanted])?;
    let script = home.join("ten_steps.py");
    std::fs::write(&script, include_str!("peers/dbos_python.py")).ok()?;
    let first = vec![script.display().to_string(), in_query(&server.url("dbos_python"))];
    Some(peer(
        format!("dbos Python {DBOS_PYTHON}"),
        home.join("bin/python"),
        first,
    ))
}

/// dbos for Rust, when it can be built. It is a package of its own, so that nothing of it is in our lock file.
async fn dbos_rust(server: &Server) -> Option<Runner> {
    let program = build_dbos_rust().await;
    if let Err(error) = &program {
        eprintln!("bench: LEFT OUT: the peer dbos Rust could not be built: {error:#}");
    }
    let program = program.ok()?;
    // It migrates a database and makes none.
    let made = server.pgbench("create database dbos_rust;", &["-t", "1"]).await;
    if let Err(error) = made {
        eprintln!("bench: LEFT OUT: the peer dbos Rust has no database: {error:#}");
        return None;
    }
    Some(peer(
        format!("dbos Rust {DBOS_RUST}"),
        program,
        vec![server.url("dbos_rust")],
    ))
}

async fn build_dbos_rust() -> anyhow::Result<PathBuf> {
    let executable = std::env::current_exe()?;
    let home = executable
        .parent()
        .unwrap_or(Path::new("."))
        .join("peers/dbos-rust");
    std::fs::create_dir_all(home.join("src"))?;
    let manifest = format!(
        "[package]\nname = \"ten-steps\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n\
         dbos = \"={DBOS_RUST}\"\ntokio = {{ version = \"1\", features = [\"full\"] }}\n"
    );
    std::fs::write(home.join("Cargo.toml"), manifest)?;
    std::fs::write(home.join("src/main.rs"), include_str!("peers/dbos_rust.rs"))?;
    let output = Command::new("cargo")
        .args(["build", "--release", "--quiet"])
        .current_dir(&home)
        .env("CARGO_TARGET_DIR", home.join("target"))
        .stdin(Stdio::null())
        .output()
        .await
        .context("cargo runs")?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(home.join("target/release/ten-steps"))
}

impl Runner {
    async fn round(&mut self, server: &Server) -> anyhow::Result<()> {
        let before = server.cpu_seconds()?;
        let output = Command::new(&self.program)
            .args(&self.arguments)
            .envs(
                self.environment
                    .iter()
                    .map(|(name, value)| (*name, value.as_str())),
            )
            .stdin(Stdio::null())
            .output()
            .await?;
        let said = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{} failed: {errors}", self.name);
        let line = said
            .lines()
            .last()
            .with_context(|| format!("{} says what it did: {errors}", self.name))?;
        self.done = self.done.clone().and(&serde_json::from_str(line)?);
        self.server_cpu += server.cpu_seconds()? - before;
        Ok(())
    }

    fn side(&self) -> Side {
        let lists = f64::from(u32::try_from(self.done.lists).unwrap_or(u32::MAX));
        let steps = lists * f64::from(STEPS);
        let cpu = (self.done.cpu_seconds + self.server_cpu).max(0.01);
        let figures = [
            ("lists_per_second", lists / self.done.seconds),
            ("steps_per_second", steps / self.done.seconds),
            ("steps_per_cpu_second", steps / cpu),
            ("server_cpu_share", self.server_cpu / cpu),
        ];
        Side {
            per_cpu_second: steps / cpu,
            peak_rss_mib: self.done.peak_rss_mib,
            figures: figures.map(|(name, figure)| (name.to_owned(), figure)).into(),
        }
    }
}
