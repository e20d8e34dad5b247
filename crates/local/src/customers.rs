//! Customers whose account is connected, for rehearsals and benchmarks: the role is in the account as the customer's
//! administrator would have put it there, and the connection is taken as proven.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use local_aws::LocalAws;
use service_kit::Kit;
use tenant_model::account::{role_arn, role_name};
use tenant_model::ids::{ConnectionId, TenantId};
use tenant_model::{Connection, ConnectionState, ExternalId, Tenant, TenantState};
use tenant_store::{StoreError, Stores, connections, tenants};

use crate::accounts::{self, CUSTOMER_ROLE_TEMPLATE, StackError};

/// Where customers' deployments are.
pub const REGION: &str = accounts::REGION;

/// A tenant with a connected account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// The tenant.
    pub tenant_id: TenantId,
    /// Its connection, ready.
    pub connection_id: ConnectionId,
    /// Its account, by its number among the customers.
    pub account: String,
}

/// Why there is no such customer.
#[derive(Debug, thiserror::Error)]
pub enum CustomerError {
    /// The database did not take it.
    #[error("the database did not take the customer")]
    Store(#[from] StoreError),
    /// Its role could not be deployed.
    #[error("the customer's role could not be deployed")]
    Stack(#[from] StackError),
}

impl Customer {
    /// Makes the `number`-th customer.
    ///
    /// # Errors
    /// When the database or the local AWS refuses.
    ///
    /// # Panics
    /// When the number has more than eleven digits.
    pub async fn connect(
        local_aws: &LocalAws,
        (kit, stores): (&Kit, &Stores),
        number: u32,
    ) -> Result<Self, CustomerError> {
        let tenant_id = TenantId::from_uuid(kit.ids.uuid());
        let account = format!("7{number:011}");
        let now = kit.clock.now();
        let connection = connection(kit, (tenant_id, &account), now);
        let tenant = Tenant {
            id: tenant_id,
            name: format!("Customer {number}"),
            state: TenantState::Active,
            created_at: now,
            updated_at: now,
            version: 1,
        };
        let mut tx = stores.begin_ops().await?;
        tenants::insert(&mut tx, &tenant).await?;
        connections::insert(&mut tx, &connection).await?;
        tx.commit().await?;
        let parameters = parameters(&connection);
        accounts::deploy_role_stack(local_aws, &account, CUSTOMER_ROLE_TEMPLATE, &parameters).await?;
        Ok(Self {
            tenant_id,
            connection_id: connection.id,
            account,
        })
    }
}

fn connection(kit: &Kit, (tenant_id, account): (TenantId, &str), now: DateTime<Utc>) -> Connection {
    let aws_account_id = account.parse().expect("a seven and eleven digits");
    Connection {
        id: ConnectionId::from_uuid(kit.ids.uuid()),
        tenant_id,
        role_arn: role_arn(&aws_account_id, tenant_id),
        aws_account_id,
        region: REGION.to_owned(),
        external_id: ExternalId::from_random(kit.ids.secret_bytes()),
        state: ConnectionState::Ready { proven_at: now },
        check_count: 0,
        created_at: now,
        updated_at: now,
        version: 1,
    }
}

/// What the template asks the customer's administrator for.
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
