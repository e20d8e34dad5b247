//! Where processes play: an installation on running clocks, which worker processes reach like any other.
//!
//! Whoever takes over from a killed or a stopped process works in this one, on a clock that can be moved: what waits
//! for a due time does not wait here.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use aws_access::Aws;
use chrono::Utc;
use local::postgres::Search;
use local::{Embedded, EmbeddedOptions};
use local_aws::LocalAws;
use service_kit::Kit;
use service_kit::auth::NoCredentials;
use tenant_model::blueprint::Kind;
use tenant_model::deployment::Profile;
use tenant_model::resource::ResourceState;
use tenant_provisioning::{App, Pass, ProvisioningConfig, deployments, operations, pass};
use tenant_store::{Stores, intents, rehearsal};

use super::actor::Actor;
use super::judge::{Verdict, judge, ours};
use super::life::Act;
use super::process::WorkerProcess;
use crate::environment;

/// A free port of this machine alone.
const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// How far time moves when nothing is due.
const STEP: Duration = Duration::from_secs(1);
/// Passes after which a deployment that has not arrived never will.
const PASSES_MAX: u32 = 800;

/// An installation that worker processes and this one work on together.
pub(super) struct Scene {
    pub(super) app: App,
    embedded: Embedded,
    profile: Profile,
    tenants: u32,
}

impl Scene {
    /// Starts PostgreSQL and AWS; everything goes with the process.
    pub(super) async fn set(profile: Profile, seed: u64) -> anyhow::Result<Self> {
        let embedded = Embedded::start(EmbeddedOptions {
            data_dir: None,
            aws_listen: ANY_PORT,
            stores: None,
            aws: None,
            search: Search::machine(),
        })
        .await?;
        let app = App {
            kit: Kit::manual(Utc::now(), seed, Arc::new(NoCredentials))?,
            stores: Stores::connect(&embedded.stores).await?,
            aws: Aws::connect(embedded.aws.clone()).await,
            config: ProvisioningConfig::local(),
        };
        Ok(Self {
            app,
            embedded,
            profile,
            tenants: 0,
        })
    }

    /// A new tenant with a planned deployment.
    pub(super) async fn actor(&mut self) -> anyhow::Result<Actor> {
        self.tenants += 1;
        self.keep_up();
        Actor::enter(self.local_aws()?, &self.app, self.tenants, self.profile).await
    }

    /// A worker process on this installation, which halts where it is told; see [`super::worker`].
    pub(super) async fn worker(&self) -> anyhow::Result<WorkerProcess> {
        let environment = environment::of(&self.embedded, &self.app.config);
        WorkerProcess::spawn(&environment).await
    }

    /// Works until an act is over, moving time when nothing is due.
    pub(super) async fn finish(&self, actor: &Actor, act: Act) -> anyhow::Result<()> {
        self.keep_up();
        for _ in 0..PASSES_MAX {
            if actor.phase(&self.app).await? == act.end() {
                return Ok(());
            }
            if self.work().await? == Pass::Idle {
                self.step().await?;
            }
        }
        bail!("{} never ended for {}", act.name(), actor.deployment_id);
    }

    /// One pass of this process over whatever is due.
    pub(super) async fn work(&self) -> anyhow::Result<Pass> {
        Ok(pass(&self.app, "the other worker").await?)
    }

    /// Lets a second pass for this process's clock and for the database's deadlines.
    pub(super) async fn step(&self) -> anyhow::Result<()> {
        self.app.kit.clock.advance(STEP);
        Ok(rehearsal::advance(self.admin_url()?, STEP).await?)
    }

    /// As if every worker had been silent for too long. Says how many leases that ended.
    pub(super) async fn expire_leases(&self) -> anyhow::Result<u64> {
        Ok(rehearsal::expire_leases(self.admin_url()?).await?)
    }

    /// All rows of a tenant as one hash.
    pub(super) async fn fingerprint(&self, actor: &Actor) -> anyhow::Result<String> {
        Ok(rehearsal::fingerprint(self.admin_url()?, actor.tenant_id).await?)
    }

