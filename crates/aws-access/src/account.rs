//! One tenant's account and region as one session sees it: looking by kind, and carrying out one call.
//!
//! Which service a kind or a call belongs to is decided here and nowhere else.

use std::sync::Arc;

use tenant_model::{
    blueprint::{Kind, Spec},
    convergence::Call,
    observation::Found,
};

use crate::{
    AwsError, AwsErrorKind, TenantSession,
    balancing::Balancing,
    budget::Budget,
    certificates::Certificates,
    databases::Databases,
    ec2::{Ec2, Mark, Scope},
    scaling::Scaling,
};

/// The id of what was made; none for a call that makes nothing.
pub(crate) type Made = Result<Option<String>, AwsError>;

/// An account and region under one session.
#[derive(Clone, Debug)]
pub struct Account {
    account: String,
    region: String,
    budget: Option<Arc<Budget>>,
    /// EC2 in it.
    pub ec2: Ec2,
    balancing: Balancing,
    certificates: Certificates,
    databases: Databases,
    scaling: Scaling,
}

impl TenantSession {
    /// The services in which deployments are made.
    #[must_use]
    pub fn account_services(&self) -> Account {
        let config = self.config();
        Account {
            account: self.account().to_owned(),
            region: self.region().to_owned(),
            budget: self.budget(),
            ec2: Ec2::new(config),
            balancing: Balancing::new(config),
            certificates: Certificates::new(config),
            databases: Databases::new(config),
            scaling: Scaling::new(config),
        }
    }
}

impl Account {
    /// Everything of one kind that carries the tags of `scope` and a logical name. What AWS finds by name only is
    /// looked for under the names in `specs`.
    ///
    /// # Errors
    /// Any failure of a call that describes.
    pub async fn find(&self, kind: Kind, scope: &Scope, specs: &[&Spec]) -> Result<Vec<Found>, AwsError> {
        let found = self.within_budget(kind.name(), self.look(kind, (scope, specs)));
        found.await
    }

    async fn look(&self, kind: Kind, (scope, specs): (&Scope, &[&Spec])) -> Result<Vec<Found>, AwsError> {
        match kind {
            Kind::Vpc
            | Kind::InternetGateway
            | Kind::Subnet
            | Kind::ElasticIp
            | Kind::NatGateway
            | Kind::RouteTable
            | Kind::VpcEndpoint
            | Kind::SecurityGroup
            | Kind::Instance
            | Kind::LaunchTemplate => self.ec2.find(kind, scope).await,
            Kind::TargetGroup | Kind::LoadBalancer => self.balancing.find(scope, specs).await,
            Kind::Certificate => self.certificates.find(scope, specs).await,
            Kind::DbSubnetGroup | Kind::Database => self.databases.find(scope, specs).await,
            Kind::AutoScalingGroup => self.scaling.find(scope, specs, &self.balancing).await,
            // Records are in the ISV's account; see [`crate::dns`].
            Kind::DnsRecord => Ok(Vec::new()),
        }
    }

    /// Makes the call. `mark` names what it makes, and holds the client token.
    ///
    /// # Errors
    /// AWS's refusal, or that its answer was lost.
    pub async fn carry_out(&self, call: &Call, mark: &Mark<'_>) -> Made {
        self.within_budget(call.action(), self.make(call, mark)).await
    }

    /// Makes a call if its bucket has one left.
    async fn within_budget<T>(
        &self,
        action: &'static str,
        call: impl Future<Output = Result<T, AwsError>>,
    ) -> Result<T, AwsError> {
        let place = (self.account.as_str(), self.region.as_str());
        let Some(budget) = &self.budget else {
            return call.await;
        };
        budget.take(place, action)?;
        let reply = call.await;
        if reply
            .as_ref()
            .is_err_and(|error| error.kind == AwsErrorKind::Throttled)
        {
            budget.give_up(place, action);
        }
        reply
    }

    async fn make(&self, call: &Call, mark: &Mark<'_>) -> Made {
        match call.service() {
            "elasticloadbalancing" => self.balancing.carry_out(call, mark).await,
            "acm" => self.certificates.carry_out(call, mark).await,
            "rds" => self.databases.carry_out(call, mark).await,
            "autoscaling" => self.scaling.carry_out(call, mark).await,
            _ => self.ec2.carry_out(call, mark).await,
        }
    }
}

/// A call that reached the wrong service: a mistake in the sorting above.
pub(crate) fn misdirected(call: &Call) -> AwsError {
    AwsError {
        kind: AwsErrorKind::Permanent,
        code: "Misdirected".to_owned(),
        message: format!("{} is not of this service", call.action()),
    }
}
