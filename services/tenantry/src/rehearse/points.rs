//! `tenantry rehearse --crash-points`: a worker process is killed at every boundary of every act of a deployment's life.
//!
//! A boundary is before or after a call to AWS, or before or after a commit. First one life is listed, point by point.
//! Then each life that follows has a worker killed (`kill -9`, a real process) at one point of each of its acts, and
//! another worker finishes the act. After each act the account is judged by the local AWS's inventory, and our own
//! tables by what they must say.

use std::collections::{BTreeMap, BTreeSet};
use std::thread::available_parallelism;
use std::time::Instant;

use comfy_table::Table;
use futures_util::future::try_join_all;
use serde::Serialize;

use super::Outcome;
use super::actor::Actor;
use super::life::Act;
use super::process::{Said, WorkerProcess};
use super::report::two_columns;
use super::scene::Scene;
use crate::cli::RehearseArgs;
use crate::progress::Progress;

/// Most problems that are told; one cause has many effects.
const PROBLEMS_MAX: usize = 20;

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct CrashFigures {
    profile: String,
    /// Points of each act, as one uninterrupted life passes them.
    points_of: BTreeMap<&'static str, usize>,
    /// Points at which a process was to be killed.
    chosen: u64,
    /// Distinct points at which one was killed.
    killed: u64,
    /// Points that a life did not pass a second time: where jitter decides whether a pass is needed.
    not_reached: u64,
    orphans: u64,
    duplicates: u64,
    missing: u64,
    leaked: u64,
    falsely_deleted: u64,
    /// Acts that nobody could finish.
    stuck: u64,
    /// Things our own tables say that are not so.
    table_faults: u64,
    problems: Vec<String>,
    seconds: u64,
    #[serde(skip)]
    points: BTreeSet<(Act, String)>,
}

/// The acts of one life, each with the point at which its worker is killed.
type Plan = Vec<(Act, Option<u64>)>;

/// Lists the points and crashes at `sample` of them, at all with 0.
pub(super) async fn play(args: &RehearseArgs, sample: u32) -> anyhow::Result<CrashFigures> {
    let begun = Instant::now();
    let mut progress = Progress::new();
    progress.stage("List the points of one life");
    let mut scene = Scene::set(args.profile, args.seed).await?;
    let points_of = list(&mut scene, args).await?;
    scene.strike().await?;
    progress.stage("Kill a worker process at each, and let another finish");
    let plans = plans(&points_of, sample);
    let lanes = available_parallelism().map_or(1, usize::from);
    let crashing = (0..lanes).map(|lane| {
        let mine: Vec<Plan> = plans.iter().skip(lane).step_by(lanes).cloned().collect();
        crash(args, mine)
    });
    let mut sum = CrashFigures {
        profile: args.profile.name().to_owned(),
        points_of: points_of
            .iter()
            .map(|(act, count)| (act.name(), *count))
            .collect(),
        ..CrashFigures::default()
    };
    for figures in try_join_all(crashing).await? {
        sum.add(figures);
    }
    progress.finish();
    sum.seconds = begun.elapsed().as_secs();
    Ok(sum)
}

/// How many points each act of an uninterrupted life passes.
async fn list(scene: &mut Scene, args: &RehearseArgs) -> anyhow::Result<Vec<(Act, usize)>> {
    let actor = scene.actor().await?;
    let mut worker = scene.worker().await?;
    let mut listed = Vec::new();
    for act in Act::of(args.profile) {
        act.begin(&scene.app, &actor).await?;
        worker.order("list").await?;
        let mut count = 0;
        while actor.phase(&scene.app).await? != act.end() {
            worker.order("go").await?;
            count += until_idle(&mut worker).await?;
            scene.step().await?;
        }
        listed.push((act, count));
    }
    worker.kill().await?;
    Ok(listed)
}

