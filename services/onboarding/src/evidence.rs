//! The evidence of a connection's proof as one signed document, for a tenant's auditors and for ours.
//!
//! It holds what was asked of the role and what AWS answered, round by round, and no external id. Whoever has the
//! installation's public keys can check it without us.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use service_kit::Page;
use service_kit::auth::read_document;
use sha2::{Digest, Sha256};
use tenant_model::proof::Answer;
use tenant_model::{Connection, ConnectionId, ConnectionState, Principal};
use tenant_store::StoreError;
use tenant_store::connections::Evidence;
pub use tenant_store::connections::Proof;

use crate::{App, OnboardingError, connections};

/// The `typ` of the document's signature.
pub const EVIDENCE_TYPE: &str = "tenantry-evidence+jws";
/// Rounds in a document, the newest first: with one proof a day a quarter of a year, whatever was watched between.
const ROUNDS_MAX: u32 = 100;

/// A document to read, and the same signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedEvidence {
    /// What is signed.
    pub document: Value,
    /// The document as a compact JWS.
    pub jws: String,
}

/// What is known of a connection's proof, signed now.
///
/// # Errors
/// [`OnboardingError::NotFound`] also for a stranger.
pub async fn sign(
    app: &App,
    caller: &Principal,
    id: ConnectionId,
) -> Result<SignedEvidence, OnboardingError> {
    let connection = connections::find(app, caller, id).await?;
    let rounds = connections::list_evidence(app, caller, id, ROUNDS_MAX).await?;
    let document = document(app, &connection, &rounds)?;
    let jws = app.kit.authority.sign_document(EVIDENCE_TYPE, &document);
    Ok(SignedEvidence { document, jws })
}

/// The `typ` of the signature of one round.
pub const PROOF_TYPE: &str = "tenantry-proof+jws";

/// One round as a document, signed as it is recorded. None for a round in which the role did not answer: there is
/// nothing in it.
pub(crate) fn sign_round(
    app: &App,
    connection: &Connection,
    evidence: &Evidence,
) -> Result<Option<String>, StoreError> {
    if evidence.answers.right_before != Answer::Assumed && !was_proven(&connection.state) {
        return Ok(None);
    }
    let mut document = about(app, connection);
    document["kind"] = json!("connection-proof");
    document["issued_at"] = json!(evidence.at);
    document["round"] = round(evidence)?;
    Ok(Some(app.kit.authority.sign_document(PROOF_TYPE, &document)))
}

/// A signed round, as it was signed.
///
/// # Errors
/// [`OnboardingError::NotFound`] also for a stranger.
pub async fn find_round(
    app: &App,
    caller: &Principal,
    (id, number): (ConnectionId, i64),
) -> Result<SignedEvidence, OnboardingError> {
    let connection = connections::find(app, caller, id).await?;
    let mut tx = app.begin_as(Some(connection.tenant_id)).await?;
    let proof = tenant_store::connections::find_proof(&mut tx, id, number).await?;
    let jws = proof
        .and_then(|proof| proof.evidence.jws)
        .ok_or(OnboardingError::NotFound)?;
    let document = read_document(&jws).ok_or(OnboardingError::NotFound)?;
    Ok(SignedEvidence { document, jws })
}

/// Signed rounds, the newest first.
///
/// # Errors
/// [`OnboardingError::NotFound`] also for a stranger.
pub async fn list_rounds(
    app: &App,
    caller: &Principal,
    id: ConnectionId,
    (before, limit): (Option<i64>, u32),
) -> Result<Page<Proof>, OnboardingError> {
    let connection = connections::find(app, caller, id).await?;
    let mut tx = app.begin_as(Some(connection.tenant_id)).await?;
    let rows = tenant_store::connections::list_proofs(&mut tx, id, before, i64::from(limit) + 1).await?;
    Ok(Page::cut(rows, limit, &id.to_string(), |proof| proof.round))
}

const fn was_proven(state: &ConnectionState) -> bool {
    proven_at(state).is_some()
}

fn document(app: &App, connection: &Connection, rounds: &[Evidence]) -> Result<Value, StoreError> {
    let rounds: Result<Vec<Value>, StoreError> = rounds.iter().map(round).collect();
    let mut document = about(app, connection);
    document["kind"] = json!("connection-evidence");
    document["issued_at"] = json!(app.kit.clock.now());
    document["state"] = json!(connection.state.name());
    document["proven_at"] = json!(proven_at(&connection.state));
    document["rounds"] = json!(rounds?);
    Ok(document)
}

/// Whose role, where, and what was asked. Without the external id.
fn about(app: &App, connection: &Connection) -> Value {
    let aws = app.aws.settings();
    json!({
        "issued_by": app.config.public_url,
        "connection": connection.id,
        "tenant": connection.tenant_id,
        "aws_account_id": connection.aws_account_id,
        "region": connection.region,
        "role_arn": connection.role_arn,
        "broker_role_arn": aws.broker_role_arn,
        "external_id_sha256": fingerprint(connection),
        "asked": ASKED,
    })
}

/// What a clean round means, in words, in the document itself.
const ASKED: [&str; 8] = [
    "right_before, right_after: AssumeRole with the connection's external id, under a session policy that denies everything",
    "none, random, other_tenants: AssumeRole with no, a random and another connection's external id; only AccessDenied counts",
    "account: GetCallerIdentity with the role's credentials",
    "trust: the role's trust policy, read by the role itself",
    "needed: EC2 dry runs under the session policies of our steps; only DryRunOperation counts",
    "forbidden: EC2 dry runs under a session policy that allows them; only UnauthorizedOperation counts",
    "simulated_needed: every other action of ours on what it works on, by iam:SimulatePrincipalPolicy; simulated, no dry run",
    "simulated_forbidden: known ways to more than the role was given, by iam:SimulatePrincipalPolicy; simulated, no dry run",
];

fn round(evidence: &Evidence) -> Result<Value, StoreError> {
    let json = |value: serde_json::Result<Value>| value.map_err(StoreError::unreadable);
    Ok(json!({
        "at": evidence.at,
        "answers": json(serde_json::to_value(&evidence.answers))?,
        "verdict": json(serde_json::to_value(&evidence.verdict))?,
    }))
}

/// Tells two external ids apart without telling either.
fn fingerprint(connection: &Connection) -> String {
    let digest = Sha256::digest(connection.external_id.expose().as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

const fn proven_at(state: &ConnectionState) -> Option<DateTime<Utc>> {
    match state {
        ConnectionState::Ready { proven_at } => Some(*proven_at),
        ConnectionState::Quarantined { proven_at, .. } => *proven_at,
        ConnectionState::AwaitingRole
        | ConnectionState::Verifying { .. }
        | ConnectionState::Revoked { .. } => None,
    }
}
