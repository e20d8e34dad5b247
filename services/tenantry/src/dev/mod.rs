//! `tenantry dev`: everything on this machine, and a demo ISV whose tenants already report usage.

mod seed;
mod tools;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use local::postgres::Search;
use local::{Embedded, EmbeddedOptions};
use service_kit::auth::{Authority, AuthoritySettings};
use tenantry::settings::Given;
use tenantry::{Client, Composition, Service};

use crate::cli::DevArgs;
use crate::demo::world::compose_with;
use crate::serve;

/// The demo ISV's operator. Signs in by the link that is printed.
const OPERATOR: &str = "operator@isv.example";

pub(crate) async fn run(args: &DevArgs) -> anyhow::Result<()> {
    let begun = Instant::now();
    let listener = serve::bind(args.listen).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let embedded = Arc::new(start_embedded(&args.data_dir).await?);
    let keys = args.data_dir.join("signing-keys.json");
    let authority = Authority::load_or_create(AuthoritySettings::default(), &keys)?;
    let composition = compose_with(&embedded, &url, authority).await?;
    let link = sign_in_link(&composition).await?;
    serve::stop_on_signal(composition.kit.stopping.clone())?;
    composition.start(Service::All);
    if !args.empty {
        let world = seed::World {
            composition: composition.clone(),
            embedded: embedded.clone(),
            api: Client::new(&url),
        };
        composition.kit.spawn(
            "demo tenants",
            seed::run(world, args.data_dir.join("demo-tenants.json")),
        );
    }
    let router = composition.router(Service::All, Some(tools::dev_tools(&embedded)));
    greet(&url, &link, &embedded, args, begun.elapsed());
    serve::until_stopped(&composition, listener, router).await?;
    drop(composition);
    if let Some(embedded) = Arc::into_inner(embedded) {
        embedded.stop().await;
    }
    Ok(())
}

async fn start_embedded(data_dir: &Path) -> anyhow::Result<Embedded> {
    let given = Given::from_environment()?;
    std::fs::create_dir_all(data_dir).with_context(|| format!("cannot make {}", data_dir.display()))?;
    let options = EmbeddedOptions {
        data_dir: Some(data_dir.canonicalize()?),
        aws_listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
        stores: given.stores,
        aws: given.aws,
        search: Search::machine(),
    };
    Ok(Embedded::start(options).await?)
}

async fn sign_in_link(composition: &Composition) -> anyhow::Result<String> {
    let app = &composition.onboarding;
    let operator = onboarding::sign_in::create_operator(app, &OPERATOR.parse()?, None).await?;
    Ok(onboarding::sign_in::create_sign_in_link(app, &operator).await?)
}

fn greet(url: &str, link: &str, embedded: &Embedded, args: &DevArgs, took: Duration) {
    println!(
        "\nTenantry is ready after {}.{} s.\n",
        took.as_secs(),
        took.subsec_millis() / 100
    );
    println!("  Console   {url}");
    println!("  Sign in   {link}");
    println!("            as the operator; the link works once");
    println!("  Sign up   {url}/sign-up as a customer; mails are at {url}/outbox");
    println!("  API       {url}/docs");
    if let Some(local_aws) = &embedded.local_aws {
        println!(
            "  AWS       {} (root key of an account: its number, secret \"test\")",
            local_aws.endpoint()
        );
    }
    println!("  Data      {}\n", args.data_dir.display());
    println!("Ctrl-C stops everything; the next start goes on from here.\n");
}
