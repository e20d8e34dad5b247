use std::path::PathBuf;

use super::search::NotInstalled;

/// Why no PostgreSQL could be had.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No installation of a version we can use; the text is one sentence with the command to run.
    #[error(transparent)]
    NotInstalled(#[from] NotInstalled),
    /// The operating system refused something that has to work on this path.
    #[error("could not {what} {}", path.display())]
    Io {
        /// The verb, for the sentence.
        what: &'static str,
        /// The file or directory concerned.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// We are root, the server may not be, and its account cannot enter the directory.
    #[error("the account {account} that has to run PostgreSQL cannot enter {}; choose another data directory", path.display())]
    Unreachable {
        /// The account, `postgres` or `nobody`.
        account: String,
        /// The first folder on the way that it may not enter.
        path: PathBuf,
    },
    /// We are root and the machine has neither `postgres` nor `nobody`.
    #[error("PostgreSQL does not run as root, and there is no account `postgres` or `nobody` to run it")]
    NoAccount,
    /// A directory that must be ours alone belongs to somebody else.
    #[error("{} belongs to another user; remove it or choose another data directory", .0.display())]
    NotOurs(PathBuf),
    /// `initdb` failed.
    #[error("initdb could not make the database directory: {0}")]
    Initdb(String),
    /// The server ended while starting.
    #[error("PostgreSQL ended while starting: {0}")]
    Ended(String),
    /// The server, ours or one somebody else started for the directory, did not become ready.
    #[error("PostgreSQL in {} was not ready within {seconds} seconds", path.display())]
    NotReady {
        /// The data directory.
        path: PathBuf,
        /// How long we waited.
        seconds: u64,
    },
}

/// Names the path in the error of a file operation.
pub(super) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> StartError {
    let path = path.into();
    move |source| StartError::Io { what, path, source }
}
