//! What the console runs on: the four services' applications, and what only development has.

use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::FromRef;
use service_kit::Kit;
use tenant_model::AwsAccountId;

use crate::api::Api;

/// The services behind the pages. Cheap to clone.
#[derive(Clone)]
pub struct ConsoleApp {
    /// Sign-in, tenants, people, keys, connections, audit.
    pub onboarding: onboarding::App,
    /// Deployments and operations.
    pub provisioning: tenant_provisioning::App,
    /// Usage.
    pub metering: usage_metering::App,
    /// Exports.
    pub export: analytics_export::App,
    /// Present on a developer's machine only.
    pub dev: Option<DevTools>,
}

/// What a developer's machine offers that production must not.
#[derive(Clone, Default)]
pub struct DevTools {
    /// Whether `/outbox` shows the mails, with the links in them.
    pub outbox: bool,
    /// Creates the customer's role in the local AWS, as the customer's administrator would.
    pub deploy_role_stack: Option<Arc<dyn DeployRoleStack>>,
}

/// The stack that a customer's administrator would create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleStack {
    /// In which account.
    pub account: AwsAccountId,
    /// In which region.
    pub region: String,
    /// Its name.
    pub stack_name: String,
    /// Its parameters.
    pub parameters: Vec<(String, String)>,
    /// `infra/customer-account/role.yaml`, whole.
    pub template: &'static str,
}

/// The stack could not be created.
#[derive(Debug, thiserror::Error)]
#[error("the stack could not be created: {0}")]
pub struct DeployRoleStackError(pub String);

/// Acts as the administrator of an account in the local AWS.
#[async_trait]
pub trait DeployRoleStack: Send + Sync {
    /// Creates the stack, or updates it when it exists.
    ///
    /// # Errors
    /// What the local AWS said.
    async fn deploy(&self, stack: RoleStack) -> Result<(), DeployRoleStackError>;
}

/// The state of the routes.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) app: ConsoleApp,
    pub(crate) api: Api,
}

impl Site {
    pub(crate) fn kit(&self) -> &Kit {
        &self.app.onboarding.kit
    }

    pub(crate) fn shows_outbox(&self) -> bool {
        self.app.dev.as_ref().is_some_and(|dev| dev.outbox)
    }

    /// A key for a form that is about to be shown.
    pub(crate) fn form_key(&self) -> String {
        self.kit().ids.uuid().simple().to_string()
    }
}

impl FromRef<Site> for Kit {
    fn from_ref(site: &Site) -> Self {
        site.kit().clone()
    }
}
