//! Finds an installed PostgreSQL that is new enough.
//!
//! Distributions hide the server's programs from `PATH` (only the clients belong there), so the
//! folders of the usual packagers are looked through as well.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::advice::PackageManager;

/// The oldest major version whose SQL we use.
pub const MAJOR_MIN: u32 = 15;

/// Folders that hold one installation each, or a `*` that stands for its version.
const USUAL_FOLDERS: &[&str] = &[
    "/usr/lib/postgresql/*/bin",          // Debian, Ubuntu
    "/usr/pgsql-*/bin",                   // packages of postgresql.org for RHEL
    "/usr/libexec/postgresql*",           // Alpine
    "/usr/lib/postgresql*/bin",           // SUSE
    "/opt/homebrew/opt/postgresql@*/bin", // Homebrew on Apple silicon
    "/opt/homebrew/bin",
    "/usr/local/opt/postgresql@*/bin", // Homebrew on Intel
    "/usr/local/pgsql/bin",            // built from source
    "/Library/PostgreSQL/*/bin",       // EDB's installer
    "/Applications/Postgres.app/Contents/Versions/*/bin",
];

/// Where to look for PostgreSQL's programs.
#[derive(Clone, Debug)]
pub struct Search {
    /// Whether the programs may come from `PATH`.
    pub on_path: bool,
    /// Folders that may hold `postgres` and `initdb`.
    pub folders: Vec<PathBuf>,
}

impl Search {
    /// `PATH`, the folders of the usual packagers, and what `pg_config` answers.
    pub fn machine() -> Self {
        let mut folders: Vec<PathBuf> = USUAL_FOLDERS.iter().flat_map(|pattern| expand(pattern)).collect();
        folders.extend(folder_of_pg_config());
        Self {
            on_path: true,
            folders,
        }
    }

    /// The installation to use: of exactly `major` when a data directory already has a version,
    /// else what `PATH` holds, else the newest.
    pub(super) fn find(&self, major: Option<u32>) -> Result<Installation, NotInstalled> {
        let mut found = self.installations();
        let usable = |installation: &Installation| match major {
            Some(major) => installation.major == major,
            None => installation.major >= MAJOR_MIN,
        };
        let newest_seen = found.iter().map(|installation| installation.major).max();
        found.retain(usable);
        found.sort_by_key(|installation| (installation.folder.is_none(), installation.major));
        found.pop().ok_or(NotInstalled {
            wanted: major,
            newest_seen,
            package_manager: PackageManager::of_this_machine(),
        })
    }

    fn installations(&self) -> Vec<Installation> {
        let on_path = self.on_path.then(|| Installation::probe(None)).flatten();
        let in_folders = self.folders.iter().filter_map(|f| Installation::probe(Some(f)));
        on_path.into_iter().chain(in_folders).collect()
    }
}

/// A folder with `postgres` and `initdb` of one version.
#[derive(Clone, Debug)]
pub(super) struct Installation {
    /// `None` when the programs are found through `PATH`.
    folder: Option<PathBuf>,
    major: u32,
}

impl Installation {
    fn probe(folder: Option<&PathBuf>) -> Option<Self> {
        let candidate = Self {
            folder: folder.cloned(),
            major: 0,
        };
        let major = major_version(&candidate.program("postgres"))?;
        // Packages of libraries bring `postgres`-less tools and vice versa; both must be there, alike.
        let same = major_version(&candidate.program("initdb"))? == major;
        same.then_some(Self { major, ..candidate })
    }

    /// The path, or the bare name, of one of its programs.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.folder
            .as_ref()
            .map_or_else(|| PathBuf::from(name), |folder| folder.join(name))
    }
}

/// No usable PostgreSQL is installed. Prints as one sentence with the command that installs it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct NotInstalled {
    /// The version a data directory was made with, when there is one.
    pub wanted: Option<u32>,
    /// The newest version that is there but does not do.
    pub newest_seen: Option<u32>,
    /// What installs packages on this machine, if we know it.
    pub package_manager: Option<PackageManager>,
}

