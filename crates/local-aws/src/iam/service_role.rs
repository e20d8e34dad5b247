//! Roles for processes: what ECS does for a task, without ECS.

use crate::auth::{Caller, RoleSession, is_account_id};
use crate::control::ServiceCredentials;
use crate::core::Core;
use crate::iam::aws_managed::ADMINISTRATOR;
use crate::iam::held::{Held, Permissions};
use crate::iam::policy::{Document, Element};
use crate::iam::state::Role;
use crate::tags::Tags;

const TASK_TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

const WAREHOUSE_TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["redshift.amazonaws.com","redshift-serverless.amazonaws.com"]},"Action":"sts:AssumeRole"}]}"#;

/// Makes a role that Redshift may take for COPY, unless there is a role of that name; false for another kind of ARN.
pub(crate) fn ensure_warehouse_role(core: &Core, role_arn: &str) -> bool {
    let Some((account, path, name)) = split_role_arn(role_arn) else {
        return false;
    };
    ensure(core, (account, &path, name), WAREHOUSE_TRUST);
    core.mark_dirty();
    true
}

/// Non-expiring session keys for a role, which is made when it does not exist. `None` for another kind of ARN.
pub(crate) fn credentials(core: &Core, role_arn: &str) -> Option<ServiceCredentials> {
    let (account, path, name) = split_role_arn(role_arn)?;
    let role = ensure(core, (account, &path, name), TASK_TRUST);
    let session = RoleSession::plain(&role.arn, &role.id, "task", core.clock.now());
    let keys = core.keys.issue(&core.ids, account, session, None);
    core.mark_dirty();
    Some(ServiceCredentials {
        access_key_id: keys.access_key_id,
        secret_access_key: keys.secret,
        session_token: keys.token,
    })
}

/// An AWS service in a role of an account that trusts it; `None` when the role is not there, is another account's or
/// does not trust any of the services.
pub(crate) fn assumed_by(
    core: &Core,
    (account, role_arn): (&str, &str),
    (services, session_name): (&[&str], &str),
) -> Option<Caller> {
    let role = core.assumable_role(role_arn)?;
    let own = role_arn.split(':').nth(4) == Some(account);
    if !own || !services.iter().any(|service| trusts(&role.trust, service)) {
        return None;
    }
    let session = RoleSession::plain(&role.arn, &role.id, session_name, core.clock.now());
    Some(Caller::in_session(account, session))
}

fn trusts(trust: &Document, service: &str) -> bool {
    trust.statements.iter().any(|statement| {
        let named = match &statement.principals {
            Some(Element::Is(principals)) => principals.services.iter().any(|one| one == service),
            _ => false,
        };
        statement.allow && named
    })
}

/// Splits `arn:aws:iam::<account>:role/<path><name>` into account, path and name.
pub(crate) fn split_role_arn(arn: &str) -> Option<(&str, String, &str)> {
    split_arn(arn)
        .filter(|(_, kind, ..)| *kind == "role")
        .map(|(account, _, path, name)| (account, path, name))
}

/// Splits `arn:aws:iam::<account>:<kind>/<path><name>` into account, kind, path and name.
pub(crate) fn split_arn(arn: &str) -> Option<(&str, &str, String, &str)> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", "aws", "iam", "", account, resource] = parts[..] else {
        return None;
    };
    let (kind, _) = resource.split_once('/')?;
    let (path, name) = resource[kind.len()..].rsplit_once('/')?;
    (is_account_id(account) && !name.is_empty()).then(|| (account, kind, format!("{path}/"), name))
}

fn ensure(core: &Core, (account, path, name): (&str, &str, &str), trust: &str) -> Role {
    let mut accounts = core.iam.lock();
    let roles = &mut accounts.entry(account.to_owned()).or_default().roles;
    let role = roles.entry(name.to_owned()).or_insert_with(|| Role {
        name: name.to_owned(),
        path: path.to_owned(),
        arn: format!("arn:aws:iam::{account}:role{path}{name}"),
        id: core.ids.unique("AROA"),
        created_at: core.clock.now(),
        trusted_at: core.clock.now(),
        created_by: String::new(),
        trust: Document::trust(trust).expect("both constants are trust policies"),
        held: Held::new(Permissions {
            attached: vec![ADMINISTRATOR.to_owned()],
            ..Permissions::default()
        }),
        tags: Tags::new(),
        max_session_seconds: 3_600,
        description: None,
    });
    role.clone()
}
