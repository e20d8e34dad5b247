//! The supply chain: one TLS stack, no banned crate, floors under known holes, known licences.

use std::process::Command;

/// One package of the build as `cargo tree` prints it.
struct Built {
    name: String,
    version: String,
    license: String,
}

/// `cargo tree` and not `cargo metadata`: the latter lists optional packages that nothing enables.
fn built() -> Vec<Built> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--workspace",
            "--locked",
            "--offline",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
        ])
        .args(["--format", "{p}|{l}"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("cargo prints UTF-8");
    let mut lines: Vec<_> = text.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    lines.sort_unstable();
    lines.dedup();
    lines.into_iter().filter_map(parse).collect()
}

fn parse(line: &str) -> Option<Built> {
    let (package, license) = line.split_once('|')?;
    let (name, rest) = package.split_once(" v")?;
    let version = rest.split(' ').next()?.to_owned();
    Some(Built {
        name: name.to_owned(),
        version,
        license: license.to_owned(),
    })
}

fn at_least(version: &str, floor: &str) -> bool {
    let numbers = |text: &str| -> Vec<u64> {
        text.split(['.', '-', '+'])
            .map_while(|part| part.parse().ok())
            .take(3)
            .collect()
    };
    numbers(version) >= numbers(floor)
}

#[test]
fn nothing_banned_is_built() {
    const BANNED: &[&str] = &[
        "ring",
        "openssl",
        "openssl-sys",
        "native-tls",
        "rsa",
        "postgresql_embedded",
        "madsim",
        "bincode",
        "backoff",
        "serde_yaml",
        "serde_yml",
        "rustls-pemfile",
        "paste",
        "instant",
        "proc-macro-error",
    ];
    for package in built() {
        assert!(
            !BANNED.contains(&package.name.as_str()),
            "{} is banned",
            package.name
        );
    }
}

#[test]
fn crates_with_known_holes_are_above_their_floor() {
    const FLOORS: &[(&str, &str)] = &[
        ("jsonwebtoken", "11.1.0"),
        ("rustls", "0.23.46"),
        ("h2", "0.4.0"),
        ("axum", "0.8.9"),
        ("sqlx", "0.9.0"),
    ];
    for package in built() {
        for (name, floor) in FLOORS {
            let safe = package.name != *name || at_least(&package.version, floor);
            assert!(safe, "{} {} is below {floor}", package.name, package.version);
        }
    }
}

#[test]
fn there_is_one_tls_stack_and_a_bounded_number_of_packages() {
    let built = built();
    let stacks = built.iter().filter(|package| package.name == "rustls").count();
    assert_eq!(stacks, 1, "more than one rustls");
    assert!(
        built.len() <= 500,
        "{} packages are built; the bound is 500",
        built.len()
    );
}

#[test]
fn every_licence_is_one_we_know() {
    const KNOWN: &[&str] = &[
        "MIT",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "0BSD",
        "ISC",
        "Zlib",
        "Unicode-3.0",
        "Unlicense",
        "CC0-1.0",
        "MPL-2.0",
        "MIT-0",
        "BSL-1.0",
        "CDLA-Permissive-2.0",
    ];
    for package in built() {
        let plain = package.license.replace(['(', ')'], "").replace('/', " OR ");
        for part in plain.split(" OR ").flat_map(|either| either.split(" AND ")) {
            assert!(
                KNOWN.contains(&part.trim()),
                "{} has the licence {:?}",
                package.name,
                package.license
            );
        }
    }
}

#[test]
fn versions_compare_as_numbers() {
    assert!(at_least("0.23.46", "0.23.5") && !at_least("0.9.0", "0.10.0") && at_least("1.0.0+x", "1.0.0"));
}
