//! AssumeRole: both sides must agree, the role's trust policy and the caller's own policies.
//!
//! Sources: STS API reference, "AssumeRole"; IAM user guide, "Passing session tags", "Monitor and control actions
//! taken with assumed roles" (source identity), "Role chaining", "The confused deputy problem".

use chrono::{DateTime, TimeDelta, Utc};

use crate::auth::RoleSession;
use crate::core::Core;
use crate::error::AwsError;
use crate::iam::Role;
use crate::iam::policy::{Context, Question, ResourcePolicy};
use crate::protocol::Xml;
use crate::service::Call;
use crate::sts::request::AssumeRoleRequest;
use crate::tags::Tags;

pub(super) fn assume_role(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let request = AssumeRoleRequest::read(&call.params()?)?;
    if call.caller.is_root() {
        return Err(AwsError::forbidden(
            "AccessDenied",
            "Roles may not be assumed by root accounts.",
        ));
    }
    // A role that is not there and a role that refuses sound the same, so that nobody can probe for roles.
    let role = core
        .assumable_role(&request.role_arn)
        .ok_or_else(|| refused(call, &request, "sts:AssumeRole"))?;
    if !core.lag.role_works(&role.id, role.trusted_at, call.now) {
        return Err(refused(call, &request, "sts:AssumeRole"));
    }
    let inherited = Inherited::of(call);
    inherited.check(&request)?;
    both_sides_agree(core, call, &request, &role, &inherited)?;
    check_duration(call, &request, &role)?;
    check_managed(core, &request, &role)?;
    let expires_at = call.now + TimeDelta::seconds(request.duration_seconds);
    let session = session(call, &request, &role, inherited);
    let account = role.arn.split(':').nth(4).unwrap_or_default();
    let user_id = format!("{}:{}", role.id, request.session_name);
    let user_arn = format!(
        "arn:aws:sts::{account}:assumed-role/{}/{}",
        role.name, request.session_name
    );
    let source_identity = session.source_identity.clone();
    let keys = core.keys.issue(&core.ids, account, session, Some(expires_at));

    let mut xml = Xml::new();
    xml.node("AssumedRoleUser", |xml| {
        xml.leaf("AssumedRoleId", user_id).leaf("Arn", user_arn);
    });
    xml.node("Credentials", |xml| {
        xml.leaf("AccessKeyId", &keys.access_key_id)
            .leaf("SecretAccessKey", &keys.secret)
            .leaf("SessionToken", &keys.token)
            .leaf("Expiration", iso(expires_at));
    });
    xml.optional("PackedPolicySize", request.packed_percent)
        .optional("SourceIdentity", source_identity)
        .leaf("SessionTokenSize", keys.token.len())
        .leaf("SessionTokenUtilization", request.packed_percent.unwrap_or(0));
    Ok(xml)
}

