//! From the wire to the model: text becomes a choice here, or a refusal that says what can be chosen.

use service_kit::Problem;
use tenant_model::{
    blueprint::NetworkChoice,
    deployment::{DriftPolicy, Profile},
    operation::OnFailure,
};

use super::views::{ChangeRequest, DeploymentRequest, NetworkRequest};
use crate::{
    deployments::{DesignChange, NewDeployment},
    operations::Precautions,
};

/// Longest id of AWS that is taken.
const AWS_ID_CHARACTERS_MAX: usize = 64;
/// Most subnets that can be named.
const SUBNETS_MAX: usize = 2;

pub(super) fn deployment(body: &DeploymentRequest) -> Result<NewDeployment, Problem> {
    let connection_id = body
        .connection_id
        .parse()
        .map_err(|error| Problem::invalid("/connection_id", "not-an-id", format!("It is {error}.")));
    Ok(NewDeployment {
        connection_id: connection_id?,
        profile: profile(&body.profile)?,
        region: body.region.clone(),
        instance_type: body.instance_type.clone(),
        database: body.database,
        network: body
            .network
            .as_ref()
            .map_or_else(|| Ok(NetworkChoice::default()), network)?,
    })
}

pub(super) fn change(body: &ChangeRequest) -> Result<(DesignChange, Precautions), Problem> {
    let change = DesignChange {
        instance_type: body.instance_type.clone(),
        profile: body.profile.as_deref().map(profile).transpose()?,
        database: body.database,
    };
    let precautions = precautions(body.on_failure.as_deref(), body.deadline_minutes)?;
    Ok((change, precautions))
}

fn profile(name: &str) -> Result<Profile, Problem> {
    let offered = "The profiles offered are: single, highly-available.";
    Profile::from_name(name).ok_or_else(|| Problem::invalid("/profile", "not-offered", offered))
}

pub(super) fn precautions(
    on_failure: Option<&str>,
    deadline_minutes: Option<u32>,
) -> Result<Precautions, Problem> {
    Ok(Precautions {
        on_failure: ending(on_failure, "/on_failure")?,
        deadline_minutes,
    })
}

/// What becomes of unfinished work; it is turned back unless somebody says otherwise.
pub(super) fn ending(name: Option<&str>, pointer: &str) -> Result<OnFailure, Problem> {
    let name = name.unwrap_or(OnFailure::Rollback.name());
    OnFailure::from_name(name)
        .ok_or_else(|| Problem::invalid(pointer, "not-offered", "Choose rollback or keep."))
}

pub(super) fn drift_policy(name: &str) -> Result<DriftPolicy, Problem> {
    DriftPolicy::from_name(name)
        .ok_or_else(|| Problem::invalid("/policy", "not-offered", "Choose alert or repair."))
}

fn network(body: &NetworkRequest) -> Result<NetworkChoice, Problem> {
    let refused = |detail: &str| Problem::invalid("/network", "not-a-network", detail);
    match (&body.cidr, &body.vpc) {
        (Some(cidr), None) if body.public_subnets.is_empty() && body.private_subnets.is_empty() => {
            let block = cidr.parse();
            let cidr = block.map_err(|_| refused("Write the block like 10.42.0.0/16."))?;
            Ok(NetworkChoice::New { cidr })
        }
        (None, Some(vpc)) => {
            let subnets = || body.public_subnets.iter().chain(&body.private_subnets);
            let few = body.public_subnets.len().max(body.private_subnets.len()) <= SUBNETS_MAX;
            if !is_id(vpc, "vpc-") || !few || !subnets().all(|subnet| is_id(subnet, "subnet-")) {
                return Err(refused(
                    "Name the network by vpc-… and its subnets by subnet-…, two at most of each.",
                ));
            }
            Ok(NetworkChoice::Existing {
                vpc: vpc.clone(),
                public_subnets: body.public_subnets.clone(),
                private_subnets: body.private_subnets.clone(),
            })
        }
        _ => Err(refused(
            "Give either the block of a new network, or an existing one with its subnets.",
        )),
    }
}

fn is_id(text: &str, prefix: &str) -> bool {
    let tail = text.strip_prefix(prefix).unwrap_or_default();
    let hexadecimal = tail.bytes().all(|byte| byte.is_ascii_hexdigit());
    !tail.is_empty() && text.len() <= AWS_ID_CHARACTERS_MAX && hexadecimal
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn network_of(body: Value) -> Result<NetworkChoice, Problem> {
        network(&serde_json::from_value(body).expect("of its shape"))
    }

    #[test]
    fn a_network_is_new_or_named_whole() {
        let new = network_of(json!({"cidr": "10.50.0.0/20"}));
        assert!(matches!(new, Ok(NetworkChoice::New { .. })), "{new:?}");
        let named = json!({
            "vpc": "vpc-0a1b", "public_subnets": ["subnet-0a1b"], "private_subnets": ["subnet-0c2d"],
        });
        let named = network_of(named);
        assert!(matches!(named, Ok(NetworkChoice::Existing { .. })), "{named:?}");
    }

    #[test]
    fn what_is_no_network_is_refused_at_its_place() {
        let long = format!("vpc-{}", "a".repeat(80));
        for bad in [
            json!({}),
            json!({"cidr": "everything"}),
            json!({"cidr": "10.50.0.0/20", "vpc": "vpc-0a1b"}),
            json!({"cidr": "10.50.0.0/20", "public_subnets": ["subnet-0a1b"]}),
            json!({"vpc": "subnet-0a1b"}),
            json!({"vpc": "vpc-"}),
            json!({"vpc": long}),
            json!({"vpc": "vpc-0a1b", "public_subnets": ["subnet-1", "subnet-2", "subnet-3"]}),
            json!({"vpc": "vpc-0a1b", "private_subnets": ["x"]}),
        ] {
            let refused = network_of(bad.clone()).expect_err("not a network");
            assert_eq!(refused.body().errors[0].pointer, "/network", "{bad}");
        }
    }

    #[test]
    fn unfinished_work_is_turned_back_unless_somebody_says_otherwise() {
        let ended = |name| ending(name, "/then").ok();
        assert_eq!(ended(None), Some(OnFailure::Rollback));
        assert_eq!(ended(Some("rollback")), Some(OnFailure::Rollback));
        assert_eq!(ended(Some("keep")), Some(OnFailure::Keep));
        assert_eq!(ended(Some("maybe")), None);
        assert_eq!(drift_policy("repair").ok(), Some(DriftPolicy::Repair));
        assert!(drift_policy("ignore").is_err());
    }
}
