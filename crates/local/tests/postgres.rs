//! A private server's life: cold, joined, killed, recovered.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use local::postgres::{Postgres, SUPERUSER, Search, StartError};
use tempfile::TempDir;
use tenant_store::bootstrap;

/// A place that the account of the server can reach when the tests run as root.
fn place() -> (TempDir, PathBuf) {
    let readable = std::fs::Permissions::from_mode(0o755);
    let folder = tempfile::Builder::new()
        .permissions(readable)
        .tempdir()
        .expect("a folder");
    let directory = folder.path().join("postgres");
    (folder, directory)
}

fn start(directory: &Path) -> Postgres {
    Postgres::start(directory, &Search::machine()).expect("the server starts")
}

fn pid(directory: &Path) -> String {
    let text = std::fs::read_to_string(directory.join("data/postmaster.pid")).expect("a pid file");
    text.lines().next().expect("a first line").to_owned()
}

async fn create_database(postgres: &Postgres, name: &str, template: Option<&str>) {
    let url = postgres.url(SUPERUSER, "postgres");
    bootstrap::create_roles(&url, None).await.expect("roles");
    bootstrap::create_database(&url, name, template)
        .await
        .expect("a database");
}

#[tokio::test]
async fn a_second_start_joins_and_its_end_stops_nothing() {
    let (_folder, directory) = place();
    let first = start(&directory);

    let second = start(&directory);
    assert!(first.is_ours());
    assert!(!second.is_ours());
    second.stop();

    create_database(&first, "still_there", None).await;
}

#[tokio::test]
async fn what_was_committed_is_there_after_kill_9() {
    let (_folder, directory) = place();
    let first = start(&directory);
    create_database(&first, "kept", None).await;

    let killed = Command::new("kill")
        .args(["-9", &pid(&directory)])
        .status()
        .expect("kill");
    assert!(killed.success());
    drop(first);

    let again = start(&directory);
    // Only what exists can be copied.
    create_database(&again, "copy", Some("kept")).await;
}

#[test]
fn a_pid_file_whose_number_was_given_away_does_not_stop_a_start() {
    let (_folder, directory) = place();
    start(&directory).stop();
    let stale = format!(
        "{}\n{}\n0\n5432\n\n\n\nready\n",
        std::process::id(),
        directory.display()
    );
    std::fs::write(directory.join("data/postmaster.pid"), stale).expect("a stale file");

    assert!(start(&directory).is_ours());
}

#[test]
fn an_initdb_that_was_interrupted_is_begun_again() {
    let (_folder, directory) = place();
    std::fs::create_dir_all(directory.join("data.new/base")).expect("remains");

    assert!(start(&directory).is_ours());
    assert!(!directory.join("data.new").exists());
}

#[test]
fn a_throwaway_server_leaves_nothing() {
    let postgres = Postgres::start_throwaway(&Search::machine()).expect("the server starts");
    let directory = postgres.directory().to_owned();
    assert!(directory.join("data").exists());

    postgres.stop();

    assert!(!directory.exists());
}

#[test]
fn without_an_installation_the_command_is_named() {
    let (folder, directory) = place();
    let nowhere = Search {
        on_path: false,
        folders: vec![folder.path().to_owned()],
    };

    let refusal = Postgres::start(&directory, &nowhere).expect_err("nothing is installed");

    assert!(matches!(refusal, StartError::NotInstalled(_)));
    let sentence = refusal.to_string();
    assert!(
        sentence.starts_with("PostgreSQL 15 or newer is needed and was not found; install it"),
        "{sentence}"
    );
}

#[test]
fn only_the_servers_account_may_enter_the_socket_folder() {
    let (_folder, directory) = place();
    let _postgres = start(&directory);

    let mode = std::fs::metadata(directory.join("run"))
        .expect("the folder")
        .permissions()
        .mode();

    assert_eq!(mode & 0o077, 0);
}
