//! The server ends with the process that started it, even when that process is killed.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use local::postgres::{Postgres, Search};

/// Makes this program the process that starts a server and is killed.
const HOLD: &str = "hold";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [HOLD, directory] => hold(Path::new(directory)),
        _ => {
            the_server_ends_with_a_killed_parent();
            println!("test the_server_ends_with_a_killed_parent ... ok");
            data_survive_the_killing_of_both();
            println!("test data_survive_the_killing_of_both ... ok");
        }
    }
}

/// Starts the server, says so, and waits to be killed.
fn hold(directory: &Path) {
    let _postgres = Postgres::start(directory, &Search::machine()).expect("the server starts");
    println!("ready");
    std::io::stdin()
        .read_to_end(&mut Vec::new())
        .expect("standard input");
}

struct Holder {
    child: Child,
    directory: PathBuf,
}

impl Holder {
    fn start(directory: &Path) -> Self {
        let this = std::env::current_exe().expect("this program");
        let mut command = Command::new(this);
        command
            .arg(HOLD)
            .arg(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().expect("a second process");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output is a pipe");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("its first line");
        assert_eq!(line, "ready\n");
        Self {
            child,
            directory: directory.to_owned(),
        }
    }

    fn kill(&mut self) {
        self.child.kill().expect("kill -9");
        self.child.wait().expect("it is dead");
    }

    fn kill_server(&self) {
        let pid_file = self.directory.join("data/postmaster.pid");
        let text = std::fs::read_to_string(pid_file).expect("a running server's file");
        let pid = text.lines().next().expect("its number").to_owned();
        let status = Command::new("kill").args(["-9", &pid]).status().expect("kill");
        assert!(status.success(), "no process {pid}");
    }

    /// Waits until no process of the server holds the lock that all of them inherit.
    fn await_servers_end(&self) {
        let lock = File::open(self.directory.join("lock")).expect("the lock");
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || sender.send(lock.lock()));
        let locked = receiver
            .recv_timeout(Duration::from_secs(20))
            .expect("the server ends soon");
        locked.expect("the lock is free");
    }
}

fn the_server_ends_with_a_killed_parent() {
    let directory = tempfile::Builder::new()
        .permissions(world_readable())
        .tempdir()
        .expect("a directory");
    let mut holder = Holder::start(&directory.path().join("postgres"));

    holder.kill();

    holder.await_servers_end();
    assert!(
        !holder.directory.join("data/postmaster.pid").exists(),
        "it was shut down in order"
    );
}

fn data_survive_the_killing_of_both() {
    let directory = tempfile::Builder::new()
        .permissions(world_readable())
        .tempdir()
        .expect("a directory");
    let mut holder = Holder::start(&directory.path().join("postgres"));

    holder.kill_server();
    holder.kill();
    holder.await_servers_end();

    assert!(
        holder.directory.join("data/postmaster.pid").exists(),
        "nobody could tidy up"
    );
    let again = Postgres::start(&holder.directory, &Search::machine()).expect("it recovers");
    assert!(again.is_ours());
}

/// As root the server runs as another account, which has to come past this directory.
fn world_readable() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o755)
}
