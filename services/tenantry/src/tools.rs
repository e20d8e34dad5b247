//! The operator's tools: migrations, documents, checks.

use std::process::ExitCode;

use analytics_export::verify::verify_export as walk;
use anyhow::{Context as _, bail};
use aws_access::Aws;
use aws_access::s3::{Bucket, BucketSettings, Put};
use local_aws::{LocalAws, Options};
use onboarding::template;
use secrecy::ExposeSecret as _;
use tenant_model::export::{BucketName, KeyPrefix};
use tenant_store::bootstrap;
use tenantry::{Composition, Settings};
use tokio_util::sync::CancellationToken;

use crate::cli::LocalAwsArgs;
use crate::serve::stop_on_signal;

/// Brings the schema up to date as the role that owns it.
pub(crate) async fn migrate() -> anyhow::Result<ExitCode> {
    let settings = Settings::from_environment()?;
    let owner = settings
        .owner_url
        .context("set TENANTRY_OWNER_DATABASE_URL to the role that owns the schema")?;
    bootstrap::migrate(owner.expose_secret()).await?;
    println!("the schema is up to date");
    Ok(ExitCode::SUCCESS)
}

/// Prints the OpenAPI document. Needs no database: routes are made from nothing.
pub(crate) fn openapi() -> anyhow::Result<ExitCode> {
    println!("{}", tenantry::api::document().to_pretty_json()?);
    Ok(ExitCode::SUCCESS)
}

/// Prints the settings in effect, secrets masked.
pub(crate) fn config() -> anyhow::Result<ExitCode> {
    for setting in Settings::from_environment()?.effective {
        let origin = if setting.given { "environment" } else { "default" };
        println!("{}={} ({origin})", setting.key, setting.value);
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs the local AWS endpoint until a signal.
pub(crate) async fn local_aws(args: LocalAwsArgs) -> anyhow::Result<ExitCode> {
    if !args.listen.ip().is_loopback() {
        bail!("the local AWS trusts whoever reaches it; give it a loopback address, such as 127.0.0.1:4566");
    }
    let options = Options {
        listen: args.listen,
        data_dir: args.data_dir,
        ..Options::default()
    };
    let endpoint = LocalAws::start(options).await?;
    println!("{}", endpoint.endpoint());
    let stopping = CancellationToken::new();
    stop_on_signal(stopping.clone())?;
    stopping.cancelled().await;
    endpoint.stop().await?;
    Ok(ExitCode::SUCCESS)
}

/// Walks a bucket's manifest chain and everything it names.
pub(crate) async fn verify_export(url: &str) -> anyhow::Result<ExitCode> {
    let (name, prefix) = url
        .strip_prefix("s3://")
        .and_then(|rest| rest.split_once('/'))
        .context("name the place as s3://bucket/prefix")?;
    let name: BucketName = name.to_owned().try_into()?;
    let prefix: KeyPrefix = prefix.trim_end_matches('/').to_owned().try_into()?;
    let aws = Aws::connect(Settings::from_environment()?.aws).await;
    let bucket = Bucket::open(
        &aws,
        BucketSettings {
            name,
            expected_owner: None,
            kms_key_id: None,
        },
    );
    let report = walk(&bucket, &prefix, analytics_export::EVENTS, None).await?;
    for fault in &report.faults {
        println!("{}: {}", fault.object, fault.what);
    }
    println!("{} batches, {} faults", report.batches, report.faults.len());
    Ok(if report.is_whole() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Verifies every audit chain of the database.
pub(crate) async fn verify_audit() -> anyhow::Result<ExitCode> {
    let stores = tenant_store::Stores::connect(&Settings::from_environment()?.stores).await?;
    let report = tenantry::audit::verify_all(&stores).await?;
    for (tenant, broken) in &report.broken {
        let chain = tenant.map_or_else(|| "operator".to_owned(), |id| id.to_string());
        println!("{chain}: {broken}");
    }
    println!(
        "{} chains, {} entries, {} broken",
        report.chains,
        report.entries,
        report.broken.len()
    );
    Ok(if report.broken.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Writes the customer's template under its hash. What is there already is the same.
pub(crate) async fn publish_template(bucket: String) -> anyhow::Result<ExitCode> {
    let aws = Aws::connect(Settings::from_environment()?.aws).await;
    let settings = BucketSettings {
        name: bucket.try_into()?,
        expected_owner: None,
        kms_key_id: None,
    };
    let put = template::publish(&Bucket::open(&aws, settings)).await?;
    let words = match put {
        Put::Created => "written",
        Put::Exists => "there already",
    };
    println!("{}: {words}", template::template_key());
    Ok(ExitCode::SUCCESS)
}

/// Makes an operator, or finds it, and prints a link that signs in once.
pub(crate) async fn create_operator(email: &str) -> anyhow::Result<ExitCode> {
    let composition = Composition::connect(Settings::from_environment()?).await?;
    let app = &composition.onboarding;
    let operator = onboarding::sign_in::create_operator(app, &email.parse()?, None).await?;
    println!(
        "{}",
        onboarding::sign_in::create_sign_in_link(app, &operator).await?
    );
    Ok(ExitCode::SUCCESS)
}
