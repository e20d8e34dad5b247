//! boto3 and the AWS CLI: the checks of `second_client/`, run by other clients than the SDK that the cases use.
//!
//! The clients come from the Python index, pinned, into a virtual environment below cargo's folder. Where they cannot
//! be had the test says so aloud and proves nothing. The comparison with an independent emulator takes a while and
//! runs with `CONFORMANCE_EMULATOR=yes`.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use conformance::{aws, controlled};
use tokio::process::Command;

const MINISTACK: &str = "ministack==1.5.33";

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("second_client")
}

/// The virtual environment of a name with these requirements, made when it is not there; `None`, said aloud, when it
/// cannot be had.
async fn python(name: &str, requirements: &str) -> Option<PathBuf> {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mark = home.join("installed.txt");
    if std::fs::read_to_string(&mark).is_ok_and(|installed| installed == requirements) {
        return Some(home);
    }
    let made = succeeds(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home)).await;
    let mut install = Command::new(home.join("bin/pip"));
    install.args(["install", "--quiet", "--disable-pip-version-check"]);
    install.args(requirements.split_whitespace());
    if !made || !succeeds(&mut install).await || std::fs::write(&mark, requirements).is_err() {
        eprintln!("SKIPPED: {requirements:?} cannot be had here; nothing was checked with it");
        return None;
    }
    Some(home)
}

async fn succeeds(command: &mut Command) -> bool {
    let command = command.stdin(Stdio::null()).stdout(Stdio::null());
    command.status().await.is_ok_and(|status| status.success())
}

async fn clients() -> Option<PathBuf> {
    let requirements = std::fs::read_to_string(scripts().join("requirements.txt"));
    python("second-client", &requirements.expect("the pinned versions")).await
}

/// Runs one of the scripts; prints what it prints, and gives back the lines that begin with FAIL.
async fn failures(script: &mut Command) -> Vec<String> {
    let ran = script
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .kill_on_drop(true)
        .output()
        .await;
    let Output {
        status,
        stdout,
        stderr,
    } = ran.expect("the script runs");
    let text = String::from_utf8_lossy(&stdout);
    println!("{text}{}", String::from_utf8_lossy(&stderr));
    let failed: Vec<String> = text
        .lines()
        .filter(|line| line.starts_with("FAIL"))
        .map(str::to_owned)
        .collect();
    assert!(
        status.success() || !failed.is_empty(),
        "the script ended with {status}"
    );
    failed
}

/// What boto3 and the AWS CLI are told is what AWS documents; each check names its own page.
/// https://docs.aws.amazon.com/general/latest/gr/aws-apis.html
#[tokio::test]
async fn boto3_and_the_cli_are_told_what_aws_documents() {
    let aws = aws().await;
    let Some(endpoint) = aws.endpoint() else {
        eprintln!(
            "SKIPPED: the checks of the second clients make accounts of their own, which AWS does not offer"
        );
        return;
    };
    let Some(home) = clients().await else { return };
    let mut script = Command::new(home.join("bin/python"));
    script.arg(scripts().join("run.py")).arg(endpoint);
    script.arg("--aws").arg(home.join("bin/aws"));
    if std::env::var_os("ENDPOINT").is_none() {
        script.arg("--controlled");
    }
    let failed = failures(&mut script).await;
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Where an independent emulator answers otherwise, the list of differences says which of the two follows AWS's page.
/// https://docs.aws.amazon.com/general/latest/gr/aws-apis.html
#[tokio::test]
async fn every_difference_from_an_independent_emulator_is_explained() {
    if std::env::var_os("CONFORMANCE_EMULATOR").is_none() {
        eprintln!("SKIPPED: set CONFORMANCE_EMULATOR=yes to compare with {MINISTACK}, which takes minutes");
        return;
    }
    let Some(aws) = controlled().await else { return };
    let (Some(home), Some(emulator)) = (clients().await, python("emulator", MINISTACK).await) else {
        return;
    };
    let endpoint = aws.endpoint().expect("a controlled endpoint has an address");
    let mut script = Command::new(home.join("bin/python"));
    script.arg(scripts().join("emulator.py")).arg(endpoint);
    script.arg("--ministack").arg(emulator.join("bin/ministack"));
    let failed = failures(&mut script).await;
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
