//! The worker that proves connections: it assumes the tenant's role as everybody who should and who should not.
//!
//! A round asks with the right external id, with none, with a random one, with that of a decoy, and with the right
//! one again, all under a session policy that denies everything, so that an open lock yields powerless
//! credentials. What the answers prove is [`tenant_model::connection::judge`]. Nothing here sleeps on behalf of a
//! connection: when to look again is `due_at`, on the database's clock.

use aws_access::{Broker, ProbeOutcome, SessionIdentity, StepClass, TenantRole};
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use tenant_model::connection::{Answer, Cause, ProbeRound, Verdict, judge};
use tenant_model::trust::{StatementAtFault, statement_at_fault};
use tenant_model::{AwsAccountId, Connection, ConnectionState, ExternalId};
use tenant_store::StoreError;
use tenant_store::connections::{self, Claimed, Evidence};

use crate::{App, OnboardingError};

/// A round is at most seven calls of ten seconds; who holds the lease longer has died.
const LEASE_SECONDS: i32 = 90;
/// The wizard is probably open for so many looks; after that they become rarer.
const EAGER_LOOKS: i32 = 360;
/// The rarest look while the role is awaited.
const PATIENT_SECONDS: i32 = 900;
/// After so many seconds without the role only a click looks again.
const AWAITING_SECONDS_MAX: i64 = 72 * 3600;
/// Between two looks at a quarantined connection, which heals by itself.
const QUARANTINE_SECONDS: i32 = 60;
/// What is written of a probe that was not sent.
const NOT_ASKED: &str = "not asked";

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
    let claimed = connections::claim_due(&mut tx, &worker, LEASE_SECONDS).await?;
    tx.commit().await?;
    let Some(claimed) = claimed else {
        return Ok(false);
    };
    let round = ask(app, &claimed.connection).await;
    let verdict = judge(&round, &claimed.connection.aws_account_id);
    let statement = explain(app, &claimed.connection, &verdict).await;
    let evidence = Evidence {
        at: app.kit.clock.now(),
        answers: round,
        verdict,
        statement,
    };
    match conclude(app, &claimed, &evidence).await {
        Err(OnboardingError::Store(StoreError::Stale)) => Ok(true),
        other => other.map(|()| true),
    }
}

#[tracing::instrument(skip_all, fields(tenant.id = %connection.tenant_id, connection.id = %connection.id))]
async fn ask(app: &App, connection: &Connection) -> ProbeRound {
    let broker = app.aws.broker();
    let role = &connection.role_arn;
    let right = Some(connection.external_id.expose());
    let (right_before, account) = probe(&broker, role, right).await;
    if right_before != Answer::Assumed {
        // The refusals would count for nothing, and each shows in the tenant's log.
        let not_asked = || Answer::Unknown {
            reason: NOT_ASKED.to_owned(),
        };
        return ProbeRound {
            right_before,
            none: not_asked(),
            random: not_asked(),
            other_tenants: not_asked(),
            right_after: not_asked(),
            account,
        };
    }
    let random = ExternalId::from_random(app.kit.ids.secret_bytes());
    let decoy = decoy(&app.aws.settings().isv_account);
    ProbeRound {
        right_before,
        none: probe(&broker, role, None).await.0,
        random: probe(&broker, role, Some(random.expose())).await.0,
        other_tenants: probe(&broker, role, Some(decoy.expose())).await.0,
        right_after: probe(&broker, role, right).await.0,
        account,
    }
}

async fn probe(broker: &Broker, role: &str, external_id: Option<&str>) -> (Answer, Option<AwsAccountId>) {
    match broker.probe(role, external_id).await {
        ProbeOutcome::Assumed { account } => (Answer::Assumed, account.parse().ok()),
        ProbeOutcome::AccessDenied => (Answer::AccessDenied, None),
        ProbeOutcome::Unknown(reason) => (Answer::Unknown { reason }, None),
    }
}

/// The external id of a connection that belongs to nobody. A living tenant's would show in the log of the account
/// that is probed. It is the same for the whole life of an installation.
fn decoy(isv_account: &str) -> ExternalId {
    let digest = Sha256::digest(format!("tenantry decoy connection of {isv_account}"));
    let bytes: [u8; 20] = std::array::from_fn(|place| digest[place]);
    ExternalId::from_random(bytes)
}

/// Names the statement that lets strangers in, when the role lets us read itself.
async fn explain(app: &App, connection: &Connection, verdict: &Verdict) -> Option<StatementAtFault> {
    match verdict {
        Verdict::Refused {
            cause: Cause::LockOpen { .. },
        } => read_fault(app, connection).await,
        Verdict::Refused {
            cause: Cause::WrongAccount { .. } | Cause::AccessLost,
        }
        | Verdict::Clean
        | Verdict::RoleRefuses
        | Verdict::Unknown => None,
    }
}

async fn read_fault(app: &App, connection: &Connection) -> Option<StatementAtFault> {
    let role = TenantRole {
        tenant_id: connection.tenant_id,
        account: connection.aws_account_id.to_string(),
        role_arn: connection.role_arn.clone(),
        external_id: SecretString::from(connection.external_id.expose()),
    };
    let identity = SessionIdentity {
        operation: connection.id.to_string(),
        source_identity: "reconciler".to_owned(),
    };
    let broker = app.aws.broker();
    let session = broker
        .assume(&role, StepClass::Identity, &connection.region, &identity)
        .await
        .ok()?;
    let trust = session.role_trust().await.ok()?;
    statement_at_fault(&trust)
}

async fn conclude(app: &App, claimed: &Claimed, evidence: &Evidence) -> Result<(), OnboardingError> {
    let before = &claimed.connection;
    let state = before
        .state
        .clone()
        .after_round(&evidence.verdict, app.config.rounds_needed, evidence.at)?;
    let due = next_look(app, before, &state, &evidence.verdict);
    let changed = state.name() != before.state.name();
    let mut tx = app.stores.begin_ops().await?;
    connections::record_round(&mut tx, claimed, &state, evidence, due).await?;
    if changed {
        let after = Connection {
            state,
            ..before.clone()
        };
        crate::connections::announce(app, &mut tx, "reconciler", &after, names(&after.state)).await?;
        tracing::info!(connection.id = %after.id, state = after.state.name(), "a connection changed state");
    }
    tx.commit().await?;
    metrics::counter!("tenantry_onboarding_probe_rounds_total", "state" => before.state.name()).increment(1);
    Ok(())
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
fn next_look(app: &App, before: &Connection, state: &ConnectionState, verdict: &Verdict) -> Option<i32> {
    let config = &app.config;
    if *verdict == Verdict::Unknown {
        return Some(back_off(config.role_poll_seconds, before.check_count));
    }
    match state {
        ConnectionState::AwaitingRole => {
            let waited = app.kit.clock.now() - before.created_at;
            (waited.num_seconds() < AWAITING_SECONDS_MAX)
                .then(|| back_off(config.role_poll_seconds, before.check_count))
        }
        ConnectionState::Verifying { .. } => Some(config.round_spacing_seconds),
        ConnectionState::Ready { .. } => Some(config.reproof_seconds),
        ConnectionState::Quarantined { .. } => Some(QUARANTINE_SECONDS),
        ConnectionState::Revoked { .. } => None,
    }
}

/// Eager while the wizard is probably open, then twice as long each time.
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

    #[test]
    fn the_decoy_is_nobodys_and_stays() {
        assert_eq!(decoy("111111111111"), decoy("111111111111"));
        assert_ne!(decoy("111111111111"), decoy("222222222222"));
    }
}
