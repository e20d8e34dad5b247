//! Peers from the Python index, each in a virtual environment below the build folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The folder of a virtual environment that holds `requirements`, made when it is not there; `None`, said aloud,
/// when it cannot be had.
#[must_use]
pub fn python(name: &str, requirements: &[&str]) -> Option<PathBuf> {
    let home = build_folder().join("peers").join(name);
    let mark = home.join("installed.txt");
    let wanted = requirements.join("\n");
    if std::fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
        return Some(home);
    }
    eprintln!(
        "bench: installing {} from the Python index",
        requirements.join(", ")
    );
    let made = run(Command::new("python3").args(["-m", "venv"]).arg(&home));
    let pip = home.join("bin/pip");
    let installed = made && run(Command::new(pip).args(["install", "--quiet"]).args(requirements));
    if !installed || std::fs::write(&mark, wanted).is_err() {
        eprintln!("bench: LEFT OUT: the peer {name} could not be installed; the figures are ours alone");
        return None;
    }
    Some(home)
}

fn run(command: &mut Command) -> bool {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Where cargo put this executable's profile: `target/release`.
fn build_folder() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    program.parent().unwrap_or(Path::new(".")).to_owned()
}
