//! Changes of a living deployment on the local AWS, with the times that AWS takes: what serves goes on serving.

mod support;

use std::{collections::BTreeSet, time::Duration};

use local_aws::{DnsQuestion, Fault, FaultRule, LatencyModel, Outage};
use support::{Customer, Installation};
use tenant_model::{
    deployment::{Phase, Profile},
    ids::DeploymentId,
    operation::{Operation, OperationKind, OperationState},
    resource::ResourceState,
};
use tenant_provisioning::{
    deployments::{self, DesignChange},
    operations,
};

/// Looks, ten seconds apart, after which a deployment that has not arrived never will.
const LOOKS_MAX: usize = 600;

/// Service Quotas: vCPUs of running standard instances.
const VCPUS: &str = "L-1216C47A";

struct Scene {
    installation: Installation,
    acme: Customer,
    id: DeploymentId,
}

impl Scene {
    async fn ready(profile: Profile) -> Self {
        let mut installation = Installation::start().await;
        installation.profile = profile;
        installation.database = false;
        let acme = installation.customer(1).await;
        let operation = installation.approved(&acme).await;
        installation.until(operation.deployment_id, Phase::Ready).await;
        let control = &installation.world.control;
        control.set_latency(LatencyModel::Realistic { per_mille: 1000 });
        // A new account may run five vCPUs, which is not enough for two generations side by side.
        assert!(control.set_quota((&acme.account, "eu-central-1"), VCPUS, 64));
        Self {
            id: operation.deployment_id,
            installation,
            acme,
        }
    }

    async fn changed(&self, change: DesignChange) -> Operation {
        let app = &self.installation.app;
        let planned = deployments::request_change(app, "usr_test", self.id, &change)
            .await
            .expect("a plan");
        operations::approve(app, "usr_test", planned.id, &planned.plan.hash)
            .await
            .expect("the plan is fresh")
    }

    /// Lets workers work and time pass until the operation has ended; `look` is asked after each pass.
    async fn until_ended(&self, operation: &Operation, mut look: impl FnMut(&Self)) -> Operation {
        for _ in 0..LOOKS_MAX {
            let now = self.installation.operation(operation.id).await;
            if now.state.is_final() {
                return now;
            }
            self.installation.work().await;
            look(self);
            self.installation.world.advance(Duration::from_secs(10)).await;
            look(self);
        }
        let deployment = self.installation.deployment(self.id).await;
        let (records, _) = deployments::resources(&self.installation.app, &deployment)
            .await
            .expect("resources");
        let unsettled: Vec<_> = records
            .iter()
            .filter(|one| one.state != ResourceState::Ready)
            .collect();
        panic!("never ended: {:?} {unsettled:#?}", deployment.blocked);
    }

    /// What the deployment's name leads to now.
    fn resolved(&self) -> BTreeSet<String> {
        let suffix = self.id.suffix();
        let answer = self.installation.world.control.resolve(&DnsQuestion {
            name: format!("{suffix}.platform.example"),
            kind: "A".to_owned(),
            region: "eu-central-1".to_owned(),
            client: "somebody".to_owned(),
        });
        answer.values.into_iter().collect()
    }

    fn items(&self, kind: &str) -> BTreeSet<String> {
        let items = self.installation.world.control.inventory_of(&self.acme.account);
        let ours = items
            .into_iter()
            .filter(|item| item.kind == kind && item.tags.contains_key("tenantry:tenant"));
        ours.map(|item| item.id).collect()
    }

    async fn last_operation(&self) -> Operation {
        let all = operations::of_deployment(&self.installation.app, self.acme.tenant_id, self.id).await;
        all.expect("operations").pop().expect("one at least")
    }
}

fn size(instance_type: &str) -> DesignChange {
    DesignChange {
        instance_type: Some(instance_type.to_owned()),
        ..DesignChange::default()
    }
}

#[tokio::test]
async fn a_size_changes_in_place_and_keeps_machine_disk_and_address() {
    let scene = Scene::ready(Profile::Single).await;
    let kept = |scene: &Scene| ["ec2:instance", "ec2:volume", "ec2:elastic-ip"].map(|kind| scene.items(kind));
    let (before, name) = (kept(&scene), scene.resolved());
    let operation = scene.changed(size("m6i.large")).await;
    assert_eq!(
        operation.plan.timing.downtime_seconds,
        Some(180),
        "told beforehand"
    );
    let ended = scene.until_ended(&operation, |_| {}).await;
    assert_eq!(ended.state, OperationState::Succeeded);
    assert_eq!(kept(&scene), before);
    assert_eq!(scene.resolved(), name);
    let calls = scene.installation.world.control.calls();
    let wanted = ["StopInstances", "ModifyInstanceAttribute", "StartInstances"];
    let made: Vec<&str> = calls
        .iter()
        .map(|call| call.operation.as_str())
        .filter(|operation| wanted.contains(operation))
        .collect();
    assert_eq!(made, wanted);
    assert_eq!(
        scene.installation.deployment(scene.id).await.instance_type,
        "m6i.large"
    );
}

