//! What the demo found, as one JSON object or one table.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Table};
use serde::Serialize;

/// The figures of one run. Sums are decimal strings.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Figures {
    pub(crate) signup_to_ready_ms: u64,
    pub(crate) resources_created: u64,
    pub(crate) probes_refused: u64,
    pub(crate) insecure_roles_refused: u64,
    pub(crate) provisioning_workers_killed: u64,
    pub(crate) usage_workers_killed: u64,
    pub(crate) events_sent: u64,
    pub(crate) events_accepted: u64,
    pub(crate) events_duplicate: u64,
    pub(crate) events_rejected: u64,
    pub(crate) events_quarantined: u64,
    pub(crate) usage_expected: String,
    pub(crate) usage_booked: String,
    pub(crate) export_rows: u64,
    pub(crate) warehouse_rows: u64,
    pub(crate) usage_exported: String,
    pub(crate) usage_in_warehouse: String,
    pub(crate) resources_left_after_delete: u64,
    pub(crate) audit_entries: u64,
    pub(crate) audit_chain_ok: bool,
    pub(crate) seconds: u64,
    pub(crate) balanced: bool,
}

impl Figures {
    /// What does not agree, in words; empty when the books balance.
    pub(crate) fn disagreements(&self) -> Vec<String> {
        let booked =
            self.events_accepted + self.events_duplicate + self.events_rejected + self.events_quarantined;
        let checks = [
            (
                booked == self.events_sent,
                format!("{booked} events are in the books, {} were sent", self.events_sent),
            ),
            (
                self.usage_booked == self.usage_expected,
                format!(
                    "usage booked {} is not {}",
                    self.usage_booked, self.usage_expected
                ),
            ),
            (
                self.export_rows == self.events_accepted,
                format!(
                    "{} rows exported of {} accepted",
                    self.export_rows, self.events_accepted
                ),
            ),
            (
                self.warehouse_rows == self.export_rows,
                format!(
                    "{} rows in the warehouse of {}",
                    self.warehouse_rows, self.export_rows
                ),
            ),
            (
                self.usage_exported == self.usage_in_warehouse,
                format!(
                    "{} exported, {} in the warehouse",
                    self.usage_exported, self.usage_in_warehouse
                ),
            ),
            (
                self.insecure_roles_refused > 0,
                "the insecure role was not refused".to_owned(),
            ),
            (
                self.resources_left_after_delete == 0,
                format!(
                    "{} resources are left after deletion",
                    self.resources_left_after_delete
                ),
            ),
            (self.audit_chain_ok, "an audit chain is broken".to_owned()),
        ];
        checks
            .into_iter()
            .filter(|(holds, _)| !holds)
            .map(|(_, words)| words)
            .collect()
    }

    /// The table for people.
    pub(crate) fn table(&self) -> Table {
        let mut table = Table::new();
        table
            .load_style(UTF8_FULL_CONDENSED)
            .set_header(["What", "Figure", "Must be"]);
        for (what, figure, expectation) in self.rows() {
            table.add_row([
                Cell::new(what),
                Cell::new(figure).set_alignment(CellAlignment::Right),
                Cell::new(expectation),
            ]);
        }
        table
    }

    fn rows(&self) -> Vec<(&'static str, String, String)> {
        let plain = |what, figure: u64| (what, figure.to_string(), String::new());
        vec![
            (
                "Signup to a ready deployment",
                format!("{} ms", self.signup_to_ready_ms),
                String::new(),
            ),
            plain("Resources created in customers' accounts", self.resources_created),
            plain("Probes of the trust that were refused", self.probes_refused),
            (
                "Insecure roles refused",
                self.insecure_roles_refused.to_string(),
                "at least 1".to_owned(),
            ),
            plain(
                "Provisioning workers killed on the way",
                self.provisioning_workers_killed,
            ),
            plain("Usage workers killed on the way", self.usage_workers_killed),
            plain("Usage events sent", self.events_sent),
            plain("  accepted", self.events_accepted),
            plain("  duplicate", self.events_duplicate),
            plain("  rejected", self.events_rejected),
            plain("  quarantined", self.events_quarantined),
            (
                "Usage booked",
                self.usage_booked.clone(),
                self.usage_expected.clone(),
            ),
            (
                "Rows exported to S3",
                self.export_rows.to_string(),
                self.events_accepted.to_string(),
            ),
            (
                "Rows in the warehouse",
                self.warehouse_rows.to_string(),
                self.export_rows.to_string(),
            ),
            ("Quantity in S3", self.usage_exported.clone(), String::new()),
            (
                "Quantity in the warehouse",
                self.usage_in_warehouse.clone(),
                self.usage_exported.clone(),
            ),
            (
                "Resources left after deletion",
                self.resources_left_after_delete.to_string(),
                "0".to_owned(),
            ),
            plain("Audit entries", self.audit_entries),
            (
                "Audit chains whole",
                if self.audit_chain_ok { "yes" } else { "no" }.to_owned(),
                "yes".to_owned(),
            ),
        ]
    }
}
