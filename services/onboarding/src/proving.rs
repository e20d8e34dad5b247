//! One round of questions to a tenant's role, in the order that makes the answers count.
//!
//! What a dry run cannot be asked about, because it names things that are not there yet, is asked of IAM's simulator.
//! The probes run under a session policy that denies everything, so that an open lock yields powerless credentials;
//! the dry runs under the session policy of the step that will make the call, or, for what the role must refuse,
//! under one that allows it. A round stops at the first answer that is unknown: it proves nothing any more, and each
//! further question would show in the tenant's log. What the answers prove is [`tenant_model::proof::judge`].

use aws_access::ec2::trial::{FORBIDDEN, NEEDED, TrialCall};
use aws_access::{AssumeError, Broker, ProbeOutcome, SessionIdentity, StepClass, TenantRole, TenantSession};
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use tenant_model::permissions::SessionScope;
use tenant_model::proof::{Answer, Denier, Loss, ProbeRound, Trial, TrialOutcome, TrustReading};
use tenant_model::simulation::{self, Asked, Question};
use tenant_model::trust::{Expected, read_trust};
use tenant_model::{AwsAccountId, Connection, ConnectionState, ExternalId};

use crate::App;

/// The action that asking the simulator takes.
const SIMULATE: &str = "iam:SimulatePrincipalPolicy";
/// What is written of a question that was not asked.
const NOT_ASKED: &str = "not asked";
/// What EC2 answers in a region that the account has switched off; it does not know the account's keys there.
const REGION_OFF: [&str; 3] = ["AuthFailure", "OptInRequired", "RegionDisabledException"];

/// How much is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Everything: a new proof.
    Whole,
    /// Whether what was proven still holds.
    Watch,
}

/// Asks a round.
#[tracing::instrument(skip_all, fields(tenant.id = %connection.tenant_id, connection.id = %connection.id))]
pub(crate) async fn ask(app: &App, broker: &Broker, connection: &Connection, depth: Depth) -> ProbeRound {
    let asking = Asking::new(app, broker, connection);
    let mut round = ProbeRound {
        watch: depth == Depth::Watch,
        ..unasked()
    };
    let right = Some(connection.external_id.expose());
    (round.right_before, round.account) = asking.probe(right).await;
    if round.right_before != Answer::Assumed {
        // The refusals would count for nothing, and each shows in the tenant's log.
        if round.right_before == Answer::AccessDenied && was_proven(&connection.state) {
            round.lost = asking.loss().await;
        }
        return round;
    }
    if depth == Depth::Whole {
        asking.try_wrong_ids(&mut round).await;
        round.right_after = asking.probe(right).await.0;
        round.trust = Some(asking.read_trust().await);
        if !is_locked(&round) {
            return round;
        }
    }
    asking.try_needed(&mut round).await;
    if depth == Depth::Whole && all_allowed(&round.needed) {
        asking.try_the_rest(&mut round).await;
    }
    round
}

/// The calls that our work begins with, each by dry run under its session policy. A refusal hides no other.
pub(crate) async fn try_permissions(app: &App, broker: &Broker, connection: &Connection) -> Vec<Trial> {
    let asking = Asking::new(app, broker, connection);
    let mut trials = Vec::new();
    for (class, call) in NEEDED {
        trials.push(trial(call, asking.try_one(class, call).await));
    }
    trials
}

/// Every other action of ours by IAM's simulator.
pub(crate) async fn simulate_permissions(app: &App, broker: &Broker, connection: &Connection) -> Vec<Trial> {
    Asking::new(app, broker, connection).simulate_needed().await
}

fn all_allowed(trials: &[Trial]) -> bool {
    trials.iter().all(|trial| trial.outcome == TrialOutcome::Allowed)
}

/// The tenant's role, as the broker takes it.
pub(crate) fn role(connection: &Connection) -> TenantRole {
    TenantRole {
        tenant_id: connection.tenant_id,
        account: connection.aws_account_id.to_string(),
        role_arn: connection.role_arn.clone(),
        external_id: SecretString::from(connection.external_id.expose()),
    }
}

/// What the tenant reads in its own log when we look.
pub(crate) fn identity(connection: &Connection) -> SessionIdentity {
    SessionIdentity {
        operation: connection.id.to_string(),
        source_identity: "reconciler".to_owned(),
    }
}

fn unasked() -> ProbeRound {
    let not_asked = || Answer::Unknown {
        reason: NOT_ASKED.to_owned(),
    };
    ProbeRound {
        right_before: not_asked(),
        none: not_asked(),
        random: not_asked(),
        other_tenants: not_asked(),
        right_after: not_asked(),
        account: None,
        trust: None,
        needed: Vec::new(),
        forbidden: Vec::new(),
        simulated_needed: Vec::new(),
        simulated_forbidden: Vec::new(),
        region_off: None,
        lost: None,
        watch: false,
    }
}

/// A role that was never proven is awaited, and nobody asks where it went.
const fn was_proven(state: &ConnectionState) -> bool {
    match state {
        ConnectionState::Ready { .. } | ConnectionState::Quarantined { .. } => true,
        ConnectionState::AwaitingRole
        | ConnectionState::Verifying { .. }
        | ConnectionState::Revoked { .. } => false,
    }
}

