//! `tenantry rehearse`: a blueprint for many tenants in an AWS in memory, under faults, up and down again.
//!
//! The workers are the product's own; what they work on is the local AWS with the faults of a named mix, and now and
//! then one of them is killed. Nothing is drawn but from the seed and no time passes but by our word, so the same
//! seed gives the same run, which the digest over all calls to AWS shows. The judge is the inventory of the local AWS,
//! never our own tables: see [`judge`].
//!
//! Two more pieces are played by processes of their own, which are really killed or stopped: [`points`] kills one at
//! every boundary of every act, [`steals`] takes the lease from under one that is stopped, and lets it go on.

mod actor;
mod crash;
mod judge;
mod life;
mod mix;
mod play;
mod points;
mod process;
mod report;
mod scene;
mod steals;
mod troupe;
pub(crate) mod worker;

use std::process::ExitCode;
use std::time::Instant;

use serde::Serialize;

pub(crate) use self::mix::FaultMix;
use crate::cli::RehearseArgs;
use crate::progress::Progress;

/// What a piece prints when it is over.
pub(crate) trait Outcome: Serialize {
    /// The table for people.
    fn table(&self) -> comfy_table::Table;
    /// What is not as promised, in words; empty when all is well.
    fn broken_promises(&self) -> Vec<String>;
}

/// Plays the piece and prints what came of it. The exit status says whether it went as promised.
pub(crate) async fn run(args: &RehearseArgs) -> anyhow::Result<ExitCode> {
    match (args.crash_points, args.lease_steals) {
        (Some(sample), _) => conclude(args, &points::play(args, sample).await?),
        (None, Some(rounds)) => conclude(args, &steals::play(args, rounds).await?),
        (None, None) => conclude(args, &faulted(args).await?),
    }
}

async fn faulted(args: &RehearseArgs) -> anyhow::Result<report::Figures> {
    let begun = Instant::now();
    let mut progress = Progress::new();
    progress.stage("Provision and delete every tenant's deployment under faults");
    let mut figures = troupe::play(args, &progress).await?;
    progress.finish();
    figures.seconds = begun.elapsed().as_secs();
    Ok(figures)
}

fn conclude(args: &RehearseArgs, outcome: &impl Outcome) -> anyhow::Result<ExitCode> {
    if args.json {
        println!("{}", serde_json::to_string_pretty(outcome)?);
    } else {
        println!("{}", outcome.table());
    }
    let broken = outcome.broken_promises();
    for promise in &broken {
        eprintln!("not as promised: {promise}");
    }
    Ok(if broken.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
