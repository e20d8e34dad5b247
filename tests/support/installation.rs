//! A whole Tenantry for one test: the product's composition on a world of its own, served on a real socket.

use std::sync::Arc;

use local::World;
use onboarding::Credentials;
use secrecy::SecretString;
use service_kit::{ServerLimits, serve};
use tenantry::journey::{Customer, Journey};
use tenantry::{Client, Composition, Service, ServiceConfigs};
use tokio::net::TcpListener;

/// Everybody's password in tests.
pub const PASSWORD: &str = "lantern harbour winter 1912";

/// A running Tenantry. Workers run only where the test asks for them.
pub struct Installation {
    /// PostgreSQL, AWS, clock.
    pub world: World,
    /// The services.
    pub composition: Composition,
    /// Calls as nobody.
    pub api: Client,
}

impl Installation {
    /// Starts the API without any worker.
    pub async fn start() -> Self {
        let mut world = World::start().await;
        world.kit.credentials = Arc::new(Credentials::new(world.stores.clone(), world.kit.clock.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound port"));
        let configs = ServiceConfigs::local(&url, world.aws.settings());
        let composition = Composition::new(world.kit.clone(), world.stores.clone(), &world.aws, configs);
        let router = composition.router(Service::All, None);
        let stopping = world.kit.stopping.clone();
        tokio::spawn(serve(listener, router, ServerLimits::default(), stopping));
        Self {
            world,
            composition,
            api: Client::new(&url),
        }
    }

    /// Starts the API and every worker.
    pub async fn start_working() -> Self {
        let installation = Self::start().await;
        installation.composition.start(Service::All);
        installation
    }

    /// The journey of a customer here.
    pub fn journey(&self) -> Journey<'_> {
        Journey {
            api: self.api.clone(),
            onboarding: &self.composition.onboarding,
            local_aws: &self.world.local_aws,
        }
    }

    /// A customer who has signed up and in.
    pub async fn customer(&self, name: &str) -> Customer {
        let email = format!("ada@{name}.example");
        self.journey()
            .sign_up(name, &email, PASSWORD)
            .await
            .expect("signs up")
    }

    /// The operator, signed in.
    pub async fn operator(&self) -> Client {
        let address = "operator@isv.example".parse().expect("an address");
        let password = SecretString::from(PASSWORD.to_owned());
        onboarding::sign_in::create_operator(&self.composition.onboarding, &address, Some(&password))
            .await
            .expect("makes the operator");
        self.journey()
            .sign_in("operator@isv.example", PASSWORD)
            .await
            .expect("signs in")
    }
}
