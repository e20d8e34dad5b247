//! The tenants of a rehearsal: each with an account of its own that admits us.

use std::collections::BTreeMap;

use anyhow::ensure;
use local::Stage;
use local::accounts::{self, CUSTOMER_ROLE_TEMPLATE};
use tenant_model::account::{role_arn, role_name};
use tenant_model::blueprint::NetworkChoice;
use tenant_model::deployment::Profile;
use tenant_model::ids::{ConnectionId, DeploymentId, OperationId, TenantId};
use tenant_model::{Connection, ConnectionState, ExternalId, Tenant, TenantState};
use tenant_provisioning::{App, deployments, operations};
use tenant_store::{connections, tenants};

/// Who asks, in the audit.
pub(super) const DIRECTOR: &str = "rehearsal";
/// Who approves a deletion besides.
pub(super) const SECOND: &str = "rehearsal-second";
const REGION: &str = "eu-central-1";

/// One tenant and its deployment.
pub(super) struct Actor {
    pub(super) account: String,
    pub(super) deployment_id: DeploymentId,
}

impl Actor {
    /// A tenant with a proven connection and a planned deployment, approved.
    pub(super) async fn enter(
        stage: &Stage,
        app: &App,
        number: u32,
        profile: Profile,
    ) -> anyhow::Result<Self> {
        let tenant_id = TenantId::from_uuid(app.kit.ids.uuid());
        let account = format!("7{number:011}");
        let connection = connection(app, tenant_id, &account)?;
        write_down(app, number, &connection).await?;
        let parameters = parameters(&connection);
        let stack =
            accounts::deploy_role_stack(&stage.local_aws, &account, CUSTOMER_ROLE_TEMPLATE, &parameters);
        let status = stack.await?.status;
        ensure!(status == "CREATE_COMPLETE", "the role's stack ended as {status}");
        let new = deployments::NewDeployment {
            connection_id: connection.id,
            profile,
            region: REGION.to_owned(),
            instance_type: None,
            database: false,
            network: NetworkChoice::default(),
        };
        let planned = deployments::request(app, DIRECTOR, tenant_id, &new).await?;
        approve(app, planned.id, &planned.plan.hash).await?;
        Ok(Self {
            account,
            deployment_id: planned.deployment_id,
        })
    }
}

async fn approve(app: &App, operation: OperationId, hash: &str) -> anyhow::Result<()> {
    operations::approve(app, DIRECTOR, operation, hash).await?;
    Ok(())
}

fn connection(app: &App, tenant_id: TenantId, account: &str) -> anyhow::Result<Connection> {
    let now = app.kit.clock.now();
    let aws_account_id = account.parse()?;
    Ok(Connection {
        id: ConnectionId::from_uuid(app.kit.ids.uuid()),
        tenant_id,
        role_arn: role_arn(&aws_account_id, tenant_id),
        aws_account_id,
        region: REGION.to_owned(),
        external_id: ExternalId::from_random(app.kit.ids.secret_bytes()),
        state: ConnectionState::Ready { proven_at: now },
        check_count: 0,
        created_at: now,
        updated_at: now,
        version: 1,
    })
}

async fn write_down(app: &App, number: u32, connection: &Connection) -> anyhow::Result<()> {
    let tenant = Tenant {
        id: connection.tenant_id,
        name: format!("Tenant {number}"),
        state: TenantState::Active,
        created_at: connection.created_at,
        updated_at: connection.created_at,
        version: 1,
    };
    let mut tx = app.stores.begin_ops().await?;
    tenants::insert(&mut tx, &tenant).await?;
    connections::insert(&mut tx, connection).await?;
    tx.commit().await?;
    Ok(())
}

fn parameters(connection: &Connection) -> BTreeMap<String, String> {
    [
        ("VendorAccountId", accounts::ISV_ACCOUNT.to_owned()),
        ("BrokerRoleArn", accounts::BROKER_ROLE_ARN.to_owned()),
        ("ExternalId", connection.external_id.expose().to_owned()),
        ("RoleName", role_name(connection.tenant_id)),
        ("TenantId", connection.tenant_id.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
