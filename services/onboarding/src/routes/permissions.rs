//! `/v1/permissions`: what the operator may do in a customer's account, in words.

use serde::{Deserialize, Serialize};
use service_kit::{Caller, Problem, ProblemBody};
use tenant_model::disclosure::{Disclosed, foreign_words, permissions};
use tenant_model::simulation::{ESCALATIONS, Escalation};
use utoipa::ToSchema;

/// What the role of our template may do, and what it may not.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Disclosure)]
pub struct DisclosureView {
    /// Every action, sorted; nothing else is granted.
    pub permissions: Vec<PermissionView>,
    /// Known ways to more than that. Each is asked of IAM's simulator with every proof, and must be denied.
    pub denied: Vec<EscalationView>,
}

/// One action of the role.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Permission)]
pub struct PermissionView {
    /// In the words of a policy.
    #[schema(example = "ec2:CreateVpc")]
    pub action: String,
    /// What for.
    pub reason: String,
    /// Whether it only looks.
    pub looks: bool,
    /// In which kinds of step it is called; each runs under a session policy of its own.
    pub steps: Vec<String>,
    /// On what, and under which condition.
    pub on: Vec<PermissionTargetView>,
}

/// A resource and its condition.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = PermissionTarget)]
pub struct PermissionTargetView {
    /// The kind of thing.
    pub resource: String,
    /// In words; `none` where there is none.
    pub condition: String,
}

/// One way that is closed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Escalation)]
pub struct EscalationView {
    /// In the words of a policy.
    pub action: String,
    /// On what.
    pub on: String,
    /// What it would give.
    pub gives: String,
}

impl From<Disclosed> for PermissionView {
    fn from(disclosed: Disclosed) -> Self {
        let on = disclosed.on.iter().map(|target| PermissionTargetView {
            resource: target.resource.to_owned(),
            condition: target.condition.to_owned(),
        });
        Self {
            on: on.collect(),
            action: disclosed.action.to_owned(),
            reason: disclosed.reason.to_owned(),
            looks: disclosed.looks,
            steps: disclosed.steps.into_iter().map(str::to_owned).collect(),
        }
    }
}

impl From<&Escalation> for EscalationView {
    fn from(way: &Escalation) -> Self {
        Self {
            action: way.action.to_owned(),
            on: foreign_words(way.on).to_owned(),
            gives: way.gives.to_owned(),
        }
    }
}

/// See what the role of our template may do in an account: each action with its reason, resources and condition
#[utoipa::path(get, path = "/v1/permissions", operation_id = "permission_list", tag = "connections",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "What is granted and what is denied", body = DisclosureView),
        (status = 401, body = ProblemBody, description = "not-signed-in, credential-expired"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn list_permissions(_caller: Caller) -> Result<axum::Json<DisclosureView>, Problem> {
    Ok(axum::Json(DisclosureView {
        permissions: permissions().into_iter().map(PermissionView::from).collect(),
        denied: ESCALATIONS.iter().map(EscalationView::from).collect(),
    }))
}
