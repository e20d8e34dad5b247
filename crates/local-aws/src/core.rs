//! What every service shares: clock, ids, keys, IAM, the call log, faults and lag; and the one way to ask for
//! permission.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::auth::{Caller, KeyRing};
use crate::clock::Clock;
use crate::control::{CallLog, Faults, Guardrails, InventoryItem, Lag, Latency, Outages, UsedLog};
use crate::error::AwsError;
use crate::iam::policy::{
    Context, Decision, Policies, PrincipalView, Question, ResourcePolicy, decide, resource_grant,
};
use crate::iam::{IamState, Role};
use crate::ids::Ids;
use crate::peers::Peers;
use crate::tags::Tags;

/// The shared part of one endpoint. Services get it with every call and keep nothing global.
pub(crate) struct Core {
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    pub(crate) keys: KeyRing,
    pub(crate) iam: IamState,
    pub(crate) calls: CallLog,
    /// What sessions asked to be allowed, where it is recorded.
    pub(crate) used: UsedLog,
    pub(crate) faults: Faults,
    pub(crate) lag: Lag,
    pub(crate) latency: Latency,
    pub(crate) outages: Outages,
    pub(crate) peers: Peers,
    pub(crate) guardrails: Guardrails,
    /// Whether Kinesis holds the rates of a shard against callers.
    pub(crate) kinesis_rates: Arc<AtomicBool>,
    /// Where services keep what must survive a restart; `None` keeps everything in memory.
    pub(crate) data_dir: Option<PathBuf>,
    /// The PostgreSQL server that plays the Redshift warehouse.
    pub(crate) warehouse_url: Option<String>,
    /// Reads objects for the services that take an S3 address; set by S3 when it starts.
    pub(crate) objects: OnceLock<Arc<dyn ObjectSource>>,
    /// Lists each service's live resources; set when all of them are there.
    pub(crate) rolls: OnceLock<Vec<Roll>>,
    /// Starts over one data directory; see the state file.
    pub(crate) generation: AtomicU64,
    /// How often durable state changed.
    pub(crate) changes: AtomicU64,
    /// The state file must be written anew: parts of the state were replaced, and not only changed.
    pub(crate) rewrite: AtomicBool,
}

/// Lists the live resources of one service.
pub(crate) type Roll = Box<dyn Fn(&Core) -> Vec<InventoryItem> + Send + Sync>;

/// Reads a whole object of the endpoint's own S3 on a caller's behalf.
#[async_trait::async_trait]
pub(crate) trait ObjectSource: Send + Sync {
    /// # Errors
    /// S3's own refusals: `NoSuchBucket`, `NoSuchKey`, `AccessDenied`.
    async fn read(&self, caller: &Caller, bucket: &str, key: &str) -> Result<Bytes, AwsError>;
}

/// A refusal by policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Denied {
    message: String,
}

impl Denied {
    /// The refusal under the code the service uses: `AccessDenied`, `AccessDeniedException`, ….
    pub(crate) fn into_error(self, code: &'static str) -> AwsError {
        AwsError::forbidden(code, self.message)
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

impl From<Denied> for AwsError {
    fn from(denied: Denied) -> Self {
        denied.into_error("AccessDenied")
    }
}

/// A caller, its policies and its facts, gathered once and asked many times.
pub(crate) struct Authority<'a> {
    caller: &'a Caller,
    policies: Policies,
    facts: Context,
    used: &'a UsedLog,
}

impl Core {
    pub(crate) fn new(options: &crate::Options, generation: u64) -> Self {
        Self {
            clock: options.clock.clone(),
            ids: Ids::new(options.seed, generation),
            keys: KeyRing::default(),
            iam: IamState::default(),
            calls: CallLog::default(),
            used: UsedLog::default(),
            faults: Faults::new(options.seed),
            lag: Lag::new(options.seed),
            latency: Latency::default(),
            outages: Outages::default(),
            peers: Peers::default(),
            guardrails: Guardrails::default(),
            kinesis_rates: Arc::default(),
            data_dir: options.data_dir.clone(),
            warehouse_url: options.warehouse_url.clone(),
            objects: OnceLock::new(),
            rolls: OnceLock::new(),
            generation: AtomicU64::new(generation),
            changes: AtomicU64::new(0),
            rewrite: AtomicBool::new(false),
        }
    }

