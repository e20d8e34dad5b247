//! The engine as it is, with everything: from approval to ready, a thousand tenants at once, taking over, and looking.
//!
//! The local AWS answers at once, so what is measured is the control plane's own time; it is a part of this process,
//! and the worker's CPU is counted in the worker's process alone.

use std::time::{Duration, Instant};

use anyhow::ensure;
use benches::report::Side;
use futures_util::stream::{self, TryStreamExt as _};
use tenant_model::deployment::Profile;
use tenant_store::work;

use crate::installation::{Asked, Installation, hear};
use crate::server::Server;

/// One after the other, as people sign up.
const SIGNUPS: usize = 100;
/// All at once, on one core.
const IN_FLIGHT: usize = 1_000;
/// Workers of the process that has one core.
const WORKERS: u16 = 16;
/// What the drift pass is asked for: 10,000 tenants of 40 resources.
const DRIFT_TENANTS: f64 = 10_000.0;
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
const WAIT_MAX: Duration = Duration::from_secs(1_200);

/// Every figure of the engine into `side`; true when each account holds what it should.
pub(crate) async fn measure(
    side: &mut Side,
    server: &Server,
    installation: &mut Installation,
) -> anyhow::Result<bool> {
    let exact = signups(side, installation).await? & in_flight(side, server, installation).await?;
    take_over(side, installation).await?;
    Ok(exact)
}

fn note(side: &mut Side, name: &str, figure: f64) {
    side.figures.insert(name.to_owned(), figure);
}

async fn signups(side: &mut Side, installation: &mut Installation) -> anyhow::Result<bool> {
    let (process, _said) = installation.worker("work", 4, false).await?;
    let mut waits = Vec::new();
    let mut whole = None;
    let mut exact = true;
    for _ in 0..SIGNUPS {
        let asked = installation.ask(Profile::Single).await?;
        let ready = installation.ready(asked.id).await?;
        waits.push(
            (ready.phase_since - asked.at)
                .num_microseconds()
                .unwrap_or(i64::MAX),
        );
        let held = installation.holds(&asked.account)?;
        exact &= held > 0 && *whole.get_or_insert(held) == held;
    }
    process.end().await?;
    waits.sort_unstable();
    let ms = |percent: usize| {
        let microseconds = waits[(waits.len() - 1) * percent / 100];
        f64::from(i32::try_from(microseconds).unwrap_or(i32::MAX)) / 1_000.0
    };
    note(side, "single_ready_ms_p50", ms(50));
    note(side, "single_ready_ms_p99", ms(99));
    note(side, "single_ready_ms_of_aws_waits", 0.0);
    Ok(exact)
}

async fn in_flight(
    side: &mut Side,
    server: &Server,
    installation: &mut Installation,
) -> anyhow::Result<bool> {
    let mut asked: Vec<Asked> = Vec::new();
    for _ in 0..IN_FLIGHT {
        asked.push(installation.ask(Profile::Single).await?);
    }
    let (process, _said) = installation.worker("one-core", WORKERS, true).await?;
    let (begun, before) = (Instant::now(), process.cpu()?);
    stream::iter(asked.iter().map(Ok::<_, anyhow::Error>))
        .try_for_each(|one| async { installation.ready(one.id).await.map(|_| ()) })
        .await?;
    let (wall, cpu) = (begun.elapsed().as_secs_f64(), process.cpu()? - before);
    let tenants = f64::from(u32::try_from(asked.len())?);
    note(side, "in_flight_tenants", tenants);
    note(side, "in_flight_ready_per_second", tenants / wall);
    note(
        side,
        "in_flight_cpu_ms_per_tenant",
        cpu.as_secs_f64() * 1_000.0 / tenants,
    );
    let holdings = installation.holdings()?;
    let made: Vec<_> = asked.iter().map(|one| holdings.get(&one.account)).collect();
    let exact = made.iter().all(|count| count.is_some() && *count == made[0]);
    drift(side, server, (installation, &process, tenants)).await?;
    note(side, "in_flight_peak_rss_mib", mib(process.peak_rss_kib()?)?);
    process.end().await?;
    Ok(exact)
}

/// Makes everything due, and waits until everything has been looked at once.
async fn drift(
    side: &mut Side,
    server: &Server,
    (installation, process, tenants): (&Installation, &benches::process::Process, f64),
) -> anyhow::Result<()> {
    let interval = installation.app.config.drift_interval * 2;
    let before = process.cpu()?;
    let begun = Instant::now();
    tenant_store::rehearsal::advance(&server.databases.admin_url, interval).await?;
    until_nothing_is_due(installation).await?;
    let cpu = (process.cpu()? - before).as_secs_f64();
    note(side, "drift_seconds_of_1000", begun.elapsed().as_secs_f64());
    note(
        side,
        "drift_cpu_seconds_of_10000_tenants",
        cpu / tenants * DRIFT_TENANTS,
    );
    note(side, "drift_rss_mib", mib(process.rss_kib()?)?);
    Ok(())
}

async fn until_nothing_is_due(installation: &Installation) -> anyhow::Result<()> {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        let mut tx = installation.app.stores.begin_ops().await?;
        let (_, due) = work::lag(&mut tx).await?;
        drop(tx);
        if due == 0 {
            return Ok(());
        }
        ensure!(
            Instant::now() < deadline,
            "{due} deployments were never looked at"
        );
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

/// A worker is killed with a call's answer in hand; another process finishes, when the lease has run out.
async fn take_over(side: &mut Side, installation: &mut Installation) -> anyhow::Result<()> {
    let (victim, mut said) = installation.worker("halt", 1, false).await?;
    let asked = installation.ask(Profile::Single).await?;
    hear(&mut said).await?;
    let (heir, _words) = installation.worker("work", 1, false).await?;
    victim.end().await?;
    let begun = Instant::now();
    installation.ready(asked.id).await?;
    note(side, "take_over_seconds", begun.elapsed().as_secs_f64());
    note(side, "lease_seconds", work::LEASE.as_secs_f64());
    heir.end().await
}

fn mib(kib: u64) -> anyhow::Result<f64> {
    Ok(f64::from(u32::try_from(kib)?) / 1_024.0)
}
