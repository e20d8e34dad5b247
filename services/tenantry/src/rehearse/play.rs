//! The piece itself: everybody enters, workers work, time passes, everybody leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use aws_access::Aws;
use chrono::{DateTime, TimeDelta, Utc};
use local::{Stage, Theatre};
use tenant_model::blueprint::Kind;
use tenant_model::deployment::Phase;
use tenant_model::ids::DeploymentId;
use tenant_provisioning::{App, IMAGE, Pass, PassError, ProvisioningConfig, deployments, pass};

use super::actor::Actor;
use super::crash::Reaper;
use super::judge::{judge, ours};
use super::mix::FaultMix;
use super::report::{Troupe, digest};
use crate::cli::RehearseArgs;

/// When every rehearsal begins. A fixed day, because times are part of ids.
const OPENING: DateTime<Utc> = DateTime::from_timestamp(1_767_225_600, 0).expect("a day in 2026");
/// What a pass costs on the held clocks.
const PASS_TIME: Duration = Duration::from_millis(1);
/// Held time between two looks at who has arrived: a look asks about everybody.
const LOOK_INTERVAL: TimeDelta = TimeDelta::seconds(5);
/// Time on the held clocks after which what has not arrived never will.
const ACT_TIME_MAX: TimeDelta = TimeDelta::hours(12);

/// A rehearsal between two acts.
pub(super) struct Play {
    stage: Stage,
    app: App,
    reaper: Arc<Reaper>,
    cast: Vec<Actor>,
    mix: FaultMix,
    figures: Troupe,
}

impl Play {
    /// Sets the stage and lets every tenant enter, with nothing in the way.
    pub(super) async fn prepare(
        theatre: &Theatre,
        args: &RehearseArgs,
        (seed, tenants): (u64, Range<u32>),
    ) -> anyhow::Result<Self> {
        let name = format!("stage_{}", tenants.start);
        let stage = theatre.stage(&name, OPENING, seed).await?;
        let reaper = Arc::new(Reaper::new(seed, args.faults.crashes_per_million()));
        let observer = Arc::clone(&reaper) as Arc<dyn aws_access::CallObserver>;
        let regions = vec![stage.aws.region.clone()];
        let app = App {
            kit: stage.kit.clone(),
            stores: stage.stores.clone(),
            aws: Aws::connect_rehearsal(stage.aws.clone(), observer).await,
            config: ProvisioningConfig {
                // Which of two calls side by side comes first would be the machine's to choose, and no seed's.
                calls_at_once_max: 1,
                ..ProvisioningConfig::production("rehearsal", regions, IMAGE)
            },
        };
        let mut play = Self {
            stage,
            app,
            reaper,
            cast: Vec::new(),
            mix: args.faults,
            figures: Troupe::default(),
        };
        for number in tenants {
            let actor = Actor::enter(&play.stage.local_aws, &play.app, number, args.profile).await?;
            actor.provision(&play.app).await?;
            play.cast.push(actor);
            // Nobody is due at the same moment as another, so that the order is never the database's to choose.
            play.stage.advance(PASS_TIME).await?;
        }
        play.stage.local_aws.control().clear_calls();
        Ok(play)
    }

    /// From here on AWS behaves as the mix says.
    pub(super) fn raise_faults(&self) {
        self.mix.raise(&self.stage.local_aws.control());
    }

    /// Works until every deployment is ready, or will not be.
    pub(super) async fn provision(&mut self) -> anyhow::Result<()> {
        let begun = self.app.kit.clock.now();
        let arrived = self.until(&[Phase::Ready]).await?;
        self.figures.ready_ms = arrived
            .values()
            .map(|at| (*at - begun).num_milliseconds())
            .collect();
        self.figures.calls_to_ready = u64::try_from(self.stage.local_aws.control().calls().len())?;
        Ok(())
    }

    /// Compares every account with what its deployment knows.
    pub(super) async fn judge_what_stands(&mut self) -> anyhow::Result<()> {
        for actor in &self.cast {
            let deployment = deployments::find(&self.app, None, actor.deployment_id).await?;
            let (records, _) = deployments::resources(&self.app, &deployment).await?;
            let known = records
                .into_iter()
                // Names are in a zone of the ISV's, not in the customer's account.
                .filter(|record| record.kind != Kind::DnsRecord)
                .filter_map(|record| Some((record.name, record.aws_id?)))
                .collect();
            let inventory = self.stage.local_aws.control().inventory_of(&actor.account);
            let verdict = judge(&ours(inventory), &known);
            self.figures.orphans += verdict.orphans;
            self.figures.duplicates += verdict.duplicates;
            self.figures.missing += verdict.missing;
            self.figures.problems.extend(verdict.named);
        }
        Ok(())
    }