    /// Asks whether the caller may do `action` on the ARN `resource` (or `*`) in `context`, which holds the
    /// request's own facts. Facts about the caller are added here.
    ///
    /// # Errors
    /// [`Denied`] with AWS's sentence; the service picks its error code.
    pub(crate) fn authorize(
        &self,
        caller: &Caller,
        action: &str,
        resource: &str,
        context: &Context,
    ) -> Result<(), Denied> {
        self.authorize_on(
            caller,
            &Question {
                action,
                resource,
                context,
            },
            None,
        )
    }

    /// The same where the resource carries a policy or belongs to another account (S3).
    ///
    /// # Errors
    /// As for [`Self::authorize`].
    pub(crate) fn authorize_on(
        &self,
        caller: &Caller,
        question: &Question<'_>,
        resource: Option<&ResourcePolicy<'_>>,
    ) -> Result<(), Denied> {
        self.authority(caller).ask(question, resource)
    }

    /// Gathers a caller's policies once, for a call that asks many questions.
    pub(crate) fn authority<'a>(&'a self, caller: &'a Caller) -> Authority<'a> {
        Authority {
            caller,
            policies: self.policies_of(caller),
            facts: self.caller_facts(caller),
            used: &self.used,
        }
    }

    /// Every policy that limits or allows what the caller does, whatever it does it to.
    fn policies_of(&self, caller: &Caller) -> Policies {
        let own = if self.role_is_gone(caller) {
            Policies::default()
        } else {
            self.iam.policies_of(caller, &self.lag, self.clock.now())
        };
        Policies {
            guardrail: self.guardrails.of(&caller.account),
            ..own
        }
    }

    /// Whether a fault lets the role behind a session be deleted: it may then do nothing, as if it really were.
    fn role_is_gone(&self, caller: &Caller) -> bool {
        caller.session.as_ref().is_some_and(|session| {
            let name = session.role_arn.rsplit('/').next().unwrap_or_default();
            self.faults.role_deleted(&caller.account, name)
        })
    }

    /// A role that can be assumed, if its trust agrees: one that is there, and that no fault deletes.
    pub(crate) fn assumable_role(&self, arn: &str) -> Option<Role> {
        let role = self.iam.role(arn)?;
        let account = arn.split(':').nth(4).unwrap_or_default();
        (!self.faults.role_deleted(account, &role.name)).then_some(role)
    }

    fn caller_facts(&self, caller: &Caller) -> Context {
        let now = self.clock.now();
        let kind = match (&caller.session, &caller.user) {
            (Some(_), _) => "AssumedRole",
            (None, Some(_)) => "User",
            (None, None) => "Account",
        };
        let mut facts = Context::default()
            .with("aws:PrincipalArn", caller.policy_arn())
            .with("aws:PrincipalAccount", &caller.account)
            .with("aws:PrincipalType", kind)
            .with("aws:userid", caller.user_id())
            .with("aws:CurrentTime", now.to_rfc3339())
            .with("aws:EpochTime", now.timestamp().to_string())
            // The loopback stands for AWS's own end of a TLS connection.
            .with("aws:SecureTransport", "true")
            .with("aws:PrincipalIsAWSService", "false")
            .with("aws:ViaAWSService", "false");
        if let Some(user) = &caller.user {
            facts.set("aws:username", vec![user.name.clone()]);
        }
        let mut tags: Tags = self.iam.principal_tags(caller);
        tags.extend(caller.session_tags());
        for (key, value) in tags {
            facts.set(&format!("aws:PrincipalTag/{key}"), vec![value]);
        }
        if let Some(session) = &caller.session {
            facts.set("aws:TokenIssueTime", vec![session.issued_at.to_rfc3339()]);
            facts.set("aws:MultiFactorAuthPresent", vec!["false".into()]);
        }
        if let Some(identity) = caller.source_identity() {
            facts.set("aws:SourceIdentity", vec![identity.to_owned()]);
        }
        facts
    }

