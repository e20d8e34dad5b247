//! A plan is a contract: what will be made, changed and taken away, what that costs and needs, how long it takes,
//! what cannot be undone, and a hash over everything it was computed from.
//!
//! A person approves the hash. If anything that the plan was computed from has changed since, the hash of the plan
//! computed anew differs, [`Bound::moved`] says what it was, and the approval is refused.

mod cost;
mod diff;
mod needs;
mod prices;
mod promise;
mod timing;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub use cost::{Cost, CostLine};
pub use diff::{Change, PlanLine};
pub use needs::{Needs, PermissionNeed, QuotaNeed};
pub use prices::{PriceTable, instance_types};
pub use promise::{Promise, Recovery};
pub use timing::{PathStep, Timing};

use crate::{
    audit::canonical,
    blueprint::Blueprint,
    contract::{Kept, Retention},
    deployment::Wanted,
    ids::{DeploymentId, TenantId},
    permissions::{PARTS, STEP_CLASSES, SessionScope, session_document, template_statements},
    resource::{ResourceRecord, ResourceState},
};

/// What a plan is computed with besides the deployment itself. It changes with the version of the program, never
/// while it runs.
#[derive(Clone, Debug)]
pub struct Terms {
    /// What things cost.
    pub prices: PriceTable,
    /// Hash of the compiled permissions: what our work may do at all.
    pub policies: String,
}

impl Terms {
    /// Those of this version.
    #[must_use]
    pub fn current() -> Self {
        Self {
            prices: PriceTable::current(),
            policies: policies(),
        }
    }
}

/// How the deployment is meant to be before the plan is carried out.
#[derive(Clone, Copy, Debug)]
pub struct Previous<'a> {
    /// Its resources.
    pub blueprint: &'a Blueprint,
    /// What was wanted, the tenant's state considered.
    pub wanted: Wanted,
}

/// What a plan is computed from.
#[derive(Clone, Copy, Debug)]
pub struct PlanInput<'a> {
    /// The deployment.
    pub deployment_id: DeploymentId,
    /// The generation it will have.
    pub generation: i64,
    /// How it was meant to be; none for the first plan.
    pub previous: Option<Previous<'a>>,
    /// What its resources should be.
    pub blueprint: &'a Blueprint,
    /// What is wanted.
    pub wanted: Wanted,
    /// What was observed.
    pub records: &'a [ResourceRecord],
    /// What stays after a deletion.
    pub retention: &'a Retention,
    /// Prices and permissions.
    pub terms: &'a Terms,
}

/// A plan with its hash. Parts that older plans do not have read as empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Resource by resource.
    pub lines: Vec<PlanLine>,
    /// Cost before and after.
    pub cost: Cost,
    /// What cannot be undone, in words.
    #[serde(default)]
    pub irreversible: Vec<String>,
    /// What stays after a deletion, and for how long.
    #[serde(default)]
    pub kept: Vec<Kept>,
    /// What the account must have and allow.
    #[serde(default)]
    pub needs: Needs,
    /// How long it takes, and how long nothing is served.
    #[serde(default)]
    pub timing: Timing,
    /// What a fault costs before and after.
    #[serde(default)]
    pub recovery: Recovery,
    /// What the hash covers, part by part.
    #[serde(default)]
    pub bound: Bound,
    /// Hex SHA-256 over the canonical form of everything the plan was computed from.
    pub hash: String,
}

/// Hashes of the parts to which an approval binds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// What was asked for: deployment, generation, blueprint, what is wanted and what stays.
    pub specification: String,
    /// What was observed: every resource with id and state.
    pub observed: String,
    /// Date and figures of the price table.
    pub prices: String,
    /// The compiled permissions.
    pub policies: String,
}

impl Bound {
    /// Which parts differ from those of another plan, by name: `specification`, `observed`, `prices`, `policies`.
    #[must_use]
    pub fn moved(&self, other: &Self) -> Vec<String> {
        let parts = [
            ("specification", &self.specification, &other.specification),
            ("observed", &self.observed, &other.observed),
            ("prices", &self.prices, &other.prices),
            ("policies", &self.policies, &other.policies),
        ];
        let differs = parts.into_iter().filter(|(_, own, others)| own != others);
        differs.map(|(name, _, _)| name.to_owned()).collect()
    }
}

impl Plan {
    /// Computes a plan.
    #[must_use]
    pub fn compute(input: &PlanInput<'_>) -> Self {
        let lines = diff::lines(input);
        let cost = cost::compare(input);
        let bound = bound(input);
        let hash = hash(&json!({
            "bound": plain(&bound),
            "lines": plain(&lines),
            "cost": plain(&cost),
        }));
        Self {
            irreversible: promise::irreversible(input, &lines),
            kept: input.retention.kept(input.wanted),
            needs: needs::needs(input, &lines),
            timing: timing::timing(input, &lines),
            recovery: promise::recovery(input),
            lines,
            cost,
            bound,
            hash,
        }
    }
}

fn bound(input: &PlanInput<'_>) -> Bound {
    Bound {
        specification: hash(&json!({
            "deployment": input.deployment_id.to_string(),
            "generation": input.generation,
            "wanted": input.wanted.name(),
            "blueprint": plain(input.blueprint),
            "retention": plain(input.retention),
        })),
        observed: observed_hash(input.records),
        prices: hash(&plain(&input.terms.prices)),
        policies: input.terms.policies.clone(),
    }
}

/// Hash of what was observed of a deployment's resources. Resources that were never made and are not there count
/// for nothing, so that a row written down beforehand changes nothing.
#[must_use]
pub fn observed_hash(records: &[ResourceRecord]) -> String {
    let mut seen: Vec<Value> = records
        .iter()
        .filter(|record| record.state != ResourceState::Absent || record.aws_id.is_some())
        .map(|record| {
            json!([
                record.name,
                record.kind.name(),
                record.state.name(),
                record.aws_id
            ])
        })
        .collect();
    seen.sort_by_key(Value::to_string);
    hash(&Value::Array(seen))
}

/// The compiled permissions as they are for any tenant.
fn policies() -> String {
    let scope = SessionScope {
        tenant_id: TenantId::from_uuid(uuid::Uuid::nil()),
        account: "000000000000",
        region: "us-east-1",
    };
    let sessions: Vec<Value> = STEP_CLASSES
        .into_iter()
        .map(|class| session_document(class, &scope))
        .collect();
    hash(&json!({ "role": PARTS.map(|part| template_statements(part, "")), "sessions": sessions }))
}

/// A resource that exists, or may exist because its call is not settled.
fn exists(record: &ResourceRecord) -> bool {
    let unsettled = matches!(record.state, ResourceState::Creating | ResourceState::Unknown);
    record.aws_id.is_some() || unsettled
}

fn plain(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("plans have text keys only")
}

fn hash(value: &Value) -> String {
    let digest = Sha256::digest(canonical(value).as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[path = "plan/tests.rs"]
mod tests;
