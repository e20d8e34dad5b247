//! Faults on request: which call fails, how, and whether its effect happened.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::error::AwsError;
use crate::ids::stable_hash;
use crate::protocol::Protocol;

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
    /// The endpoint's disk takes no more: the call fails as the service's own failure, and nothing of it is stored.
    DiskFull,
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
            rate_per_million: None,
            times: None,
            fault,
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
        is(&self.account, target.account)
            && is(&self.region, target.region)
            && is(&self.service, target.service)
            && is(&self.operation, target.operation)
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
}

struct Armed {
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
        }
    }

    /// Adds a rule behind the others; false when there are too many.
    pub(crate) fn add(&self, rule: FaultRule) -> bool {
        let mut rules = self.rules.lock().expect("no holder panics");
        let number = rules.last().map_or(0, |armed| armed.number + 1);
        let room = rules.len() < RULES_MAX;
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

    pub(crate) fn clear(&self) {
        self.rules.lock().expect("no holder panics").clear();
    }

    pub(crate) fn rules(&self) -> Vec<FaultRule> {
        self.rules
            .lock()
            .expect("no holder panics")
            .iter()
            .map(|armed| armed.rule.clone())
            .collect()
    }

    /// The fault of this call, if any: the first rule that hits. Every matching rule counts the call.
    pub(crate) fn draw(&self, target: &Target<'_>) -> Option<Fault> {
        let mut rules = self.rules.lock().expect("no holder panics");
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
        let in_turn = self.rule.nth.is_none_or(|nth| nth == self.seen);
        let left = self.rule.times.is_none_or(|times| self.hits < times);
        let drawn = self.rule.rate_per_million.is_none_or(|rate| {
            stable_hash(seed, &format!("fault {} {key}", self.number)) % 1_000_000 < u64::from(rate)
        });
        in_turn && left && drawn
    }
}

impl Fault {
    /// The error this fault answers, for the faults that answer one.
    pub(crate) fn error(&self, service: &str, protocol: Protocol) -> Option<AwsError> {
        let json = matches!(protocol, Protocol::Json { .. });
        match self {
            Self::Throttle => Some(throttle(service, json)),
            Self::ServerError | Self::DiskFull => {
                let code = if json { "InternalFailure" } else { "InternalError" };
                Some(AwsError::new(
                    http::StatusCode::INTERNAL_SERVER_ERROR,
                    code,
                    "An internal error has occurred",
                ))
            }
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
            | Self::Partial { .. }
            | Self::StatementFails { .. }
            | Self::StatementDelayed { .. } => None,
        }
    }
}

fn throttle(service: &str, json: bool) -> AwsError {
    match (service, json) {
        ("ec2", _) => AwsError::new(
            http::StatusCode::SERVICE_UNAVAILABLE,
            "RequestLimitExceeded",
            "Request limit exceeded.",
        ),
        ("s3", _) => AwsError::new(
            http::StatusCode::SERVICE_UNAVAILABLE,
            "SlowDown",
            "Please reduce your request rate.",
        ),
        (_, true) => AwsError::bad("ThrottlingException", "Rate exceeded"),
        (_, false) => AwsError::bad("Throttling", "Rate exceeded"),
    }
}
