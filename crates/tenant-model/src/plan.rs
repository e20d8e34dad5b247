//! A plan is a contract: what will be made and taken away, what it costs, and a hash over both.
//!
//! A person approves the hash. If anything that the plan was computed from has changed since, the
//! hash of the plan computed anew differs, and the approval is refused.

use std::{collections::BTreeMap, str::FromStr, sync::LazyLock};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    audit::canonical,
    blueprint::{Blueprint, Kind, ROOT_VOLUME_GIB, Spec},
    deployment::Wanted,
    ids::DeploymentId,
};

/// What happens to one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// `+`
    Create,
    /// `~`
    Update,
    /// `−`
    Delete,
}

/// One line of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanLine {
    /// What happens.
    pub change: Change,
    /// Logical name.
    pub resource: String,
    /// Kind of resource.
    pub kind: Kind,
    /// Why it is there.
    pub why: String,
    /// How it is; none when it is made.
    pub before: Option<String>,
    /// How it will be; none when it goes.
    pub after: Option<String>,
}

/// One line of the rough monthly cost, in USD.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostLine {
    /// What is paid for.
    pub item: String,
    /// USD a month, as decimal text.
    pub monthly_usd: String,
}

/// What the deployment will cost in the customer's account, roughly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Line by line.
    pub lines: Vec<CostLine>,
    /// Their sum.
    pub monthly_usd: String,
    /// Date of the price table.
    pub prices_as_of: String,
    /// Region of the price table.
    pub prices_region: String,
    /// How far to trust it.
    pub confidence: String,
}

/// A plan with its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Resource by resource.
    pub lines: Vec<PlanLine>,
    /// Cost after the change.
    pub cost: Cost,
    /// Hex SHA-256 over the canonical form of everything the plan was computed from.
    pub hash: String,
}

/// What a plan is computed from.
#[derive(Clone, Copy, Debug)]
pub struct PlanInput<'a> {
    /// The deployment.
    pub deployment_id: DeploymentId,
    /// The generation it will have.
    pub generation: i64,
    /// What its resources should be.
    pub blueprint: &'a Blueprint,
    /// What is there: logical names of existing resources.
    pub existing: &'a [String],
    /// What is wanted.
    pub wanted: Wanted,
}

impl Plan {
    /// Computes a plan.
    #[must_use]
    pub fn compute(input: PlanInput<'_>) -> Self {
        let lines: Vec<PlanLine> = match input.wanted {
            Wanted::Present | Wanted::Stopped => lines_up(&input),
            Wanted::Absent => lines_down(&input),
        };
        let cost = cost(input.blueprint, input.wanted);
        let hash = hash(&json!({
            "deployment": input.deployment_id.to_string(),
            "generation": input.generation,
            "wanted": input.wanted.name(),
            "blueprint": plain(input.blueprint),
            "lines": plain(&lines),
            "cost": plain(&cost),
        }));
        Self { lines, cost, hash }
    }
}

fn lines_up(input: &PlanInput<'_>) -> Vec<PlanLine> {
    let made = |name: &String| input.existing.contains(name);
    let mut lines = Vec::new();
    for resource in &input.blueprint.resources {
        let kind = resource.spec.kind();
        let change = match (made(&resource.name), kind, input.wanted) {
            (false, _, _) => Change::Create,
            (true, Kind::Instance, _) => Change::Update,
            (true, _, _) => continue,
        };
        let after = match input.wanted {
            Wanted::Stopped if kind == Kind::Instance => "stopped".to_owned(),
            Wanted::Present | Wanted::Stopped | Wanted::Absent => resource.spec.summary(),
        };
        lines.push(PlanLine {
            change,
            resource: resource.name.clone(),
            kind,
            why: kind.why().to_owned(),
            before: (change == Change::Update).then(|| resource.spec.summary()),
            after: Some(after),
        });
    }
    lines
}

fn lines_down(input: &PlanInput<'_>) -> Vec<PlanLine> {
    let exists = |name: &String| input.existing.contains(name);
    let resources = input.blueprint.resources.iter().rev();
    resources
        .filter(|resource| exists(&resource.name))
        .map(|resource| PlanLine {
            change: Change::Delete,
            resource: resource.name.clone(),
            kind: resource.spec.kind(),
            why: resource.spec.kind().why().to_owned(),
            before: Some(resource.spec.summary()),
            after: None,
        })
        .collect()
}

/// The dated price table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Prices {
    as_of: String,
    region: String,
    confidence: String,
    hours_per_month: u32,
    public_address_hour: String,
    volume_gib_month: String,
    instance_hour: BTreeMap<String, String>,
}

static PRICES: LazyLock<Prices> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../infra/blueprints/prices.json"))
        .expect("the price table is part of the source and covered by a test")
});

/// The instance sizes that can be chosen: those with a price.
pub fn instance_types() -> impl Iterator<Item = &'static str> {
    PRICES.instance_hour.keys().map(String::as_str)
}

