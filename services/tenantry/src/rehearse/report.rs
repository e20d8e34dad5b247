//! What a rehearsal found, as one JSON object or one table.

use std::collections::{BTreeMap, BTreeSet};

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Table};
use local_aws::CallRecord;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::Outcome;
use crate::cli::RehearseArgs;

/// Most problems that are told; one cause has many effects.
const PROBLEMS_MAX: usize = 20;

/// What one troupe found on its stage.
#[derive(Clone, Debug, Default)]
pub(super) struct Troupe {
    /// From approval to ready on the held clock, for each deployment that became ready.
    pub(super) ready_ms: Vec<i64>,
    pub(super) tenants: u64,
    pub(super) deleted: u64,
    pub(super) orphans: u64,
    pub(super) duplicates: u64,
    pub(super) missing: u64,
    pub(super) leaked: u64,
    pub(super) falsely_deleted: u64,
    pub(super) calls: u64,
    pub(super) calls_to_ready: u64,
    pub(super) calls_by_operation: BTreeMap<String, u64>,
    pub(super) refusals_by_code: BTreeMap<String, u64>,
    pub(super) tenants_without_fault: u64,
    pub(super) workers_killed: u64,
    pub(super) digest: String,
    /// What is wrong, by name.
    pub(super) problems: Vec<String>,
}

impl Troupe {
    /// Counts the log of calls of all tenants' `accounts`.
    pub(super) fn count_calls<'a>(&mut self, calls: &[CallRecord], accounts: impl Iterator<Item = &'a str>) {
        let mut faulted = BTreeSet::new();
        for call in calls {
            let operation = format!("{}:{}", call.service, call.operation);
            *self.calls_by_operation.entry(operation).or_default() += 1;
            if call.code != "OK" {
                *self.refusals_by_code.entry(call.code.clone()).or_default() += 1;
                faulted.insert(call.account.as_str());
            }
        }
        self.calls = u64::try_from(calls.len()).unwrap_or(u64::MAX);
        for account in accounts {
            self.tenants += 1;
            self.tenants_without_fault += u64::from(!faulted.contains(account));
        }
    }
}

/// The figures of one run. Times are those of the held clocks but for `seconds`.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Figures {
    pub(super) profile: String,
    pub(super) faults: String,
    pub(super) seed: u64,
    pub(super) tenants: u64,
    /// Deployments that became ready.
    pub(super) ready: u64,
    /// Deployments that came to their end.
    pub(super) deleted: u64,
    pub(super) orphans: u64,
    pub(super) duplicates: u64,
    pub(super) missing: u64,
    /// What was there after the end.
    pub(super) leaked: u64,
    /// Deployments that said they were deleted, and were not.
    pub(super) falsely_deleted: u64,
    #[serde(skip)]
    ready_ms: Vec<i64>,
    #[serde(skip)]
    entered: u64,
    pub(super) ready_ms_p50: i64,
    pub(super) ready_ms_p99: i64,
    /// Calls to AWS, the whole run.
    pub(super) calls: u64,
    pub(super) calls_to_ready: u64,
    pub(super) calls_per_tenant: u64,
    /// Calls by operation.
    pub(super) calls_by_operation: BTreeMap<String, u64>,
    /// Answers other than OK by code, lost ones by the code they would have had.
    pub(super) refusals_by_code: BTreeMap<String, u64>,
    pub(super) tenants_without_fault: u64,
    pub(super) workers_killed: u64,
    /// SHA-256 over account, operation and outcome of every call: the same run has the same digest.
    pub(super) digest: String,
    /// What is wrong, by name; the first of them.
    pub(super) problems: Vec<String>,
    /// Wall time.
    pub(super) seconds: u64,
}

impl Figures {
    pub(super) fn new(args: &RehearseArgs) -> Self {
        Self {
            profile: args.profile.name().to_owned(),
            faults: args.faults.name().to_owned(),
            seed: args.seed,
            tenants: args.tenants.into(),
            ..Self::default()
        }
    }

    /// Adds a troupe. The order of the troupes is part of the digest.
    pub(super) fn add(&mut self, troupe: Troupe) {
        self.ready += u64::try_from(troupe.ready_ms.len()).unwrap_or(u64::MAX);
        self.ready_ms.extend(troupe.ready_ms);
        self.entered += troupe.tenants;
        self.deleted += troupe.deleted;
        self.orphans += troupe.orphans;
        self.duplicates += troupe.duplicates;
        self.missing += troupe.missing;
        self.leaked += troupe.leaked;
        self.falsely_deleted += troupe.falsely_deleted;
        self.calls += troupe.calls;
        self.calls_to_ready += troupe.calls_to_ready;
        self.tenants_without_fault += troupe.tenants_without_fault;
        self.workers_killed += troupe.workers_killed;
        self.problems.extend(troupe.problems);
        self.problems.truncate(PROBLEMS_MAX);
        merge(&mut self.calls_by_operation, troupe.calls_by_operation);
        merge(&mut self.refusals_by_code, troupe.refusals_by_code);
        self.digest = hex(&Sha256::digest(format!("{}{}", self.digest, troupe.digest)));
    }

    /// Tenants whose troupe has left the stage.
    pub(super) fn played(&self) -> u64 {
        self.entered
    }

