//! The credential broker: the only place that assumes a role in a customer's account.
//!
//! A [`TenantSession`] cannot be made elsewhere, stored or printed. It carries the tenant it belongs
//! to, so that two tenants' credentials cannot change places unnoticed. Probes never enter the cache
//! and always run under a policy that denies everything.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_sdk_sts::types::Tag;
use secrecy::{ExposeSecret, SecretString};
use tenant_model::{
    ids::TenantId,
    ledger::{SessionUse, Use},
    observation::TAG_TENANT,
    permissions::SessionScope,
    preflight::KeyState,
    proof::{Denier, Trial, TrialOutcome},
    simulation::Question,
};
use tokio::time::Instant;

use crate::{
    AwsError, AwsErrorKind, SessionPolicy, StepClass,
    budget::Budget,
    ec2::{
        Ec2,
        trial::{FORBIDDEN, TrialCall},
    },
    settings::Aws,
    tally::Tally,
};

/// The shortest session STS gives.
const SESSION_SECONDS: i32 = 900;
/// How long we use one. The last 120 s are left: a call begun then could outlive its credentials.
/// Counted on our monotonic clock, which no time server sets back.
const USABLE: Duration = Duration::from_secs(900 - 120);

/// The role of one tenant in its own account.
#[derive(Clone, Debug)]
pub struct TenantRole {
    /// Whose account it is.
    pub tenant_id: TenantId,
    /// Twelve digits.
    pub account: String,
    /// The role our template made there.
    pub role_arn: String,
    /// What the role's trust policy asks for.
    pub external_id: SecretString,
}

/// Who acts and why: what the customer reads in CloudTrail.
#[derive(Clone, Debug)]
pub struct SessionIdentity {
    /// Id of the operation, or of the deployment when no operation runs. Becomes the session's name.
    pub operation: String,
    /// The acting person, or `reconciler`.
    pub source_identity: String,
}

/// Why a role was not assumed.
#[derive(Debug, thiserror::Error)]
pub enum AssumeError {
    /// The role does not let us in: deleted, or its trust changed. AWS answers both alike.
    #[error("the role does not admit us")]
    Denied,
    /// We could not ask, or got no clear answer. Says nothing about the role.
    #[error("could not ask for the role")]
    Unavailable(#[source] AwsError),
}

/// What a probe of a role's trust showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeOutcome {
    /// We were let in, and are in this account.
    Assumed {
        /// Account of the credentials we were given, by `GetCallerIdentity`.
        account: String,
    },
    /// Exactly `AccessDenied`.
    AccessDenied,
    /// Anything else: throttled, timed out, unreadable. Never proof of anything.
    Unknown(String),
}

/// Credentials of one tenant's account for one class of step, in memory only.
#[derive(Clone)]
pub struct TenantSession {
    tenant_id: TenantId,
    account: String,
    region: String,
    role_arn: String,
    config: SdkConfig,
    budget: Option<Arc<Budget>>,
    obtained: Instant,
}

impl fmt::Debug for TenantSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantSession")
            .field("tenant_id", &self.tenant_id)
            .field("region", &self.region)
            .field("credentials", &"***")
            .finish_non_exhaustive()
    }
}

impl TenantSession {
    /// Whose account this opens.
    #[must_use]
    pub fn tenant_id(&self) -> TenantId {
        self.tenant_id
    }

    /// The account.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The region calls go to.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// EC2 in this account and region.
    #[must_use]
    pub fn ec2(&self) -> Ec2 {
        Ec2::new(&self.config)
    }

    /// The same session in another region. Only [`StepClass::Sweep`] and [`StepClass::Audit`], which look
    /// everywhere, may do anything there: the policies of all others are bound to their region.
    #[must_use]
    pub fn at(&self, region: &str) -> Self {
        let config = self
            .config
            .to_builder()
            .region(aws_config::Region::new(region.to_owned()));
        Self {
            region: region.to_owned(),
            config: config.build(),
            ..self.clone()
        }
    }

    pub(crate) fn config(&self) -> &SdkConfig {
        &self.config
    }