async fn until_idle(worker: &mut WorkerProcess) -> anyhow::Result<usize> {
    let mut passed = 0;
    loop {
        match worker.hear().await? {
            Said::Passed(_) => passed += 1,
            Said::Ended(_) => return Ok(passed),
            Said::Ready | Said::Halted(_) => {}
            Said::Failed(why) => anyhow::bail!("a pass failed: {why}"),
        }
    }
}

/// The n-th life is crashed at the n-th chosen point of each of its acts.
fn plans(points_of: &[(Act, usize)], sample: u32) -> Vec<Plan> {
    let all: usize = points_of.iter().map(|(_, count)| count).sum();
    let wanted = match usize::try_from(sample).unwrap_or(all) {
        0 => all,
        some => some.min(all),
    };
    let mut chosen: BTreeMap<Act, Vec<u64>> = BTreeMap::new();
    let mut number = 0;
    for (act, count) in points_of {
        for point in 1..=*count {
            // Evenly spread: the number of chosen points grows in step with the number of points.
            if number * wanted / all != (number + 1) * wanted / all {
                let points = chosen.entry(*act).or_default();
                points.push(u64::try_from(point).unwrap_or(u64::MAX));
            }
            number += 1;
        }
    }
    let lives = chosen.values().map(Vec::len).max().unwrap_or(0);
    let point = |act: &Act, life: usize| chosen.get(act).and_then(|points| points.get(life).copied());
    (0..lives)
        .map(|life| {
            points_of
                .iter()
                .map(|(act, _)| (*act, point(act, life)))
                .collect()
        })
        .collect()
}

async fn crash(args: &RehearseArgs, plans: Vec<Plan>) -> anyhow::Result<CrashFigures> {
    let mut figures = CrashFigures::default();
    let mut scene = Scene::set(args.profile, args.seed).await?;
    for plan in plans {
        let actor = scene.actor().await?;
        for (act, point) in plan {
            let at = interrupted(&scene, &actor, (act, point)).await?;
            figures.note(act, point, at.as_deref());
            let at = format!("{} {}", act.name(), at.as_deref().unwrap_or("uninterrupted"));
            if let Err(error) = scene.finish(&actor, act).await {
                figures.stuck += 1;
                figures.problem(format!("killed at {at}: {error:#}"));
                break;
            }
            figures.judge(&scene, &actor, (act, &at)).await?;
        }
    }
    scene.strike().await?;
    Ok(figures)
}

/// Begins an act and kills its worker at the point; says which that was, if it came to it.
async fn interrupted(
    scene: &Scene,
    actor: &Actor,
    (act, point): (Act, Option<u64>),
) -> anyhow::Result<Option<String>> {
    act.begin(&scene.app, actor).await?;
    let Some(point) = point else { return Ok(None) };
    let mut worker = scene.worker().await?;
    worker.order(&format!("halt {point}")).await?;
    worker.order("go").await?;
    loop {
        match worker.hear().await? {
            Said::Halted(at) => {
                worker.kill().await?;
                scene.expire_leases().await?;
                return Ok(Some(at));
            }
            Said::Ended(_) if actor.phase(&scene.app).await? == act.end() => {
                worker.kill().await?;
                return Ok(None);
            }
            Said::Ended(_) => {
                scene.step().await?;
                worker.order("go").await?;
            }
            Said::Ready | Said::Passed(_) => {}
            Said::Failed(why) => anyhow::bail!("a pass failed: {why}"),
        }
    }
}

impl CrashFigures {
    fn note(&mut self, act: Act, point: Option<u64>, at: Option<&str>) {
        self.chosen += u64::from(point.is_some());
        match (point, at) {
            (_, Some(at)) => {
                self.points.insert((act, at.to_owned()));
                self.killed = u64::try_from(self.points.len()).unwrap_or(u64::MAX);
            }
            (Some(_), None) => self.not_reached += 1,
            (None, None) => {}
        }
    }

