//! What happens between operations, and to operations that cannot go on: drift, rest, deadlines, failure.

mod support;

use std::time::Duration;

use aws_access::ec2::{Mark, Scope};
use chrono::TimeDelta;
use local_aws::{Fault, FaultRule};
use support::{Customer, Installation};
use tenant_model::{
    convergence::Call,
    deployment::{Deployment, DriftPolicy, Phase},
    ids::DeploymentId,
    observation::Peer,
    operation::{OnFailure, Operation, OperationState},
    resource::{ResourceRecord, ResourceState},
};
use tenant_store::{deployments as stored, operations as stored_operations};
use uuid::Uuid;

struct Scene {
    installation: Installation,
    acme: Customer,
    id: DeploymentId,
}

impl Scene {
    async fn ready() -> Self {
        let installation = Installation::start().await;
        let acme = installation.customer(1).await;
        let operation = installation.approved(&acme).await;
        installation.until(operation.deployment_id, Phase::Ready).await;
        Self {
            id: operation.deployment_id,
            installation,
            acme,
        }
    }

    async fn set(&self, change: impl FnOnce(&mut Deployment)) {
        let mut deployment = self.installation.deployment(self.id).await;
        change(&mut deployment);
        let mut tx = self
            .installation
            .app
            .stores
            .begin(self.acme.tenant_id)
            .await
            .expect("a transaction");
        stored::update(&mut tx, &deployment).await.expect("written");
        tx.commit().await.expect("a commit");
    }

    /// The customer's administrator acts on a resource of ours.
    async fn meddle(&self, call: &Call) {
        let root = self.installation.world.root_of(&self.acme.account).await;
        let scope = Scope {
            install: "nobody".to_owned(),
            tenant_id: self.acme.tenant_id,
            deployment_id: self.id,
        };
        let mark = Mark {
            scope: &scope,
            name: "meddled",
            intent: Uuid::from_u128(9),
            token: "meddled",
        };
        root.ec2()
            .carry_out(call, &mark)
            .await
            .expect("the administrator may");
    }

    async fn record(&self, name: &str) -> ResourceRecord {
        let deployment = self.installation.deployment(self.id).await;
        let (records, _) = tenant_provisioning::deployments::resources(&self.installation.app, &deployment)
            .await
            .expect("resources");
        records
            .into_iter()
            .find(|record| record.name == name)
            .expect("it is there")
    }

    async fn id_of(&self, name: &str) -> String {
        self.record(name).await.aws_id.expect("an id")
    }

    /// Lets the next looks at the deployment come, and be worked on.
    async fn look(&self) {
        for _ in 0..6 {
            self.installation.world.advance(Duration::from_secs(70)).await;
            self.installation.work().await;
        }
    }

    /// SSH opened to everybody, as people do to look at something quickly.
    async fn open_ssh(&self) -> String {
        let group = self.id_of("security-group").await;
        self.meddle(&Call::AuthorizeSecurityGroupIngress {
            group: group.clone(),
            port: 22,
            from: Peer::Block("0.0.0.0/0".to_owned()),
        })
        .await;
        group
    }

    fn calls_of(&self, operation: &str) -> usize {
        let calls = self.installation.world.control.calls();
        calls
            .iter()
            .filter(|call| call.operation == operation && call.code == "OK")
            .count()
    }
}

#[tokio::test]
async fn drift_is_shown_and_nothing_is_changed_unless_the_tenant_wants_it() {
    let scene = Scene::ready().await;
    scene.open_ssh().await;
    let instance = scene.id_of("instance").await;
    scene.meddle(&Call::StopInstances { instance }).await;
    scene.installation.world.control.clear_calls();
    scene.look().await;
    for (name, why) in [
        ("security-group", "admits somebody"),
        ("instance", "StartInstances"),
    ] {
        let record = scene.record(name).await;
        assert_eq!(record.state, ResourceState::Drifted, "{name}");
        assert!(record.last_error.is_some_and(|text| text.contains(why)), "{name}");
    }
    assert_eq!(scene.calls_of("RevokeSecurityGroupIngress"), 0);
    assert_eq!(scene.calls_of("StartInstances"), 0);

    scene
        .set(|deployment| deployment.drift_policy = DriftPolicy::Repair)
        .await;
    scene.look().await;
    for name in ["security-group", "instance"] {
        let record = scene.record(name).await;
        assert_eq!(
            (record.state, record.last_error),
            (ResourceState::Ready, None),
            "{name}"
        );
    }
    assert_eq!(scene.calls_of("RevokeSecurityGroupIngress"), 1);
    assert_eq!(scene.calls_of("StartInstances"), 1);
}

