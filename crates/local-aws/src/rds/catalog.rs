//! Engines, versions, classes and storage that are offered.
//!
//! A selection as of 2025-01; AWS adds versions every few weeks. Sources: RDS user guide, "DB instance classes" and
//! "Amazon RDS DB instance storage"; Aurora user guide.

use super::request::{clash, invalid};
use crate::error::AwsError;

/// An engine.
pub(super) struct Engine {
    pub(super) name: &'static str,
    /// The first is the default.
    versions: &'static [&'static str],
    pub(super) port: u16,
    pub(super) password_chars_max: usize,
    username_chars_max: usize,
    reserved_names: &'static [&'static str],
    pub(super) license: &'static str,
}

const ENGINES: [Engine; 4] = [
    Engine {
        name: "postgres",
        versions: &["17.2", "16.6", "16.4", "15.10", "14.15"],
        port: 5432,
        password_chars_max: 128,
        username_chars_max: 63,
        reserved_names: &["admin", "rdsadmin", "postgres_admin", "public"],
        license: "postgresql-license",
    },
    Engine {
        name: "mysql",
        versions: &["8.0.40", "8.4.3", "8.0.39"],
        port: 3306,
        password_chars_max: 41,
        username_chars_max: 16,
        reserved_names: &["rdsadmin", "rdsrepladmin", "user"],
        license: "general-public-license",
    },
    Engine {
        name: "aurora-postgresql",
        versions: &["16.6", "16.4", "15.10"],
        port: 5432,
        password_chars_max: 128,
        username_chars_max: 63,
        reserved_names: &["admin", "rdsadmin", "public"],
        license: "postgresql-license",
    },
    Engine {
        name: "aurora-mysql",
        versions: &["8.0.mysql_aurora.3.08.0", "8.0.mysql_aurora.3.05.2"],
        port: 3306,
        password_chars_max: 41,
        username_chars_max: 16,
        reserved_names: &["rdsadmin", "rdsrepladmin", "user"],
        license: "general-public-license",
    },
];

const FAMILIES: [&str; 16] = [
    "t3", "t4g", "m5", "m5d", "m6g", "m6i", "m7g", "m7i", "r5", "r5b", "r6g", "r6i", "r7g", "r7i", "x2g",
    "m8g",
];
const SIZES: [&str; 11] = [
    "micro", "small", "medium", "large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge",
    "24xlarge",
];

/// The engine of a name.
///
/// # Errors
/// `InvalidParameterValue` for one that is unknown or not built.
pub(super) fn engine(name: &str) -> Result<&'static Engine, AwsError> {
    let found = ENGINES.iter().find(|engine| engine.name == name);
    found.ok_or_else(|| invalid(format!("Invalid DB engine: {name}")))
}

impl Engine {
    pub(super) fn is_aurora(&self) -> bool {
        self.name.starts_with("aurora-")
    }

    /// The version asked for; a major one stands for its newest, none for the default.
    pub(super) fn version(&self, asked: Option<&str>) -> Result<String, AwsError> {
        let Some(asked) = asked else {
            return Ok(self.versions[0].to_owned());
        };
        let major = format!("{asked}.");
        let mut versions = self.versions.iter();
        let found = versions.find(|version| **version == asked || version.starts_with(&major));
        found
            .map(|version| (*version).to_owned())
            .ok_or_else(|| clash(format!("Cannot find version {asked} for {}", self.name)))
    }

    /// Whether one may upgrade from a version to another; across major versions only when the caller says so.
    pub(super) fn check_upgrade(&self, from: &str, to: &str, allow_major: bool) -> Result<(), AwsError> {
        let number = |version: &str| -> Vec<u32> {
            let parts = version.split(['.', '_']);
            parts.filter_map(|part| part.parse().ok()).collect()
        };
        if number(to) < number(from) {
            return Err(clash(format!("Cannot upgrade {} from {from} to {to}", self.name)));
        }
        if number(from).first() != number(to).first() && !allow_major {
            let why =
                "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version.";
            return Err(clash(why));
        }
        Ok(())
    }

    pub(super) fn check_username(&self, name: &str) -> Result<(), AwsError> {
        let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
        let legal = name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !begins || !legal || name.len() > self.username_chars_max {
            return Err(invalid(format!("Invalid master user name {name:?}")));
        }
        if self.reserved_names.contains(&name.to_ascii_lowercase().as_str()) {
            return Err(invalid(format!(
                "MasterUsername {name} cannot be used as it is a reserved word used by the engine"
            )));
        }
        Ok(())
    }

    pub(super) fn check_password(&self, password: &str) -> Result<(), AwsError> {
        let parameter = "The parameter MasterUserPassword is not a valid password";
        if password.len() < 8 {
            return Err(invalid(format!(
                "{parameter} because it is shorter than 8 characters."
            )));
        }
        if password.len() > self.password_chars_max {
            return Err(invalid(format!(
                "{parameter} because it is longer than {} characters.",
                self.password_chars_max
            )));
        }
        let legal = |byte: u8| (b' '..=b'~').contains(&byte) && !b"/@\" ".contains(&byte);
        if !password.bytes().all(legal) {
            return Err(invalid(format!(
                "{parameter}. Only printable ASCII characters besides '/', '@', '\"', ' ' may be used."
            )));
        }
        Ok(())
    }

    /// The class as given. Aurora has no class below medium.
    pub(super) fn check_class(&self, class: &str) -> Result<(), AwsError> {
        let mut parts = class.splitn(3, '.');
        let (db, family, size) = (parts.next(), parts.next(), parts.next());
        let known = |all: &[&str], one: Option<&str>| one.is_some_and(|one| all.contains(&one));
        if db != Some("db") || !known(&FAMILIES, family) || !known(&SIZES, size) {
            return Err(invalid(format!("Invalid DB Instance class: {class}")));
        }
        let small = known(&["micro", "small"], size);
        let bursts = family.is_some_and(|family| family.starts_with('t'));
        let is_offered = match bursts {
            true => !small || !self.is_aurora(),
            false => !small && size != Some("medium"),
        };
        if !is_offered {
            return Err(clash(format!(
                "RDS does not support creating a DB instance with the following combination: DBInstanceClass={class}, \
                 Engine={}, LicenseModel={}.",
                self.name, self.license
            )));
        }
        Ok(())
    }
}

/// Checks size, type and rate of an instance's storage.
pub(super) fn check_storage(
    engine: &Engine,
    kind: &str,
    gib: i64,
    iops: Option<i64>,
) -> Result<(), AwsError> {
    let least = match kind {
        "gp2" | "gp3" => 20,
        "io1" | "io2" => 100,
        other => return Err(invalid(format!("Invalid storage type: {other}"))),
    };
    if !(least..=65_536).contains(&gib) {
        return Err(invalid(format!(
            "Invalid storage size for engine name {} and storage type {kind}: {gib}",
            engine.name
        )));
    }
    match (kind, iops) {
        ("io1" | "io2", None) => Err(clash(format!("You must specify Iops for storage type {kind}"))),
        ("io1" | "io2", Some(iops)) if iops < 1_000 || iops > gib * 50 => Err(clash(
            "The Iops to GiB ratio must be between 0.5 and 50, and Iops at least 1000",
        )),
        ("gp2", Some(_)) => Err(clash("Iops cannot be specified for storage type gp2")),
        _ => Ok(()),
    }
}
