//! What a benchmark prints: one JSON object, or one table.

use std::collections::BTreeMap;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Table};
use serde::Serialize;

/// The figures of one process under test.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Side {
    /// The headline: units of work in a CPU-second of the process.
    pub per_cpu_second: f64,
    /// The most memory it held.
    pub peak_rss_mib: u64,
    /// Every figure by name, its unit in the name.
    pub figures: BTreeMap<String, f64>,
}

/// One benchmark's result.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// True when every side did the work exactly.
    pub exact: bool,
    /// Ours.
    pub ours: Side,
    /// Peers by name and version.
    pub peers: BTreeMap<String, Side>,
    /// Our headline over the best peer's; none without peers.
    pub ratio_to_best_peer: Option<f64>,
    /// What each figure has to reach, by name.
    pub goals: BTreeMap<String, f64>,
}

impl Report {
    /// Compares the sides.
    #[must_use]
    pub fn new(exact: bool, ours: Side, peers: BTreeMap<String, Side>, goals: &[(&str, f64)]) -> Self {
        let best = peers.values().map(|side| side.per_cpu_second).reduce(f64::max);
        Self {
            exact,
            ratio_to_best_peer: best.map(|best| ours.per_cpu_second / best),
            ours,
            peers,
            goals: goals
                .iter()
                .map(|(name, goal)| ((*name).to_owned(), *goal))
                .collect(),
        }
    }

    /// The table for people: a row for each figure, a column for each side.
    #[must_use]
    pub fn table(&self) -> Table {
        let mut header = vec!["Figure".to_owned(), "Goal".to_owned(), "Ours".to_owned()];
        for name in self.peers.keys() {
            header.extend([name.clone(), format!("ours / {name}")]);
        }
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED).set_header(header);
        for (name, ours) in &self.ours.figures {
            let goal = self.goals.get(name).map(|goal| plain(*goal)).unwrap_or_default();
            let mut row = vec![Cell::new(name), number(goal), number(plain(*ours))];
            for peer in self.peers.values() {
                let figure = peer.figures.get(name);
                row.push(number(figure.map(|figure| plain(*figure)).unwrap_or_default()));
                let ratio = figure.filter(|figure| **figure > 0.0);
                let ratio = ratio.map(|figure| format!("{:.2}", ours / figure));
                row.push(number(ratio.unwrap_or_default()));
            }
            table.add_row(row);
        }
        table
    }
}

fn number(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// Whole above a hundred, two digits behind the point below.
fn plain(figure: f64) -> String {
    if figure >= 100.0 {
        format!("{figure:.0}")
    } else {
        format!("{figure:.2}")
    }
}
