//! An installation on the measured server: the local AWS in this process, the engine's workers in processes of their
//! own, which are what is measured.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use aws_access::{Aws, AwsCredentials};
use benches::process::Process;
use chrono::{DateTime, Utc};
use local::customers::{Customer, REGION};
use local::{Embedded, EmbeddedOptions};
use secrecy::ExposeSecret as _;
use service_kit::auth::{Authority, AuthoritySettings, NoCredentials};
use service_kit::limits::LimitSettings;
use service_kit::{Kit, KitSettings};
use tenant_model::blueprint::NetworkChoice;
use tenant_model::deployment::{Deployment, Phase, Profile};
use tenant_model::ids::DeploymentId;
use tenant_provisioning::{App, ProvisioningConfig, deployments, operations};
use tenant_store::{StoreSettings, Stores};
use tokio::io::AsyncReadExt as _;
use tokio::process::{ChildStdout, Command};

use crate::server::Server;
use crate::worker;

const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
/// What is not there after so long never will be.
const WAIT_MAX: Duration = Duration::from_secs(900);

/// The services' surroundings, and this process's own engine, which only asks.
pub(crate) struct Installation {
    pub(crate) app: App,
    embedded: Embedded,
    customers: u32,
}

/// What is asked for.
pub(crate) struct Asked {
    pub(crate) id: DeploymentId,
    pub(crate) account: String,
    pub(crate) at: DateTime<Utc>,
}

impl Installation {
    /// Furnishes the server and starts the local AWS beside it.
    pub(crate) async fn start(server: &Server) -> anyhow::Result<Self> {
        let stores = StoreSettings {
            connections_max: worker::CONNECTIONS_MAX,
            ..server.databases.store_settings()
        };
        let embedded = Embedded::start(EmbeddedOptions {
            data_dir: None,
            aws_listen: ANY_PORT,
            stores: Some(stores.clone()),
            aws: None,
            search: local::postgres::Search::machine(),
        })
        .await?;
        Ok(Self {
            app: app(&stores, Aws::connect(embedded.aws.clone()).await, 1).await?,
            embedded,
            customers: 0,
        })
    }

    /// A customer with a deployment that is approved: the workers begin.
    pub(crate) async fn ask(&mut self, profile: Profile) -> anyhow::Result<Asked> {
        self.customers += 1;
        let local_aws = self.embedded.local_aws.as_ref().context("AWS is local")?;
        let surroundings = (&self.app.kit, &self.app.stores);
        let customer = Customer::connect(local_aws, surroundings, self.customers).await?;
        let new = deployments::NewDeployment {
            connection_id: customer.connection_id,
            profile,
            region: REGION.to_owned(),
            instance_type: None,
            database: profile == Profile::HighlyAvailable,
            network: NetworkChoice::default(),
        };
        let planned = deployments::request(&self.app, "bench", customer.tenant_id, &new).await?;
        let at = self.app.kit.clock.now();
        operations::approve(&self.app, "bench", planned.id, &planned.plan.hash).await?;
        Ok(Asked {
            id: planned.deployment_id,
            account: customer.account,
            at,
        })
    }

    /// Waits until a deployment is ready.
    pub(crate) async fn ready(&self, id: DeploymentId) -> anyhow::Result<Deployment> {
        let deadline = tokio::time::Instant::now() + WAIT_MAX;
        while tokio::time::Instant::now() < deadline {
            let deployment = deployments::find(&self.app, None, id).await?;
            if deployment.phase == Phase::Ready {
                return Ok(deployment);
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        bail!("a deployment never became ready");
    }

    /// Exactly what a deployment is made of is in each account, once.
    pub(crate) fn holds(&self, account: &str) -> anyhow::Result<usize> {
        let local_aws = self.embedded.local_aws.as_ref().context("AWS is local")?;
        let mut items = local_aws.control().inventory_of(account);
        items.retain(|item| item.tags.contains_key("tenantry:deployment"));
        Ok(items.len())
    }

    /// Things with our tags by account, in one look.
    pub(crate) fn holdings(&self) -> anyhow::Result<BTreeMap<String, usize>> {
        let local_aws = self.embedded.local_aws.as_ref().context("AWS is local")?;
        let mut counts = BTreeMap::new();
        for item in local_aws.control().inventory() {
            if item.tags.contains_key("tenantry:deployment") {
                *counts.entry(item.account).or_default() += 1;
            }
        }
        Ok(counts)
    }

    /// A worker process; `core` pins it to one.
    pub(crate) async fn worker(
        &self,
        mode: &str,
        workers: u16,
        core: bool,
    ) -> anyhow::Result<(Process, ChildStdout)> {
        let program = std::env::current_exe()?;
        let mut command = if core && pins() {
            let mut command = Command::new("taskset");
            command.args(["-c", "0"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        let mut child = command
            .args([worker::MODE, mode, &workers.to_string()])
            .envs(environment(&self.embedded))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut said = child.stdout.take().context("the output is piped")?;
        let process = Process::of(child)?;
        hear(&mut said).await?;
        Ok((process, said))
    }

    /// Ends it in order.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.app.stores.close().await;
        self.embedded.stop().await;
        Ok(())
    }
}

/// Waits for the next byte a worker says.
pub(crate) async fn hear(said: &mut ChildStdout) -> anyhow::Result<()> {
    let mut byte = [0];
    let read = tokio::time::timeout(WAIT_MAX, said.read(&mut byte)).await??;
    anyhow::ensure!(read == 1, "a worker process ended by itself");
    Ok(())
}

/// Whether processes can be pinned to a core here.
fn pins() -> bool {
    let asked = std::process::Command::new("taskset")
        .args(["-c", "0", "true"])
        .stderr(Stdio::null())
        .status();
    asked.is_ok_and(|status| status.success())
}

/// The engine as a process has it.
pub(crate) async fn app(stores: &StoreSettings, aws: Aws, workers: u16) -> anyhow::Result<App> {
    let kit = Kit::new(KitSettings {
        authority: Authority::generate(AuthoritySettings::default())?,
        credentials: Arc::new(NoCredentials),
        limits: LimitSettings::local(),
        https: false,
        trusted_proxies: 0,
    });
    Ok(App {
        kit,
        stores: Stores::connect(stores).await?,
        aws,
        config: ProvisioningConfig {
            workers,
            ..ProvisioningConfig::local()
        },
    })
}

/// What a worker process must be told.
fn environment(embedded: &Embedded) -> BTreeMap<&'static str, String> {
    let (stores, aws) = (&embedded.stores, &embedded.aws);
    let mut environment = BTreeMap::from([
        (worker::APP_URL, stores.app_url.clone()),
        (worker::OPS_URL, stores.ops_url.clone()),
        (worker::ENDPOINT, aws.endpoint_url.clone().unwrap_or_default()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ]);
    if let AwsCredentials::Static {
        access_key_id,
        secret_access_key,
        session_token,
    } = &aws.credentials
    {
        let token = session_token
            .as_ref()
            .map(|token| token.expose_secret().to_owned());
        environment.insert("AWS_ACCESS_KEY_ID", access_key_id.clone());
        environment.insert(
            "AWS_SECRET_ACCESS_KEY",
            secret_access_key.expose_secret().to_owned(),
        );
        environment.insert("AWS_SESSION_TOKEN", token.unwrap_or_default());
    }
    environment
}
