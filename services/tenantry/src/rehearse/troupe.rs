//! Many tenants: in troupes, each on a stage of its own, as many at a time as the machine has cores for.
//!
//! On one stage everything happens one after the other, so that a seed repeats it; stages know nothing of each other,
//! so they may play at the same time. A stage is struck when its troupe has left, so memory does not grow with the
//! tenants.

use std::ops::Range;
use std::thread::available_parallelism;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use local::Theatre;

use super::play::Play;
use super::report::{Figures, Troupe};
use crate::cli::RehearseArgs;
use crate::progress::Progress;

/// Tenants on one stage. Few enough that looking at all of them costs little, enough that a stage is worth setting.
const TENANTS_MAX: u32 = 50;
/// Keeps the draws of two stages apart: 2^64 divided by the golden ratio, as in a Weyl sequence.
const SEED_STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Plays for all tenants and adds up what came of it.
pub(super) async fn play(args: &RehearseArgs, progress: &Progress) -> anyhow::Result<Figures> {
    let theatre = Theatre::open().await?;
    let troupes = (0..args.tenants.div_ceil(TENANTS_MAX)).map(|number| {
        let first = number * TENANTS_MAX;
        (number, first..args.tenants.min(first + TENANTS_MAX))
    });
    let lanes = available_parallelism().map_or(2, usize::from) + 1;
    let played = stream::iter(troupes)
        .map(|(number, tenants)| {
            let (theatre, args) = (theatre.clone(), args.clone());
            tokio::spawn(async move { one(&theatre, &args, (number, tenants)).await })
        })
        .buffered(lanes);
    let figures = played
        .map(|ended| ended?)
        .try_fold(Figures::new(args), |mut sum, troupe: Troupe| async move {
            sum.add(troupe);
            progress.detail(&format!("{} of {}", sum.played(), args.tenants));
            Ok::<_, anyhow::Error>(sum)
        })
        .await?;
    theatre.close().await;
    Ok(figures.closed())
}

async fn one(
    theatre: &Theatre,
    args: &RehearseArgs,
    (number, tenants): (u32, Range<u32>),
) -> anyhow::Result<Troupe> {
    let seed = args.seed.wrapping_add(SEED_STEP.wrapping_mul(number.into()));
    let mut play = Play::prepare(theatre, args, (seed, tenants)).await?;
    play.raise_faults();
    play.provision().await?;
    play.judge_what_stands().await?;
    play.delete().await?;
    play.judge_what_is_left().await?;
    Ok(play.end().await)
}