/// Whether the probes and the trust policy speak for the lock, so that more may be asked.
fn is_locked(round: &ProbeRound) -> bool {
    let refused = [&round.none, &round.random, &round.other_tenants];
    refused.into_iter().all(|answer| *answer == Answer::AccessDenied)
        && round.right_after == Answer::Assumed
        && round.trust == Some(TrustReading::Sound)
}

/// The external id of a connection that belongs to nobody. A living tenant's would show in the log of the account
/// that is probed. It is the same for the whole life of an installation.
fn decoy(isv_account: &str) -> ExternalId {
    let digest = Sha256::digest(format!("tenantry decoy connection of {isv_account}"));
    let bytes: [u8; 20] = std::array::from_fn(|place| digest[place]);
    ExternalId::from_random(bytes)
}

struct Asking<'a> {
    app: &'a App,
    connection: &'a Connection,
    broker: &'a Broker,
    role: TenantRole,
    identity: SessionIdentity,
}

impl<'a> Asking<'a> {
    fn new(app: &'a App, broker: &'a Broker, connection: &'a Connection) -> Self {
        Self {
            app,
            connection,
            broker,
            role: role(connection),
            identity: identity(connection),
        }
    }

    async fn probe(&self, external_id: Option<&str>) -> (Answer, Option<AwsAccountId>) {
        let role_arn = &self.connection.role_arn;
        match self.broker.probe(role_arn, external_id, &self.identity).await {
            ProbeOutcome::Assumed { account } => (Answer::Assumed, account.parse().ok()),
            ProbeOutcome::AccessDenied => (Answer::AccessDenied, None),
            ProbeOutcome::Unknown(reason) => (Answer::Unknown { reason }, None),
        }
    }

    async fn try_wrong_ids(&self, round: &mut ProbeRound) {
        let random = ExternalId::from_random(self.app.kit.ids.secret_bytes());
        let decoy = decoy(&self.app.aws.settings().isv_account);
        round.none = self.probe(None).await.0;
        round.random = self.probe(Some(random.expose())).await.0;
        round.other_tenants = self.probe(Some(decoy.expose())).await.0;
    }

    async fn loss(&self) -> Option<Loss> {
        let there = self.app.aws.role_exists(&self.connection.role_arn).await?;
        Some(if there {
            Loss::TrustChanged
        } else {
            Loss::RoleDeleted
        })
    }

    async fn session(&self, class: StepClass, region: &str) -> Result<TenantSession, AssumeError> {
        self.broker
            .assume(&self.role, class, region, &self.identity)
            .await
    }

    /// IAM is not regional, and answers also when the connection's region is off.
    async fn identity_session(&self) -> Result<TenantSession, AssumeError> {
        self.session(StepClass::Identity, &self.app.aws.settings().region)
            .await
    }

    async fn read_trust(&self) -> TrustReading {
        let session = match self.identity_session().await {
            Ok(session) => session,
            Err(AssumeError::Denied) => return TrustReading::SessionRefused,
            Err(AssumeError::Unavailable(error)) => return TrustReading::Unread { reason: error.code },
        };
        let aws = self.app.aws.settings();
        let expected = Expected {
            isv_account: &aws.isv_account,
            broker_role_arn: &aws.broker_role_arn,
            external_id: &self.connection.external_id,
        };
        match session.role_trust().await {
            Ok(policy) => read_trust(&policy, &expected).map_or_else(
                |statement| TrustReading::AtFault { statement },
                |()| TrustReading::Sound,
            ),
            Err(error) if error.code == "AccessDenied" => TrustReading::Denied,
            Err(error) => TrustReading::Unread { reason: error.code },
        }
    }

    /// Until something is not allowed: the first refusal is the finding.
    async fn try_needed(&self, round: &mut ProbeRound) {
        for (class, call) in NEEDED {
            let outcome = self.try_one(class, call).await;
            round.region_off = self.region_off(&outcome).await;
            let allowed = outcome == TrialOutcome::Allowed;
            round.needed.push(trial(call, outcome));
            if !allowed {
                return;
            }
        }
    }

    async fn try_one(&self, class: StepClass, call: TrialCall) -> TrialOutcome {
        let tenant = self.connection.tenant_id.to_string();
        let outcome = match self.session(class, &self.connection.region).await {
            Ok(session) => session.ec2().try_out(call, Some(&tenant)).await,
            Err(error) => refused_session(&error),
        };
        self.name_denier(call, outcome).await
    }

    /// What only the simulator can be asked about, and what must be refused.
    async fn try_the_rest(&self, round: &mut ProbeRound) {
        round.simulated_needed = self.simulate_needed().await;
        if !all_allowed(&round.simulated_needed) {
            return;
        }
        round.forbidden = self.try_forbidden().await;
        let questions = simulation::forbidden(&self.asked());
        round.simulated_forbidden = self.simulate(&questions, weight_of_a_yes).await;
    }