    /// Takes every deployment down again.
    pub(super) async fn delete(&mut self) -> anyhow::Result<()> {
        for number in 0..self.cast.len() {
            self.cast[number].end(&self.app).await?;
            self.stage.advance(PASS_TIME).await?;
        }
        let ended = self.until(&[Phase::Deleted, Phase::Cancelled]).await?;
        self.figures.deleted = u64::try_from(ended.len())?;
        Ok(())
    }

    /// Looks for what is there although it should not be.
    pub(super) async fn judge_what_is_left(&mut self) -> anyhow::Result<()> {
        for actor in &self.cast {
            let inventory = self.stage.local_aws.control().inventory_of(&actor.account);
            let left = u64::try_from(ours(inventory).len())?;
            let deployment = deployments::find(&self.app, None, actor.deployment_id).await?;
            self.figures.leaked += left;
            self.figures.falsely_deleted += u64::from(deployment.phase == Phase::Deleted && left > 0);
        }
        Ok(())
    }

    /// Closes the books.
    pub(super) async fn end(mut self) -> Troupe {
        let calls = self.stage.local_aws.control().calls();
        self.figures
            .count_calls(&calls, self.cast.iter().map(|actor| actor.account.as_str()));
        self.figures.digest = digest(&calls);
        self.figures.workers_killed = self.reaper.kills();
        self.stage.strike().await;
        self.figures
    }

    /// Lets workers work and time pass until every deployment has reached one of `phases`, and says when each did.
    /// What has not after [`ACT_TIME_MAX`] is left out.
    async fn until(&mut self, phases: &[Phase]) -> anyhow::Result<BTreeMap<DeploymentId, DateTime<Utc>>> {
        let deadline = self.app.kit.clock.now() + ACT_TIME_MAX;
        let mut waiting: BTreeSet<DeploymentId> = self.cast.iter().map(|actor| actor.deployment_id).collect();
        let mut arrived = BTreeMap::new();
        let mut look_at = self.app.kit.clock.now();
        while !waiting.is_empty() && self.app.kit.clock.now() < deadline {
            if self.work().await? {
                continue;
            }
            if self.app.kit.clock.now() < look_at {
                self.wait().await?;
                continue;
            }
            look_at = self.app.kit.clock.now() + LOOK_INTERVAL;
            for id in waiting.clone() {
                let deployment = deployments::find(&self.app, None, id).await?;
                if phases.contains(&deployment.phase) {
                    waiting.remove(&id);
                    arrived.insert(id, deployment.phase_since);
                }
            }
            self.wait().await?;
        }
        Ok(arrived)
    }

    /// Lets time pass until somebody is due; an interval when nobody ever is.
    async fn wait(&mut self) -> anyhow::Result<()> {
        let until = self.stage.until_work().await?;
        // A lease is over just after its end, hence one step at least.
        let wait = until.map_or(PASS_TIME * 1_000, |wait| whole_ms(wait).max(PASS_TIME));
        Ok(self.stage.advance(wait).await?)
    }

    /// One pass of one worker, which may be its last. False when nothing was due.
    async fn work(&mut self) -> anyhow::Result<bool> {
        let app = self.app.clone();
        let mut worker = tokio::spawn(async move { pass(&app, "worker").await });
        let reaper = Arc::clone(&self.reaper);
        let worked = tokio::select! {
            ended = &mut worker => had_work(ended?)?,
            () = reaper.killed() => {
                // Nobody hears of its death: what it held waits until its lease has run out.
                worker.abort();
                true
            }
        };
        self.stage.advance(PASS_TIME).await?;
        Ok(worked)
    }
}

fn had_work(ended: Result<Pass, PassError>) -> anyhow::Result<bool> {
    match ended {
        Ok(Pass::Idle) => Ok(false),
        Ok(Pass::Worked | Pass::Overtaken) => Ok(true),
        Err(error) => bail!("a pass did not finish: {}", service_kit::Chain(&error)),
    }
}

/// AWS's clock moves by milliseconds, and the three move together.
fn whole_ms(wait: Duration) -> Duration {
    Duration::from_millis(u64::try_from(wait.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX))
}
