//! The worker that proves connections and keeps watching them: it claims what is due, asks, and records.
//!
//! What is asked is in [`crate::proving`], what the answers prove is [`tenant_model::proof::judge`]. Nothing here
//! sleeps on behalf of a connection: when to look again is `due_at`, on the database's clock.

use chrono::TimeDelta;
use tenant_model::connection::{Cause, TrustReading, Verdict, judge};
use tenant_model::ledger::Purpose;
use tenant_model::{Connection, ConnectionState};
use tenant_store::StoreError;
use tenant_store::connections::{self, Claimed, Evidence};
use tenant_store::preflights;

use crate::proving::{Depth, ask};
use crate::{App, OnboardingConfig, OnboardingError, evidence, incidents, ledger, notices, preflight};

/// A round stops at its first unknown answer, and each call ends within ten seconds; who holds the lease longer has
/// died.
const LEASE_SECONDS: i32 = 90;
/// So many looks are eager even if nobody has the wizard open: somebody may work by command line. After that they
/// become rarer, until the page is opened again.
const EAGER_LOOKS: i32 = 60;
/// The rarest look while the role is awaited.
const PATIENT_SECONDS: i32 = 900;
/// After so many seconds without the role only a click looks again.
const AWAITING_SECONDS_MAX: i64 = 72 * 3600;
/// Between two looks at a quarantined connection, which heals by itself; soon while somebody is mending it.
const QUARANTINE_SECONDS: i32 = 15;
const QUARANTINE_PATIENT_SECONDS: i32 = 60;
const MENDING_SECONDS_MAX: i64 = 3600;
/// Between two looks at a proven connection about which AWS gave no clear answer.
const SILENCE_SECONDS: i32 = 30;

/// Runs until the process stops.
pub(crate) async fn run(app: App) {
    loop {
        // Cancelled only between rounds: a round in hand is recorded.
        let worked = match verify_next(&app).await {
            Ok(worked) => worked,
            Err(error) => {
                tracing::warn!(error = %service_kit::Chain(&error), "a connection could not be verified");
                false
            }
        };
        if app.kit.stopping.is_cancelled() {
            return;
        }
        if !worked {
            tokio::select! {
                () = app.kit.stopping.cancelled() => return,
                () = tokio::time::sleep(app.config.worker_poll) => {}
            }
        }
    }
}

/// Probes the connection that has waited longest, if one is due, and records what was found.
///
/// # Errors
/// When the store does not answer. A lost lease is no error: somebody else does the work.
pub async fn verify_next(app: &App) -> Result<bool, OnboardingError> {
    let worker = app.kit.ids.uuid().to_string();
    let mut tx = app.stores.begin_ops().await?;
    connections::watch_busy(&mut tx, app.config.watch_busy_seconds).await?;
    let claimed = connections::claim_due(&mut tx, &worker, LEASE_SECONDS).await?;
    tx.commit().await?;
    let Some(claimed) = claimed else {
        return Ok(false);
    };
    let broker = app.aws.broker();
    let round = ledger::open(app, &claimed.connection, Purpose::Prove).await?;
    let answers = ask(app, &broker, &claimed.connection, depth(app, &claimed)).await;
    ledger::close(app, &round, &broker).await?;
    let statement = match &answers.trust {
        Some(TrustReading::AtFault { statement }) => Some(statement.clone()),
        _ => None,
    };
    let mut evidence = Evidence {
        at: app.kit.clock.now(),
        verdict: judge(&answers, &claimed.connection.aws_account_id),
        answers,
        statement,
        jws: None,
    };
    evidence.jws = evidence::sign_round(app, &claimed.connection, &evidence)?;
    match conclude(app, &claimed, &evidence).await {
        Err(OnboardingError::Store(StoreError::Stale)) => Ok(true),
        other => other.map(|()| true),
    }
}

/// A ready connection is watched until its proof is old or somebody asks.
fn depth(app: &App, claimed: &Claimed) -> Depth {
    let old = TimeDelta::seconds(i64::from(app.config.reproof_seconds));
    match claimed.connection.state {
        ConnectionState::Ready { proven_at }
            if !claimed.whole_next && app.kit.clock.now() < proven_at + old =>
        {
            Depth::Watch
        }
        ConnectionState::Ready { .. }
        | ConnectionState::AwaitingRole
        | ConnectionState::Verifying { .. }
        | ConnectionState::Quarantined { .. }
        | ConnectionState::Revoked { .. } => Depth::Whole,
    }
}