    pub(crate) fn role_arn(&self) -> &str {
        &self.role_arn
    }

    /// The role's trust policy as it stands in IAM now, as JSON text. Needs a session of
    /// [`StepClass::Identity`].
    ///
    /// # Errors
    /// Any failure of `GetRole`.
    pub async fn role_trust(&self) -> Result<String, AwsError> {
        crate::iam::trust_policy(&self.config, role_name(&self.role_arn)).await
    }

    /// A quota of the account in the session's region, by service and code. Needs a session of
    /// [`StepClass::Preflight`].
    ///
    /// # Errors
    /// Any failure of Service Quotas.
    pub async fn quota(&self, service: &str, code: &str) -> Result<u64, AwsError> {
        crate::quotas::value(&self.config, (service, code)).await
    }

    /// Which of the role's own documents refuses a call on things that carry the tenant's tag. Needs a session of
    /// [`StepClass::Identity`]. The simulator does not know the organisation's policies: what it allows and EC2
    /// refuses is refused by those.
    ///
    /// # Errors
    /// Any failure of `SimulatePrincipalPolicy`.
    pub async fn denier_of(&self, call: TrialCall) -> Result<Denier, AwsError> {
        let tenant = self.tenant_id.to_string();
        let tagged = |key: &str| (format!("{key}/{TAG_TENANT}"), tenant.clone());
        let question = Question {
            actions: vec![call.action()],
            resources: vec![call.resource(&self.account, &self.region)],
            context: vec![tagged("aws:RequestTag"), tagged("aws:ResourceTag")],
        };
        let trials = self.simulate(&question).await?;
        let refused = trials.into_iter().find_map(|trial| match trial.outcome {
            TrialOutcome::Refused { by } => Some(by),
            TrialOutcome::Allowed | TrialOutcome::Unknown { .. } => None,
        });
        Ok(refused.unwrap_or(Denier::Organisation))
    }

    /// Asks IAM's simulator what the role's policy and boundary say to each action of a question. Needs a session of
    /// [`StepClass::Identity`].
    ///
    /// # Errors
    /// Any failure of `SimulatePrincipalPolicy`.
    pub async fn simulate(&self, question: &Question) -> Result<Vec<Trial>, AwsError> {
        crate::iam::simulate(&self.config, &self.role_arn, question).await
    }

    /// Whether a service of AWS's has its role in the account, such as `AWSServiceRoleForAutoScaling`. Needs a session
    /// of [`StepClass::Identity`].
    ///
    /// # Errors
    /// Any failure of `GetRole` other than that the role is not there.
    pub async fn has_service_role(&self, name: &str) -> Result<bool, AwsError> {
        crate::iam::has_role(&self.config, name).await
    }

    /// The state of an encryption key of the account by its id, ARN or alias. Needs a session of
    /// [`StepClass::Preflight`].
    ///
    /// # Errors
    /// Any failure of `DescribeKey`.
    pub async fn key_state(&self, key: &str) -> Result<KeyState, AwsError> {
        crate::keys::state(&self.config, key).await
    }

    /// Application load balancers in the session's region. Needs a session of [`StepClass::Preflight`].
    ///
    /// # Errors
    /// Any failure of `DescribeLoadBalancers`.
    pub async fn count_load_balancers(&self) -> Result<u64, AwsError> {
        crate::load_balancers::count(&self.config).await
    }

    pub(crate) fn budget(&self) -> Option<Arc<Budget>> {
        self.budget.clone()
    }

    fn usable(&self) -> bool {
        self.obtained.elapsed() < USABLE
    }
}

/// What a session is for, and what it may do at most.
struct Terms {
    /// Goes into the session's tags.
    name: &'static str,
    policy: SessionPolicy,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct CacheKey {
    tenant_id: TenantId,
    account: String,
    role_arn: String,
    external_id: [u8; 32],
    region: String,
    policy: [u8; 32],
}

/// One slot per key; its lock lets one refresh be in flight.
type Slot = Arc<tokio::sync::Mutex<Option<TenantSession>>>;

/// Assumes roles and keeps the sessions as long as it lives: one pass over one account.
pub struct Broker {
    aws: Aws,
    sts: aws_sdk_sts::Client,
    sessions: Mutex<HashMap<CacheKey, Slot>>,
    tally: Tally,
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Broker")
    }
}

