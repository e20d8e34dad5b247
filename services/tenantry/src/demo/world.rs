//! The demo's world: an installation that lives as long as the demo, served on a free port.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context as _;
use aws_access::Aws;
use local::{Embedded, EmbeddedOptions};
use local_aws::LocalAws;
use service_kit::auth::{Authority, AuthoritySettings};
use service_kit::limits::LimitSettings;
use service_kit::{Clock, Kit, KitSettings};
use tenant_store::Stores;
use tenantry::{Client, Composition, Service, ServiceConfigs};
use tokio::task::JoinHandle;

use crate::{environment, serve};

/// A free port of this machine alone.
const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A running installation.
pub(crate) struct World {
    pub(crate) composition: Composition,
    /// Calls as nobody.
    pub(crate) api: Client,
    embedded: Embedded,
    server: JoinHandle<anyhow::Result<()>>,
}

impl World {
    /// Starts everything but the workers that the demo is going to kill: those are processes of their own.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let embedded = Embedded::start(EmbeddedOptions {
            data_dir: None,
            aws_listen: ANY_PORT,
            stores: None,
            aws: None,
            search: local::postgres::Search::machine(),
        })
        .await?;
        let listener = serve::bind(ANY_PORT).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let composition = compose(&embedded, &url).await?;
        composition.start(Service::Onboarding);
        composition.start(Service::AnalyticsExport);
        let router = composition.router(Service::All, None);
        let served = composition.clone();
        let server = tokio::spawn(async move { serve::until_stopped(&served, listener, router).await });
        Ok(Self {
            composition,
            api: Client::new(&url),
            embedded,
            server,
        })
    }

    /// The customers' AWS.
    pub(crate) fn local_aws(&self) -> anyhow::Result<&LocalAws> {
        self.embedded
            .local_aws
            .as_ref()
            .context("the demo has a local AWS of its own")
    }

    /// What a worker process must be told to work in this world.
    pub(crate) fn environment(&self) -> BTreeMap<&'static str, String> {
        environment::of(&self.embedded, &self.composition.provisioning.config)
    }

    /// Ends it in order.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.composition.kit.stopping.cancel();
        self.server.await??;
        self.embedded.stop().await;
        Ok(())
    }
}

/// The services on an embedded default, as `public_url` is reached.
pub(crate) async fn compose(embedded: &Embedded, public_url: &str) -> anyhow::Result<Composition> {
    let authority = Authority::generate(AuthoritySettings::default())?;
    compose_with(embedded, public_url, authority).await
}

/// As [`compose`], with signing keys that outlive the process.
pub(crate) async fn compose_with(
    embedded: &Embedded,
    public_url: &str,
    authority: Authority,
) -> anyhow::Result<Composition> {
    let stores = Stores::connect(&embedded.stores).await?;
    let kit = Kit::new(KitSettings {
        authority,
        credentials: Arc::new(onboarding::Credentials::new(stores.clone(), Clock::system())),
        limits: LimitSettings::local(),
        https: false,
        trusted_proxies: 0,
    });
    let aws = Aws::connect(embedded.aws.clone()).await;
    let mut configs = ServiceConfigs::local(public_url, &embedded.aws);
    configs.metering.stream_shards = 2;
    Ok(Composition::new(kit, stores, &aws, configs))
}
