//! A whole installation for one test, made of the product's own embedded default.
//!
//! PostgreSQL is real and started once per test process; each world has databases of its own, copied
//! from a migrated one. AWS is an endpoint in memory. Time stands still until [`World::advance`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_access::Aws;
use aws_access::cloudformation::StackState;
use chrono::{DateTime, TimeDelta, Utc};
use local_aws::{Control, LocalAws, Options};
use service_kit::Kit;
use service_kit::auth::NoCredentials;
use tenant_store::{Stores, rehearsal};
use tokio::sync::OnceCell;

use crate::accounts::{self, CUSTOMER_ROLE_TEMPLATE};
use crate::databases::Databases;
use crate::postgres::{Postgres, Search};

/// Seeds a world's ids, secrets and AWS ids, so that a failure repeats.
const SEED: u64 = 7;

/// The server of this process. It is a static, so nothing drops it: it ends because the process does.
static SERVER: OnceCell<Postgres> = OnceCell::const_new();
static WORLDS: AtomicU32 = AtomicU32::new(0);

/// An installation of its own. Everything is public: a test may reach behind any curtain.
pub struct World {
    /// What services are started with: a manual clock, seeded ids, no stored credentials. Replace
    /// `kit.credentials` where people and keys matter.
    pub kit: Kit,
    /// Pools on the world's database.
    pub stores: Stores,
    /// AWS as the control plane sees it. For a client that a test can interrupt give
    /// `aws.settings()` to [`Aws::connect_observed`].
    pub aws: Aws,
    /// The endpoint that plays AWS.
    pub local_aws: LocalAws,
    /// The endpoint's inventory, log of calls, faults and clock.
    pub control: Control,
    /// Addresses of the world's databases.
    pub databases: Databases,
}

impl World {
    /// A world that begins now. Deadlines that follow the database's clock and times that follow the
    /// kit's then agree until the test moves both with [`World::advance`].
    ///
    /// # Panics
    /// When the machine cannot run PostgreSQL; the message says what to install.
    pub async fn start() -> Self {
        Self::start_at(Utc::now()).await
    }

    /// A world that begins at a time of the test's choosing, for rules about hours, days and months.
    ///
    /// # Panics
    /// As [`World::start`].
    pub async fn start_at(now: DateTime<Utc>) -> Self {
        let server = SERVER.get_or_init(start_server).await;
        let name = format!("world_{}", WORLDS.fetch_add(1, Ordering::Relaxed));
        let databases = Databases::copy(server, &name)
            .await
            .expect("a copy of the migrated database");
        let stores = Stores::connect(&databases.store_settings())
            .await
            .expect("the world's database");
        let options = Options {
            warehouse_url: Some(databases.warehouse_url.clone()),
            clock: local_aws::Clock::manual(now),
            seed: SEED,
            ..Options::default()
        };
        let local_aws = LocalAws::start(options).await.expect("an endpoint in memory");
        accounts::found(&local_aws).await.expect("the ISV's account");
        let aws = Aws::connect(accounts::control_plane(&local_aws)).await;
        let kit = Kit::manual(now, SEED, Arc::new(NoCredentials)).expect("signing keys");
        Self {
            control: local_aws.control(),
            kit,
            stores,
            aws,
            local_aws,
            databases,
        }
    }

    /// Lets time pass everywhere: on the kit's clock, on AWS's, and for the database's deadlines.
    ///
    /// # Panics
    /// When the database does not answer.
    pub async fn advance(&self, by: Duration) {
        self.kit.clock.advance(by);
        self.control
            .advance(TimeDelta::from_std(by).expect("less than an age"));
        rehearsal::advance(&self.databases.admin_url, by)
            .await
            .expect("the world's database");
    }

    /// Lets every lease be over, as if its holder had been killed some time ago.
    ///
    /// # Panics
    /// When the database does not answer.
    pub async fn expire_leases(&self) {
        let ended = rehearsal::expire_leases(&self.databases.admin_url).await;
        ended.expect("the world's database");
    }

    /// Deploys our role template in a customer's account, as its administrator.
    ///
    /// # Panics
    /// When the local AWS refuses it.
    pub async fn deploy_role_stack(
        &self,
        account: &str,
        parameters: &BTreeMap<String, String>,
    ) -> StackState {
        let deployed =
            accounts::deploy_role_stack(&self.local_aws, account, CUSTOMER_ROLE_TEMPLATE, parameters);
        deployed.await.expect("the role's stack")
    }

    /// AWS as the root of an account sees it, to change a role or leave something behind.
    pub async fn root_of(&self, account: &str) -> Aws {
        accounts::root_of(&self.local_aws, account).await
    }
}

/// Starts the process's server and leaves a migrated database on it to copy from.
async fn start_server() -> Postgres {
    let start = || Postgres::start_throwaway(&Search::machine());
    let started = tokio::task::spawn_blocking(start)
        .await
        .expect("starting does not panic");
    let server = started.unwrap_or_else(|error| panic!("{error}"));
    Databases::prepare(&server)
        .await
        .expect("migrations on a new database");
    server
}
