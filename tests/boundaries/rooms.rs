//! The table of rooms in ARCHITECTURE.md, as code.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// What a room may import of ours.
const ROOMS: &[(&str, &[&str])] = &[
    ("tenant-model", &[]),
    ("tenant-store", &["tenant-model"]),
    ("aws-access", &["tenant-model"]),
    ("service-kit", &["tenant-model"]),
    ("usage-producer", &["tenant-model"]),
    ("local-aws", &[]),
    ("conformance", &["local-aws"]),
    (
        "benches",
        &[
            "tenant-model",
            "tenant-store",
            "aws-access",
            "service-kit",
            "tenant-provisioning",
            "local",
            "local-aws",
        ],
    ),
    (
        "local",
        &[
            "tenant-store",
            "aws-access",
            "service-kit",
            "local-aws",
            "tenant-model",
        ],
    ),
    ("onboarding", SERVICE),
    ("tenant-provisioning", SERVICE),
    ("usage-metering", SERVICE),
    ("analytics-export", SERVICE),
    (
        "console",
        &[
            "tenant-model",
            "service-kit",
            "onboarding",
            "tenant-provisioning",
            "usage-metering",
            "analytics-export",
        ],
    ),
];
const SERVICE: &[&str] = &["tenant-model", "tenant-store", "aws-access", "service-kit"];

/// Libraries that exactly one room (and tests) may name.
const ALONE: &[(&str, &str)] = &[
    ("sqlx", "tenant-store"),
    ("jsonwebtoken", "service-kit"),
    ("maud", "console"),
    ("s3s", "local-aws"),
    ("tokio-postgres", "local-aws"),
];

/// The model waits for nothing: none of these may be near it.
const NOT_IN_THE_MODEL: &[&str] = &["tokio", "sqlx", "axum", "rand", "reqwest"];

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo describes its own workspace")
}

fn normal_imports(package: &Package) -> BTreeSet<&str> {
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind == DependencyKind::Normal)
        .map(|dependency| dependency.name.as_str())
        .collect()
}

#[test]
fn a_room_imports_only_what_the_table_allows() {
    let metadata = metadata();
    let ours: BTreeSet<&str> = metadata
        .packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    for (room, allowed) in ROOMS {
        let package = metadata
            .packages
            .iter()
            .find(|package| package.name == *room)
            .expect(room);
        for import in normal_imports(package).intersection(&ours) {
            assert!(allowed.contains(import), "{room} may not import {import}");
        }
    }
}

#[test]
fn every_package_has_its_row_in_the_table() {
    let composing = ["tenantry", "tenantry-tests"];
    for package in &metadata().packages {
        let known =
            ROOMS.iter().any(|(room, _)| package.name == *room) || composing.contains(&package.name.as_str());
        assert!(known, "{} has no row in the table of rooms", package.name);
    }
}

#[test]
fn a_library_with_one_home_is_named_only_there() {
    for package in &metadata().packages {
        for import in normal_imports(package) {
            for (library, home) in ALONE {
                assert!(
                    import != *library || (package.name == *home || package.name == "tenantry-tests"),
                    "{} names {library}",
                    package.name
                );
            }
            let sdk = import.starts_with("aws-sdk-") || import == "aws-config";
            assert!(
                !sdk || ["aws-access", "conformance"].contains(&package.name.as_str()),
                "{} names {import}",
                package.name
            );
        }
    }
}

#[test]
fn the_model_neither_waits_nor_draws() {
    let metadata = metadata();
    let model = metadata
        .packages
        .iter()
        .find(|package| package.name == "tenant-model")
        .expect("tenant-model");
    for import in normal_imports(model) {
        assert!(
            !NOT_IN_THE_MODEL.contains(&import),
            "tenant-model imports {import}"
        );
    }
}
