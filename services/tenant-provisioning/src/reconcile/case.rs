//! Everything one pass knows about one deployment.

use std::collections::{BTreeMap, BTreeSet};

use aws_access::{Broker, SessionIdentity, StepClass, TenantRole, ec2::Scope};
use tenant_model::{
    Connection,
    blueprint::Blueprint,
    convergence::{Ids, Next, next},
    deployment::{Deployment, Wanted},
    observation::{Claimed, Found, claim},
    operation::Operation,
    resource::ResourceRecord,
};
use tenant_store::{
    Conn, connections, deployments, intents, operations, resources, tenants,
    work::{self, Lease},
};
use uuid::Uuid;

use super::{
    PassError,
    conclude::{Conclusion, Hindrance},
    turn,
};
use crate::{App, RequestError};

/// A deployment with its surroundings, and what was found in the account.
pub(super) struct Case {
    pub(super) lease: Lease,
    pub(super) deployment: Deployment,
    /// What applies, the tenant's state considered.
    pub(super) wanted: Wanted,
    pub(super) blueprint: Blueprint,
    pub(super) records: BTreeMap<String, ResourceRecord>,
    /// Names with the intents recorded for them.
    pub(super) intents: BTreeSet<(String, Uuid)>,
    /// The operation under way. Without one nothing in the account is changed.
    pub(super) operation: Option<Operation>,
    /// An approved operation whose plan has yet to be compared with what is found now.
    pub(super) approved: Option<Operation>,
    pub(super) scope: Scope,
    pub(super) found: Vec<Found>,
    /// Id of the machine image, once it was looked up.
    pub(super) image_id: Option<String>,
    /// Resources on which nothing more is done in this pass, and why.
    pub(super) held: BTreeMap<String, String>,
    /// Calls made so far that change something.
    pub(super) calls: u32,
    broker: Broker,
    role: TenantRole,
}

impl Case {
    /// Reads everything, or says why there is nothing to do.
    pub(super) async fn load(app: &App, lease: &Lease) -> Result<Result<Self, Conclusion>, PassError> {
        let mut tx = app.stores.begin(lease.tenant_id).await?;
        work::hold(&mut tx, lease).await?;
        let operation = operations::find_live_for_update(&mut tx, lease.deployment_id).await?;
        let deployment = deployments::find_for_update(&mut tx, lease.deployment_id)
            .await?
            .ok_or(RequestError::NotFound)?;
        if deployment.phase.is_final() {
            return Ok(Err(Conclusion::Retire));
        }
        let tenant = tenants::find(&mut tx, lease.tenant_id)
            .await?
            .ok_or(RequestError::NotFound)?;
        let (deployment, operation) =
            turn::follow_tenant(&mut tx, app, (deployment, operation), tenant.state).await?;
        let connection = connections::find(&mut tx, deployment.connection_id)
            .await?
            .ok_or(RequestError::NotFound)?;
        if let Some(why) = connection.state.why_frozen() {
            tx.commit().await?;
            // Without access nothing is done and nothing is undone.
            return Ok(Err(Conclusion::Later {
                pause: app.config.frozen_interval,
                attempt: 0,
                hindrance: Some(Hindrance::NoAccess(why)),
            }));
        }
        let case = Self::assemble(&mut tx, app, lease, (deployment, operation, connection)).await?;
        tx.commit().await?;
        Ok(Ok(case))
    }

    async fn assemble(
        conn: &mut Conn,
        app: &App,
        lease: &Lease,
        (deployment, operation, connection): (Deployment, Option<Operation>, Connection),
    ) -> Result<Self, PassError> {
        let blueprint = deployments::find_blueprint(conn, deployment.id)
            .await?
            .ok_or(RequestError::NotFound)?;
        let records = resources::list(conn, deployment.id).await?;
        Ok(Self {
            lease: *lease,
            wanted: deployment.wanted.under(deployment.tenant_state_seen),
            blueprint,
            records: records
                .into_iter()
                .map(|record| (record.name.clone(), record))
                .collect(),
            intents: intents::list_ids(conn, deployment.id).await?,
            scope: Scope {
                install: app.config.install.clone(),
                tenant_id: deployment.tenant_id,
                deployment_id: deployment.id,
            },
            approved: operation.clone().filter(Operation::is_to_be_applied),
            operation: operation.filter(Operation::is_at_work),
            found: Vec::new(),
            image_id: None,
            held: BTreeMap::new(),
            calls: 0,
            broker: app.aws.broker(),
            role: TenantRole {
                tenant_id: deployment.tenant_id,
                account: connection.aws_account_id.as_str().to_owned(),
                role_arn: connection.role_arn,
                external_id: connection.external_id.expose().into(),
            },
            deployment,
        })
    }