fn cost(blueprint: &Blueprint, wanted: Wanted) -> Cost {
    let mut lines = Vec::new();
    let mut total = Decimal::ZERO;
    for resource in &blueprint.resources {
        for (item, price) in priced(&resource.spec, wanted) {
            let price = price.round_dp(2);
            total += price;
            lines.push(CostLine {
                item,
                monthly_usd: price.to_string(),
            });
        }
    }
    Cost {
        lines,
        monthly_usd: total.to_string(),
        prices_as_of: PRICES.as_of.clone(),
        prices_region: PRICES.region.clone(),
        confidence: PRICES.confidence.clone(),
    }
}

fn priced(spec: &Spec, wanted: Wanted) -> Vec<(String, Decimal)> {
    let hours = Decimal::from(PRICES.hours_per_month);
    if wanted == Wanted::Absent {
        return Vec::new();
    }
    match spec {
        Spec::Instance { instance_type, .. } => {
            let hourly = PRICES
                .instance_hour
                .get(instance_type)
                .map_or(Decimal::ZERO, |p| decimal(p));
            let running = if wanted == Wanted::Stopped {
                Decimal::ZERO
            } else {
                hourly * hours
            };
            let volume = decimal(&PRICES.volume_gib_month) * Decimal::from(ROOT_VOLUME_GIB);
            vec![
                (format!("instance {instance_type}"), running),
                (format!("encrypted volume, {ROOT_VOLUME_GIB} GiB"), volume),
            ]
        }
        Spec::ElasticIp { .. } => {
            vec![(
                "public IPv4 address".to_owned(),
                decimal(&PRICES.public_address_hour) * hours,
            )]
        }
        Spec::Vpc { .. }
        | Spec::InternetGateway { .. }
        | Spec::Subnet { .. }
        | Spec::RouteTable { .. }
        | Spec::SecurityGroup { .. } => Vec::new(),
    }
}

fn decimal(text: &str) -> Decimal {
    Decimal::from_str(text).expect("the price table is part of the source and covered by a test")
}

fn plain(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("plans have text keys only")
}

fn hash(value: &Value) -> String {
    let digest = Sha256::digest(canonical(value).as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{blueprint::Design, deployment::Profile};

    fn blueprint(instance_type: &str) -> Blueprint {
        Blueprint::compile(Design {
            profile: Profile::Single,
            region: "eu-central-1".parse().expect("a region"),
            instance_type: instance_type.to_owned(),
            image: "al2023".to_owned(),
        })
    }

    fn plan(blueprint: &Blueprint, existing: &[String], wanted: Wanted) -> Plan {
        let deployment_id = DeploymentId::from_uuid(Uuid::nil());
        Plan::compute(PlanInput {
            deployment_id,
            generation: 1,
            blueprint,
            existing,
            wanted,
        })
    }

    fn changes(plan: &Plan) -> Vec<(Change, &str)> {
        plan.lines
            .iter()
            .map(|line| (line.change, line.resource.as_str()))
            .collect()
    }

    #[test]
    fn the_price_table_reads_and_every_price_is_a_decimal() {
        assert!(instance_types().count() >= 3);
        for price in PRICES.instance_hour.values() {
            assert!(decimal(price) > Decimal::ZERO);
        }
        assert!(decimal(&PRICES.public_address_hour) > Decimal::ZERO);
        assert!(decimal(&PRICES.volume_gib_month) > Decimal::ZERO);
    }

    #[test]
    fn a_first_plan_creates_everything_in_order_and_adds_up() {
        let plan = plan(&blueprint("t3.medium"), &[], Wanted::Present);
        assert!(plan.lines.iter().all(|line| line.change == Change::Create));
        assert_eq!(plan.lines.len(), 7);
        // 730 h × 0.0416 = 30.37, 30 GiB × 0.08 = 2.40, 730 h × 0.005 = 3.65
        assert_eq!(plan.cost.monthly_usd, "36.42");
        assert_eq!(plan.cost.lines.len(), 3);
    }

    #[test]
    fn a_deletion_names_what_exists_in_reverse_and_costs_nothing_after() {
        let existing = ["vpc".to_owned(), "subnet".to_owned()];
        let plan = plan(&blueprint("t3.medium"), &existing, Wanted::Absent);
        assert_eq!(
            changes(&plan),
            [(Change::Delete, "subnet"), (Change::Delete, "vpc")]
        );
        assert_eq!(plan.cost.monthly_usd, "0");
    }

    #[test]
    fn a_suspension_touches_the_instance_only() {
        let blueprint = blueprint("t3.medium");
        let existing: Vec<String> = blueprint.resources.iter().map(|r| r.name.clone()).collect();
        let plan = plan(&blueprint, &existing, Wanted::Stopped);
        assert_eq!(changes(&plan), [(Change::Update, "instance")]);
        assert_eq!(plan.cost.monthly_usd, "6.05");
    }

    #[test]
    fn the_hash_moves_with_what_it_was_computed_from() {
        let base = plan(&blueprint("t3.medium"), &[], Wanted::Present);
        assert_eq!(base.hash.len(), 64);
        assert_eq!(
            base.hash,
            plan(&blueprint("t3.medium"), &[], Wanted::Present).hash
        );
        let other_size = plan(&blueprint("m6i.large"), &[], Wanted::Present);
        let other_state = plan(&blueprint("t3.medium"), &["vpc".to_owned()], Wanted::Present);
        assert_ne!(base.hash, other_size.hash);
        assert_ne!(base.hash, other_state.hash);
    }
}