    /// Compares the account with what the deployment knows.
    pub(super) async fn judge(&self, actor: &Actor) -> anyhow::Result<Verdict> {
        let deployment = deployments::find(&self.app, None, actor.deployment_id).await?;
        let (records, _) = deployments::resources(&self.app, &deployment).await?;
        let known: BTreeMap<_, _> = records
            .into_iter()
            // Names are in a zone of the ISV's, not in the customer's account.
            .filter(|record| record.kind != Kind::DnsRecord)
            .filter_map(|record| Some((record.name, record.aws_id?)))
            .collect();
        let inventory = self.local_aws()?.control().inventory_of(&actor.account);
        Ok(judge(&ours(inventory), &known))
    }

    /// How much of the deployment's is still in the account.
    pub(super) fn left(&self, actor: &Actor) -> anyhow::Result<u64> {
        let inventory = self.local_aws()?.control().inventory_of(&actor.account);
        Ok(u64::try_from(ours(inventory).len())?)
    }

    /// Lets so much time pass that everything that stands is looked at again, and looks until nothing is due.
    pub(super) async fn settle(&self) -> anyhow::Result<()> {
        let interval = self.app.config.drift_interval * 2;
        self.app.kit.clock.advance(interval);
        rehearsal::advance(self.admin_url()?, interval).await?;
        for _ in 0..PASSES_MAX {
            if self.work().await? == Pass::Idle {
                return Ok(());
            }
        }
        bail!("there is always something due");
    }

    /// What our own tables must say when an act is over, beyond its phase. Empty when they do.
    pub(super) async fn table_faults(&self, actor: &Actor, act: Act) -> anyhow::Result<Vec<String>> {
        let deployment = deployments::find(&self.app, None, actor.deployment_id).await?;
        let (records, ever) = deployments::resources(&self.app, &deployment).await?;
        let mut tx = self.app.stores.begin(actor.tenant_id).await?;
        let unsettled = intents::list_unsettled(&mut tx, actor.deployment_id).await?;
        tx.commit().await?;
        let operations = operations::of_deployment(&self.app, actor.tenant_id, actor.deployment_id).await?;
        let open = operations
            .iter()
            .filter(|operation| !operation.state.is_final())
            .count();
        let (unready, alive) = match act {
            Act::Delete => (0, ever.iter().filter(|one| one.gone_at.is_none()).count()),
            Act::Provision | Act::Suspend | Act::Resume => {
                let ready = |state| state == ResourceState::Ready;
                (records.iter().filter(|record| !ready(record.state)).count(), 0)
            }
        };
        let faults = [
            (unsettled.len(), "unsettled calls"),
            (open, "operations that have not ended"),
            (unready, "resources that are not ready"),
            (alive, "ids whose end is not recorded"),
        ];
        let found = faults.into_iter().filter(|(count, _)| *count > 0);
        Ok(found.map(|(count, what)| format!("{count} {what}")).collect())
    }

    /// Ends it in order.
    pub(super) async fn strike(self) -> anyhow::Result<()> {
        ensure!(
            self.app.kit.shut_down(Duration::from_secs(10)).await,
            "the workers of this process end"
        );
        self.app.stores.close().await;
        self.embedded.stop().await;
        Ok(())
    }

    /// This process's clock stands still but when it is moved; worker processes' do not, and what they wrote down must
    /// not lie in its future.
    fn keep_up(&self) {
        let behind = Utc::now() - self.app.kit.clock.now();
        self.app.kit.clock.advance(behind.to_std().unwrap_or_default());
    }

    fn local_aws(&self) -> anyhow::Result<&LocalAws> {
        let local_aws = self.embedded.local_aws.as_ref();
        local_aws.context("a scene has a local AWS of its own")
    }

    fn admin_url(&self) -> anyhow::Result<&str> {
        let databases = self.embedded.databases.as_ref();
        Ok(&databases.context("a scene has databases of its own")?.admin_url)
    }
}