async fn conclude(app: &App, claimed: &Claimed, evidence: &Evidence) -> Result<(), OnboardingError> {
    let before = &claimed.connection;
    let state = before
        .state
        .clone()
        .after_round(&evidence.verdict, app.config.rounds_needed, evidence.at)?;
    let due = next_look(app, claimed, &state, &evidence.verdict);
    let changed = state.name() != before.state.name() || cause(&state) != cause(&before.state);
    let mut tx = app.stores.begin_ops().await?;
    connections::record_round(&mut tx, claimed, &state, evidence, due).await?;
    if changed {
        let after = Connection {
            state,
            ..before.clone()
        };
        crate::connections::announce(app, &mut tx, "reconciler", &after, names(&after.state)).await?;
        notices::tell(app, &mut tx, (before, &after)).await?;
        if after.state.is_ready() {
            let wish = preflight::first_wish();
            preflights::ask_first(&mut tx, &after, &wish, evidence.at).await?;
        }
        tracing::info!(connection.id = %after.id, state = after.state.name(), "a connection changed state");
    }
    tx.commit().await?;
    incidents::take_note(app, &before.region, evidence).await?;
    metrics::counter!("tenantry_onboarding_probe_rounds_total", "state" => before.state.name()).increment(1);
    Ok(())
}

const fn cause(state: &ConnectionState) -> Option<&Cause> {
    match state {
        ConnectionState::Quarantined { cause, .. } => Some(cause),
        ConnectionState::AwaitingRole
        | ConnectionState::Verifying { .. }
        | ConnectionState::Ready { .. }
        | ConnectionState::Revoked { .. } => None,
    }
}

const fn names(state: &ConnectionState) -> (&'static str, &'static str) {
    match state {
        ConnectionState::AwaitingRole => ("connection.await-role", "connection.awaiting_role"),
        ConnectionState::Verifying { .. } => ("connection.verify", "connection.verifying"),
        ConnectionState::Ready { .. } => ("connection.prove", "connection.ready"),
        ConnectionState::Quarantined { .. } => ("connection.quarantine", "connection.quarantined"),
        ConnectionState::Revoked { .. } => ("connection.revoke", "connection.revoked"),
    }
}

/// Seconds until the next look; none when only a click looks again.
fn next_look(app: &App, claimed: &Claimed, state: &ConnectionState, verdict: &Verdict) -> Option<i32> {
    let (config, before) = (&app.config, &claimed.connection);
    if let Verdict::Unknown { .. } = verdict {
        return Some(after_silence(config, before));
    }
    match state {
        ConnectionState::AwaitingRole => {
            let waited = app.kit.clock.now() - before.created_at;
            let looks = if claimed.watched { 0 } else { before.check_count };
            (waited.num_seconds() < AWAITING_SECONDS_MAX).then(|| back_off(config.role_poll_seconds, looks))
        }
        ConnectionState::Verifying { .. } => Some(config.round_spacing_seconds),
        ConnectionState::Ready { .. } => Some(config.watch_seconds.min(config.reproof_seconds)),
        ConnectionState::Quarantined { since, .. } => {
            let mending = (app.kit.clock.now() - *since).num_seconds() < MENDING_SECONDS_MAX;
            Some(if mending {
                QUARANTINE_SECONDS
            } else {
                QUARANTINE_PATIENT_SECONDS
            })
        }
        ConnectionState::Revoked { .. } => None,
    }
}

/// A connection that was proven is asked again within a minute: the next answer may be a refusal.
fn after_silence(config: &OnboardingConfig, before: &Connection) -> i32 {
    match before.state {
        ConnectionState::Ready { .. } | ConnectionState::Quarantined { .. } => SILENCE_SECONDS,
        ConnectionState::AwaitingRole
        | ConnectionState::Verifying { .. }
        | ConnectionState::Revoked { .. } => back_off(config.role_poll_seconds, before.check_count),
    }
}

/// Eager at first, then twice as long each time.
fn back_off(eager_seconds: i32, looks: i32) -> i32 {
    if looks < EAGER_LOOKS {
        return eager_seconds;
    }
    let doublings = (looks - EAGER_LOOKS).min(8);
    eager_seconds.saturating_mul(2 << doublings).min(PATIENT_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_become_rarer_and_stay_bounded() {
        assert_eq!(back_off(5, 0), 5);
        assert_eq!(back_off(5, EAGER_LOOKS - 1), 5);
        assert_eq!(back_off(5, EAGER_LOOKS), 10);
        assert_eq!(back_off(5, EAGER_LOOKS + 3), 80);
        assert_eq!(back_off(5, i32::MAX), PATIENT_SECONDS);
    }
}
