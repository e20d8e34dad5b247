//! `./dev bench provisioning`: the engine's journal beside `pgbench` and dbos, and the engine as a whole.
//!
//! One PostgreSQL server with `fsync` on carries all of it. The step lists run in turns, so that whatever else the
//! machine does meets all sides alike. Figures on the local endpoint prove the control plane, not AWS.

mod engine;
mod installation;
mod lists;
mod load;
mod server;
mod worker;

use benches::report::Report;

use crate::installation::Installation;
use crate::server::Server;

/// What has to be reached. Those of times and of `take_over_seconds` are the most, the others the least.
const GOALS: &[(&str, f64)] = &[
    ("steps_per_pgbench_commit", 0.35),
    ("steps_per_cpu_second", 3_500.0),
    ("single_ready_ms_p50", 1_000.0),
    ("single_ready_ms_p99", 5_000.0),
    ("in_flight_tenants", 1_000.0),
    ("take_over_seconds", 22.0),
    ("drift_cpu_seconds_of_10000_tenants", 60.0),
    ("drift_rss_mib", 500.0),
];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == worker::MODE) {
        return worker::run(&arguments[1..]);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(bench(&arguments))
}

async fn bench(arguments: &[String]) -> anyhow::Result<()> {
    let asked = |name: &str| arguments.iter().any(|argument| argument == name);
    let server = Server::start().await?;
    let mut installation = Installation::start(&server).await?;
    let (mut ours, peers, mut exact) = lists::measure(&server, &mut installation).await?;
    if !asked("--lists-only") {
        exact &= engine::measure(&mut ours, &server, &mut installation).await?;
    }
    installation.stop().await?;
    server.stop().await?;
    let report = Report::new(exact, ours, peers, GOALS);
    if asked("--json") {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{}", report.table());
    }
    anyhow::ensure!(report.exact, "the work was not done exactly");
    Ok(())
}