impl fmt::Display for NotInstalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.wanted {
            Some(major) => write!(f, "the data directory needs PostgreSQL {major}")?,
            None => write!(f, "PostgreSQL {MAJOR_MIN} or newer is needed")?,
        }
        match self.newest_seen {
            Some(seen) => write!(f, ", but only version {seen} is installed")?,
            None => write!(f, " and was not found")?,
        }
        match self.package_manager {
            Some(manager) => write!(f, "; install it with `{}`", manager.install_command()),
            None => write!(f, "; install it, or set DATABASE_URL to a running server"),
        }
    }
}

/// Reads the major version out of `postgres (PostgreSQL) 15.7 (Debian 15.7-0+deb12u1)`.
fn major_version(program: &Path) -> Option<u32> {
    let output = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (_, version) = text.split_once("(PostgreSQL) ")?;
    // Betas are called `18beta1`.
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn folder_of_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config")
        .arg("--bindir")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let folder = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(folder.trim_end()))
}

/// Replaces the one `*` of a pattern by every name that fits.
fn expand(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else {
        return vec![PathBuf::from(pattern)];
    };
    let (parent, prefix) = before.rsplit_once('/').unwrap_or(("", before));
    let Ok(entries) = std::fs::read_dir(parent) else {
        return Vec::new();
    };
    let fits = |entry: std::io::Result<std::fs::DirEntry>| {
        let name = entry.ok()?.file_name().into_string().ok()?;
        name.starts_with(prefix)
            .then(|| PathBuf::from(format!("{parent}/{name}{after}")))
    };
    entries.filter_map(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fake_installation(version: &str) -> tempfile::TempDir {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["postgres", "initdb"] {
            let program = folder.path().join(name);
            let script = format!("#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n");
            std::fs::write(&program, script).expect("a script");
            let executable = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(&program, executable).expect("executable");
        }
        folder
    }

    fn search(folders: &[&tempfile::TempDir]) -> Search {
        let folders = folders.iter().map(|folder| folder.path().to_owned()).collect();
        Search {
            on_path: false,
            folders,
        }
    }

    #[test]
    fn the_newest_usable_version_is_taken() {
        let (old, middle, new) = (
            fake_installation("14.9"),
            fake_installation("16.1"),
            fake_installation("18beta1"),
        );
        let found = search(&[&new, &old, &middle]).find(None).expect("one is usable");
        assert_eq!(found.program("postgres"), new.path().join("postgres"));
    }

    #[test]
    fn a_data_directory_is_opened_by_the_version_that_made_it() {
        let (older, newer) = (fake_installation("15.3"), fake_installation("17.0"));
        let found = search(&[&newer, &older]).find(Some(15)).expect("15 is there");
        assert_eq!(found.program("initdb"), older.path().join("initdb"));
    }

    #[test]
    fn nothing_installed_is_one_sentence_with_the_command() {
        let empty = tempfile::tempdir().expect("a folder");
        let missing = search(&[&empty]).find(None).expect_err("nothing is there");
        let missing = NotInstalled {
            package_manager: Some(PackageManager::AptGet),
            ..missing
        };
        assert_eq!(
            missing.to_string(),
            "PostgreSQL 15 or newer is needed and was not found; \
             install it with `sudo apt-get install -y postgresql`"
        );
    }

    #[test]
    fn a_version_that_is_too_old_is_named() {
        let old = fake_installation("13.4");
        let missing = search(&[&old]).find(None).expect_err("13 does not do");
        let missing = NotInstalled {
            package_manager: None,
            ..missing
        };
        assert_eq!(
            missing.to_string(),
            "PostgreSQL 15 or newer is needed, but only version 13 is installed; \
             install it, or set DATABASE_URL to a running server"
        );
    }
}
