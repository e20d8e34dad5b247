//! Rules about the text of the tree that no compiler holds.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every Rust file below `folders`, with its path from the root.
pub(crate) fn rust_files(folders: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the tree") {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path
                    .strip_prefix(root())
                    .expect("below the root")
                    .display()
                    .to_string();
                found.push((name, fs::read_to_string(&path).expect("UTF-8")));
            }
        }
    }
    found.sort();
    found
}

/// The part of a file before its unit tests.
fn product_part(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

fn is_test(name: &str) -> bool {
    name.contains("/tests/") || name.starts_with("tests/") || name.ends_with("tests.rs")
}

#[test]
fn the_environment_is_read_in_one_place() {
    // crates/local looks for PostgreSQL's programs on the PATH; that is a search, not configuration.
    const READERS: &[&str] = &["crates/service-kit/src/config", "crates/local/src/postgres/"];
    for (name, text) in rust_files(&["crates", "services"]) {
        let reads = product_part(&text).contains("env::var") && !is_test(&name);
        let allowed = READERS.iter().any(|reader| name.starts_with(reader));
        assert!(!reads || allowed, "{name} reads the environment");
    }
}

#[test]
fn the_product_never_asks_whether_it_talks_to_the_local_endpoint() {
    // services/tenantry is not among them: it starts the local endpoint, and only on a loopback address.
    const PRODUCT: &[&str] = &[
        "crates/tenant-model",
        "crates/tenant-store",
        "crates/aws-access",
        "crates/service-kit",
        "services/onboarding",
        "services/tenant-provisioning",
        "services/usage-metering",
        "services/analytics-export",
        "services/console",
    ];
    for (name, text) in rust_files(PRODUCT) {
        for question in [
            "is_local",
            "is_emulator",
            "local_mode",
            "is_loopback",
            "\"/_local",
        ] {
            let asks = product_part(&text).contains(question) && !is_test(&name);
            assert!(!asks, "{name} asks {question}");
        }
    }
}

#[test]
fn no_file_holds_two_rooms() {
    for (name, text) in rust_files(&["crates", "services"]) {
        let lines = text.lines().count();
        let test = is_test(&name) || name.contains("/gallery/");
        assert!(test || lines <= 600, "{name} has {lines} lines; the bound is 600");
    }
}

#[test]
fn no_test_is_switched_off_and_nothing_is_left_open() {
    for (name, text) in rust_files(&["crates", "services", "tests"]) {
        for mark in [
            concat!("#[ign", "ore"),
            concat!("TO", "DO"),
            concat!("FIX", "ME"),
            concat!("unimpl", "emented!("),
        ] {
            assert!(!text.contains(mark), "{name} contains {mark}");
        }
    }
}
