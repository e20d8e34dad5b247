//! Connections to tenants' AWS accounts: made, shown, checked again, ended. Their proof is in [`crate::verifying`].

use percent::encode;
use serde_json::json;
use service_kit::Page;
use tenant_model::account::{role_arn, role_name};
use tenant_model::connection::Ender;
use tenant_model::{
    Action, AwsAccountId, Connection, ConnectionId, ConnectionState, ExternalId, InvalidTransition,
    Principal, TenantId, authorize,
};
use tenant_store::connections::{self, Evidence, StandingDoubt};
use tenant_store::{Conn, StoreError};

use crate::change::{Fact, record};
use crate::error::InvalidField;
use crate::{App, OnboardingError, tenants};

/// The account that a tenant wants to connect.
#[derive(Clone, Debug)]
pub struct NewConnection {
    /// For whom.
    pub tenant_id: TenantId,
    /// Twelve digits, as typed.
    pub aws_account_id: String,
    /// Where the role's stack is made; ours when none is named.
    pub region: Option<String>,
}

/// Makes a connection that waits for the role.
///
/// # Errors
/// [`OnboardingError::Invalid`] for the account id or region, [`OnboardingError::AlreadyExists`] when the
/// account is connected already; refusals of the right and of the tenant's state.
pub async fn create(
    app: &App,
    caller: &Principal,
    new: &NewConnection,
) -> Result<Connection, OnboardingError> {
    let mut tx = app.begin_as(Some(new.tenant_id)).await?;
    let connection = create_in(app, &mut tx, caller, new).await?;
    tx.commit().await?;
    Ok(connection)
}