    /// EC2 in the customer's account under the session policy of one class of step.
    pub(super) async fn ec2(&self, class: StepClass) -> Result<aws_access::ec2::Ec2, PassError> {
        let operation = self.operation.as_ref();
        let identity = SessionIdentity {
            operation: operation.map_or_else(
                || self.deployment.id.to_string(),
                |operation| operation.id.to_string(),
            ),
            source_identity: operation.map_or_else(
                || "reconciler".to_owned(),
                |operation| {
                    operation
                        .approved_by
                        .clone()
                        .unwrap_or_else(|| operation.requested_by.clone())
                },
            ),
        };
        let region = self.deployment.region.as_str();
        let session = self.broker.assume(&self.role, class, region, &identity).await?;
        Ok(session.ec2())
    }

    /// What was found under one name, sorted into the one that counts, twins and strangers.
    pub(super) fn claimed(&self, name: &str) -> Claimed<'_> {
        let recorded = self.records.get(name).and_then(|record| record.aws_id.as_deref());
        let intents = self
            .intents
            .iter()
            .filter(|(of, _)| of == name)
            .map(|(_, intent)| *intent)
            .collect::<BTreeSet<_>>();
        claim(
            recorded,
            &intents,
            self.found.iter().filter(|found| found.name == name),
        )
    }

    /// What a resource needs next, its dependencies considered.
    pub(super) fn next(&self, name: &str) -> Next {
        let Some(resource) = self.blueprint.find(name) else {
            return Next::Wait;
        };
        let claimed = self.claimed(name);
        let record = self.records.get(name);
        let believed = record.is_some_and(|record| record.aws_id.is_some());
        if claimed.kept.is_none() && believed {
            // Describe does not show it yet, or not any more; remembering decides which.
            return Next::Wait;
        }
        let free = match self.wanted {
            Wanted::Present | Wanted::Stopped => resource
                .spec
                .depends_on()
                .iter()
                .all(|other| self.is_settled(other)),
            Wanted::Absent => self.blueprint.dependents(name).all(|other| self.is_gone(other)),
        };
        let kept = claimed.kept.map(|found| (found.aws_id.as_str(), &found.shape));
        match next(&resource.spec, self.wanted, kept, self) {
            Next::Call(_) if !free => Next::Wait,
            other => other,
        }
    }

    /// True when it is as wanted and nothing about it is unsettled.
    pub(super) fn is_settled(&self, name: &str) -> bool {
        !self.held.contains_key(name)
            && self.claimed(name).twins.is_empty()
            && self.next(name) == Next::Settled
    }

    /// True when nothing of it is left and nothing about it is unsettled.
    pub(super) fn is_gone(&self, name: &str) -> bool {
        let believed = self
            .records
            .get(name)
            .is_some_and(|record| record.aws_id.is_some());
        let claimed = self.claimed(name);
        !believed && !self.held.contains_key(name) && claimed.kept.is_none() && claimed.twins.is_empty()
    }

    /// Names in the order in which work is done.
    pub(super) fn order(&self) -> Vec<String> {
        let names = self
            .blueprint
            .resources
            .iter()
            .map(|resource| resource.name.clone());
        match self.wanted {
            Wanted::Present | Wanted::Stopped => names.collect(),
            Wanted::Absent => names.rev().collect(),
        }
    }
}

impl Ids for Case {
    fn id_of(&self, name: &str) -> Option<&str> {
        if self.blueprint.design.image == name {
            return self.image_id.as_deref();
        }
        let recorded = self.records.get(name).and_then(|record| record.aws_id.as_deref());
        recorded.or_else(|| self.claimed(name).kept.map(|found| found.aws_id.as_str()))
    }
}