    /// The figures that need all troupes.
    pub(super) fn closed(mut self) -> Self {
        self.ready_ms.sort_unstable();
        self.ready_ms_p50 = percentile(&self.ready_ms, 50);
        self.ready_ms_p99 = percentile(&self.ready_ms, 99);
        self.calls_per_tenant = self.calls / self.tenants.max(1);
        self
    }

    fn rows(&self) -> Vec<(String, String, String)> {
        let tenants = self.tenants.to_string();
        let row = |what: &str, figure: String, promise: &str| (what.to_owned(), figure, promise.to_owned());
        let mut rows = vec![
            row(
                "Profile, faults, seed",
                format!("{}, {}, {}", self.profile, self.faults, self.seed),
                "",
            ),
            row("Deployments that became ready", self.ready.to_string(), &tenants),
            row("Deployments deleted", self.deleted.to_string(), &tenants),
            row("Orphans", self.orphans.to_string(), "0"),
            row("Duplicates", self.duplicates.to_string(), "0"),
            row("Missing", self.missing.to_string(), "0"),
            row("Leaked after deletion", self.leaked.to_string(), "0"),
            row(
                "Said deleted, and were not",
                self.falsely_deleted.to_string(),
                "0",
            ),
            row("Workers killed on the way", self.workers_killed.to_string(), ""),
            row(
                "Tenants that met no fault",
                self.tenants_without_fault.to_string(),
                "",
            ),
            row(
                "Approved to ready, p50 (held time)",
                seconds(self.ready_ms_p50),
                "",
            ),
            row(
                "Approved to ready, p99 (held time)",
                seconds(self.ready_ms_p99),
                "",
            ),
            row(
                "Calls to AWS until all were ready",
                self.calls_to_ready.to_string(),
                "",
            ),
            row("Calls to AWS in all", self.calls.to_string(), ""),
            row("  for each tenant", self.calls_per_tenant.to_string(), ""),
        ];
        for (code, count) in &self.refusals_by_code {
            rows.push((format!("  answered {code}"), count.to_string(), String::new()));
        }
        rows.push(row(
            "Digest of the run",
            self.digest[..16.min(self.digest.len())].to_owned(),
            "",
        ));
        rows.push(row("Wall time", format!("{} s", self.seconds), ""));
        rows
    }
}

impl Outcome for Figures {
    fn broken_promises(&self) -> Vec<String> {
        let promises = [
            (
                self.ready == self.tenants,
                format!("{} of {} became ready", self.ready, self.tenants),
            ),
            (
                self.deleted == self.tenants,
                format!("{} of {} were deleted", self.deleted, self.tenants),
            ),
            (self.orphans == 0, format!("{} orphans", self.orphans)),
            (self.duplicates == 0, format!("{} duplicates", self.duplicates)),
            (
                self.missing == 0,
                format!("{} resources of ready deployments are missing", self.missing),
            ),
            (self.leaked == 0, format!("{} resources leaked", self.leaked)),
            (
                self.falsely_deleted == 0,
                format!("{} said deleted, and were not", self.falsely_deleted),
            ),
        ];
        promises
            .into_iter()
            .filter(|(kept, _)| !kept)
            .map(|(_, words)| words)
            .collect()
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table
            .load_style(UTF8_FULL_CONDENSED)
            .set_header(["What", "Figure", "Must be"]);
        for (what, figure, promise) in self.rows() {
            table.add_row([
                Cell::new(what),
                Cell::new(figure).set_alignment(CellAlignment::Right),
                Cell::new(promise),
            ]);
        }
        table
    }
}

/// A table of names and figures.
pub(super) fn two_columns(rows: Vec<(&str, String)>) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_header(["What", "Figure"]);
    for (what, figure) in rows {
        table.add_row([
            Cell::new(what),
            Cell::new(figure).set_alignment(CellAlignment::Right),
        ]);
    }
    table
}

/// The value below which `percent` of the sorted values lie; 0 of none.
pub(super) fn percentile(sorted: &[i64], percent: usize) -> i64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get(last * percent / 100).copied().unwrap_or(0)
}

/// What happened, as one number: the same run, the same digest.
pub(super) fn digest(calls: &[CallRecord]) -> String {
    let mut hash = Sha256::new();
    // Looks are made side by side; which arrives first is nobody's choice.
    let mut calls: Vec<&CallRecord> = calls.iter().collect();
    calls.sort_by_key(|call| (call.at, &call.account, &call.service, &call.operation, &call.code));
    for call in calls {
        for part in [&call.account, &call.service, &call.operation, &call.code] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        hash.update(call.at.timestamp_millis().to_be_bytes());
    }
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn merge(into: &mut BTreeMap<String, u64>, from: BTreeMap<String, u64>) {
    for (name, count) in from {
        *into.entry(name).or_default() += count;
    }
}

fn seconds(ms: i64) -> String {
    format!("{}.{:03} s", ms / 1_000, ms % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        assert_eq!(percentile(&[], 50), 0);
        assert_eq!(percentile(&[7], 99), 7);
        assert_eq!((percentile(&[1, 2, 3], 50), percentile(&[1, 2, 3], 99)), (2, 2));
    }

    #[test]
    fn a_broken_promise_is_said() {
        let figures = Figures {
            tenants: 2,
            ready: 2,
            deleted: 2,
            leaked: 1,
            ..Figures::default()
        };
        assert_eq!(figures.broken_promises(), ["1 resources leaked"]);
    }
}
