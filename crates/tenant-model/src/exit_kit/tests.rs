use std::collections::BTreeSet;

use chrono::DateTime;
use uuid::Uuid;

use super::*;
use crate::{
    TenantState,
    blueprint::{ANYWHERE, Design, NetworkChoice},
    deployment::{DriftPolicy, PROFILES, Phase, Profile, Wanted},
    ids::{ConnectionId, DeploymentId, TenantId},
};

/// Primary identifiers as the resource types' schemas have them (CloudFormation registry).
const IDENTIFIERS: [(&str, &[&str]); 21] = [
    ("AWS::EC2::VPC", &["VpcId"]),
    ("AWS::EC2::InternetGateway", &["InternetGatewayId"]),
    ("AWS::EC2::VPCGatewayAttachment", &["AttachmentType", "VpcId"]),
    ("AWS::EC2::Subnet", &["SubnetId"]),
    ("AWS::EC2::RouteTable", &["RouteTableId"]),
    ("AWS::EC2::Route", &["CidrBlock", "RouteTableId"]),
    ("AWS::EC2::SubnetRouteTableAssociation", &["Id"]),
    ("AWS::EC2::SecurityGroup", &["Id"]),
    ("AWS::EC2::Instance", &["InstanceId"]),
    ("AWS::EC2::EIP", &["AllocationId", "PublicIp"]),
    ("AWS::EC2::NatGateway", &["NatGatewayId"]),
    ("AWS::EC2::VPCEndpoint", &["Id"]),
    ("AWS::EC2::LaunchTemplate", &["LaunchTemplateId"]),
    ("AWS::AutoScaling::AutoScalingGroup", &["AutoScalingGroupName"]),
    ("AWS::AutoScaling::ScalingPolicy", &["Arn"]),
    ("AWS::ElasticLoadBalancingV2::TargetGroup", &["TargetGroupArn"]),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", &["LoadBalancerArn"]),
    ("AWS::ElasticLoadBalancingV2::Listener", &["ListenerArn"]),
    ("AWS::CertificateManager::Certificate", &["CertificateArn"]),
    ("AWS::RDS::DBSubnetGroup", &["DBSubnetGroupName"]),
    ("AWS::RDS::DBInstance", &["DBInstanceIdentifier"]),
];

fn deployment(profile: Profile) -> Deployment {
    Deployment {
        id: DeploymentId::from_uuid(Uuid::from_u128(1)),
        tenant_id: TenantId::from_uuid(Uuid::from_u128(2)),
        connection_id: ConnectionId::from_uuid(Uuid::from_u128(3)),
        profile,
        region: "eu-central-1".parse().expect("a region"),
        instance_type: "t3.medium".to_owned(),
        wanted: Wanted::Present,
        generation: 1,
        observed_generation: 1,
        phase: Phase::Ready,
        phase_since: DateTime::UNIX_EPOCH,
        blocked: None,
        paused: false,
        drift_policy: DriftPolicy::Alert,
        deletion_proof: None,
        tenant_state_seen: TenantState::Active,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
        version: 1,
    }
}

fn blueprint(profile: Profile) -> Blueprint {
    let design = Design {
        profile,
        region: "eu-central-1".parse().expect("a region"),
        instance_type: "t3.medium".to_owned(),
        image: "al2023".to_owned(),
        database: profile == Profile::HighlyAvailable,
        network: NetworkChoice::default(),
        admits: vec![ANYWHERE.to_owned()],
        domain: "one.platform.example".to_owned(),
    };
    Blueprint::compile(deployment(profile).id, design)
}

fn records(blueprint: &Blueprint) -> Vec<ResourceRecord> {
    let record = |resource: &Resource| ResourceRecord {
        aws_id: Some(format!("{}-0", resource.name)),
        ..ResourceRecord::absent(&resource.name, resource.spec.kind())
    };
    blueprint.resources.iter().map(record).collect()
}

