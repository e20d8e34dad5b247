//! The processes that are measured: the engine's workers, and the step lists, each on the settings it is given.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use aws_access::{Aws, AwsCredentials, AwsSettings, CallObserver};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, pending, ready};
use local::accounts::{BROKER_ROLE_ARN, ISV_ACCOUNT, REGION};
use tenant_model::convergence::Call;
use tenant_model::ids::OperationId;
use tenant_model::resource::{Intent, Outcome, ResourceRecord, ResourceState};
use tenant_provisioning::App;
use tenant_store::intents::Settlement;
use tenant_store::journal::{self, Conclusion, Terms};
use tenant_store::resources::NewCreation;
use tenant_store::work::{self, Lease};
use tenant_store::{StoreSettings, deployments, operations, resources};

use crate::installation;
use crate::load::Load;

/// The first argument of a process that is measured.
pub(crate) const MODE: &str = "measured";
pub(crate) const APP_URL: &str = "BENCH_APP_URL";
pub(crate) const OPS_URL: &str = "BENCH_OPS_URL";
pub(crate) const ENDPOINT: &str = "BENCH_AWS_ENDPOINT";
/// A connection for each of the lists that run side by side, and some for claiming.
pub(crate) const CONNECTIONS_MAX: u32 = 48;
/// Steps of one list.
pub(crate) const STEPS: u32 = 10;

/// Runs what the arguments behind [`MODE`] name until this process is killed, or its load is done.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let mode = arguments.first().context("a mode")?;
    let number: u16 = arguments.get(1).context("a number")?.parse()?;
    // One core means one thread as well.
    let mut builder = match mode.as_str() {
        "one-core" => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = builder.enable_all().build()?;
    runtime.block_on(async {
        match mode.as_str() {
            "one-core" | "work" => work(number, None).await,
            "halt" => work(number, Some(Arc::new(Halt) as Arc<dyn CallObserver>)).await,
            "lists" => {
                let seconds: u64 = arguments.get(2).context("seconds")?.parse()?;
                lists(number, Duration::from_secs(seconds)).await
            }
            _ => bail!("there is no mode {mode}"),
        }
    })
}

async fn work(workers: u16, observer: Option<Arc<dyn CallObserver>>) -> anyhow::Result<()> {
    let aws = Aws::connect_observed(aws_settings()?, observer).await;
    let app = installation::app(&store_settings()?, aws, workers).await?;
    tenant_provisioning::start(&app);
    print!("r");
    std::io::Write::flush(&mut std::io::stdout())?;
    pending().await
}

fn store_settings() -> anyhow::Result<StoreSettings> {
    Ok(StoreSettings {
        app_url: std::env::var(APP_URL)?,
        ops_url: std::env::var(OPS_URL)?,
        connections_max: CONNECTIONS_MAX,
    })
}

/// The keys come by the SDK's own chain, from the environment.
fn aws_settings() -> anyhow::Result<AwsSettings> {
    Ok(AwsSettings {
        region: REGION.to_owned(),
        endpoint_url: Some(std::env::var(ENDPOINT)?),
        credentials: AwsCredentials::DefaultChain,
        isv_account: ISV_ACCOUNT.to_owned(),
        broker_role_arn: BROKER_ROLE_ARN.to_owned(),
        assume_broker_role: false,
        call_budget: None,
    })
}

/// Says so and halts when the first subnet has been made: the answer is there, and not written down.
#[derive(Debug)]
struct Halt;

impl CallObserver for Halt {
    fn before(&self, _operation: &str) -> BoxFuture<'static, ()> {
        ready(()).boxed()
    }

    fn after(&self, operation: &str) -> BoxFuture<'static, ()> {
        if operation != "CreateSubnet" {
            return ready(()).boxed();
        }
        print!("h");
        // What cannot be said the parent misses, and says so.
        let _said = std::io::Write::flush(&mut std::io::stdout());
        pending().boxed()
    }
}

