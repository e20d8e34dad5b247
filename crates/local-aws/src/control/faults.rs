//! Faults on request: which call fails, how, and whether its effect happened.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::control::{Failing, fault_codes};
use crate::dispatch::is_read;
use crate::error::AwsError;
use crate::iam::policy::glob;
use crate::ids::stable_hash;
use crate::lock;

/// What happens to a call that a rule hits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The service's own throttling error, before any effect.
    Throttle,
    /// 500 `InternalError` (or the service's name for it), before any effect.
    ServerError,
    /// No answer and no effect: after `hang_ms` (at most a minute) the connection is closed.
    Timeout {
        /// How long the connection stays open in silence.
        #[serde(default)]
        hang_ms: u64,
    },
    /// The call takes effect and its answer is lost: after `hang_ms` the connection is closed.
    EffectWithoutReply {
        /// How long the connection stays open in silence.
        #[serde(default)]
        hang_ms: u64,
    },
    /// The call arrives twice, as a proxy that repeats requests lets it: it is carried out two times, and the second
    /// answer is given.
    DeliveredTwice,
    /// The endpoint's disk takes no more: calls that write fail as the service's own failure, where they write, and
    /// nothing of them is stored. Calls that read go on.
    DiskFull,
    /// There is no capacity for what the call asks for: `InsufficientInstanceCapacity`, or the service's name for it.
    InsufficientCapacity,
    /// A quota is used up, in the code that the service documents for the operation: `VpcLimitExceeded`, …. Calls
    /// that read go on.
    QuotaExceeded,
    /// As if roles were deleted, as long as the rule is there: nobody assumes them, and sessions they gave before may
    /// do nothing. The rule's account is the roles'; it is about no single call.
    RoleDeleted {
        /// A role's name, or a pattern with `*` and `?`.
        role: String,
    },
    /// As if roles' trust policies did not name the caller, as long as the rule is there. Sessions go on. The rule's
    /// account is the roles'; it is about no single call.
    TrustChanged {
        /// A role's name, or a pattern with `*` and `?`.
        role: String,
    },
    /// The call is carried out for a part of its records, the others fail with the service's own code: PutRecords.
    /// A call that has no records is carried out whole.
    Partial {
        /// So many of a million records fail, chosen by the endpoint's seed.
        per_million: u32,
    },
    /// The call is taken, and what it started fails later: a statement of the Redshift Data API, after so many of its
    /// SQL statements have run; all of it is rolled back where that is how it runs.
    StatementFails {
        /// SQL statements that run first; as many as there are lets the commit fail.
        after: u32,
        /// What the warehouse says, such as `1023 DETAIL: Serializable isolation violation on table`.
        message: String,
    },
    /// The call is taken, and what it started begins so much later on the endpoint's clock.
    StatementDelayed {
        /// How much later.
        delay_ms: u32,
    },
    /// A given error, before any effect.
    Error {
        /// The HTTP status.
        status: u16,
        /// AWS's error code.
        code: String,
        /// The sentence.
        #[serde(default)]
        message: String,
    },
}

/// Which calls fail. An absent field matches every call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// The calling account.
    #[serde(default)]
    pub account: Option<String>,
    /// The region.
    #[serde(default)]
    pub region: Option<String>,
    /// The service's signing name.
    #[serde(default)]
    pub service: Option<String>,
    /// The operation's name.
    #[serde(default)]
    pub operation: Option<String>,
    /// Only the nth matching call (from 1) fails.
    #[serde(default)]
    pub nth: Option<u64>,
    /// Only every so manieth matching call fails: 3 lets the third, the sixth and so on fail.
    #[serde(default)]
    pub every: Option<NonZeroU64>,
    /// So many of a million matching calls fail, chosen by the endpoint's seed for each account, region and operation
    /// by itself: accounts that work side by side do not change each other's faults.
    #[serde(default)]
    pub rate_per_million: Option<u32>,
    /// The rule ends after so many hits.
    #[serde(default)]
    pub times: Option<u64>,
    /// What happens.
    pub fault: Fault,
}

impl FaultRule {
    /// A rule that hits every call of one operation.
    #[must_use]
    pub fn on(operation: &str, fault: Fault) -> Self {
        Self {
            account: None,
            region: None,
            service: None,
            operation: Some(operation.to_owned()),
            nth: None,
            every: None,
            rate_per_million: None,
            times: None,
            fault,
        }
    }

    /// A rule under which a role of an account, or those whose names fit the pattern, are as good as deleted.
    #[must_use]
    pub fn role_deleted(account: &str, role: &str) -> Self {
        let role = role.to_owned();
        Self::on_roles(account, Fault::RoleDeleted { role })
    }

