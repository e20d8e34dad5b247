//! One certificate: from request through validation to issue.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How long a request waits for its proof (ACM user guide, "DNS validation").
const VALIDATION_TIME_MAX: TimeDelta = TimeDelta::hours(72);
/// What public certificates live (ACM user guide, "Managed certificate renewal").
const LIFETIME: TimeDelta = TimeDelta::days(395);

/// Where a certificate stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum State {
    /// The names are not proven yet.
    PendingValidation,
    /// Usable from this time on.
    Issued(DateTime<Utc>),
    /// Nobody proved the names in time.
    ValidationTimedOut,
}

/// A certificate of one account in one region.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Certificate {
    pub(super) arn: String,
    pub(super) domain: String,
    /// All names, the domain first.
    pub(super) names: Vec<String>,
    pub(super) method: String,
    pub(super) requested_at: DateTime<Utc>,
    pub(super) requested_by: String,
    pub(super) state: State,
    /// When the proof was first found; issuing takes a while from there.
    pub(super) proven_at: Option<DateTime<Utc>>,
    /// Makes the records of this certificate its own.
    pub(super) proof: String,
    pub(super) tags: BTreeMap<String, String>,
}

impl Certificate {
    /// The CNAME record that proves a name: its name and value. A wildcard is proven by the name below it.
    pub(super) fn record(&self, name: &str) -> (String, String) {
        let base = name.strip_prefix("*.").unwrap_or(name);
        let label = crate::ids::stable_hash(0, &format!("{base} {}", self.arn_account()));
        (
            format!("_{label:016x}{}.{base}.", &self.proof[..16]),
            format!("_{}.acm-validations.aws.", &self.proof[16..48]),
        )
    }

    fn arn_account(&self) -> &str {
        self.arn.split(':').nth(4).unwrap_or_default()
    }

    pub(super) fn is_issued(&self) -> bool {
        matches!(self.state, State::Issued(_))
    }

    /// Brings the certificate to the present. `proven` says whether every name's record is there now.
    pub(super) fn settle(&mut self, now: DateTime<Utc>, proven: bool, issuing: TimeDelta) {
        if self.state != State::PendingValidation {
            return;
        }
        if proven {
            let since = *self.proven_at.get_or_insert(now);
            if since + issuing <= now {
                self.state = State::Issued(since + issuing);
            }
        } else {
            self.proven_at = None;
            if self.requested_at + VALIDATION_TIME_MAX <= now {
                self.state = State::ValidationTimedOut;
            }
        }
    }

    pub(super) fn status(&self) -> &'static str {
        match self.state {
            State::PendingValidation => "PENDING_VALIDATION",
            State::Issued(_) => "ISSUED",
            State::ValidationTimedOut => "VALIDATION_TIMED_OUT",
        }
    }

    /// The `CertificateDetail` of the API.
    pub(super) fn detail(&self, in_use_by: &[String]) -> Value {
        let mut detail = json!({
            "CertificateArn": self.arn,
            "DomainName": self.domain,
            "SubjectAlternativeNames": self.names,
            "DomainValidationOptions": self.names.iter().map(|name| self.validation(name)).collect::<Vec<_>>(),
            "Subject": format!("CN={}", self.domain),
            "Issuer": "Amazon",
            "CreatedAt": self.requested_at.timestamp(),
            "Status": self.status(),
            "KeyAlgorithm": "RSA-2048",
            "SignatureAlgorithm": "SHA256WITHRSA",
            "InUseBy": in_use_by,
            "Type": "AMAZON_ISSUED",
            "RenewalEligibility": if in_use_by.is_empty() { "INELIGIBLE" } else { "ELIGIBLE" },
        });
        match self.state {
            State::Issued(at) => {
                detail["IssuedAt"] = json!(at.timestamp());
                detail["NotBefore"] = json!(at.timestamp());
                detail["NotAfter"] = json!((at + LIFETIME).timestamp());
            }
            State::ValidationTimedOut => detail["FailureReason"] = json!("VALIDATION_TIMED_OUT"),
            State::PendingValidation => {}
        }
        detail
    }

    fn validation(&self, name: &str) -> Value {
        let status = match self.state {
            State::PendingValidation => "PENDING_VALIDATION",
            State::Issued(_) => "SUCCESS",
            State::ValidationTimedOut => "FAILED",
        };
        let mut validation = json!({
            "DomainName": name,
            "ValidationDomain": name,
            "ValidationStatus": status,
            "ValidationMethod": self.method,
        });
        if self.method == "DNS" {
            let (record, value) = self.record(name);
            validation["ResourceRecord"] = json!({ "Name": record, "Type": "CNAME", "Value": value });
        }
        validation
    }
}
