//! `tenantry rehearse --lease-steals N`: a worker process is stopped in the middle of a pass (SIGSTOP), another takes
//! the lease over, and the stopped one goes on (SIGCONT) as if nothing had happened.
//!
//! It must write nothing: not a row of the tenant may differ when its pass has ended. A call to AWS that it had in
//! hand is made late all the same, since no fence reaches AWS; what it made twice the living worker finds and takes
//! away, and the inventory at the end shows it.

use std::time::Instant;

use anyhow::{bail, ensure};
use comfy_table::Table;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::Serialize;
use tenant_provisioning::Pass;

use super::Outcome;
use super::actor::Actor;
use super::life::Act;
use super::process::{Said, WorkerProcess};
use super::report::two_columns;
use super::scene::Scene;
use crate::cli::RehearseArgs;
use crate::progress::Progress;

/// A pass has some thirty points at which no transaction is open; the drawn one may lie in the next pass.
const POINTS_MAX: u64 = 40;
/// Looks for work by the thief before the lease counts as held by somebody.
const LOOKS_MAX: u32 = 30;

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct StealFigures {
    profile: String,
    seed: u64,
    /// Leases taken from a stopped process.
    steals: u64,
    /// Stopped processes that found out at their next write, and wrote nothing.
    refused: u64,
    /// Rounds after which a row of the tenant differed.
    stale_writes: u64,
    /// Calls that were in hand when their worker was stopped, made late.
    late_calls: u64,
    deployments: u64,
    orphans: u64,
    duplicates: u64,
    missing: u64,
    leaked: u64,
    seconds: u64,
}

struct Round {
    scene: Scene,
    zombie: WorkerProcess,
    draws: StdRng,
    figures: StealFigures,
    /// Whether the zombie halts with a call in hand.
    in_hand: bool,
}

/// Plays `rounds` steals over the lives of as many deployments as that takes.
pub(super) async fn play(args: &RehearseArgs, rounds: u32) -> anyhow::Result<StealFigures> {
    let begun = Instant::now();
    let mut progress = Progress::new();
    progress.stage("Stop a worker process, take its lease, let it go on");
    let scene = Scene::set(args.profile, args.seed).await?;
    let mut round = Round {
        zombie: scene.worker().await?,
        scene,
        draws: StdRng::seed_from_u64(args.seed),
        figures: StealFigures {
            profile: args.profile.name().to_owned(),
            seed: args.seed,
            ..StealFigures::default()
        },
        in_hand: false,
    };
    while round.figures.steals < rounds.into() {
        round.life(&Act::of(args.profile), rounds.into()).await?;
        progress.detail(&format!("{} of {rounds}", round.figures.steals));
    }
    round.zombie.kill().await?;
    round.scene.strike().await?;
    progress.finish();
    round.figures.seconds = begun.elapsed().as_secs();
    Ok(round.figures)
}

impl Round {
    /// One deployment's life, with its lease stolen over and over in each act.
    async fn life(&mut self, acts: &[Act], rounds: u64) -> anyhow::Result<()> {
        let actor = self.scene.actor().await?;
        self.figures.deployments += 1;
        for act in acts {
            act.begin(&self.scene.app, &actor).await?;
            while self.figures.steals < rounds && self.reach(&actor, *act).await? {
                self.steal(&actor).await?;
            }
            self.scene.finish(&actor, *act).await?;
            // A twin of a late call is found by looking, which a deployment that is done does later.
            self.scene.settle().await?;
            let verdict = self.scene.judge(&actor).await?;
            self.figures.orphans += verdict.orphans;
            self.figures.duplicates += verdict.duplicates;
            self.figures.missing += verdict.missing;
        }
        self.figures.leaked += self.scene.left(&actor)?;
        Ok(())
    }

    /// Lets the zombie work until it halts somewhere. False when the act was over before.
    async fn reach(&mut self, actor: &Actor, act: Act) -> anyhow::Result<bool> {
        let point = self.draws.random_range(1..=POINTS_MAX);
        self.zombie.order(&format!("halt-unlocked {point}")).await?;
        self.zombie.order("go").await?;
        loop {
            match self.zombie.hear().await? {
                Said::Halted(at) => {
                    self.in_hand = at.starts_with("before ");
                    return Ok(true);
                }
                Said::Ended(_) if actor.phase(&self.scene.app).await? == act.end() => return Ok(false),
                Said::Ended(_) => {
                    self.scene.step().await?;
                    self.zombie.order("go").await?;
                }
                Said::Ready | Said::Passed(_) => {}
                Said::Failed(why) => bail!("a pass failed: {why}"),
            }
        }
    }

    async fn steal(&mut self, actor: &Actor) -> anyhow::Result<()> {
        self.zombie.stop().await?;
        let held = self.scene.expire_leases().await? > 0;
        if held {
            self.take_over().await?;
        }
        let before = self.scene.fingerprint(actor).await?;
        self.zombie.order("on").await?;
        self.zombie.go_on().await?;
        let Said::Ended(how) = self.zombie.hear().await? else {
            bail!("a worker that was let go on did not end its pass");
        };
        // It may have halted after the last commit of its pass, which gives the lease back.
        if held {
            let unchanged = before == self.scene.fingerprint(actor).await?;
            self.figures.count(how == "overtaken", unchanged, self.in_hand);
        }
        Ok(())
    }

    /// One pass of the thief. The zombie's heartbeat may have been stopped in a transaction of its own, which holds
    /// the row until the database ends it.
    async fn take_over(&self) -> anyhow::Result<()> {
        for _ in 0..LOOKS_MAX {
            if self.scene.work().await? == Pass::Worked {
                return Ok(());
            }
            self.scene.step().await?;
            self.scene.expire_leases().await?;
        }
        ensure!(false, "the lease of a stopped worker could not be taken");
        Ok(())
    }
}

impl StealFigures {
    fn count(&mut self, refused: bool, unchanged: bool, in_hand: bool) {
        self.steals += 1;
        self.refused += u64::from(refused);
        self.stale_writes += u64::from(!unchanged);
        self.late_calls += u64::from(in_hand);
    }
}

impl Outcome for StealFigures {
    fn broken_promises(&self) -> Vec<String> {
        let promises = [
            (
                self.steals - self.refused,
                "passes of a stopped worker were not refused",
            ),
            (self.stale_writes, "stale writes"),
            (self.orphans, "orphans"),
            (self.duplicates, "duplicates"),
            (self.missing, "resources missing"),
            (self.leaked, "resources leaked"),
        ];
        let broken = promises.into_iter().filter(|(count, _)| *count > 0);
        let mut words: Vec<String> = broken.map(|(count, what)| format!("{count} {what}")).collect();
        if self.steals == 0 {
            words.push("no lease was stolen".to_owned());
        }
        words
    }

    fn table(&self) -> Table {
        two_columns(vec![
            ("Profile, seed", format!("{}, {}", self.profile, self.seed)),
            ("Leases taken from a stopped process", self.steals.to_string()),
            ("Stale passes refused", self.refused.to_string()),
            ("Stale writes", self.stale_writes.to_string()),
            ("Calls that were made late", self.late_calls.to_string()),
            ("Deployments, up and down", self.deployments.to_string()),
            ("Orphans", self.orphans.to_string()),
            ("Duplicates", self.duplicates.to_string()),
            ("Missing", self.missing.to_string()),
            ("Leaked after deletion", self.leaked.to_string()),
            ("Wall time", format!("{} s", self.seconds)),
        ])
    }
}
