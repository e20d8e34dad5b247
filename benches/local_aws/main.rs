//! `./dev bench local-aws`: the local AWS beside moto's server, the field's own.
//!
//! Both are processes of their own on loopback and get the same signed requests from here. Ours checks every
//! signature, permission and limit; moto checks none of them. Figures are per CPU-second of the server.

mod load;
mod server;

use std::collections::BTreeMap;

use benches::report::{Report, Side};

use crate::load::Sizes;
use crate::server::Server;

/// What the endpoint has to reach.
const GOALS: &[(&str, f64)] = &[
    ("start_ms", 50.0),
    ("idle_rss_mib", 40.0),
    ("simple_calls_per_cpu_second", 5_000.0),
    ("put_records_per_cpu_second", 300_000.0),
    ("get_records_per_cpu_second", 600_000.0),
    ("object_in_mib_per_second", 300.0),
    ("object_out_mib_per_second", 300.0),
    ("rss_mib_of_400000_resources", 600.0),
];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == server::SERVE) {
        return server::serve().await;
    }
    let (ours, exact) = load::measure(Server::ours().await?, &Sizes::ours()).await?;
    let mut peers: BTreeMap<String, Side> = BTreeMap::new();
    let mut all_exact = exact;
    if let Some(moto) = Server::moto().await? {
        let name = moto.name.clone();
        let (side, exact) = load::measure(moto, &Sizes::moto()).await?;
        // Exactness is asked of us; a peer's losses are shown, not hidden.
        if !exact {
            eprintln!("bench: {name} did not give back all that it took");
        }
        peers.insert(name, side);
    }
    all_exact &= ours.per_cpu_second > 0.0;
    let report = Report::new(all_exact, ours, peers, GOALS);
    if arguments.iter().any(|argument| argument == "--json") {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{}", report.table());
    }
    anyhow::ensure!(report.exact, "the work was not done exactly");
    Ok(())
}
