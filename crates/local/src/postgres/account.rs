//! Who runs the server: PostgreSQL refuses to run as root, so as root we step down.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use super::error::{StartError, io};

/// The accounts that may run the server when we are root, best first.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// The account of the server's processes and files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServerAccount {
    uid: u32,
    /// Set when we are root and the server has to run as somebody else.
    other: Option<OtherAccount>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct OtherAccount {
    name: String,
    gid: u32,
}

impl ServerAccount {
    /// Decides by whom a new file in `directory` belongs to, which is whoever we are.
    pub(super) fn choose(directory: &Path) -> Result<Self, StartError> {
        let probe = tempfile::tempfile_in(directory).map_err(io("write into", directory))?;
        let uid = probe.metadata().map_err(io("look at", directory))?.uid();
        if uid != 0 {
            return Ok(Self { uid, other: None });
        }
        let accounts = fs::read_to_string("/etc/passwd").map_err(io("read", "/etc/passwd"))?;
        let account = CANDIDATES.iter().find_map(|name| find_account(&accounts, name));
        account.ok_or(StartError::NoAccount)
    }

    /// Makes the command run as this account.
    pub(super) fn run(&self, command: &mut Command) {
        if let Some(other) = &self.other {
            command.uid(self.uid).gid(other.gid);
        }
    }

    /// Hands a file or directory to this account.
    pub(super) fn give(&self, path: &Path) -> Result<(), StartError> {
        let Some(other) = &self.other else { return Ok(()) };
        chown(path, Some(self.uid), Some(other.gid)).map_err(io("hand over", path))
    }

    /// Whether the path is a real directory of this account that nobody else may enter.
    pub(super) fn has_to_itself(&self, path: &Path) -> Result<bool, StartError> {
        let metadata = fs::symlink_metadata(path).map_err(io("look at", path))?;
        let private = metadata.permissions().mode() & 0o077 == 0;
        Ok(metadata.is_dir() && private && metadata.uid() == self.uid)
    }

    /// Refuses a path behind a folder that this account may not enter, such as `/root`.
    pub(super) fn check_reaches(&self, path: &Path) -> Result<(), StartError> {
        let Some(other) = &self.other else { return Ok(()) };
        for folder in path.ancestors().skip(1) {
            let metadata = fs::metadata(folder).map_err(io("look at", folder))?;
            let mode = metadata.permissions().mode();
            let entered = mode & 0o001 != 0
                || (metadata.uid() == self.uid && mode & 0o100 != 0)
                || (metadata.gid() == other.gid && mode & 0o010 != 0);
            if !entered {
                let (account, path) = (other.name.clone(), folder.to_owned());
                return Err(StartError::Unreachable { account, path });
            }
        }
        Ok(())
    }
}

/// Finds a line such as `postgres:x:108:114:PostgreSQL administrator:/var/lib/postgresql:/bin/sh`.
fn find_account(accounts: &str, name: &str) -> Option<ServerAccount> {
    let mut fields = accounts
        .lines()
        .map(|line| line.split(':'))
        .find(|fields| fields.clone().next() == Some(name))?;
    let uid = fields.nth(2)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    Some(ServerAccount {
        uid,
        other: Some(OtherAccount {
            name: name.to_owned(),
            gid,
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let accounts =
            "root:x:0:0::/root:/bin/sh\npostgres2:x:7:8::/:/bin/sh\npostgres:x:108:114::/:/bin/sh\n";
        let other = Some(OtherAccount {
            name: "postgres".to_owned(),
            gid: 114,
        });
        let found = find_account(accounts, "postgres");
        assert_eq!(found, Some(ServerAccount { uid: 108, other }));
        assert_eq!(find_account(accounts, "nobody"), None);
    }

    #[test]
    fn a_folder_closed_to_the_account_is_named() {
        let private = fs::Permissions::from_mode(0o700);
        let closed = tempfile::Builder::new()
            .permissions(private)
            .tempdir()
            .expect("a folder");
        let inside = closed.path().join("data");
        fs::create_dir(&inside).expect("a folder in it");
        let other = Some(OtherAccount {
            name: "nobody".to_owned(),
            gid: 65534,
        });
        let stranger = ServerAccount { uid: 65534, other };
        let refusal = stranger.check_reaches(&inside).expect_err("it may not enter");
        assert!(
            matches!(&refusal, StartError::Unreachable { path, .. } if path == closed.path()),
            "{refusal}"
        );
    }
}
