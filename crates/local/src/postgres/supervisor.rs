//! Runs the server so that it never outlives us, even when we are killed with no time to say so.
//!
//! The server is the child of a small shell script whose standard input is a pipe that we hold. When
//! we end, in whatever way, the pipe closes and the script shuts the server down.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use super::account::ServerAccount;
use super::error::{StartError, io};
use super::layout::{Layout, PORT};

/// `$1` is the signal that stops the server, `$2` a directory to remove at the end (or empty), the
/// rest is the server's command line.
///
/// The watcher is killed before the script ends, so that it cannot signal a stranger who got the
/// server's number. `read` is the shell's own, so nothing but the script has the pipe open.
const SCRIPT: &str = r#"
signal=$1 remove=$2
shift 2
exec 3<&0 </dev/null
"$@" 3<&- &
server=$!
(read -r _ <&3; kill -s "$signal" "$server") &
watcher=$!
exec 3<&-
wait "$server"
status=$?
kill "$watcher" 2>/dev/null
[ -z "$remove" ] || rm -rf -- "$remove"
exit "$status"
"#;

/// What the data is worth, which decides how it is written and how the server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worth {
    /// A commit survives a power cut.
    Durable,
    /// Nothing is forced to disk, and the directory goes when the server ends.
    Throwaway,
}

/// A server with its supervising script.
#[derive(Debug)]
pub(super) struct Supervised {
    script: Child,
}

impl Supervised {
    /// Starts `postgres`; it is not ready yet. The lock passes to the server's processes.
    pub(super) fn start(
        program: &Path,
        layout: &Layout,
        account: &ServerAccount,
        (worth, lock): (Worth, File),
    ) -> Result<Self, StartError> {
        let log = File::create(layout.log()).map_err(io("write", layout.log()))?;
        account.give(&layout.log())?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT, "postgres-supervisor"]);
        match worth {
            // SIGINT is a fast shutdown with a checkpoint, SIGQUIT an immediate one.
            Worth::Durable => command.args(["INT", ""]),
            Worth::Throwaway => command.arg("QUIT").arg(&layout.directory),
        };
        command
            .arg(program)
            .arg("-D")
            .arg(layout.data())
            .args(settings(layout, worth));
        // Its own group: Ctrl-C reaches us, and the server stops after us and not with us.
        command.process_group(0).current_dir(&layout.directory);
        command.stdin(Stdio::piped()).stdout(lock).stderr(log);
        clear_settings_of_the_caller(&mut command);
        account.run(&mut command);
        let script = command.spawn().map_err(io("run", "/bin/sh"))?;
        Ok(Self { script })
    }

    /// The status, if the server has ended.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.script.try_wait().ok().flatten()
    }

    /// Asks the server to stop and waits until it has.
    pub(super) fn stop(&mut self) {
        drop(self.script.stdin.take());
        // Failing to wait means that it was waited for already.
        let _status = self.script.wait();
    }
}

/// Variables with which the caller's shell would change how the server or `initdb` behaves.
pub(super) fn clear_settings_of_the_caller(command: &mut Command) {
    for name in [
        "PGDATA",
        "PGPORT",
        "PGOPTIONS",
        "PGCLIENTENCODING",
        "PGDATESTYLE",
        "PGTZ",
        "TZ",
    ] {
        command.env_remove(name);
    }
    command.env("LC_ALL", "C");
}

/// Settings for a laptop, given at each start so that a newer Tenantry brings newer ones.
fn settings(layout: &Layout, worth: Worth) -> Vec<String> {
    let on = if worth == Worth::Durable { "on" } else { "off" };
    let (buffers, wal_level) = match worth {
        Worth::Durable => ("128MB", "replica"),
        Worth::Throwaway => ("64MB", "minimal"),
    };
    let pairs = [
        ("listen_addresses", String::new()),
        ("port", PORT.to_string()),
        ("unix_socket_directories", layout.run.display().to_string()),
        ("unix_socket_permissions", "0700".to_owned()),
        ("max_connections", "300".to_owned()),
        ("shared_buffers", buffers.to_owned()),
        ("fsync", on.to_owned()),
        ("full_page_writes", on.to_owned()),
        ("synchronous_commit", on.to_owned()),
        ("wal_level", wal_level.to_owned()),
        ("max_wal_senders", "0".to_owned()),
        ("max_wal_size", "1GB".to_owned()),
        // Our statements are short; compiling them costs more than it saves.
        ("jit", "off".to_owned()),
        ("timezone", "UTC".to_owned()),
        ("log_timezone", "UTC".to_owned()),
    ];
    let option = |(name, value): (&str, String)| ["-c".to_owned(), format!("{name}={value}")];
    pairs.into_iter().flat_map(option).collect()
}