pub(crate) async fn create_in(
    app: &App,
    conn: &mut Conn,
    caller: &Principal,
    new: &NewConnection,
) -> Result<Connection, OnboardingError> {
    authorize(caller, Action::ChangeTenant, Some(new.tenant_id))?;
    let (account, region) = check(app, new)?;
    tenants::require_active(conn, new.tenant_id).await?;
    let now = app.kit.clock.now();
    let connection = Connection {
        id: ConnectionId::from_uuid(app.kit.ids.uuid()),
        tenant_id: new.tenant_id,
        role_arn: role_arn(&account, new.tenant_id),
        aws_account_id: account,
        region,
        external_id: ExternalId::from_random(app.kit.ids.secret_bytes()),
        state: ConnectionState::AwaitingRole,
        check_count: 0,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    match connections::insert(conn, &connection).await {
        Err(error) if error.violates(connections::ACCOUNT_CONNECTED) => {
            return Err(OnboardingError::AlreadyExists(
                "This AWS account is connected already.",
            ));
        }
        other => other?,
    }
    announce(
        app,
        conn,
        &caller.actor(),
        &connection,
        ("connection.create", "connection.created"),
    )
    .await?;
    Ok(connection)
}

fn check(app: &App, new: &NewConnection) -> Result<(AwsAccountId, String), OnboardingError> {
    let mut wrong = Vec::new();
    let account = new.aws_account_id.trim().parse::<AwsAccountId>();
    if let Err(error) = &account {
        wrong.push(InvalidField::new("/aws_account_id", "not-an-account-id", error));
    }
    let region = new.region.clone().unwrap_or_else(|| app.config.region.clone());
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !(5..=32).contains(&region.len()) || !region.bytes().all(plain) {
        wrong.push(InvalidField::new(
            "/region",
            "not-a-region",
            "is not a region such as eu-central-1",
        ));
    }
    match account {
        Ok(account) if wrong.is_empty() => Ok((account, region)),
        _ => Err(OnboardingError::Invalid(wrong)),
    }
}

/// Connections of one tenant, or for an operator of all.
///
/// # Errors
/// [`OnboardingError::NotFound`] for a stranger.
pub async fn list(
    app: &App,
    caller: &Principal,
    tenant_id: Option<TenantId>,
    after: Option<ConnectionId>,
    limit: u32,
) -> Result<Page<Connection>, OnboardingError> {
    match tenant_id {
        Some(tenant_id) => authorize(caller, Action::ReadTenant, Some(tenant_id))?,
        None => authorize(caller, Action::OperateFleet, None)?,
    }
    let mut tx = app.begin_for(caller).await?;
    let rows = connections::list(&mut tx, tenant_id, after, i64::from(limit) + 1).await?;
    let filter = tenant_id.map_or_else(|| "fleet".to_owned(), |id| id.to_string());
    Ok(Page::cut(rows, limit, &filter, |connection| connection.id))
}

/// One connection.
///
/// # Errors
/// [`OnboardingError::NotFound`] also for a stranger.
pub async fn find(app: &App, caller: &Principal, id: ConnectionId) -> Result<Connection, OnboardingError> {
    let mut tx = app.begin_for(caller).await?;
    let connection = connections::find(&mut tx, id)
        .await?
        .ok_or(OnboardingError::NotFound)?;
    authorize(caller, Action::ReadTenant, Some(connection.tenant_id))?;
    Ok(connection)
}

/// Why nothing is proven at the moment, if so.
///
/// # Errors
/// As for [`find`].
pub async fn find_doubt(
    app: &App,
    caller: &Principal,
    id: ConnectionId,
) -> Result<Option<StandingDoubt>, OnboardingError> {
    let connection = find(app, caller, id).await?;
    let mut tx = app.begin_as(Some(connection.tenant_id)).await?;
    Ok(connections::find_doubt(&mut tx, id).await?)
}

/// Notes that somebody looks at a connection whose role is awaited: it is then looked at every few seconds.
///
/// # Errors
/// When the store does not answer.
pub async fn note_watched(app: &App, connection: &Connection) -> Result<(), OnboardingError> {
    if connection.state != ConnectionState::AwaitingRole {
        return Ok(());
    }
    let mut tx = app.begin_as(Some(connection.tenant_id)).await?;
    connections::note_watched(&mut tx, connection.id, app.config.role_poll_seconds).await?;
    Ok(tx.commit().await?)
}

/// The newest rounds of probes first.
///
/// # Errors
/// As for [`find`].
pub async fn list_evidence(
    app: &App,
    caller: &Principal,
    id: ConnectionId,
    limit: u32,
) -> Result<Vec<Evidence>, OnboardingError> {
    let connection = find(app, caller, id).await?;
    let mut tx = app.begin_as(Some(connection.tenant_id)).await?;
    Ok(connections::list_evidence(&mut tx, id, i64::from(limit)).await?)
}

/// Looks at the role now instead of at the next turn.
///
/// # Errors
/// [`OnboardingError::NotFound`] also for a stranger; [`OnboardingError::InvalidTransition`] when it has ended.
pub async fn check_again(
    app: &App,
    caller: &Principal,
    id: ConnectionId,
) -> Result<Connection, OnboardingError> {
    let mut tx = app.begin_for(caller).await?;
    let connection = check_again_in(app, &mut tx, caller, id).await?;
    tx.commit().await?;
    Ok(connection)
}

pub(crate) async fn check_again_in(
    app: &App,
    conn: &mut Conn,
    caller: &Principal,
    id: ConnectionId,
) -> Result<Connection, OnboardingError> {
    let mut connection = find_to_change(conn, caller, id).await?;
    if let ConnectionState::Revoked { .. } = connection.state {
        let refused = InvalidTransition {
            from: "revoked",
            verb: "verify",
        };
        return Err(refused.into());
    }
    connection.updated_at = app.kit.clock.now();
    connections::update_state(conn, &connection, Some(0)).await?;
    connection.version += 1;
    announce(
        app,
        conn,
        &caller.actor(),
        &connection,
        ("connection.verify", "connection.verifying"),
    )
    .await?;
    Ok(connection)
}

/// Ends a connection for good; a session we hold ends within 15 minutes. Ending it twice is the same as once.
///
/// # Errors
/// [`OnboardingError::NotFound`] also for a stranger; [`OnboardingError::Stale`] when `seen` is not its version.
pub async fn revoke(
    app: &App,
    caller: &Principal,
    id: ConnectionId,
    seen: Option<i64>,
) -> Result<Connection, OnboardingError> {
    let mut tx = app.begin_for(caller).await?;
    let connection = revoke_in(app, &mut tx, caller, (id, seen)).await?;
    tx.commit().await?;
    Ok(connection)
}

pub(crate) async fn revoke_in(
    app: &App,
    conn: &mut Conn,
    caller: &Principal,
    (id, seen): (ConnectionId, Option<i64>),
) -> Result<Connection, OnboardingError> {
    let connection = find_to_change(conn, caller, id).await?;
    if seen.is_some_and(|seen| seen != connection.version) {
        return Err(OnboardingError::Stale(connection.version));
    }
    let by = if caller.is_operator() {
        Ender::Operator
    } else {
        Ender::Tenant
    };
    end(app, conn, (&caller.actor(), by), connection).await
}

/// Ends a connection, whoever decided it.
pub(crate) async fn end(
    app: &App,
    conn: &mut Conn,
    (actor, by): (&str, Ender),
    mut connection: Connection,
) -> Result<Connection, OnboardingError> {
    if let ConnectionState::Revoked { .. } = connection.state {
        return Ok(connection);
    }
    let now = app.kit.clock.now();
    connection.state = connection.state.revoke(by, now);
    connection.updated_at = now;
    connections::update_state(conn, &connection, None).await?;
    connection.version += 1;
    announce(
        app,
        conn,
        actor,
        &connection,
        ("connection.revoke", "connection.revoked"),
    )
    .await?;
    Ok(connection)
}

async fn find_to_change(
    conn: &mut Conn,
    caller: &Principal,
    id: ConnectionId,
) -> Result<Connection, OnboardingError> {
    let connection = connections::find_for_update(conn, id)
        .await?
        .ok_or(OnboardingError::NotFound)?;
    authorize(caller, Action::ChangeTenant, Some(connection.tenant_id))?;
    Ok(connection)
}

/// Records what became of a connection. Its external id stays out of it.
pub(crate) async fn announce(
    app: &App,
    conn: &mut Conn,
    actor: &str,
    connection: &Connection,
    (action, event): (&'static str, &'static str),
) -> Result<(), OnboardingError> {
    let state = serde_json::to_value(&connection.state).map_err(StoreError::unreadable)?;
    let fact = Fact {
        tenant_id: Some(connection.tenant_id),
        actor: actor.to_owned(),
        action,
        event,
        subject: connection.id.to_string(),
        data: json!({ "aws_account_id": connection.aws_account_id, "state": state }),
    };
    record(app, conn, fact).await
}

/// How the tenant makes the role: by a click in its AWS console, or by a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// CloudFormation's quick-create page with everything filled in.
    pub quick_create_url: String,
    /// The same as a command of the AWS CLI.
    pub cli_command: String,
    /// The same for Terraform. Generated from the same parameters, and never run by us: it says so itself.
    pub terraform_unverified: String,
    /// The stack's name.
    pub stack_name: String,
    /// The stack's parameters.
    pub parameters: Vec<(&'static str, String)>,
}

/// The instructions for one connection.
///
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-console-create-stacks-quick-create-links.html>
#[must_use]
pub fn setup(app: &App, connection: &Connection) -> Setup {
    let aws = app.aws.settings();
    let stack_name = role_name(connection.tenant_id);
    let parameters = vec![
        ("VendorAccountId", aws.isv_account.clone()),
        ("BrokerRoleArn", aws.broker_role_arn.clone()),
        ("ExternalId", connection.external_id.expose().to_owned()),
        ("RoleName", stack_name.clone()),
        ("TenantId", connection.tenant_id.to_string()),
    ];
    let region = &connection.region;
    let template = &app.config.role_template_url;
    let query: String = parameters
        .iter()
        .map(|(name, value)| format!("&param_{name}={}", encode(value)))
        .collect();
    let overrides: String = parameters
        .iter()
        .map(|(name, value)| format!(" {name}={value}"))
        .collect();
    Setup {
        quick_create_url: format!(
            "https://{region}.console.aws.amazon.com/cloudformation/home?region={region}#/stacks/quickcreate\
             ?templateURL={}&stackName={stack_name}{query}",
            encode(template)
        ),
        cli_command: format!(
            "curl -fsS {template} -o role.yaml && aws cloudformation deploy --region {region} \
             --stack-name {stack_name} --template-file role.yaml --capabilities CAPABILITY_NAMED_IAM \
             --parameter-overrides{overrides}"
        ),
        terraform_unverified: terraform(template, &stack_name, &parameters),
        stack_name,
        parameters,
    }
}

/// The stack as a Terraform resource. No value of ours holds a quote, a backslash or `${`, so none is escaped.
fn terraform(template: &str, stack_name: &str, parameters: &[(&'static str, String)]) -> String {
    let values: String = parameters
        .iter()
        .map(|(name, value)| format!("    {name:<15} = \"{value}\"\n"))
        .collect();
    format!(
        "# Generated from the stack's parameters. Not verified: we test the template, not this snippet.\n\
         resource \"aws_cloudformation_stack\" \"tenantry\" {{\n  name         = \"{stack_name}\"\n  \
         template_url = \"{template}\"\n  capabilities = [\"CAPABILITY_NAMED_IAM\"]\n\n  parameters = {{\n{values}  \
         }}\n}}\n"
    )
}

/// Percent-encoding for values behind the `#` of a console address.
mod percent {
    /// Everything but RFC 3986's unreserved characters is encoded.
    pub(super) fn encode(text: &str) -> String {
        text.bytes().map(one).collect()
    }

    fn one(byte: u8) -> String {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        }
    }

    #[cfg(test)]
    mod tests {
        #[test]
        fn only_unreserved_characters_stay() {
            assert_eq!(super::encode("a:b/c d=é~"), "a%3Ab%2Fc%20d%3D%C3%A9~");
        }
    }
}
