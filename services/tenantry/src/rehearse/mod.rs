//! `tenantry rehearse`: a blueprint for many tenants in an AWS in memory, under faults, up and down again.
//!
//! The workers are the product's own; what they work on is the local AWS with the faults of a named mix, and now and
//! then one of them is killed. Nothing is drawn but from the seed and no time passes but by our word, so the same
//! seed gives the same run, which the digest over all calls to AWS shows. The judge is the inventory of the local AWS,
//! never our own tables: see [`judge`].

mod cast;
mod crash;
mod judge;
mod mix;
mod play;
mod report;

use std::process::ExitCode;
use std::time::Instant;

pub(crate) use self::mix::FaultMix;
use self::play::Play;
use crate::cli::RehearseArgs;
use crate::progress::Progress;

/// Plays the piece and prints what came of it. The exit status says whether it went as promised.
pub(crate) async fn run(args: &RehearseArgs) -> anyhow::Result<ExitCode> {
    let begun = Instant::now();
    let mut progress = Progress::new();
    progress.stage("Set up PostgreSQL, AWS and the tenants' accounts");
    let mut play = Play::prepare(args).await?;
    play.raise_faults();
    progress.stage("Provision every tenant's deployment");
    play.provision(&progress).await?;
    progress.stage("Look what there is, and what there should not be");
    play.judge_what_stands().await?;
    progress.stage("Delete every deployment");
    play.delete(&progress).await?;
    progress.stage("Look what is left");
    play.judge_what_is_left().await?;
    progress.finish();
    let figures = play.end(begun.elapsed()).await;
    let broken = figures.broken_promises();
    if args.json {
        println!("{}", serde_json::to_string_pretty(&figures)?);
    } else {
        println!("{}", figures.table());
    }
    for promise in &broken {
        eprintln!("not as promised: {promise}");
    }
    Ok(if broken.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
