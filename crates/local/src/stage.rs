//! What a rehearsal plays on: an installation in which time, ids and faults come from one seed.
//!
//! PostgreSQL is real and private, AWS an endpoint in memory. The three clocks, the services', AWS's and the
//! database's, stand still and move together, so that the same seed plays the same piece again.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use aws_access::AwsSettings;
use chrono::{DateTime, TimeDelta, Utc};
use local_aws::{LocalAws, Options};
use service_kit::Kit;
use service_kit::auth::NoCredentials;
use tenant_store::rehearsal::HeldClock;
use tenant_store::{StoreError, Stores};

use crate::accounts;
use crate::databases::Databases;
use crate::embedded::EmbeddedError;
use crate::postgres::{Postgres, Search};

/// A loopback port that is free.
const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The house that stages stand in: one PostgreSQL server, which starts once and serves them all.
#[derive(Clone)]
pub struct Theatre(Arc<Postgres>);

/// An installation of its own with held time. Everything goes when its [`Theatre`] is closed.
pub struct Stage {
    /// Held clock, seeded ids, no stored credentials.
    pub kit: Kit,
    /// Pools on the stage's own database.
    pub stores: Stores,
    /// How the control plane reaches AWS.
    pub aws: AwsSettings,
    /// The endpoint that plays AWS.
    pub local_aws: LocalAws,
    clock: HeldClock,
}

impl Theatre {
    /// Starts the server and leaves a migrated database on it to copy from.
    ///
    /// # Errors
    /// See [`EmbeddedError`]; without PostgreSQL it says what to install.
    pub async fn open() -> Result<Self, EmbeddedError> {
        let postgres = tokio::task::spawn_blocking(|| Postgres::start_throwaway(&Search::machine()))
            .await
            .expect("starting a server does not panic")?;
        Databases::prepare(&postgres).await?;
        Ok(Self(Arc::new(postgres)))
    }

    /// Sets up the installation `name` in which it is `now`, with everything drawn from `seed`.
    ///
    /// # Errors
    /// See [`EmbeddedError`].
    pub async fn stage(&self, name: &str, now: DateTime<Utc>, seed: u64) -> Result<Stage, EmbeddedError> {
        let databases = Databases::copy(&self.0, name).await?;
        let clock = HeldClock::hold(&databases.admin_url, now).await?;
        let stores = Stores::connect(&databases.store_settings()).await?;
        let local_aws = LocalAws::start(Options {
            listen: ANY_PORT,
            clock: local_aws::Clock::manual(now),
            seed,
            ..Options::default()
        })
        .await?;
        accounts::found(&local_aws).await?;
        let kit = Kit::manual(now, seed, Arc::new(NoCredentials)).expect("the system has randomness");
        Ok(Stage {
            kit,
            stores,
            aws: accounts::control_plane(&local_aws),
            local_aws,
            clock,
        })
    }

    /// Stops the server when the last stage is struck.
    pub async fn close(self) {
        let Ok(postgres) = Arc::try_unwrap(self.0) else {
            return;
        };
        // A join error would mean that stopping panicked; the server's supervisor stops it then.
        let _stopped = tokio::task::spawn_blocking(move || postgres.stop()).await;
    }
}

impl Stage {
    /// Lets time pass on all three clocks.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn advance(&mut self, by: Duration) -> Result<(), StoreError> {
        self.kit.clock.advance(by);
        let step = TimeDelta::from_std(by).unwrap_or(TimeDelta::MAX);
        self.local_aws.control().advance(step);
        self.clock.advance(by).await
    }

    /// How long until a deployment is due or a worker's lease ends; none when nobody waits for anything.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn until_work(&mut self) -> Result<Option<Duration>, StoreError> {
        self.clock.until_work().await
    }

    /// Ends it in order.
    pub async fn strike(self) {
        self.kit.stopping.cancel();
        self.stores.close().await;
        // In memory there is no last state to write.
        let _written = self.local_aws.stop().await;
    }
}