    async fn judge(&mut self, scene: &Scene, actor: &Actor, (act, at): (Act, &str)) -> anyhow::Result<()> {
        let verdict = scene.judge(actor).await?;
        let left = scene.left(actor)?;
        match act {
            Act::Delete => {
                self.leaked += left;
                self.falsely_deleted += u64::from(left > 0);
            }
            Act::Provision | Act::Suspend | Act::Resume => {
                self.orphans += verdict.orphans;
                self.duplicates += verdict.duplicates;
                self.missing += verdict.missing;
            }
        }
        let clean = match act {
            Act::Delete => left == 0,
            Act::Provision | Act::Suspend | Act::Resume => verdict.is_clean(),
        };
        if !clean {
            self.problem(format!("killed at {at}: {verdict:?}, {left} left"));
        }
        for fault in scene.table_faults(actor, act).await? {
            self.table_faults += 1;
            self.problem(format!("killed at {at}: {fault}"));
        }
        Ok(())
    }

    fn problem(&mut self, words: String) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(words);
        }
    }

    fn add(&mut self, other: Self) {
        self.chosen += other.chosen;
        self.points.extend(other.points);
        self.killed = u64::try_from(self.points.len()).unwrap_or(u64::MAX);
        self.not_reached += other.not_reached;
        self.orphans += other.orphans;
        self.duplicates += other.duplicates;
        self.missing += other.missing;
        self.leaked += other.leaked;
        self.falsely_deleted += other.falsely_deleted;
        self.stuck += other.stuck;
        self.table_faults += other.table_faults;
        for words in other.problems {
            self.problem(words);
        }
    }
}

impl Outcome for CrashFigures {
    fn broken_promises(&self) -> Vec<String> {
        let promises = [
            (self.orphans, "orphans"),
            (self.duplicates, "duplicates"),
            (self.missing, "resources missing"),
            (self.leaked, "resources leaked"),
            (self.falsely_deleted, "said deleted, and were not"),
            (self.stuck, "acts were never finished"),
            (self.table_faults, "things the tables say are not so"),
        ];
        let broken = promises.into_iter().filter(|(count, _)| *count > 0);
        let mut words: Vec<String> = broken.map(|(count, what)| format!("{count} {what}")).collect();
        if self.killed == 0 {
            words.push("no process was killed".to_owned());
        }
        words.extend(self.problems.iter().cloned());
        words
    }

    fn table(&self) -> Table {
        let points: Vec<String> = self
            .points_of
            .iter()
            .map(|(act, count)| format!("{act} {count}"))
            .collect();
        two_columns(vec![
            ("Profile", self.profile.clone()),
            ("Points of one life", points.join(", ")),
            ("Processes killed, each at another point", self.killed.to_string()),
            ("Points not passed a second time", self.not_reached.to_string()),
            ("Orphans", self.orphans.to_string()),
            ("Duplicates", self.duplicates.to_string()),
            ("Missing", self.missing.to_string()),
            ("Leaked after deletion", self.leaked.to_string()),
            ("Said deleted, and were not", self.falsely_deleted.to_string()),
            ("Never finished", self.stuck.to_string()),
            ("Tables that say what is not so", self.table_faults.to_string()),
            ("Wall time", format!("{} s", self.seconds)),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_in_one_plan_and_a_sample_is_spread() {
        let points = [(Act::Provision, 5), (Act::Delete, 3)];
        let all = plans(&points, 0);
        assert_eq!(all.len(), 5);
        let killed = |plans: &[Plan]| {
            plans
                .iter()
                .flatten()
                .filter(|(_, point)| point.is_some())
                .count()
        };
        assert_eq!(killed(&all), 8);
        assert_eq!(all[4], [(Act::Provision, Some(5)), (Act::Delete, None)]);
        let some = plans(&points, 4);
        assert_eq!(killed(&some), 4);
        let acts: BTreeSet<Act> = some
            .iter()
            .flatten()
            .filter(|(_, point)| point.is_some())
            .map(|(act, _)| *act)
            .collect();
        assert_eq!(acts.len(), 2);
        assert_eq!(killed(&plans(&points, 99)), 8);
    }
}
