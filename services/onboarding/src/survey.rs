//! Looking into an account: every fact that a preflight judges, each by itself, so that one that cannot be seen hides
//! no other.

use aws_access::{AssumeError, AwsError, Broker, SessionIdentity, StepClass, TenantRole, TenantSession};
use tenant_model::Connection;
use tenant_model::preflight::{Facts, KeyState, Network, Seen, ServiceRole, Usage, VolumeKey, Wish};
use tenant_model::proof::{Denier, Trial, TrialOutcome};
use tenant_model::simulation::Question;

use crate::{App, proving};

/// Roles of AWS's services that a profile may need, and whose they are.
const SERVICE_ROLES: [(&str, &str); 2] = [
    ("AWSServiceRoleForAutoScaling", "autoscaling.amazonaws.com"),
    (
        "AWSServiceRoleForElasticLoadBalancing",
        "elasticloadbalancing.amazonaws.com",
    ),
];
/// What EC2 does with a key when a machine with an encrypted disk starts, in the name of who starts it (EBS user
/// guide, "Requirements for Amazon EBS encryption").
const KEY_ACTIONS: [&str; 2] = ["kms:CreateGrant", "kms:GenerateDataKeyWithoutPlaintext"];

/// One look into one account.
pub(crate) struct Survey<'a> {
    app: &'a App,
    connection: &'a Connection,
    broker: &'a Broker,
    role: TenantRole,
    identity: SessionIdentity,
}

impl<'a> Survey<'a> {
    pub(crate) fn new(app: &'a App, broker: &'a Broker, connection: &'a Connection) -> Self {
        Self {
            app,
            connection,
            broker,
            role: proving::role(connection),
            identity: proving::identity(connection),
        }
    }

    async fn session(&self, class: StepClass, region: &str) -> Seen<TenantSession> {
        let session = self
            .broker
            .assume(&self.role, class, region, &self.identity)
            .await;
        session.map_err(|error| match error {
            AssumeError::Denied => "AccessDenied".to_owned(),
            AssumeError::Unavailable(error) => error.code,
        })
    }

    /// Everything.
    pub(crate) async fn facts(&self, wish: &Wish) -> Facts {
        let region = &self.connection.region;
        let region_enabled = self.region_enabled().await;
        let session = match self.session(StepClass::Preflight, region).await {
            Ok(session) => session,
            Err(reason) => return Facts::unseen(region, region_enabled, &reason),
        };
        let ec2 = session.ec2();
        let networks = seen(ec2.networks(self.connection.tenant_id).await);
        let quotas = Quotas { session: &session };
        Facts {
            region: region.clone(),
            region_enabled,
            zones: seen(ec2.zones_offering(&wish.instance_type).await),
            type_vcpus: seen(ec2.vcpus_of(&wish.instance_type).await),
            vcpus: quotas
                .usage(("ec2", "L-1216C47A"), seen(ec2.vcpus_running().await))
                .await,
            addresses: quotas
                .usage(("ec2", "L-0263D0A3"), seen(ec2.count_addresses().await))
                .await,
            networks_quota: quotas.usage(("vpc", "L-F678F1CE"), counted(&networks)).await,
            nat_gateways: quotas
                .usage(("vpc", "L-FE5A380F"), seen(ec2.count_nat_gateways().await))
                .await,
            load_balancers: quotas
                .usage(
                    ("elasticloadbalancing", "L-53DA6B97"),
                    seen(session.count_load_balancers().await),
                )
                .await,
            networks,
            peers: seen(ec2.peers().await),
            volume_key: self.volume_key(&session).await,
            service_roles: self.service_roles().await,
            permissions: Ok(proving::try_permissions(self.app, self.broker, self.connection).await),
            simulated: Ok(proving::simulate_permissions(self.app, self.broker, self.connection).await),
        }
    }

    /// Asked from our own region: one that is off says nothing about itself.
    async fn region_enabled(&self) -> Seen<bool> {
        let home = &self.app.aws.settings().region;
        let session = self.session(StepClass::Observe, home).await?;
        let off = session.ec2().is_region_off(&self.connection.region).await;
        off.map(|off| !off).map_err(|error| error.code)
    }

    async fn volume_key(&self, session: &TenantSession) -> Seen<VolumeKey> {
        let Some(key) = seen(session.ec2().own_volume_key().await)? else {
            return Ok(VolumeKey::Managed);
        };
        let state = seen(session.key_state(&key).await)?;
        let denied_by = match &state {
            KeyState::Enabled { arn } => self.denied_on(&KEY_ACTIONS, arn).await?,
            KeyState::Unusable { .. } | KeyState::Missing => None,
        };
        Ok(VolumeKey::Own {
            key,
            state,
            denied_by,
        })
    }

    async fn service_roles(&self) -> Seen<Vec<ServiceRole>> {
        let session = self.identity_session().await?;
        let mut roles = Vec::new();
        for (name, service) in SERVICE_ROLES {
            let exists = seen(session.has_service_role(name).await)?;
            let may_create = !exists && self.may_create(name, service).await?;
            roles.push(ServiceRole {
                name: name.to_owned(),
                exists,
                may_create,
            });
        }
        Ok(roles)
    }

    async fn may_create(&self, name: &str, service: &str) -> Seen<bool> {
        let account = &self.connection.aws_account_id;
        let question = Question {
            actions: vec!["iam:CreateServiceLinkedRole"],
            resources: vec![format!(
                "arn:aws:iam::{account}:role/aws-service-role/{service}/{name}"
            )],
            context: vec![("iam:AWSServiceName".to_owned(), service.to_owned())],
        };
        let trials = seen(self.identity_session().await?.simulate(&question).await)?;
        Ok(denier(&trials).is_none())
    }

    /// Who keeps the role from doing this to that, if somebody does.
    async fn denied_on(&self, actions: &[&'static str], resource: &str) -> Seen<Option<Denier>> {
        let question = Question {
            actions: actions.to_vec(),
            resources: vec![resource.to_owned()],
            context: Vec::new(),
        };
        let trials = seen(self.identity_session().await?.simulate(&question).await)?;
        Ok(denier(&trials))
    }

    /// IAM is not regional.
    async fn identity_session(&self) -> Seen<TenantSession> {
        self.session(StepClass::Identity, &self.app.aws.settings().region)
            .await
    }
}

fn denier(trials: &[Trial]) -> Option<Denier> {
    trials.iter().find_map(|trial| match trial.outcome {
        TrialOutcome::Refused { by } => Some(by),
        TrialOutcome::Allowed | TrialOutcome::Unknown { .. } => None,
    })
}

fn counted(networks: &Seen<Vec<Network>>) -> Seen<u64> {
    let count = |networks: &Vec<Network>| u64::try_from(networks.len()).unwrap_or(u64::MAX);
    networks.as_ref().map(count).map_err(Clone::clone)
}

fn seen<T>(answer: Result<T, AwsError>) -> Seen<T> {
    answer.map_err(|error| error.code)
}

struct Quotas<'a> {
    session: &'a TenantSession,
}

impl Quotas<'_> {
    async fn usage(&self, (service, code): (&str, &str), used: Seen<u64>) -> Seen<Usage> {
        let used = used?;
        let quota = seen(self.session.quota(service, code).await)?;
        Ok(Usage { quota, used })
    }
}