#[tokio::test]
async fn without_capacity_the_old_size_comes_back_with_its_address() {
    let scene = Scene::ready(Profile::Single).await;
    let name = scene.resolved();
    scene.installation.world.control.add_fault(FaultRule {
        times: Some(1),
        ..FaultRule::on("StartInstances", Fault::InsufficientCapacity)
    });
    let operation = scene.changed(size("m6i.large")).await;
    let failed = scene.until_ended(&operation, |_| {}).await;
    assert_eq!(failed.state, OperationState::Failed);
    assert!(
        failed
            .problem
            .is_some_and(|why| why.contains("InsufficientInstanceCapacity"))
    );

    let back = scene.last_operation().await;
    assert_eq!(
        (back.kind, back.requested_by.as_str()),
        (OperationKind::Change, "reconciler")
    );
    let back = scene.until_ended(&back, |_| {}).await;
    assert_eq!(back.state, OperationState::Succeeded);
    let deployment = scene.installation.deployment(scene.id).await;
    assert_eq!(
        (deployment.phase, deployment.instance_type.as_str()),
        (Phase::Ready, "t3.medium")
    );
    scene.installation.assert_whole(&scene.acme, "as before");
    assert_eq!(scene.resolved(), name);
}

#[tokio::test]
async fn a_single_machine_becomes_highly_available_without_an_interruption() {
    let mut scene = Scene::ready(Profile::Single).await;
    let machine = scene.resolved();
    let operation = scene
        .changed(DesignChange {
            profile: Some(Profile::HighlyAvailable),
            ..DesignChange::default()
        })
        .await;
    let ended = scene
        .until_ended(&operation, |scene| {
            assert!(
                !scene.resolved().is_empty(),
                "the name leads somewhere at every moment"
            );
        })
        .await;
    assert_eq!(ended.state, OperationState::Succeeded, "{:?}", ended.problem);
    assert!(
        scene.resolved().is_disjoint(&machine),
        "it leads to the load balancer now"
    );
    scene.installation.profile = Profile::HighlyAvailable;
    scene.installation.assert_whole(&scene.acme, "in two zones");
    scene.installation.deleted(scene.id).await;
    scene
        .installation
        .world
        .control
        .set_latency(LatencyModel::Instant);
    scene.installation.until(scene.id, Phase::Deleted).await;
    scene.installation.assert_empty(&scene.acme, "deleted");
}

#[tokio::test]
async fn a_change_that_aws_refuses_for_good_is_turned_back_whole() {
    let scene = Scene::ready(Profile::Single).await;
    let name = scene.resolved();
    let refused = Fault::Error {
        status: 400,
        code: "InvalidConfigurationRequest".to_owned(),
        message: "no".to_owned(),
    };
    scene
        .installation
        .world
        .control
        .add_fault(FaultRule::on("CreateLoadBalancer", refused));
    let operation = scene
        .changed(DesignChange {
            profile: Some(Profile::HighlyAvailable),
            ..DesignChange::default()
        })
        .await;
    let failed = scene
        .until_ended(&operation, |scene| {
            assert_eq!(scene.resolved(), name, "the machine serves on");
        })
        .await;
    assert_eq!(failed.state, OperationState::Failed);
    let back = scene.until_ended(&scene.last_operation().await, |_| {}).await;
    assert_eq!(back.state, OperationState::Succeeded, "{:?}", back.problem);
    scene.installation.assert_whole(&scene.acme, "as before");
    assert_eq!(scene.resolved(), name);
}

#[tokio::test]
async fn machines_behind_a_load_balancer_are_replaced_one_after_the_other() {
    let scene = Scene::ready(Profile::HighlyAvailable).await;
    let before = scene.items("ec2:instance");
    let operation = scene.changed(size("m6i.large")).await;
    assert_eq!(operation.plan.timing.downtime_seconds, Some(0));
    let ended = scene
        .until_ended(&operation, |scene| {
            assert!(
                !scene.resolved().is_empty(),
                "a healthy machine answers at every moment"
            );
        })
        .await;
    assert_eq!(ended.state, OperationState::Succeeded, "{:?}", ended.problem);
    // The old ones drain before they go.
    for _ in 0..15 {
        scene.installation.world.advance(Duration::from_secs(60)).await;
    }
    let after = scene.items("ec2:instance");
    assert_eq!(after.len(), 2);
    assert!(after.is_disjoint(&before), "{before:?} {after:?}");
}

#[tokio::test]
async fn the_loss_of_a_zone_is_survived_without_us() {
    let scene = Scene::ready(Profile::HighlyAvailable).await;
    let control = &scene.installation.world.control;
    control.begin_outage(Outage::Zone("eu-central-1a".to_owned()));
    // No worker works: what is made carries itself.
    scene.installation.world.advance(Duration::from_secs(120)).await;
    assert!(!scene.resolved().is_empty(), "the other zone serves");
    scene.installation.world.advance(Duration::from_secs(600)).await;
    assert!(
        scene.items("ec2:instance").len() >= 2,
        "the lost machine is replaced"
    );
}

#[tokio::test]
async fn what_auto_scaling_cannot_do_is_told_and_goes_on_once_it_can() {
    let scene = Scene::ready(Profile::HighlyAvailable).await;
    let place = (scene.acme.account.as_str(), "eu-central-1");
    scene.installation.world.control.set_quota(place, VCPUS, 5);
    let operation = scene.changed(size("m6i.large")).await;
    for _ in 0..6 {
        scene.installation.work().await;
        scene.installation.world.advance(Duration::from_secs(10)).await;
    }
    let blocked = scene.installation.deployment(scene.id).await.blocked;
    assert!(
        blocked
            .as_deref()
            .is_some_and(|why| why.contains("vCPU limit of 5")),
        "{blocked:?}"
    );
    scene.installation.world.control.set_quota(place, VCPUS, 64);
    let ended = scene.until_ended(&operation, |_| {}).await;
    assert_eq!(ended.state, OperationState::Succeeded, "{:?}", ended.problem);
}
