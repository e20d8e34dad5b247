//! Service-linked roles: a service's own role in an account, which only the service may use or change.
//!
//! Sources: IAM API reference, "CreateServiceLinkedRole"; IAM user guide, "Create a service-linked role".

use std::collections::BTreeMap;

use crate::core::{Core, Denied};
use crate::error::AwsError;
use crate::iam::aws_managed::{AUTO_SCALING, DATABASES, LOAD_BALANCING};
use crate::iam::held::{Held, Permissions};
use crate::iam::operations::whole_role;
use crate::iam::policy::Document;
use crate::iam::state::Role;
use crate::protocol::{Params, Xml};
use crate::service::Call;
use crate::tags::Tags;

/// Below it lie the roles of services, and the policies of those roles.
pub(crate) const PATH: &str = "/aws-service-role/";

/// A service that has a role of its own.
struct Linked {
    service: &'static str,
    name: &'static str,
    policy: &'static str,
    /// Whether an account may have several, told apart by a suffix.
    suffixes: bool,
}

const SERVICES: &[Linked] = &[
    Linked {
        service: "autoscaling.amazonaws.com",
        name: "AWSServiceRoleForAutoScaling",
        policy: AUTO_SCALING,
        suffixes: true,
    },
    Linked {
        service: "elasticloadbalancing.amazonaws.com",
        name: "AWSServiceRoleForElasticLoadBalancing",
        policy: LOAD_BALANCING,
        suffixes: false,
    },
    Linked {
        service: "rds.amazonaws.com",
        name: "AWSServiceRoleForRDS",
        policy: DATABASES,
        suffixes: false,
    },
];

fn invalid_input(why: impl std::fmt::Display) -> AwsError {
    AwsError::bad("InvalidInput", why)
}

pub(super) fn create(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let service = params.required("AWSServiceName")?;
    let linked = SERVICES.iter().find(|linked| linked.service == service);
    let linked = linked
        .ok_or_else(|| invalid_input(format!("Service principal {service} has no service-linked role.")))?;
    let name = name(&params, linked)?;
    let account = &call.caller.account;
    let arn = format!("arn:aws:iam::{account}:role{PATH}{service}/{name}");
    let context = call.context().with("iam:AWSServiceName", service);
    core.authorize(&call.caller, "iam:CreateServiceLinkedRole", &arn, &context)?;
    let mut accounts = core.iam.lock();
    let roles = &mut accounts.entry(account.clone()).or_default().roles;
    if roles.contains_key(&name) {
        let why = format!(
            "Service role name {name} has been taken in this account, please try a different suffix."
        );
        return Err(invalid_input(why));
    }
    let made = Role {
        description: params.get("Description").map(str::to_owned),
        created_by: call.caller.principal_arn.clone(),
        ..role(core, account, linked, &name)
    };
    roles.insert(name, made.clone());
    Ok(whole_role(&made))
}

/// Makes a service's own role on the account's first use of the service, in the name of the caller, who must be
/// allowed to make it (user guides of the services, "Service-linked roles").
///
/// # Errors
/// [`Denied`] when the role is missing and the caller may not make it.
pub(crate) fn ensure(core: &Core, call: &Call, service: &str) -> Result<(), Denied> {
    let account = &call.caller.account;
    let Some(linked) = SERVICES.iter().find(|linked| linked.service == service) else {
        return Ok(());
    };
    let there = |roles: &BTreeMap<String, Role>| roles.contains_key(linked.name);
    if core.iam.lock().get(account).is_some_and(|own| there(&own.roles)) {
        return Ok(());
    }
    let arn = format!("arn:aws:iam::{account}:role{PATH}{service}/{}", linked.name);
    let context = call.context().with("iam:AWSServiceName", service);
    core.authorize(&call.caller, "iam:CreateServiceLinkedRole", &arn, &context)?;
    let made = Role {
        created_by: call.caller.principal_arn.clone(),
        ..role(core, account, linked, linked.name)
    };
    let mut accounts = core.iam.lock();
    let roles = &mut accounts.entry(account.clone()).or_default().roles;
    roles.entry(made.name.clone()).or_insert(made);
    core.mark_dirty();
    Ok(())
}

fn name(params: &Params, linked: &Linked) -> Result<String, AwsError> {
    let Some(suffix) = params.get("CustomSuffix") else {
        return Ok(linked.name.to_owned());
    };
    if !linked.suffixes {
        let why = format!("Custom suffix is not allowed for {}", linked.service);
        return Err(invalid_input(why));
    }
    let name = format!("{}_{suffix}", linked.name);
    super::names::check_name("customSuffix", suffix, 64)?;
    super::names::check_name("roleName", &name, 64)?;
    Ok(name)
}

fn role(core: &Core, account: &str, linked: &Linked, name: &str) -> Role {
    let service = linked.service;
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"{service}"}},"Action":"sts:AssumeRole"}}]}}"#
    );
    let now = core.clock.now();
    Role {
        name: name.to_owned(),
        path: format!("{PATH}{service}/"),
        arn: format!("arn:aws:iam::{account}:role{PATH}{service}/{name}"),
        id: core.ids.unique("AROA"),
        created_at: now,
        trusted_at: now,
        created_by: String::new(),
        trust: Document::trust(&trust).expect("it is a trust policy"),
        held: Held::new(Permissions {
            attached: vec![linked.policy.to_owned()],
            ..Permissions::default()
        }),
        tags: Tags::new(),
        max_session_seconds: 3_600,
        description: None,
    }
}