    /// Lets what acts by itself see the present: health checks look, groups of instances make up for what is
    /// missing. Called before every call and around every move of the clock; cheap where there is nothing of it.
    pub(crate) fn look(&self) {
        self.peers.elbv2.look(self);
        self.peers.autoscaling.settle(self);
        self.peers.rds.look(self);
        self.peers.route53.look(self);
        self.peers.acm.look(self);
        self.peers.tagging.look(self);
    }

    /// Every live resource, sorted.
    pub(crate) fn inventory(&self) -> Vec<InventoryItem> {
        self.look();
        let mut items = self.roll_call();
        items.sort();
        items
    }

    /// Every live resource as it stands, whatever is due.
    pub(crate) fn roll_call(&self) -> Vec<InventoryItem> {
        let mut items = self.iam.inventory();
        for roll in self.rolls.get().into_iter().flatten() {
            items.extend(roll(self));
        }
        items
    }

    /// Says that durable state changed; the next write picks it up.
    pub(crate) fn mark_dirty(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }
}

impl Authority<'_> {
    /// # Errors
    /// [`Denied`] with AWS's sentence.
    pub(crate) fn ask(
        &self,
        question: &Question<'_>,
        resource: Option<&ResourcePolicy<'_>>,
    ) -> Result<(), Denied> {
        let context = self.whole(question);
        let full = Question {
            context: &context,
            ..*question
        };
        self.decided(
            &full,
            decide(&full, &self.caller.view(), &self.policies, resource),
        )
    }

    /// The same for a resource that its own policy guards, as a role's trust policy does: within one account too,
    /// whom that policy does not reach stays out.
    ///
    /// # Errors
    /// [`Denied`] with AWS's sentence.
    pub(crate) fn ask_guarded(
        &self,
        question: &Question<'_>,
        resource: &ResourcePolicy<'_>,
    ) -> Result<(), Denied> {
        let context = self.whole(question);
        let full = Question {
            context: &context,
            ..*question
        };
        let view = self.caller.view();
        let reached = |document| resource_grant(&full, &view, document).is_some();
        let decision = match decide(&full, &view, &self.policies, Some(resource)) {
            Decision::Allowed if !resource.document.is_some_and(reached) => {
                Decision::NotAllowed("resource-based")
            }
            decision => decision,
        };
        self.decided(&full, decision)
    }

    /// The facts of the request and of the caller.
    fn whole(&self, question: &Question<'_>) -> Context {
        let mut context = question.context.clone();
        context.add_all(&self.facts);
        context
    }

    fn decided(&self, question: &Question<'_>, decision: Decision) -> Result<(), Denied> {
        let allowed = matches!(decision, Decision::Allowed);
        self.used
            .note(self.caller, (question.action, question.resource), allowed);
        match decision {
            Decision::Allowed => Ok(()),
            refused => Err(self.denied(question, refused)),
        }
    }

    fn denied(&self, question: &Question<'_>, decision: Decision) -> Denied {
        let (who, action, what) = (&self.caller.principal_arn, question.action, question.resource);
        let why = match decision {
            Decision::Denied(kind) => format!("with an explicit deny in {} {kind} policy", article(kind)),
            Decision::NotAllowed("permissions boundary") => {
                format!("because no permissions boundary allows the {action} action")
            }
            Decision::NotAllowed(kind) => format!("because no {kind} policy allows the {action} action"),
            Decision::Allowed => String::new(),
        };
        Denied {
            message: format!("User: {who} is not authorized to perform: {action} on resource: {what} {why}"),
        }
    }
}

fn article(kind: &str) -> &'static str {
    if kind.starts_with('i') { "an" } else { "a" }
}

impl Caller {
    /// The caller as principal elements see it.
    pub(crate) fn view(&self) -> PrincipalView<'_> {
        PrincipalView {
            account: &self.account,
            principal_arn: &self.principal_arn,
            role_arn: self.session.as_ref().map(|session| session.role_arn.as_str()),
            role_id: self.session.as_ref().map(|session| session.role_id.as_str()),
            user_id: self.user.as_ref().map(|user| user.id.as_str()),
        }
    }
}

/// The facts of a request that every service knows.
pub(crate) fn request_context(region: &str, source: IpAddr) -> Context {
    Context::default()
        .with("aws:RequestedRegion", region)
        .with("aws:SourceIp", source.to_string())
}
