//! Deployments and their specifications. Written by tenant-provisioning.

use chrono::{DateTime, Utc};
use serde_json::Value;
use tenant_model::{
    TenantState,
    blueprint::Blueprint,
    deployment::{Deployment, DriftPolicy, Phase, Profile, Wanted},
    ids::{ConnectionId, DeploymentId, TenantId},
};
use uuid::Uuid;

use crate::{Conn, StoreError};

/// One generation of what a deployment should be.
#[derive(Clone, Debug)]
pub struct NewSpec<'a> {
    /// What was compiled.
    pub blueprint: &'a Blueprint,
    /// Hash of the plan that showed it.
    pub plan_hash: &'a str,
    /// Who asked.
    pub requested_by: &'a str,
}

/// Adds a deployment.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(conn: &mut Conn, deployment: &Deployment) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into deployment (deployment_id, tenant_id, connection_id, profile, region, instance_type,
                wanted, generation, observed_generation, phase, phase_since, tenant_state_seen,
                created_at, updated_at, version)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        deployment.id.as_uuid(),
        deployment.tenant_id.as_uuid(),
        deployment.connection_id.as_uuid(),
        deployment.profile.name(),
        deployment.region.as_str(),
        deployment.instance_type,
        deployment.wanted.name(),
        deployment.generation,
        deployment.observed_generation,
        deployment.phase.name(),
        deployment.phase_since,
        deployment.tenant_state_seen.name(),
        deployment.created_at,
        deployment.updated_at,
        deployment.version,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes down what the deployment should be in its present generation.