    /// A rule under which the trust policies of such roles do not name the caller.
    #[must_use]
    pub fn trust_changed(account: &str, role: &str) -> Self {
        let role = role.to_owned();
        Self::on_roles(account, Fault::TrustChanged { role })
    }

    fn on_roles(account: &str, fault: Fault) -> Self {
        Self {
            operation: None,
            ..Self::on("", fault).in_account(account)
        }
    }

    /// The same rule for one account only.
    #[must_use]
    pub fn in_account(self, account: &str) -> Self {
        Self {
            account: Some(account.to_owned()),
            ..self
        }
    }

    /// The same rule for the nth matching call only, from 1.
    #[must_use]
    pub fn nth(self, nth: u64) -> Self {
        Self {
            nth: Some(nth),
            ..self
        }
    }

    /// The same rule for every so manieth matching call; zero is taken as one.
    #[must_use]
    pub fn every(self, calls: u64) -> Self {
        Self {
            every: Some(NonZeroU64::new(calls).unwrap_or(NonZeroU64::MIN)),
            ..self
        }
    }

    /// The same rule for the first `times` hits only.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self {
            times: Some(times),
            ..self
        }
    }

    /// The same rule for a seeded share of the matching calls.
    #[must_use]
    pub fn rate_per_million(self, rate: u32) -> Self {
        Self {
            rate_per_million: Some(rate),
            ..self
        }
    }

    fn matches(&self, target: &Target<'_>) -> bool {
        let is =
            |wanted: &Option<String>, given: &str| wanted.as_deref().is_none_or(|wanted| wanted == given);
        !self.fault.spares(target.operation)
            && is(&self.account, target.account)
            && is(&self.region, target.region)
            && is(&self.service, target.service)
            && is(&self.operation, target.operation)
    }

    /// A rule about roles has no call that could be counted or drawn.
    fn is_sound(&self) -> bool {
        let single = self.operation.is_some()
            || self.service.is_some()
            || self.region.is_some()
            || self.nth.is_some()
            || self.every.is_some()
            || self.rate_per_million.is_some()
            || self.times.is_some();
        !(single && self.fault.is_about_roles())
    }
}

/// The call a fault is drawn for.
pub(crate) struct Target<'a> {
    pub(crate) account: &'a str,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
    pub(crate) operation: &'a str,
}

/// The rules in force.
pub(crate) struct Faults {
    seed: u64,
    rules: Mutex<Vec<Armed>>,
    /// Partial failures so far, by what they were about.
    turns: Mutex<BTreeMap<String, u64>>,
}

/// A rule and what it has seen.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Armed {
    number: u64,
    rule: FaultRule,
    seen: u64,
    /// Matching calls by account, region and operation.
    seen_by_key: BTreeMap<String, u64>,
    hits: u64,
}

/// Rules one endpoint holds at most.
const RULES_MAX: usize = 1_000;

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            rules: Mutex::default(),
            turns: Mutex::default(),
        }
    }

    /// Adds a rule behind the others; false when there are too many, or when a rule about roles names calls.
    pub(crate) fn add(&self, rule: FaultRule) -> bool {
        let mut rules = lock::held(&self.rules);
        let number = rules.last().map_or(0, |armed| armed.number + 1);
        let room = rules.len() < RULES_MAX && rule.is_sound();
        if room {
            rules.push(Armed {
                number,
                rule,
                seen: 0,
                seen_by_key: BTreeMap::new(),
                hits: 0,
            });
        }
        room
    }

    /// Ends the rules that equal this one; false when there are none.
    pub(crate) fn remove(&self, rule: &FaultRule) -> bool {
        let mut rules = lock::held(&self.rules);
        let before = rules.len();
        rules.retain(|armed| armed.rule != *rule);
        rules.len() < before
    }

    pub(crate) fn clear(&self) {
        lock::held(&self.rules).clear();
        lock::held(&self.turns).clear();
    }

    /// The rules with what they have seen, for the state file.
    pub(crate) fn armed(&self) -> Vec<Armed> {
        lock::held(&self.rules).clone()
    }

    pub(crate) fn rearm(&self, rules: Vec<Armed>) {
        *lock::held(&self.rules) = rules;
    }

    /// What decides which records of a call about `name` fail. It is drawn from the seed and from how many such calls
    /// there were, so that it does not depend on what happens elsewhere at the same time.
    pub(crate) fn failing(&self, per_million: u32, name: &str) -> Failing {
        let mut turns = lock::held(&self.turns);
        let turn = turns.entry(name.to_owned()).or_default();
        *turn += 1;
        Failing::new(
            per_million,
            stable_hash(self.seed, &format!("partial {name} {turn}")),
        )
    }

    /// Whether a rule lets a role be gone.
    pub(crate) fn role_deleted(&self, account: &str, role: &str) -> bool {
        self.about_role(
            account,
            |fault| matches!(fault, Fault::RoleDeleted { role: pattern } if glob(pattern, role)),
        )
    }

    /// Whether a rule lets a role's trust not name its callers.
    pub(crate) fn trust_changed(&self, account: &str, role: &str) -> bool {
        self.about_role(
            account,
            |fault| matches!(fault, Fault::TrustChanged { role: pattern } if glob(pattern, role)),
        )
    }

    fn about_role(&self, account: &str, hits: impl Fn(&Fault) -> bool) -> bool {
        lock::held(&self.rules).iter().any(|armed| {
            let rule = &armed.rule;
            rule.account.as_deref().is_none_or(|wanted| wanted == account) && hits(&rule.fault)
        })
    }

    pub(crate) fn rules(&self) -> Vec<FaultRule> {
        lock::held(&self.rules)
            .iter()
            .map(|armed| armed.rule.clone())
            .collect()
    }

    /// The fault of this call, if any: the first rule that hits. Every matching rule counts the call.
    pub(crate) fn draw(&self, target: &Target<'_>) -> Option<Fault> {
        let mut rules = lock::held(&self.rules);
        let mut drawn = None;
        for armed in rules.iter_mut().filter(|armed| armed.rule.matches(target)) {
            let key = armed.count(target);
            if drawn.is_none() && armed.hits_now(self.seed, &key) {
                armed.hits += 1;
                drawn = Some(armed.rule.fault.clone());
            }
        }
        drawn
    }
}

