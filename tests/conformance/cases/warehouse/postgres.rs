//! A throw-away PostgreSQL cluster on a Unix socket, for the tests that need a warehouse.

use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// A running cluster; it stops and disappears when its last user drops it.
pub(crate) struct Postgres {
    server: Child,
    directory: tempfile::TempDir,
    databases: AtomicU32,
}

/// The cluster that tests running at once share.
static SHARED: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());

impl Postgres {
    /// The shared cluster, started if nobody uses it now; says loudly when PostgreSQL is not installed.
    pub(crate) fn shared() -> Option<Arc<Self>> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = shared.upgrade() {
            return Some(running);
        }
        let started = Arc::new(Self::start()?);
        *shared = Arc::downgrade(&started);
        Some(started)
    }

    fn start() -> Option<Self> {
        let Some(binaries) = binaries() else {
            eprintln!("SKIPPED: this test needs PostgreSQL (initdb, postgres) and none is installed");
            return None;
        };
        let directory = tempfile::tempdir().expect("a directory");
        let user = server_user();
        if let Some((uid, gid)) = user {
            chown(directory.path(), Some(uid), Some(gid)).expect("given to the server's user");
        }
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o700)).expect("set");
        let data = directory.path().join("data");
        let made = command(&binaries.join("initdb"), user)
            .args([
                "--auth=trust",
                "--username=postgres",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
                "-D",
            ])
            .arg(&data)
            .status();
        assert!(made.expect("initdb runs").success(), "initdb made a cluster");
        let server = command(&binaries.join("postgres"), user)
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(directory.path())
            .args([
                "-c",
                "listen_addresses=",
                "-c",
                "fsync=off",
                "-c",
                "shared_buffers=16MB",
            ])
            .spawn()
            .expect("postgres runs");
        let postgres = Self {
            server,
            directory,
            databases: AtomicU32::new(0),
        };
        postgres.wait_until_ready();
        Some(postgres)
    }

    fn wait_until_ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        // The lock file's last line says "ready" once connections are accepted.
        let lock_file = self.directory.path().join("data").join("postmaster.pid");
        while !std::fs::read_to_string(&lock_file).is_ok_and(|text| text.contains("ready")) {
            assert!(Instant::now() < deadline, "the cluster is ready within a minute");
            // Another process is awaited, which announces itself by this file only.
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Makes an empty database; gives how to reach it, in the form PostgreSQL's clients read.
    pub(crate) async fn database(&self) -> String {
        let name = format!("warehouse_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let (client, connection) = tokio_postgres::connect(&self.url("postgres"), tokio_postgres::NoTls)
            .await
            .expect("reached");
        tokio::spawn(connection);
        client
            .batch_execute(&format!("create database {name}"))
            .await
            .expect("created");
        self.url(&name)
    }

    fn url(&self, database: &str) -> String {
        format!(
            "host={} user=postgres dbname={database}",
            self.directory.path().display()
        )
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Nothing in it is worth a clean stop.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn binaries() -> Option<PathBuf> {
    let installed = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut candidates: Vec<_> = installed.map(|version| version.path().join("bin")).collect();
    candidates.sort();
    candidates.reverse();
    let path = std::env::var_os("PATH").unwrap_or_default();
    candidates.extend(std::env::split_paths(&path));
    candidates
        .into_iter()
        .find(|bin| bin.join("initdb").exists() && bin.join("postgres").exists())
}

/// PostgreSQL refuses to run as root: then as its own user, or as nobody.
fn server_user() -> Option<(u32, u32)> {
    let running_as_root =
        std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    if !running_as_root {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let find = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    find("postgres").or_else(|| find("nobody"))
}

fn command(binary: &Path, user: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(binary);
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .current_dir("/");
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command
}
