//! `/v1/connections/{id}/proofs` and `/evidence`: what a tenant keeps of the proof.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::Uri;
use http::header::CONTENT_DISPOSITION;
use serde::{Deserialize, Serialize};
use service_kit::{Caller, IdPath, Page, PageQuery, Problem, ProblemBody, Query};
use tenant_model::ConnectionId;
use tenant_model::proof::{Trial, Verdict};
use tenant_store::connections::Proof;
use utoipa::ToSchema;

use crate::App;
use crate::evidence::{self, SignedEvidence};

/// One signed round.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Proof)]
pub struct ProofView {
    /// Its number; later rounds have higher ones.
    #[schema(example = "42")]
    pub round: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Whether everything was asked; else only what shows that nothing was taken away.
    pub whole: bool,
    /// `clean`, `holds`, `role_refuses`, `refused` or `unknown`.
    pub verdict: String,
    /// Calls that our work needs, allowed by EC2's dry run.
    pub needed_dry_runs: usize,
    /// Calls that nobody needs, refused by EC2's dry run.
    pub forbidden_dry_runs: usize,
    /// Calls that our work needs, by IAM's simulator: no dry run.
    pub needed_simulated: usize,
    /// Known ways to more than was given, by IAM's simulator: no dry run.
    pub forbidden_simulated: usize,
    /// Where the signed document is.
    pub document: String,
}

impl ProofView {
    pub(super) fn new(id: ConnectionId, proof: &Proof) -> Self {
        let answers = &proof.evidence.answers;
        let count = |trials: &Vec<Trial>| trials.len();
        Self {
            round: proof.round.to_string(),
            at: proof.evidence.at,
            whole: !answers.watch,
            verdict: verdict(&proof.evidence.verdict).to_owned(),
            needed_dry_runs: count(&answers.needed),
            forbidden_dry_runs: count(&answers.forbidden),
            needed_simulated: count(&answers.simulated_needed),
            forbidden_simulated: count(&answers.simulated_forbidden),
            document: format!("/v1/connections/{id}/proofs/{}", proof.round),
        }
    }
}

const fn verdict(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Clean => "clean",
        Verdict::Holds => "holds",
        Verdict::RoleRefuses { .. } => "role_refuses",
        Verdict::Refused { .. } => "refused",
        Verdict::Unknown { .. } => "unknown",
    }
}

/// List the rounds of a connection's proof, the newest first; each was signed when it was found
#[utoipa::path(get, path = "/v1/connections/{id}/proofs", operation_id = "connection_proofs", tag = "connections",
    params(("id" = String, Path), PageQuery), security(("bearer" = [])),
    responses(
        (status = 200, description = "Signed rounds", body = Page<ProofView>),
        (status = 400, body = ProblemBody, description = "bad-query, bad-cursor, cursor-mismatch"),
        (status = 401, body = ProblemBody, description = "not-signed-in, credential-expired"),
        (status = 403, body = ProblemBody, description = "not-allowed"),
        (status = 404, body = ProblemBody, description = "not-found"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn list_proofs(
    State(app): State<App>,
    Caller(caller): Caller,
    IdPath(id): IdPath<ConnectionId>,
    uri: Uri,
    Query(page): Query<PageQuery>,
) -> Result<Response, Problem> {
    let before = page.after(&id.to_string())?;
    let found = evidence::list_rounds(&app, &caller, id, (before, page.limit()?)).await?;
    Ok(found.map(|proof| ProofView::new(id, &proof)).respond(&uri))
}

/// Download one round of a proof as the document that was signed; `tenantry verify-evidence` checks it
#[utoipa::path(get, path = "/v1/connections/{id}/proofs/{round}", operation_id = "connection_proof",
    tag = "connections",
    params(("id" = String, Path), ("round" = String, Path)), security(("bearer" = [])),
    responses(
        (status = 200, description = "A file with the document and its signature", body = SignedEvidenceView),
        (status = 401, body = ProblemBody, description = "not-signed-in, credential-expired"),
        (status = 403, body = ProblemBody, description = "not-allowed"),
        (status = 404, body = ProblemBody, description = "not-found"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn get_proof(
    State(app): State<App>,
    Caller(caller): Caller,
    Path((id, round)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let id: ConnectionId = id.parse().map_err(|_| Problem::not_found())?;
    let number: i64 = round.parse().map_err(|_| Problem::not_found())?;
    let signed = evidence::find_round(&app, &caller, (id, number)).await?;
    Ok(file(&format!("proof-{id}-{number}.json"), signed))
}

/// The evidence of a proof, to read and to check.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = SignedEvidence)]
pub struct SignedEvidenceView {
    /// What is signed: the role, and round by round what was asked and answered. Without the external id.
    #[schema(value_type = Object)]
    pub document: serde_json::Value,
    /// The document as a compact JWS of `/.well-known/jwks.json`, type
    /// `tenantry-evidence+jws`, or `tenantry-proof+jws` for one round.
    pub jws: String,
}

/// Download the evidence of a connection's proof as a signed document; `tenantry verify-evidence` checks it
#[utoipa::path(get, path = "/v1/connections/{id}/evidence", operation_id = "connection_evidence",
    tag = "connections",
    params(("id" = String, Path)), security(("bearer" = [])),
    responses(
        (status = 200, description = "A file with the document and its signature", body = SignedEvidenceView),
        (status = 401, body = ProblemBody, description = "not-signed-in, credential-expired"),
        (status = 403, body = ProblemBody, description = "not-allowed"),
        (status = 404, body = ProblemBody, description = "not-found"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn connection_evidence(
    State(app): State<App>,
    Caller(caller): Caller,
    IdPath(id): IdPath<ConnectionId>,
) -> Result<Response, Problem> {
    let signed = evidence::sign(&app, &caller, id).await?;
    Ok(file(&format!("evidence-{id}.json"), signed))
}

fn file(name: &str, signed: SignedEvidence) -> Response {
    let body = SignedEvidenceView {
        document: signed.document,
        jws: signed.jws,
    };
    let disposition = format!("attachment; filename=\"{name}\"");
    ([(CONTENT_DISPOSITION, disposition)], axum::Json(body)).into_response()
}
