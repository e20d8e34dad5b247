//! What the console may offer on a developer's machine: the outbox, and a button that acts as the customer's own
//! administrator in the local AWS.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use console::{DeployRoleStack, DeployRoleStackError, DevTools, RoleStack};
use local::Embedded;
use local::accounts::deploy_role_stack;

/// The tools of an embedded default; without a local AWS there is no button.
pub(super) fn dev_tools(embedded: &Arc<Embedded>) -> DevTools {
    let button: Arc<dyn DeployRoleStack> = Arc::new(Administrator(embedded.clone()));
    DevTools {
        outbox: true,
        deploy_role_stack: embedded.local_aws.is_some().then_some(button),
    }
}

/// The root of whichever account is asked for.
struct Administrator(Arc<Embedded>);

#[async_trait]
impl DeployRoleStack for Administrator {
    async fn deploy(&self, stack: RoleStack) -> Result<(), DeployRoleStackError> {
        let Some(local_aws) = &self.0.local_aws else {
            return Err(DeployRoleStackError("there is no local AWS".to_owned()));
        };
        let parameters: BTreeMap<String, String> = stack.parameters.into_iter().collect();
        deploy_role_stack(local_aws, stack.account.as_str(), stack.template, &parameters)
            .await
            .map(drop)
            .map_err(|error| DeployRoleStackError(error.to_string()))
    }
}
