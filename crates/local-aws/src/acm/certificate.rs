//! One certificate: from request through validation to issue.

use crate::tags::Tags;
use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How long a request waits for its proof (ACM user guide, "DNS validation").
const VALIDATION_TIME_MAX: TimeDelta = TimeDelta::hours(72);
/// What public certificates live, and how long before their end ACM renews them (ACM user guide, "ACM certificate
/// characteristics" and "Managed certificate renewal").
const LIFETIME: TimeDelta = TimeDelta::days(395);
const RENEWED_BEFORE: TimeDelta = TimeDelta::days(60);
/// The mailboxes that ACM writes to.
const MAILBOXES: [&str; 5] = ["admin", "administrator", "hostmaster", "postmaster", "webmaster"];

/// Where a certificate stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum State {
    /// The names are not proven yet.
    PendingValidation,
    /// Usable from this time on.
    Issued(DateTime<Utc>),
    /// Nobody proved the names in time.
    ValidationTimedOut,
    /// Its time is over since then.
    Expired(DateTime<Utc>),
}

/// What the world says of a certificate when it is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) now: DateTime<Utc>,
    /// Every name's record is in DNS.
    pub(super) proven: bool,
    /// A service uses it, so that ACM renews it.
    pub(super) used: bool,
    /// How long issuing takes from the proof.
    pub(super) issuing: TimeDelta,
}

/// A certificate of one account in one region.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Certificate {
    pub(super) arn: String,
    pub(super) domain: String,
    /// All names, the domain first.
    pub(super) names: Vec<String>,
    pub(super) method: String,
    /// For e-mail: the domain of the addresses, by name; a name that is not here has its own.
    #[serde(default)]
    pub(super) mail_domains: BTreeMap<String, String>,
    pub(super) requested_at: DateTime<Utc>,
    pub(super) requested_by: String,
    pub(super) state: State,
    /// When the proof was first found; issuing takes a while from there.
    pub(super) proven_at: Option<DateTime<Utc>>,
    /// Makes the records of this certificate its own.
    pub(super) proof: String,
    pub(super) tags: Tags,
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

    /// Brings the certificate to the present.
    pub(super) fn settle(&mut self, look: Look) {
        match self.state {
            State::PendingValidation => self.prove(look),
            State::Issued(at) => self.renew(at, look),
            State::ValidationTimedOut | State::Expired(_) => {}
        }
    }

    /// Issues once the proof has stood for a while; without one in time the request is over.
    fn prove(&mut self, look: Look) {
        let last = self.requested_at + VALIDATION_TIME_MAX;
        let found = self.proven_at.or((look.now <= last).then_some(look.now));
        self.proven_at = found.filter(|_| look.proven);
        match self.proven_at {
            Some(since) if since + look.issuing <= look.now => {
                self.state = State::Issued(since + look.issuing);
            }
            None if last <= look.now => self.state = State::ValidationTimedOut,
            Some(_) | None => {}
        }
    }

    /// A certificate in use whose records still stand is renewed; another one expires.
    fn renew(&mut self, issued_at: DateTime<Utc>, look: Look) {
        let renews = look.used && look.proven;
        if renews && issued_at + LIFETIME - RENEWED_BEFORE <= look.now {
            self.state = State::Issued(look.now);
        } else if issued_at + LIFETIME <= look.now {
            self.state = State::Expired(issued_at + LIFETIME);
        }
    }

    pub(super) fn status(&self) -> &'static str {
        match self.state {
            State::PendingValidation => "PENDING_VALIDATION",
            State::Issued(_) => "ISSUED",
            State::ValidationTimedOut => "VALIDATION_TIMED_OUT",
            State::Expired(_) => "EXPIRED",
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
            State::Expired(at) => {
                detail["NotBefore"] = json!((at - LIFETIME).timestamp());
                detail["NotAfter"] = json!(at.timestamp());
            }
            State::PendingValidation | State::ValidationTimedOut => {}
        }
        detail
    }

    fn validation(&self, name: &str) -> Value {
        let status = match self.state {
            State::PendingValidation => "PENDING_VALIDATION",
            State::Issued(_) | State::Expired(_) => "SUCCESS",
            State::ValidationTimedOut => "FAILED",
        };
        let mail_domain = self.mail_domain(name);
        let mut validation = json!({
            "DomainName": name,
            "ValidationDomain": mail_domain,
            "ValidationStatus": status,
            "ValidationMethod": self.method,
        });
        if self.method == "DNS" {
            let (record, value) = self.record(name);
            validation["ResourceRecord"] = json!({ "Name": record, "Type": "CNAME", "Value": value });
        } else {
            let addresses = MAILBOXES.map(|mailbox| format!("{mailbox}@{mail_domain}"));
            validation["ValidationEmails"] = json!(addresses);
        }
        validation
    }

    fn mail_domain<'a>(&'a self, name: &'a str) -> &'a str {
        let own = name.strip_prefix("*.").unwrap_or(name);
        self.mail_domains.get(name).map_or(own, String::as_str)
    }
}
