//! A private PostgreSQL: found on the machine, kept in a directory, reached by a Unix socket only.
//!
//! [`Postgres::start`] joins the server that already runs for the directory or starts one. One
//! that we started ends with this process, even when the process is killed; what is on disk
//! survives the killing of either. Everyone who may enter the directory is trusted: it is open to
//! its owner alone.
//!
//! Calls here block for up to a minute; from asynchronous code use `spawn_blocking`.

mod account;
mod advice;
mod error;
mod layout;
mod search;
mod supervisor;

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub use self::advice::PackageManager;
pub use self::error::StartError;
pub use self::search::{MAJOR_MIN, NotInstalled, Search};

use self::account::ServerAccount;
use self::error::io;
use self::layout::{Layout, PORT};
use self::supervisor::{Supervised, Worth, clear_settings_of_the_caller};

/// How long a server may take, including the recovery after a crash.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// How often a starting server is looked at. PostgreSQL announces readiness in a file only.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Gives superuser rights on a private server. On a server of your own it plays no part.
pub const SUPERUSER: &str = "postgres";

/// A server that answers on its socket.
#[derive(Debug)]
pub struct Postgres {
    layout: Layout,
    /// `None` when somebody else started it; then it is not ours to stop.
    supervised: Option<Supervised>,
}

impl Postgres {
    /// Joins or starts the server of a directory that is kept. Commits survive a power cut.
    ///
    /// # Errors
    /// See [`StartError`]; [`StartError::NotInstalled`] says what to install.
    pub fn start(directory: &Path, search: &Search) -> Result<Self, StartError> {
        let (layout, account) = Layout::prepare(directory)?;
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            if layout.answers() {
                return Ok(Self {
                    layout,
                    supervised: None,
                });
            }
            if let Some(lock) = layout.try_lock()? {
                return Self::launch(layout, &account, search, (Worth::Durable, lock));
            }
            // Another process is starting it, or the last one is still shutting it down.
            if Instant::now() > deadline {
                return Err(not_ready(&layout));
            }
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    /// As [`Postgres::start`]; but as root, with a directory that the server's account cannot enter (a
    /// clone under `/root`), the server's own directory lies under `/var/lib/tenantry` instead.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start_near(directory: &Path, search: &Search) -> Result<Self, StartError> {
        match Self::start(directory, search) {
            Err(StartError::Unreachable { .. }) => {
                let absolute = std::path::absolute(directory).map_err(io("find", directory))?;
                let elsewhere = Path::new("/var/lib/tenantry").join(layout::short_name(&absolute));
                tracing::info!(directory = %elsewhere.display(), "PostgreSQL keeps its data elsewhere");
                Self::start(&elsewhere, search)
            }
            other => other,
        }
    }

    /// Starts a server whose data lives in a temporary directory and goes with it.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start_throwaway(search: &Search) -> Result<Self, StartError> {
        let temporary = tempfile::Builder::new()
            .prefix("tenantry-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir();
        let temporary = temporary.map_err(io("make a directory in", "the temporary directory"))?;
        let (layout, account) = Layout::prepare(temporary.path())?;
        let lock = layout.try_lock()?.ok_or_else(|| not_ready(&layout))?;
        let started = Self::launch(layout, &account, search, (Worth::Throwaway, lock))?;
        // From here on the script removes it, because it also runs when this process is killed.
        let _path = temporary.keep();
        Ok(started)
    }

    /// A connection URL for a role and a database.
    pub fn url(&self, role: &str, database: &str) -> String {
        let host = percent_encode(&self.layout.run);
        format!("postgres://{role}@{host}:{PORT}/{database}")
    }

    /// Where the server's data, socket and log are.
    pub fn directory(&self) -> &Path {
        &self.layout.directory
    }

    /// Whether this process started the server, and its end will stop it.
    pub fn is_ours(&self) -> bool {
        self.supervised.is_some()
    }

    /// Stops the server if this process started it, and waits until it has ended.
    pub fn stop(mut self) {
        self.end();
    }

    fn launch(
        layout: Layout,
        account: &ServerAccount,
        search: &Search,
        (worth, lock): (Worth, File),
    ) -> Result<Self, StartError> {
        let installation = search.find(layout.major())?;
        if layout.major().is_none() {
            initialise(&installation.program("initdb"), &layout, account, worth)?;
        }
        layout.remove_stale_pid_file()?;
        let program = installation.program("postgres");
        let mut supervised = Supervised::start(&program, &layout, account, (worth, lock))?;
        await_ready(&mut supervised, &layout)?;
        Ok(Self {
            layout,
            supervised: Some(supervised),
        })
    }

    fn end(&mut self) {
        if let Some(mut supervised) = self.supervised.take() {
            supervised.stop();
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.end();
    }
}

fn await_ready(supervised: &mut Supervised, layout: &Layout) -> Result<(), StartError> {
    let deadline = Instant::now() + START_TIMEOUT;
    while !layout.answers() {
        if supervised.ended().is_some() {
            return Err(StartError::Ended(layout.log_tail()));
        }
        if Instant::now() > deadline {
            supervised.stop();
            return Err(not_ready(layout));
        }
        std::thread::sleep(POLL_INTERVAL);
    }
    Ok(())
}

fn not_ready(layout: &Layout) -> StartError {
    StartError::NotReady {
        path: layout.directory.clone(),
        seconds: START_TIMEOUT.as_secs(),
    }
}

/// Makes the data directory beside its place and moves it there, so that it is whole or absent.
fn initialise(
    program: &Path,
    layout: &Layout,
    account: &ServerAccount,
    worth: Worth,
) -> Result<(), StartError> {
    let unfinished = layout.directory.join("data.new");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(io("remove", &unfinished))?;
    }
    let mut make = Command::new(program);
    make.arg("-D")
        .arg(&unfinished)
        .args(["-U", SUPERUSER, "--auth=trust", "--encoding=UTF8"]);
    make.args(["--locale=C", "--data-checksums", "--no-instructions", "--no-sync"]);
    run_initdb(make, layout, account)?;
    // Syncing the file system takes a fraction of the time of syncing a thousand new files.
    let sync = || {
        Command::new("sync")
            .arg("-f")
            .arg(&unfinished)
            .stderr(Stdio::null())
            .status()
    };
    if worth == Worth::Durable && !sync().is_ok_and(|status| status.success()) {
        let mut sync = Command::new(program);
        sync.arg("-D").arg(&unfinished).arg("--sync-only");
        run_initdb(sync, layout, account)?;
    }
    fs::rename(&unfinished, layout.data()).map_err(io("finish", unfinished))?;
    let directory = File::open(&layout.directory).and_then(|directory| directory.sync_all());
    directory.map_err(io("sync", &layout.directory))
}

fn run_initdb(mut command: Command, layout: &Layout, account: &ServerAccount) -> Result<(), StartError> {
    command.current_dir(&layout.directory).stdin(Stdio::null());
    clear_settings_of_the_caller(&mut command);
    account.run(&mut command);
    let output = command.output().map_err(io("run", command.get_program()))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr)
        .trim()
        .replace('\n', " | ");
    Err(StartError::Initdb(text))
}

fn percent_encode(path: &Path) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let encode = |byte: u8| match plain(&byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    PathBuf::from(path)
        .into_os_string()
        .into_encoded_bytes()
        .into_iter()
        .map(encode)
        .collect()
}
