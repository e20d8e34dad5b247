//! `tenantry demo`: the main job as a script on a fresh world, with two workers killed on the way.
//!
//! Everything goes over HTTP as a customer and an operator would do it. What must come out is computed by
//! [`traffic`] before anything is sent; what did come out is read from the API, the warehouse and the local AWS's
//! own inventory, and [`report`] compares.

mod report;
mod stages;
mod traffic;
mod usage;
mod workers;
pub(crate) mod world;

use std::process::ExitCode;
use std::time::Instant;

use chrono::Utc;

use self::stages::Tour;
use self::traffic::Traffic;
use crate::cli::DemoArgs;
use crate::progress::Progress;

/// Tenants that report usage.
const CUSTOMERS: usize = 3;

pub(crate) async fn run(args: &DemoArgs) -> anyhow::Result<ExitCode> {
    let begun = Instant::now();
    let mut progress = Progress::new();
    let traffic = Traffic::draw(args.seed, args.events, CUSTOMERS, Utc::now());
    let mut tour = Tour::start(&mut progress).await?;
    tour.first_customer(&mut progress).await?;
    tour.insecure_role(&mut progress).await?;
    tour.provision_through_a_kill(&mut progress).await?;
    tour.report_usage(&mut progress, &traffic).await?;
    tour.export(&mut progress).await?;
    tour.offboard(&mut progress).await?;
    tour.audit(&mut progress).await?;
    progress.finish();
    let mut figures = tour.finish().await?;
    figures.seconds = begun.elapsed().as_secs();
    let disagreements = figures.disagreements();
    figures.balanced = disagreements.is_empty();
    if args.json {
        println!("{}", serde_json::to_string_pretty(&figures)?);
    } else {
        println!("{}", figures.table());
    }
    for words in &disagreements {
        eprintln!("does not balance: {words}");
    }
    if !args.json && figures.balanced {
        println!("The books balance, {} s after the start.", figures.seconds);
    }
    Ok(if figures.balanced {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