    async fn simulate_needed(&self) -> Vec<Trial> {
        let tried_out = NEEDED.map(|(_, call)| call.action());
        let questions = simulation::needed(&self.asked(), &tried_out);
        self.simulate(&questions, weight_of_a_no).await
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            scope: SessionScope {
                tenant_id: self.connection.tenant_id,
                account: self.connection.aws_account_id.as_str(),
                region: &self.connection.region,
            },
            role_arn: &self.connection.role_arn,
        }
    }

    /// One trial for each action, whatever number of questions it is in: the answer of most weight.
    async fn simulate(&self, questions: &[Question], weight: Weight) -> Vec<Trial> {
        let session = match self.identity_session().await {
            Ok(session) => session,
            Err(error) => return vec![simulated(SIMULATE, refused_session(&error))],
        };
        let mut trials: Vec<Trial> = Vec::new();
        for question in questions {
            let answers = match session.simulate(question).await {
                Ok(answers) => answers,
                Err(error) if error.code == "AccessDenied" => {
                    return vec![simulated(SIMULATE, TrialOutcome::Refused { by: Denier::Role })];
                }
                Err(error) => vec![simulated(SIMULATE, unknown(error.code))],
            };
            for answer in answers {
                merge(&mut trials, answer, weight);
            }
        }
        trials
    }

    /// Where EC2 does not say who refuses, the simulator may.
    async fn name_denier(&self, call: TrialCall, outcome: TrialOutcome) -> TrialOutcome {
        let unclear = TrialOutcome::Refused { by: Denier::Unclear };
        if outcome != unclear {
            return outcome;
        }
        let Ok(session) = self.identity_session().await else {
            return outcome;
        };
        let named = session.denier_of(call).await;
        named.map_or(outcome, |by| TrialOutcome::Refused { by })
    }

    /// Asked from our own region: one that is off says nothing about itself.
    async fn region_off(&self, outcome: &TrialOutcome) -> Option<String> {
        let TrialOutcome::Unknown { reason } = outcome else {
            return None;
        };
        let region = &self.connection.region;
        let home = &self.app.aws.settings().region;
        if !REGION_OFF.contains(&reason.as_str()) || region == home {
            return None;
        }
        let session = self.session(StepClass::Observe, home).await.ok()?;
        let off = session.ec2().is_region_off(region).await.ok()?;
        off.then(|| region.clone())
    }

    async fn try_forbidden(&self) -> Vec<Trial> {
        let region = &self.connection.region;
        let session = self.broker.assume_for_trials(&self.role, region, &self.identity);
        let session = match session.await {
            Ok(session) => session,
            Err(error) => return vec![trial(FORBIDDEN[0], unknown(code(&error)))],
        };
        let mut trials = Vec::new();
        for call in FORBIDDEN {
            let outcome = session.ec2().try_out(call, None).await;
            let refused = matches!(outcome, TrialOutcome::Refused { .. });
            trials.push(trial(call, outcome));
            if !refused {
                break;
            }
        }
        trials
    }
}

fn trial(call: TrialCall, outcome: TrialOutcome) -> Trial {
    simulated(call.action(), outcome)
}

fn simulated(action: &str, outcome: TrialOutcome) -> Trial {
    Trial {
        action: action.to_owned(),
        outcome,
    }
}

/// Which of two answers about one action counts.
type Weight = fn(&TrialOutcome) -> u8;

/// What is needed is missing where it is refused anywhere.
const fn weight_of_a_no(outcome: &TrialOutcome) -> u8 {
    match outcome {
        TrialOutcome::Allowed => 0,
        TrialOutcome::Unknown { .. } => 1,
        TrialOutcome::Refused { .. } => 2,
    }
}

/// What is forbidden is possible where it is allowed anywhere.
const fn weight_of_a_yes(outcome: &TrialOutcome) -> u8 {
    match outcome {
        TrialOutcome::Refused { .. } => 0,
        TrialOutcome::Unknown { .. } => 1,
        TrialOutcome::Allowed => 2,
    }
}

fn merge(trials: &mut Vec<Trial>, answer: Trial, weight: Weight) {
    let Some(known) = trials.iter_mut().find(|trial| trial.action == answer.action) else {
        trials.push(answer);
        return;
    };
    if weight(&answer.outcome) > weight(&known.outcome) {
        *known = answer;
    }
}

const fn unknown(reason: String) -> TrialOutcome {
    TrialOutcome::Unknown { reason }
}

/// The right id opened the role a moment ago. If it does not under a step's policy, tags and source identity are
/// refused: the trust policy lacks the statement that allows them.
fn refused_session(error: &AssumeError) -> TrialOutcome {
    match error {
        AssumeError::Denied => TrialOutcome::Refused { by: Denier::Role },
        AssumeError::Unavailable(_) => unknown(code(error)),
    }
}

fn code(error: &AssumeError) -> String {
    match error {
        AssumeError::Denied => "AccessDenied".to_owned(),
        AssumeError::Unavailable(error) => error.code.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_decoy_is_nobodys_and_stays() {
        assert_eq!(decoy("111111111111"), decoy("111111111111"));
        assert_ne!(decoy("111111111111"), decoy("222222222222"));
    }
}