impl Broker {
    pub(crate) fn new(aws: Aws) -> Self {
        let tally = Tally::default();
        let sts = aws.broker_sts(&tally);
        Self {
            aws,
            sts,
            sessions: Mutex::default(),
            tally,
        }
    }

    /// What was done through this broker so far: goes into the ledger when its round is closed.
    #[must_use]
    pub fn used(&self) -> Use {
        self.tally.used()
    }

    /// A session in the tenant's account for one class of step, kept or new.
    ///
    /// # Errors
    /// [`AssumeError::Denied`] only for `AccessDenied`; every doubt is [`AssumeError::Unavailable`].
    pub async fn assume(
        &self,
        role: &TenantRole,
        class: StepClass,
        region: &str,
        identity: &SessionIdentity,
    ) -> Result<TenantSession, AssumeError> {
        let terms = Terms {
            name: class.name(),
            policy: SessionPolicy::for_class(
                class,
                &SessionScope {
                    tenant_id: role.tenant_id,
                    account: &role.account,
                    region,
                },
            ),
        };
        self.assume_under(role, &terms, region, identity).await
    }

    /// A session that may try what the role itself has to refuse. Everything it is used for is a dry run.
    ///
    /// # Errors
    /// As for [`Broker::assume`].
    pub async fn assume_for_trials(
        &self,
        role: &TenantRole,
        region: &str,
        identity: &SessionIdentity,
    ) -> Result<TenantSession, AssumeError> {
        let mut actions: Vec<_> = FORBIDDEN.iter().map(|call| call.action()).collect();
        // Tags are asked for as an action of their own; with this one allowed the refusal is the role's.
        actions.push("ec2:CreateTags");
        let terms = Terms {
            name: "trial",
            policy: SessionPolicy::for_actions(&actions),
        };
        self.assume_under(role, &terms, region, identity).await
    }

    async fn assume_under(
        &self,
        role: &TenantRole,
        terms: &Terms,
        region: &str,
        identity: &SessionIdentity,
    ) -> Result<TenantSession, AssumeError> {
        let slot = self.slot(role, region, &terms.policy);
        let mut kept = slot.lock().await;
        if let Some(session) = kept.as_ref().filter(|session| session.usable()) {
            return Ok(session.clone());
        }
        let obtained = Instant::now();
        let credentials = self.request(role, terms, identity).await?;
        self.tally.note_session(SessionUse {
            class: terms.name.to_owned(),
            region: region.to_owned(),
            policy: terms.policy.short_hash(),
            key: credentials.access_key_id().to_owned(),
        });
        let session = TenantSession {
            tenant_id: role.tenant_id,
            account: role.account.clone(),
            region: region.to_owned(),
            role_arn: role.role_arn.clone(),
            config: self.aws.config_for(credentials, region, &self.tally),
            budget: self.aws.budget(),
            obtained,
        };
        *kept = Some(session.clone());
        Ok(session)
    }

    /// Tries to assume a role under a policy that denies everything, and says what happened.
    /// Uncached. Without an external id none is sent.
    pub async fn probe(
        &self,
        role_arn: &str,
        external_id: Option<&str>,
        identity: &SessionIdentity,
    ) -> ProbeOutcome {
        let reply = self
            .sts
            .assume_role()
            .role_arn(role_arn)
            .role_session_name(&identity.operation)
            .duration_seconds(SESSION_SECONDS)
            .policy(SessionPolicy::deny_all().json())
            .set_external_id(external_id.map(str::to_owned))
            .send()
            .await;
        match reply.map_err(AwsError::from) {
            Ok(reply) => self.probed_account(reply.credentials).await,
            Err(error) if error.code == "AccessDenied" => ProbeOutcome::AccessDenied,
            Err(error) => ProbeOutcome::Unknown(error.code),
        }
    }