fn iso(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn refused(call: &Call, request: &AssumeRoleRequest, action: &str) -> AwsError {
    let (who, what) = (&call.caller.principal_arn, &request.role_arn);
    AwsError::forbidden(
        "AccessDenied",
        format!("User: {who} is not authorized to perform: {action} on resource: {what}"),
    )
}

/// What a session made from a session takes over.
#[derive(Default)]
struct Inherited {
    tags: Tags,
    source_identity: Option<String>,
}

impl Inherited {
    fn of(call: &Call) -> Self {
        let Some(session) = &call.caller.session else {
            return Self::default();
        };
        let transitive = |key: &String| session.transitive_tag_keys.contains(key);
        let tags = session.tags.iter().filter(|(key, _)| transitive(key));
        Self {
            tags: tags.map(|(key, value)| (key.clone(), value.clone())).collect(),
            source_identity: session.source_identity.clone(),
        }
    }

    /// Neither a transitive tag nor the source identity can be changed further down the chain.
    fn check(&self, request: &AssumeRoleRequest) -> Result<(), AwsError> {
        if let Some(key) = self.tags.keys().find(|key| request.tags.contains_key(key)) {
            let why = format!("The session tag {key} is transitive and cannot be set again.");
            return Err(AwsError::bad("InvalidParameterValue", why));
        }
        let changed = |own: &String| {
            request
                .source_identity
                .as_ref()
                .is_some_and(|wanted| wanted != own)
        };
        if self.source_identity.as_ref().is_some_and(changed) {
            let why = "The source identity of the calling session cannot be changed.";
            return Err(AwsError::forbidden("AccessDenied", why));
        }
        Ok(())
    }
}

fn both_sides_agree(
    core: &Core,
    call: &Call,
    request: &AssumeRoleRequest,
    role: &Role,
    inherited: &Inherited,
) -> Result<(), AwsError> {
    let mut actions = vec!["sts:AssumeRole"];
    if !request.tags.is_empty() || !inherited.tags.is_empty() {
        actions.push("sts:TagSession");
    }
    if request.source_identity.is_some() || inherited.source_identity.is_some() {
        actions.push("sts:SetSourceIdentity");
    }
    let context = context(call, request, role, inherited);
    let authority = core.authority(&call.caller);
    let owner = role.arn.split(':').nth(4).unwrap_or_default();
    if core.faults.trust_changed(owner, &role.name) {
        return Err(refused(call, request, "sts:AssumeRole"));
    }
    let trust = ResourcePolicy {
        document: Some(&role.trust),
        owner,
    };
    for action in actions {
        let question = Question {
            action,
            resource: &role.arn,
            context: &context,
        };
        authority
            .ask_guarded(&question, &trust)
            .map_err(|_| refused(call, request, action))?;
    }
    Ok(())
}

fn context(call: &Call, request: &AssumeRoleRequest, role: &Role, inherited: &Inherited) -> Context {
    let mut context = call
        .context()
        .with("sts:RoleSessionName", &request.session_name)
        .request_tags(&request.tags)
        .resource_tags(&role.tags)
        .with("sts:DurationSeconds", request.duration_seconds.to_string())
        .with_all("sts:TransitiveTagKeys", request.transitive_tag_keys.clone());
    for (key, value) in &role.tags {
        context.set(&format!("iam:ResourceTag/{key}"), vec![value.clone()]);
    }
    if let Some(external_id) = &request.external_id {
        context.set("sts:ExternalId", vec![external_id.clone()]);
    }
    if let Some(identity) = request
        .source_identity
        .as_ref()
        .or(inherited.source_identity.as_ref())
    {
        context.set("sts:SourceIdentity", vec![identity.clone()]);
    }
    context
}

fn check_duration(call: &Call, request: &AssumeRoleRequest, role: &Role) -> Result<(), AwsError> {
    if request.duration_seconds > role.max_session_seconds {
        let why = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
        return Err(AwsError::bad("ValidationError", why));
    }
    // A session made from a session: "role chaining limits your session to a maximum of one hour".
    if call.caller.session.is_some() && request.duration_seconds > 3_600 {
        let why = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.";
        return Err(AwsError::bad("ValidationError", why));
    }
    Ok(())
}

/// "The policies must exist in the same account as the role." AWS names no error for one that does not.
fn check_managed(core: &Core, request: &AssumeRoleRequest, role: &Role) -> Result<(), AwsError> {
    let account = role.arn.split(':').nth(4).unwrap_or_default();
    let accounts = core.iam.lock();
    let known = |arn: &String| {
        let account = accounts.get(account);
        account.is_some_and(|account| account.managed_policy(arn).is_some())
    };
    match request.policy_arns.iter().find(|arn| !known(arn)) {
        Some(arn) => {
            let why = format!("Policy {arn} does not exist or is not attachable.");
            Err(AwsError::bad("InvalidParameterValue", why))
        }
        None => Ok(()),
    }
}

fn session(call: &Call, request: &AssumeRoleRequest, role: &Role, inherited: Inherited) -> RoleSession {
    let inherited_keys = inherited.tags.keys().cloned();
    let transitive_tag_keys = request
        .transitive_tag_keys
        .iter()
        .cloned()
        .chain(inherited_keys)
        .collect();
    let mut tags = request.tags.clone();
    tags.extend(inherited.tags);
    RoleSession {
        role_arn: role.arn.clone(),
        role_id: role.id.clone(),
        session_name: request.session_name.clone(),
        tags,
        transitive_tag_keys,
        source_identity: request.source_identity.clone().or(inherited.source_identity),
        policy: request.policy.clone(),
        policy_arns: request.policy_arns.clone(),
        issued_at: call.now,
    }
}