#[tokio::test]
async fn what_was_deleted_is_made_again_unless_it_held_data() {
    let scene = Scene::ready().await;
    scene
        .set(|deployment| deployment.drift_policy = DriftPolicy::Repair)
        .await;
    let association = association_of(&scene).await;
    scene.meddle(&Call::DisassociateAddress { association }).await;
    let allocation = scene.id_of("elastic-ip").await;
    scene
        .meddle(&Call::ReleaseAddress {
            allocation: allocation.clone(),
        })
        .await;
    scene.look().await;
    assert_ne!(scene.id_of("elastic-ip").await, allocation, "a new address");
    scene.installation.assert_whole(&scene.acme, "repaired");

    let instance = scene.id_of("instance").await;
    scene.meddle(&Call::TerminateInstances { instance }).await;
    scene.installation.world.control.clear_calls();
    scene.look().await;
    assert_eq!(scene.record("instance").await.state, ResourceState::Drifted);
    assert_eq!(
        scene.calls_of("RunInstances"),
        0,
        "its disk is gone; a new machine would hide that"
    );
}

/// The association of the deployment's address, as EC2 shows it.
async fn association_of(scene: &Scene) -> String {
    let root = scene.installation.world.root_of(&scene.acme.account).await;
    let scope = Scope {
        install: scene.installation.app.config.install.clone(),
        tenant_id: scene.acme.tenant_id,
        deployment_id: scene.id,
    };
    let found = root
        .ec2()
        .find(tenant_model::blueprint::Kind::ElasticIp, &scope)
        .await
        .expect("found");
    match &found.first().expect("one").shape {
        tenant_model::observation::Shape::ElasticIp {
            association: Some((association, _)),
            ..
        } => association.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_paused_deployment_is_neither_looked_at_nor_changed() {
    let scene = Scene::ready().await;
    scene.open_ssh().await;
    scene
        .set(|deployment| {
            deployment.drift_policy = DriftPolicy::Repair;
            deployment.paused = true;
        })
        .await;
    scene.installation.world.control.clear_calls();
    scene.look().await;
    assert_eq!(scene.installation.world.control.calls(), [], "it rests");
    let resting = scene.installation.deployment(scene.id).await;
    assert!(resting.blocked.is_some_and(|why| why.contains("paused")));

    scene.set(|deployment| deployment.paused = false).await;
    scene.look().await;
    assert_eq!(scene.calls_of("RevokeSecurityGroupIngress"), 1);
    assert_eq!(scene.installation.deployment(scene.id).await.blocked, None);
}

async fn begun(on_failure: OnFailure) -> (Installation, Customer, Operation) {
    let installation = Installation::start().await;
    let acme = installation.customer(1).await;
    let mut operation = installation.approved(&acme).await;
    let now = installation.app.kit.clock.now();
    operation.on_failure = on_failure;
    operation.deadline_at = Some(now + TimeDelta::minutes(5));
    let mut tx = installation
        .app
        .stores
        .begin(acme.tenant_id)
        .await
        .expect("a transaction");
    stored_operations::update(&mut tx, &operation)
        .await
        .expect("written");
    tx.commit().await.expect("a commit");
    (installation, acme, operation)
}

#[tokio::test]
async fn a_late_operation_raises_one_alarm_and_goes_on() {
    let (installation, acme, operation) = begun(OnFailure::Rollback).await;
    installation
        .world
        .control
        .add_fault(FaultRule::on("RunInstances", Fault::InsufficientCapacity));
    for _ in 0..12 {
        installation.world.advance(Duration::from_secs(60)).await;
        installation.work().await;
    }
    let late = installation.operation(operation.id).await;
    assert!(late.overdue_since.is_some(), "{late:?}");
    assert!(!late.state.is_final());
    installation.world.control.clear_faults();
    installation.until(operation.deployment_id, Phase::Ready).await;
    installation.assert_whole(&acme, "late, and whole");
    assert_eq!(
        installation.operation(operation.id).await.overdue_since,
        late.overdue_since
    );
}

#[tokio::test]
async fn what_failed_is_kept_to_be_looked_at_where_that_was_asked() {
    let (installation, acme, operation) = begun(OnFailure::Keep).await;
    let refused = Fault::Error {
        status: 400,
        code: "InvalidParameterValue".to_owned(),
        message: "no".to_owned(),
    };
    installation
        .world
        .control
        .add_fault(FaultRule::on("AllocateAddress", refused));
    for _ in 0..20 {
        if installation.operation(operation.id).await.state.is_final() {
            break;
        }
        installation.world.advance(Duration::from_secs(60)).await;
        installation.work().await;
    }
    assert_eq!(
        installation.operation(operation.id).await.state,
        OperationState::Failed
    );
    let kept = installation.deployment(operation.deployment_id).await;
    assert!(kept.blocked.is_some_and(|why| why.contains("left as it is")));
    let standing = installation.inventory(&acme);
    assert!(standing.contains_key(&("instance".to_owned(), "ec2:instance".to_owned())));
    installation.world.control.clear_faults();
    // The plan of a deletion is about what was seen last.
    for _ in 0..4 {
        installation.world.advance(Duration::from_secs(70)).await;
        installation.work().await;
    }
    installation.deleted(operation.deployment_id).await;
    installation.until(operation.deployment_id, Phase::Deleted).await;
    installation.assert_empty(&acme, "deleted after all");
}
