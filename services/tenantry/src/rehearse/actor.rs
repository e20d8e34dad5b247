//! The tenants of a rehearsal: each with an account of its own that admits us.

use local::customers::{Customer, REGION};
use local_aws::LocalAws;
use tenant_model::blueprint::NetworkChoice;
use tenant_model::contract::Retention;
use tenant_model::deployment::{Phase, Profile};
use tenant_model::ids::{DeploymentId, OperationId, TenantId};
use tenant_model::operation::OperationKind;
use tenant_provisioning::{App, deployments, operations};

/// Who asks, in the audit.
pub(super) const DIRECTOR: &str = "rehearsal";
/// Who approves a deletion besides.
const SECOND: &str = "rehearsal-second";

/// One tenant and its deployment.
pub(super) struct Actor {
    pub(super) tenant_id: TenantId,
    pub(super) account: String,
    pub(super) deployment_id: DeploymentId,
    operation_id: OperationId,
    plan_hash: String,
}

impl Actor {
    /// A tenant with a proven connection and a planned deployment.
    pub(super) async fn enter(
        local_aws: &LocalAws,
        app: &App,
        number: u32,
        profile: Profile,
    ) -> anyhow::Result<Self> {
        let customer = Customer::connect(local_aws, (&app.kit, &app.stores), number).await?;
        let new = deployments::NewDeployment {
            connection_id: customer.connection_id,
            profile,
            region: REGION.to_owned(),
            instance_type: None,
            database: profile == Profile::HighlyAvailable,
            network: NetworkChoice::default(),
        };
        let planned = deployments::request(app, DIRECTOR, customer.tenant_id, &new).await?;
        Ok(Self {
            tenant_id: customer.tenant_id,
            account: customer.account,
            deployment_id: planned.deployment_id,
            operation_id: planned.id,
            plan_hash: planned.plan.hash,
        })
    }

    /// Approves what was planned; workers begin.
    pub(super) async fn provision(&self, app: &App) -> anyhow::Result<()> {
        operations::approve(app, DIRECTOR, self.operation_id, &self.plan_hash).await?;
        Ok(())
    }

    /// Withdraws what has not arrived, or asks for the deletion and lets two people approve its plan.
    pub(super) async fn end(&self, app: &App) -> anyhow::Result<()> {
        let deployment = deployments::find(app, None, self.deployment_id).await?;
        let asked = operations::of_deployment(app, self.tenant_id, self.deployment_id).await?;
        if let Some(live) = asked.last().filter(|last| !last.state.is_final()) {
            if live.kind != OperationKind::Delete {
                operations::cancel(app, DIRECTOR, live.id).await?;
            }
            return Ok(());
        }
        if deployment.phase.is_final() {
            return Ok(());
        }
        let retention = Retention::default();
        let planned = deployments::request_deletion(app, DIRECTOR, self.deployment_id, &retention).await?;
        for person in [DIRECTOR, SECOND] {
            operations::approve(app, person, planned.id, &planned.plan.hash).await?;
        }
        Ok(())
    }

    /// Where the deployment stands.
    pub(super) async fn phase(&self, app: &App) -> anyhow::Result<Phase> {
        Ok(deployments::find(app, None, self.deployment_id).await?.phase)
    }
}