///
/// # Errors
/// When the generation has a specification already.
pub async fn insert_spec(
    conn: &mut Conn,
    deployment: &Deployment,
    spec: &NewSpec<'_>,
) -> Result<(), StoreError> {
    let blueprint = serde_json::to_value(spec.blueprint).map_err(StoreError::unreadable)?;
    sqlx::query!(
        "insert into deployment_spec
                (tenant_id, deployment_id, generation, blueprint, plan_hash, requested_by, created_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        deployment.tenant_id.as_uuid(),
        deployment.id.as_uuid(),
        deployment.generation,
        blueprint,
        spec.plan_hash,
        spec.requested_by,
        deployment.updated_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The regions in which a tenant has or had deployments.
///
/// # Errors
/// When the database does not answer.
pub async fn list_regions(conn: &mut Conn, tenant_id: TenantId) -> Result<Vec<String>, StoreError> {
    let regions = sqlx::query_scalar!(
        "select distinct region from deployment where tenant_id = $1 order by region",
        tenant_id.as_uuid(),
    )
    .fetch_all(conn)
    .await?;
    Ok(regions)
}

/// The newest specification of a deployment.
///
/// # Errors
/// When the database does not answer.
pub async fn find_blueprint(
    conn: &mut Conn,
    deployment_id: DeploymentId,
) -> Result<Option<Blueprint>, StoreError> {
    let stored = sqlx::query_scalar!(
        "select blueprint from deployment_spec where deployment_id = $1 order by generation desc limit 1",
        deployment_id.as_uuid(),
    )
    .fetch_optional(conn)
    .await?;
    stored
        .map(|value| serde_json::from_value(value).map_err(StoreError::unreadable))
        .transpose()
}

/// The specification of one generation, or the newest one before it.
///
/// # Errors
/// When the database does not answer.
pub async fn find_blueprint_at(
    conn: &mut Conn,
    deployment_id: DeploymentId,
    generation: i64,
) -> Result<Option<Blueprint>, StoreError> {
    let stored = sqlx::query_scalar!(
        "select blueprint from deployment_spec where deployment_id = $1 and generation <= $2
          order by generation desc limit 1",
        deployment_id.as_uuid(),
        generation,
    )
    .fetch_optional(conn)
    .await?;
    stored
        .map(|value| serde_json::from_value(value).map_err(StoreError::unreadable))
        .transpose()
}

/// One deployment, if the caller's role may see it.
///
/// # Errors
/// When the database does not answer.
pub async fn find(conn: &mut Conn, id: DeploymentId) -> Result<Option<Deployment>, StoreError> {
    let row = sqlx::query_as!(
        DeploymentRow,
        "select deployment_id, tenant_id, connection_id, profile, region, instance_type, wanted, generation,
                observed_generation, phase, phase_since, blocked, tenant_state_seen, deletion_proof,
                paused, drift_policy, created_at, updated_at, version
           from deployment where deployment_id = $1",
        id.as_uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(Deployment::try_from).transpose()
}

/// One deployment, locked until the transaction ends.
///
/// # Errors
/// When the database does not answer.
pub async fn find_for_update(conn: &mut Conn, id: DeploymentId) -> Result<Option<Deployment>, StoreError> {
    let row = sqlx::query_as!(
        DeploymentRow,
        "select deployment_id, tenant_id, connection_id, profile, region, instance_type, wanted, generation,
                observed_generation, phase, phase_since, blocked, tenant_state_seen, deletion_proof,
                paused, drift_policy, created_at, updated_at, version
           from deployment where deployment_id = $1 for update",
        id.as_uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(Deployment::try_from).transpose()
}

/// Deployments after `after` in order of id, of one tenant or (role `ops`) of all, at most `limit`.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    conn: &mut Conn,
    tenant_id: Option<TenantId>,
    after: Option<DeploymentId>,
    limit: i64,
) -> Result<Vec<Deployment>, StoreError> {
    let rows = sqlx::query_as!(
        DeploymentRow,
        "select deployment_id, tenant_id, connection_id, profile, region, instance_type, wanted, generation,
                observed_generation, phase, phase_since, blocked, tenant_state_seen, deletion_proof,
                paused, drift_policy, created_at, updated_at, version
           from deployment
          where ($1::uuid is null or tenant_id = $1) and ($2::uuid is null or deployment_id > $2)
          order by deployment_id limit $3",
        tenant_id.map(|id| id.as_uuid()),
        after.map(|id| id.as_uuid()),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Deployment::try_from).collect()
}

/// How many deployments of a tenant were begun and are not proven gone; an offboarding tenant ends when there are
/// none. Of a plan that nobody approved there is nothing.
///
/// # Errors
/// When the database does not answer.
pub async fn count_present(conn: &mut Conn, tenant_id: TenantId) -> Result<i64, StoreError> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from deployment where tenant_id = $1 and phase not in ('planned', 'deleted', 'cancelled')"#,
        tenant_id.as_uuid(),
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// Writes everything that can change when the version is still `deployment.version`, and raises it.
///
/// # Errors
/// [`StoreError::Stale`] when somebody else changed the row meanwhile.
pub async fn update(conn: &mut Conn, deployment: &Deployment) -> Result<i64, StoreError> {
    let version = sqlx::query_scalar!(
        "update deployment set wanted = $2, generation = $3, observed_generation = $4, phase = $5,
                phase_since = $6, blocked = $7, tenant_state_seen = $8, deletion_proof = $9,
                updated_at = $10, profile = $12, instance_type = $13, paused = $14, drift_policy = $15,
                version = version + 1
          where deployment_id = $1 and version = $11 returning version",
        deployment.id.as_uuid(),
        deployment.wanted.name(),
        deployment.generation,
        deployment.observed_generation,
        deployment.phase.name(),
        deployment.phase_since,
        deployment.blocked,
        deployment.tenant_state_seen.name(),
        deployment.deletion_proof,
        deployment.updated_at,
        deployment.version,
        deployment.profile.name(),
        deployment.instance_type,
        deployment.paused,
        deployment.drift_policy.name(),
    )
    .fetch_optional(conn)
    .await?;
    version.ok_or(StoreError::Stale)
}

struct DeploymentRow {
    deployment_id: Uuid,
    tenant_id: Uuid,
    connection_id: Uuid,
    profile: String,
    region: String,
    instance_type: String,
    wanted: String,
    generation: i64,
    observed_generation: i64,
    phase: String,
    phase_since: DateTime<Utc>,
    blocked: Option<String>,
    tenant_state_seen: String,
    deletion_proof: Option<Value>,
    paused: bool,
    drift_policy: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
}

impl TryFrom<DeploymentRow> for Deployment {
    type Error = StoreError;

    fn try_from(row: DeploymentRow) -> Result<Self, Self::Error> {
        let unknown = |what: &str, name: &str| StoreError::unreadable(format!("{what} {name}"));
        Ok(Self {
            id: DeploymentId::from_uuid(row.deployment_id),
            tenant_id: TenantId::from_uuid(row.tenant_id),
            connection_id: ConnectionId::from_uuid(row.connection_id),
            profile: Profile::from_name(&row.profile).ok_or_else(|| unknown("profile", &row.profile))?,
            region: row.region.parse().map_err(StoreError::unreadable)?,
            instance_type: row.instance_type,
            wanted: Wanted::from_name(&row.wanted).ok_or_else(|| unknown("wanted", &row.wanted))?,
            generation: row.generation,
            observed_generation: row.observed_generation,
            phase: Phase::from_name(&row.phase).ok_or_else(|| unknown("phase", &row.phase))?,
            phase_since: row.phase_since,
            blocked: row.blocked,
            tenant_state_seen: TenantState::from_name(&row.tenant_state_seen)
                .ok_or_else(|| unknown("tenant state", &row.tenant_state_seen))?,
            deletion_proof: row.deletion_proof,
            paused: row.paused,
            drift_policy: DriftPolicy::from_name(&row.drift_policy)
                .ok_or_else(|| unknown("drift policy", &row.drift_policy))?,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        })
    }
}