/// Lists of ten steps, as the engine journals them: a claim, for each step the commit of its intent and the commit of
/// its outcome, and the release. What a step would call is left out, as in the peers' lists.
async fn lists(lanes: u16, duration: Duration) -> anyhow::Result<()> {
    let aws = Aws::connect(aws_settings()?).await;
    let app = installation::app(&store_settings()?, aws, 0).await?;
    let load = Load::begin()?;
    let deadline = Instant::now() + duration;
    let mut tasks = tokio::task::JoinSet::new();
    for lane in 0..lanes {
        let app = app.clone();
        tasks.spawn(async move { list_after_list(&app, &format!("lane-{lane}"), deadline).await });
    }
    let mut done = 0;
    while let Some(ended) = tasks.join_next().await {
        done += ended??;
    }
    println!("{}", serde_json::to_string(&load.end(done)?)?);
    Ok(())
}

async fn list_after_list(app: &App, lane: &str, deadline: Instant) -> anyhow::Result<u64> {
    let mut done = 0;
    while Instant::now() < deadline {
        let mut tx = app.stores.begin_ops().await?;
        work::wake_changed_tenants(&mut tx).await?;
        let lease = work::claim(&mut tx, lane).await?;
        tx.commit().await?;
        let Some(lease) = lease else {
            tokio::task::yield_now().await;
            continue;
        };
        list(app, &lease).await?;
        done += 1;
    }
    Ok(done)
}

async fn list(app: &App, lease: &Lease) -> anyhow::Result<()> {
    let mut tx = app.stores.begin(lease.tenant_id).await?;
    work::hold(&mut tx, lease).await?;
    let operation = operations::find_live_for_update(&mut tx, lease.deployment_id).await?;
    let deployment = deployments::find_for_update(&mut tx, lease.deployment_id).await?;
    let records = resources::list(&mut tx, lease.deployment_id).await?;
    tx.commit().await?;
    let deployment = deployment.context("a claimed deployment exists")?;
    let terms = Terms {
        operation_id: operation.map(|operation| operation.id),
        connection_id: deployment.connection_id,
    };
    for step in 0..STEPS {
        let record = &records[usize::try_from(step)? % records.len()];
        let intent = intent(app, record, terms.operation_id);
        let mut tx = app.stores.begin(lease.tenant_id).await?;
        journal::begin(&mut tx, lease, &terms, &[(&intent, ResourceState::Creating)]).await?;
        tx.commit().await?;
        let aws_id = format!("id-{}", intent.id);
        let settlement = Settlement {
            outcome: Outcome::Done,
            aws_id: Some(&aws_id),
            error: None,
        };
        let created = NewCreation {
            aws_id: &aws_id,
            kind: record.kind,
            name: &record.name,
            region: &deployment.region,
        };
        let conclusion = Conclusion {
            intent_id: intent.id,
            settlement,
            record,
            created: Some(created),
        };
        let mut tx = app.stores.begin(lease.tenant_id).await?;
        journal::conclude(&mut tx, lease, &[conclusion]).await?;
        tx.commit().await?;
    }
    let mut tx = app.stores.begin(lease.tenant_id).await?;
    work::release(&mut tx, lease, Duration::ZERO, 0).await?;
    Ok(tx.commit().await?)
}

fn intent(app: &App, record: &ResourceRecord, operation: Option<OperationId>) -> Intent {
    Intent {
        id: app.kit.ids.uuid(),
        name: record.name.clone(),
        incarnation: record.incarnation,
        token: operation.map(|id| id.to_string()).unwrap_or_default(),
        call: Call::CreateSubnet {
            vpc: "vpc-0123456789abcdef0".to_owned(),
            cidr: "10.42.0.0/24".to_owned(),
            zone: "eu-central-1a".to_owned(),
        },
        outcome: Outcome::Open,
        empty_looks: 0,
        due_at: None,
    }
}
