//! Names of resources that AWS knows by name: the deployment's id is in each, so two never meet.

use crate::ids::DeploymentId;

/// Makes the names of one deployment.
pub(super) struct Names {
    /// The id without its prefix: 26 characters.
    id: String,
}

impl Names {
    pub(super) fn of(deployment_id: DeploymentId) -> Self {
        Self {
            id: deployment_id.suffix(),
        }
    }

    /// At most 32 characters for load balancers and target groups (Elastic Load Balancing API reference,
    /// "`CreateLoadBalancer`").
    pub(super) fn balancing(&self, what: &str) -> String {
        format!("tn{}-{what}", self.id)
    }

    /// For names that may be longer: Auto Scaling groups, launch templates, databases.
    pub(super) fn plain(&self, what: &str) -> String {
        format!("tenantry-{}-{what}", self.id)
    }

    /// Names of security groups are unique in a VPC, which may be the tenant's own.
    pub(super) fn security_group(&self, what: &str) -> String {
        self.plain(what)
    }
}
