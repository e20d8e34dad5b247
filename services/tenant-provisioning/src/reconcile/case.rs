//! Everything one pass knows about one deployment.

use std::collections::{BTreeMap, BTreeSet};

use aws_access::{
    Account, Broker, SessionIdentity, StepClass, TenantRole, TenantSession, dns::Dns, ec2::Scope,
};
use tenant_model::{
    Connection,
    blueprint::{Blueprint, Resource},
    convergence::{Call, Next, Surroundings, excess, next},
    deployment::{Deployment, Wanted},
    observation::{Claimed, Found, Shape, claim},
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
    ledger::Books,
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
    /// Zones that are used, in their order.
    pub(super) zones: Vec<String>,
    /// Records of the ISV's zone.
    pub(super) dns: Dns,
    /// Kinds that are looked for at the same time.
    pub(super) looks_at_once: usize,
    /// Why a machine could not be started, when AWS had none.
    pub(super) no_capacity: Option<String>,
    /// Resources on which nothing more is done in this pass, and why.
    pub(super) held: BTreeMap<String, String>,
    /// Calls made so far that change something.
    pub(super) calls: u32,
    /// What of this pass goes into the ledger.
    pub(super) books: Books,
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
        if deployment.paused {
            tx.commit().await?;
            return Ok(Err(Conclusion::Later {
                pause: app.config.frozen_interval,
                attempt: 0,
                hindrance: Some(Hindrance::Paused),
            }));
        }
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
        let books = Books::open(conn, app, (&deployment, operation.as_ref())).await?;
        Ok(Self {
            lease: *lease,
            books,
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
            zones: Vec::new(),
            dns: app.aws.dns(&app.config.endpoint_zone),
            no_capacity: None,
            looks_at_once: app.config.calls_at_once_max,
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

    /// The customer's account under the session policy of one class of step.
    pub(super) async fn account(&self, class: StepClass) -> Result<Account, PassError> {
        Ok(self.session(class).await?.account_services())
    }

    /// A session in the customer's account under the session policy of one class of step.
    pub(super) async fn session(&self, class: StepClass) -> Result<TenantSession, PassError> {
        let identity = SessionIdentity {
            operation: self.books.session_name().to_owned(),
            source_identity: self.books.source_identity().to_owned(),
        };
        let region = self.deployment.region.as_str();
        Ok(self.broker.assume(&self.role, class, region, &identity).await?)
    }

    /// What this pass's sessions come from.
    pub(super) fn broker(&self) -> &Broker {
        &self.broker
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
        let kind = self.blueprint.find(name).map(|resource| resource.spec.kind());
        let found = self.found.iter();
        // Tags can be copied to anything: only the right kind can be meant.
        let meant = found.filter(|found| found.name == name && Some(found.shape.kind()) == kind);
        claim(recorded, &intents, meant)
    }

    /// What is wanted of one resource: what the deployment is to be, or absence when it is retired.
    pub(super) fn wish(&self, name: &str) -> Wanted {
        if self.blueprint.is_retired(name) {
            Wanted::Absent
        } else {
            self.wanted
        }
    }

    /// What a resource needs next, its dependencies considered.
    pub(super) fn next(&self, name: &str) -> Next {
        match self.alone(name) {
            Next::Call(_) if !self.is_free(name) => Next::Wait,
            other => other,
        }
    }

    /// What a resource needs next, whatever it depends on.
    fn alone(&self, name: &str) -> Next {
        let Some(resource) = self.blueprint.find(name) else {
            return Next::Wait;
        };
        let claimed = self.claimed(name);
        let believed = self.is_believed(name);
        if claimed.kept.is_none() && believed {
            // Describe does not show it yet, or not any more; remembering decides which. Records of our own zone are
            // looked at only while an operation runs.
            let unseen = resource.spec.kind().is_ours() && self.operation.is_none();
            return if unseen { Next::Settled } else { Next::Wait };
        }
        let kept = claimed.kept.map(|found| (found.aws_id.as_str(), &found.shape));
        next(&resource.spec, self.wish(name), kept, self)
    }

    /// True when nothing stands in the way: what it depends on is settled, or what depends on it is gone. What is
    /// retired goes only when everything else stands.
    fn is_free(&self, name: &str) -> bool {
        let Some(resource) = self.blueprint.find(name) else {
            return false;
        };
        let given = |other: &str| self.blueprint.given.contains_key(other);
        match self.wish(name) {
            Wanted::Present | Wanted::Stopped => {
                let mut needed = resource.spec.depends_on().into_iter();
                needed.all(|other| given(other) || self.is_settled(other))
            }
            Wanted::Absent => {
                let stands = || {
                    self.blueprint
                        .resources
                        .iter()
                        .all(|one| self.is_settled(&one.name))
                };
                let mut dependents = self.blueprint.dependents(name);
                dependents.all(|other| self.wish(other) != Wanted::Absent || self.is_gone(other))
                    && (self.wanted == Wanted::Absent || stands())
            }
        }
    }

    /// An intent that was recorded for that name, if there is one: what stands under a name that only we write is ours.
    pub(super) fn any_intent(&self, name: &str) -> Option<Uuid> {
        let mut intents = self.intents.iter();
        intents.find(|(of, _)| of == name).map(|(_, intent)| *intent)
    }

    /// What AWS itself cannot do at the moment, though every call of ours went well.
    pub(super) fn trouble(&self) -> Option<String> {
        self.found.iter().find_map(|found| match &found.shape {
            Shape::AutoScalingGroup(fleet) => fleet.trouble.clone(),
            _ => None,
        })
    }

    fn is_believed(&self, name: &str) -> bool {
        let record = self.records.get(name);
        record.is_some_and(|record| record.aws_id.is_some())
    }

    /// The call that takes away what somebody added to a resource of ours, if anybody did.
    pub(super) fn excess(&self, name: &str) -> Option<Call> {
        let resource = self.blueprint.find(name)?;
        let kept = self.claimed(name).kept?;
        excess(&resource.spec, (&kept.aws_id, &kept.shape), self)
    }

    /// True when it is as wanted and nothing about it is unsettled.
    pub(super) fn is_settled(&self, name: &str) -> bool {
        !self.held.contains_key(name)
            && self.claimed(name).twins.is_empty()
            && self.alone(name) == Next::Settled
    }

    /// True when it is as wished: settled, or gone when that is the wish.
    pub(super) fn is_done(&self, name: &str) -> bool {
        match self.wish(name) {
            Wanted::Present | Wanted::Stopped => self.is_settled(name),
            Wanted::Absent => self.is_gone(name),
        }
    }

    /// True when nothing of it is left and nothing about it is unsettled.
    pub(super) fn is_gone(&self, name: &str) -> bool {
        let claimed = self.claimed(name);
        !self.is_believed(name)
            && !self.held.contains_key(name)
            && claimed.kept.is_none()
            && claimed.twins.is_empty()
    }

    /// Names in the order in which work is done: what is to stand, then what is to go.
    pub(super) fn order(&self) -> Vec<String> {
        let names = |resources: &[Resource]| -> Vec<String> {
            resources.iter().map(|resource| resource.name.clone()).collect()
        };
        let (mut stay, mut go) = (names(&self.blueprint.resources), names(&self.blueprint.retired));
        go.reverse();
        if self.wanted == Wanted::Absent {
            stay.reverse();
            return [go, stay].concat();
        }
        [stay, go].concat()
    }
}

impl Surroundings for Case {
    fn id_of(&self, name: &str) -> Option<&str> {
        if self.blueprint.design.image == name {
            return self.image_id.as_deref();
        }
        if let Some(given) = self.blueprint.given.get(name) {
            return Some(given);
        }
        let recorded = self.records.get(name).and_then(|record| record.aws_id.as_deref());
        recorded.or_else(|| self.claimed(name).kept.map(|found| found.aws_id.as_str()))
    }

    fn shape_of(&self, name: &str) -> Option<&Shape> {
        self.claimed(name).kept.map(|found| &found.shape)
    }

    fn zone(&self, number: usize) -> Option<&str> {
        self.zones.get(number).map(String::as_str)
    }
}