/// Every fact of every resource: which of them a kind takes is the kit's to know.
fn seen(blueprint: &Blueprint) -> BTreeMap<String, ImportFact> {
    let facts = [
        "AvailabilityZone",
        "GroupDescription",
        "ImageId",
        "ListenerArn",
        "PolicyArn",
        "PublicIp",
        "Version",
    ];
    let subnets = blueprint.resources.iter().map(|one| format!("{}-0", one.name));
    let values: BTreeMap<String, String> = facts
        .map(str::to_owned)
        .into_iter()
        .chain(subnets)
        .map(|name| (name, "1".to_owned()))
        .collect();
    let fact = |resource: &Resource| ImportFact {
        aws_id: format!("{}-0", resource.name),
        values: values.clone(),
    };
    let all = blueprint.resources.iter();
    all.map(|resource| (resource.name.clone(), fact(resource)))
        .collect()
}

fn kit(profile: Profile, records: &[ResourceRecord], seen: &BTreeMap<String, ImportFact>) -> ExitKit {
    exit_kit(&Facts {
        deployment: &deployment(profile),
        blueprint: &blueprint(profile),
        records,
        seen,
    })
}

fn whole(profile: Profile) -> ExitKit {
    let blueprint = blueprint(profile);
    kit(profile, &records(&blueprint), &seen(&blueprint))
}

#[test]
fn everything_that_exists_is_in_it_with_its_types_identifiers() {
    let identifiers: BTreeMap<_, _> = IDENTIFIERS.into_iter().collect();
    let mut used = BTreeSet::new();
    for kit in PROFILES.map(whole) {
        assert_eq!(kit.left_out, []);
        for one in &kit.resources_to_import {
            let kind = one["ResourceType"].as_str().expect("a type").to_owned();
            let names: Vec<_> = one["ResourceIdentifier"]
                .as_object()
                .expect("names")
                .keys()
                .collect();
            let names: BTreeSet<_> = names.into_iter().map(String::as_str).collect();
            assert_eq!(
                names,
                identifiers[kind.as_str()].iter().copied().collect(),
                "{kind}"
            );
            let logical_id = one["LogicalResourceId"].as_str().expect("an id");
            let resource = &kit.template["Resources"][logical_id];
            assert_eq!(resource["Type"], kind);
            assert_eq!(resource["DeletionPolicy"], "Retain");
            used.insert(kind);
        }
        let resources = kit.template["Resources"].as_object().expect("resources");
        assert_eq!(resources.len(), kit.resources_to_import.len());
    }
    assert_eq!(used.len(), IDENTIFIERS.len(), "{used:?}");
}

#[test]
fn every_reference_is_to_something_in_the_template() {
    for kit in PROFILES.map(whole) {
        let resources = kit.template["Resources"].as_object().expect("resources");
        let references = references(&kit.template);
        assert!(references.len() >= 10, "{references:?}");
        for reference in references {
            assert!(resources.contains_key(&reference), "{reference}");
        }
    }
}

#[test]
fn what_is_not_there_is_not_in_it_and_what_was_not_seen_is_said() {
    let blueprint = blueprint(Profile::Single);
    let (mut records, mut seen) = (records(&blueprint), seen(&blueprint));
    for record in &mut records {
        if record.name == "elastic-ip" {
            record.aws_id = None;
        }
    }
    // Seen of an instance that was replaced since.
    if let Some(fact) = seen.get_mut("instance") {
        "instance-old".clone_into(&mut fact.aws_id);
    }
    let kit = kit(Profile::Single, &records, &seen);
    let left_out: Vec<_> = kit.left_out.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(left_out, ["instance"]);
    let text = kit.template.to_string();
    assert!(
        !text.contains("EIP") && !text.contains("AWS::EC2::Instance"),
        "{text}"
    );
    assert!(
        kit.readme.contains("- instance: its ImageId was not seen yet"),
        "{}",
        kit.readme
    );
}