impl Armed {
    /// Counts a matching call; the key names it among all calls, whatever other accounts do.
    fn count(&mut self, target: &Target<'_>) -> String {
        self.seen += 1;
        let Target {
            account,
            region,
            service,
            operation,
        } = target;
        let key = format!("{account} {region} {service} {operation}");
        let seen = self.seen_by_key.entry(key.clone()).or_default();
        *seen += 1;
        format!("{key} {seen}")
    }

    fn hits_now(&self, seed: u64, key: &str) -> bool {
        let in_turn = self.rule.nth.is_none_or(|nth| nth == self.seen)
            && self
                .rule
                .every
                .is_none_or(|every| self.seen.is_multiple_of(every.get()));
        let left = self.rule.times.is_none_or(|times| self.hits < times);
        let drawn = self.rule.rate_per_million.is_none_or(|rate| {
            stable_hash(seed, &format!("fault {} {key}", self.number)) % 1_000_000 < u64::from(rate)
        });
        in_turn && left && drawn
    }
}

impl Fault {
    /// The error this fault answers, for the faults that answer one.
    pub(crate) fn error(&self, service: &str, operation: &str) -> Option<AwsError> {
        match self {
            Self::Throttle => Some(fault_codes::throttle(service, operation)),
            Self::ServerError | Self::DiskFull => Some(fault_codes::failure(service)),
            Self::InsufficientCapacity => Some(fault_codes::no_capacity(service)),
            Self::QuotaExceeded => Some(fault_codes::quota(service, operation)),
            Self::Error {
                status,
                code,
                message,
            } => {
                let status = http::StatusCode::from_u16(*status).unwrap_or(http::StatusCode::BAD_REQUEST);
                Some(AwsError::new(status, code.clone(), message))
            }
            Self::Timeout { .. }
            | Self::EffectWithoutReply { .. }
            | Self::DeliveredTwice
            | Self::Partial { .. }
            | Self::StatementFails { .. }
            | Self::StatementDelayed { .. }
            | Self::RoleDeleted { .. }
            | Self::TrustChanged { .. } => None,
        }
    }

    fn is_about_roles(&self) -> bool {
        matches!(self, Self::RoleDeleted { .. } | Self::TrustChanged { .. })
    }

    /// Whether the fault cannot meet an operation, whatever its rule says.
    fn spares(&self, operation: &str) -> bool {
        match self {
            Self::RoleDeleted { .. } | Self::TrustChanged { .. } => true,
            Self::DiskFull | Self::QuotaExceeded | Self::InsufficientCapacity => {
                is_read(operation) || frees(operation)
            }
            Self::Throttle
            | Self::ServerError
            | Self::Timeout { .. }
            | Self::EffectWithoutReply { .. }
            | Self::DeliveredTwice
            | Self::Partial { .. }
            | Self::StatementFails { .. }
            | Self::StatementDelayed { .. }
            | Self::Error { .. } => false,
        }
    }
}

/// Whether an operation gives back what it is about, which no full disk and no quota hinders.
fn frees(operation: &str) -> bool {
    ["Abort", "Delete", "Release", "Remove", "Terminate"]
        .iter()
        .any(|verb| operation.starts_with(verb))
}
