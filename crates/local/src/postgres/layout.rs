//! The private directory of one cluster, and what its files tell.
//!
//! `data/` is PostgreSQL's own, `run/` holds the socket, `postgres.log` the log of the last start. The `lock`
//! file is inherited by every process of the server: as long as one of them lives the lock is held,
//! whoever was killed in between. A free lock therefore proves that a `postmaster.pid` is stale.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::account::ServerAccount;
use super::error::{StartError, io};

/// The port is only part of the socket's file name; nothing listens on TCP.
pub(super) const PORT: u16 = 5432;

/// The longest path of a Unix socket that both Linux (107) and macOS (103) take.
const SOCKET_PATH_BYTES_MAX: usize = 103;

/// How much of the log's end goes into an error.
const LOG_TAIL_BYTES: u64 = 2_000;

#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) directory: PathBuf,
    pub(super) run: PathBuf,
}

impl Layout {
    /// Makes the directories that are missing. Returns who runs the server as well.
    pub(super) fn prepare(directory: &Path) -> Result<(Self, ServerAccount), StartError> {
        make_private(directory)?;
        let directory = directory.canonicalize().map_err(io("find", directory))?;
        let account = ServerAccount::choose(&directory)?;
        account.check_reaches(&directory)?;
        account.give(&directory)?;
        let layout = Self {
            run: socket_folder(&directory),
            directory,
        };
        if make_private(&layout.run)? {
            account.give(&layout.run)?;
        }
        // The folder may lie in /tmp, where anybody could have made it first.
        if !account.has_to_itself(&layout.run)? {
            return Err(StartError::NotOurs(layout.run));
        }
        Ok((layout, account))
    }

    pub(super) fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.directory.join("postgres.log")
    }

    fn pid_file(&self) -> PathBuf {
        self.data().join("postmaster.pid")
    }

    /// The major version that made the data directory, if there is one.
    pub(super) fn major(&self) -> Option<u32> {
        let text = fs::read_to_string(self.data().join("PG_VERSION")).ok()?;
        text.trim().parse().ok()
    }

    /// The lock, if no process of a server that we started is alive.
    pub(super) fn try_lock(&self) -> Result<Option<File>, StartError> {
        let path = self.directory.join("lock");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(&path).map_err(io("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(io("lock", path)(source)),
        }
    }

    /// Whether a server says that it is ready, and its socket answers.
    pub(super) fn answers(&self) -> bool {
        let Ok(text) = fs::read_to_string(self.pid_file()) else {
            return false;
        };
        // The eighth line is the state; see "postmaster.pid" in PostgreSQL's documentation of its file layout.
        let ready = text.lines().nth(7).is_some_and(|state| state.trim() == "ready");
        ready && UnixStream::connect(self.run.join(format!(".s.PGSQL.{PORT}"))).is_ok()
    }

    /// Removes a `postmaster.pid` that outlived its server; call it with the lock held.
    ///
    /// PostgreSQL does so itself, but not when another process has been given the old number
    /// since, which is the rule rather than the exception when a container restarts.
    pub(super) fn remove_stale_pid_file(&self) -> Result<(), StartError> {
        let path = self.pid_file();
        let Ok(text) = fs::read_to_string(&path) else {
            return Ok(());
        };
        let pid = text.lines().next().unwrap_or_default().trim();
        // A server works in its data directory. One that somebody started by hand holds no lock of
        // ours; without /proc the decision is left to PostgreSQL.
        let working_folder = fs::read_link(format!("/proc/{pid}/cwd"));
        let alive = working_folder.is_ok_and(|folder| folder == self.data());
        if alive || !Path::new("/proc/self").exists() {
            return Ok(());
        }
        fs::remove_file(&path).map_err(io("remove", path))
    }

    /// The end of the server's log, on one line.
    pub(super) fn log_tail(&self) -> String {
        let read = || -> std::io::Result<String> {
            let mut file = File::open(self.log())?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(LOG_TAIL_BYTES)))?;
            let mut bytes = Vec::new();
            file.take(LOG_TAIL_BYTES).read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).trim().replace('\n', " | "))
        };
        read().unwrap_or_else(|error| format!("its log cannot be read: {error}"))
    }
}

/// Makes a directory, and those above it, that only its owner may enter. Says whether it was missing.
fn make_private(directory: &Path) -> Result<bool, StartError> {
    if directory.exists() {
        return Ok(false);
    }
    if let Some(parent) = directory.parent() {
        fs::create_dir_all(parent).map_err(io("make", parent))?;
    }
    match DirBuilder::new().mode(0o700).create(directory) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(source) => Err(io("make", directory)(source)),
    }
}

/// `run/` in the directory, or a short stand-in when the socket's path would be too long.
fn socket_folder(directory: &Path) -> PathBuf {
    let run = directory.join("run");
    let socket = run.join(format!(".s.PGSQL.{PORT}.lock"));
    if socket.as_os_str().len() <= SOCKET_PATH_BYTES_MAX {
        return run;
    }
    PathBuf::from(format!("/tmp/tenantry-{}", short_name(directory)))
}

/// Stands for a directory where its whole path would be too long.
pub(super) fn short_name(directory: &Path) -> String {
    let digest = Sha256::digest(directory.as_os_str().as_bytes());
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_gets_a_short_socket() {
        assert_eq!(
            socket_folder(Path::new("/srv/tenantry")),
            Path::new("/srv/tenantry/run")
        );
        let long = PathBuf::from(format!("/srv/{}", "long/".repeat(30)));
        let folder = socket_folder(&long);
        assert_eq!(folder, socket_folder(&long));
        assert!(folder.as_os_str().len() < 40, "{}", folder.display());
        assert_ne!(folder, socket_folder(&long.join("other")));
    }
}
