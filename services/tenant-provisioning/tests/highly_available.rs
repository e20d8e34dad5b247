//! Two zones behind a load balancer, on the local AWS: made, changed, suspended and taken down.

mod support;

use support::Installation;
use tenant_model::deployment::{Phase, Profile};

async fn installation() -> Installation {
    let mut installation = Installation::start().await;
    installation.profile = Profile::HighlyAvailable;
    installation
}

#[tokio::test]
async fn it_is_made_as_planned_and_leaves_nothing() {
    let installation = installation().await;
    let acme = installation.customer(1).await;
    let operation = installation.approved(&acme).await;
    installation.until(operation.deployment_id, Phase::Ready).await;
    installation.assert_whole(&acme, "ready");
    installation.deleted(operation.deployment_id).await;
    installation.until(operation.deployment_id, Phase::Deleted).await;
    installation.assert_empty(&acme, "deleted");
}