    /// `GetCallerIdentity` needs no permission and cannot be denied by a session policy.
    async fn probed_account(&self, credentials: Option<aws_sdk_sts::types::Credentials>) -> ProbeOutcome {
        let Some(credentials) = credentials else {
            return ProbeOutcome::Unknown("IncompleteReply".to_owned());
        };
        let region = self.aws.settings().region.clone();
        self.tally.note_session(SessionUse {
            class: "probe".to_owned(),
            region: region.clone(),
            policy: SessionPolicy::deny_all().short_hash(),
            key: credentials.access_key_id().to_owned(),
        });
        let config = self.aws.config_for(given(&credentials), &region, &self.tally);
        let reply = aws_sdk_sts::Client::new(&config)
            .get_caller_identity()
            .send()
            .await;
        match reply.map_err(AwsError::from) {
            Ok(reply) => match reply.account {
                Some(account) => ProbeOutcome::Assumed { account },
                None => ProbeOutcome::Unknown("IncompleteReply".to_owned()),
            },
            Err(error) => ProbeOutcome::Unknown(error.code),
        }
    }

    fn slot(&self, role: &TenantRole, region: &str, policy: &SessionPolicy) -> Slot {
        let key = CacheKey {
            tenant_id: role.tenant_id,
            account: role.account.clone(),
            role_arn: role.role_arn.clone(),
            external_id: digest(role.external_id.expose_secret()),
            region: region.to_owned(),
            policy: policy.hash(),
        };
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(sessions.entry(key).or_default())
    }

    async fn request(
        &self,
        role: &TenantRole,
        terms: &Terms,
        identity: &SessionIdentity,
    ) -> Result<Credentials, AssumeError> {
        let reply = self
            .sts
            .assume_role()
            .role_arn(&role.role_arn)
            .external_id(role.external_id.expose_secret())
            .role_session_name(&identity.operation)
            .source_identity(&identity.source_identity)
            .duration_seconds(SESSION_SECONDS)
            .policy(terms.policy.json())
            .tags(tag("tenant", &role.tenant_id.to_string()))
            .tags(tag("operation", &identity.operation))
            .tags(tag("step-class", terms.name))
            .send()
            .await;
        let reply = reply.map_err(AwsError::from).map_err(refusal)?;
        let credentials = reply
            .credentials
            .ok_or_else(|| AssumeError::Unavailable(AwsError::incomplete("credentials")))?;
        Ok(given(&credentials))
    }
}

/// Only `AccessDenied` is the role's own word. A key of ours that does not work is also a refusal,
/// but not by the customer.
fn refusal(error: AwsError) -> AssumeError {
    if error.kind == AwsErrorKind::Denied && error.code == "AccessDenied" {
        AssumeError::Denied
    } else {
        AssumeError::Unavailable(error)
    }
}

fn given(credentials: &aws_sdk_sts::types::Credentials) -> Credentials {
    Credentials::new(
        credentials.access_key_id(),
        credentials.secret_access_key(),
        Some(credentials.session_token().to_owned()),
        None,
        "tenantry-broker",
    )
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder()
        .key(key)
        .value(value)
        .build()
        .expect("key and value are set")
}

fn role_name(role_arn: &str) -> &str {
    role_arn.rsplit('/').next().unwrap_or(role_arn)
}

fn digest(text: &str) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_roles_own_refusal_counts_as_denied() {
        let error = |code: &str| AwsError {
            kind: AwsErrorKind::Denied,
            code: code.to_owned(),
            message: String::new(),
        };
        assert!(matches!(refusal(error("AccessDenied")), AssumeError::Denied));
        for ours in [
            "InvalidClientTokenId",
            "SignatureDoesNotMatch",
            "RegionDisabledException",
        ] {
            assert!(
                matches!(refusal(error(ours)), AssumeError::Unavailable(_)),
                "{ours}"
            );
        }
    }

    #[test]
    fn a_role_is_named_by_the_last_part_of_its_arn() {
        assert_eq!(
            role_name("arn:aws:iam::222222222222:role/tenantry/tenantry-x"),
            "tenantry-x"
        );
    }
}
