//! ACM: certificates from request through validation to issue.
//!
//! A certificate is issued when the CNAME record of each of its names stands in a hosted zone of the endpoint's
//! Route 53, as AWS's own validation looks it up in DNS. There is no private key and no real certificate behind it:
//! load balancers here carry no traffic. Source: ACM API reference.

mod certificate;
mod request;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::certificate::{Certificate, Look, State};
use self::request::{Listing, NewCertificate, OfCertificate};
use crate::control::InventoryItem;
use crate::core::Core;
use crate::error::AwsError;
use crate::places::Places;
use crate::protocol::{Protocol, Reply, page};
use crate::service::{Call, Service};
use crate::tags::Tags;

/// How long AWS takes from the proof to the certificate, typically.
const ISSUED_AFTER: TimeDelta = TimeDelta::minutes(5);
/// How long an idempotency token is remembered (ACM API reference, "RequestCertificate").
const TOKEN_LIFETIME: TimeDelta = TimeDelta::hours(1);

/// One account's certificates in one region.
#[derive(Default, Serialize, Deserialize)]
struct Certificates {
    by_arn: BTreeMap<String, Certificate>,
    /// Token to when it was used, what for, and what it made.
    tokens: BTreeMap<String, Token>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Token {
    used_at: DateTime<Utc>,
    domain: String,
    arn: String,
}

/// The service.
#[derive(Default)]
pub(crate) struct Acm {
    places: Places<Certificates>,
}

#[async_trait::async_trait]
impl Service for Acm {
    fn signing_name(&self) -> &'static str {
        "acm"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Json { version: "1.1" }
    }

    async fn call(&self, core: &Arc<Core>, call: &Call) -> Result<Reply, AwsError> {
        let answer = match call.operation.as_str() {
            "RequestCertificate" => self.request(core, call),
            "DescribeCertificate" => self.describe(core, call),
            "ListCertificates" => self.list(core, call),
            "DeleteCertificate" => self.delete(core, call),
            "AddTagsToCertificate" => self.tag(core, call),
            "RemoveTagsFromCertificate" => self.untag(core, call),
            "ListTagsForCertificate" => self.list_tags(core, call),
            other => Err(AwsError::not_implemented("acm", other)),
        };
        answer.map(|value| Reply::json(&value))
    }

    fn inventory(&self, _core: &Core) -> Vec<InventoryItem> {
        let mut items = Vec::new();
        self.places.for_each(|account, region, certificates| {
            items.extend(certificates.by_arn.values().map(|certificate| InventoryItem {
                account: account.to_owned(),
                region: region.to_owned(),
                kind: "acm:certificate".to_owned(),
                id: certificate.arn.clone(),
                tags: certificate.tags.clone(),
                created_by: certificate.requested_by.clone(),
            }));
        });
        items
    }

    fn snapshot(&self) -> Value {
        self.places.snapshot()
    }

    fn changes(&self) -> Vec<(String, Value)> {
        self.places.changes()
    }

    fn restore(&self, state: Value) -> Result<(), serde_json::Error> {
        self.places.restore(state)
    }
}

impl Acm {
    /// Whether a load balancer of a place may use the certificate: it is there, and issued.
    pub(crate) fn is_issued(&self, core: &Core, (account, region): (&str, &str), arn: &str) -> Option<bool> {
        self.settled(core, (account, region), arn)
            .map(|certificate| certificate.is_issued())
    }

    /// Looks for the proofs of what waits, so that a proof counts from when it is there and not from when somebody
    /// asks.
    pub(crate) fn look(&self, core: &Core) {
        let mut waiting = Vec::new();
        self.places.for_each(|account, region, state| {
            let open = state
                .by_arn
                .values()
                .filter(|one| one.state == State::PendingValidation);
            waiting.extend(open.map(|one| (account.to_owned(), region.to_owned(), one.arn.clone())));
        });
        for (account, region, arn) in waiting {
            self.settled(core, (&account, &region), &arn);
        }
    }

    fn request(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: NewCertificate = call.json()?;
        let certificate = new_certificate(core, call, &wanted)?;
        permit(core, call, "*", (&certificate.tags, &Tags::new()))?;
        let limits = Limits::of(core, call);
        self.places.with(&call.caller.account, &call.region, |state| {
            state
                .tokens
                .retain(|_, token| token.used_at + TOKEN_LIFETIME > call.now);
            let token = wanted.idempotency_token.as_deref();
            if let Some(arn) = token.and_then(|token| state.made_with(token, &certificate.domain)) {
                return Ok(json!({ "CertificateArn": arn }));
            }
            limits.hold(state, &certificate)?;
            let arn = certificate.arn.clone();
            if let Some(token) = token {
                let used = Token {
                    used_at: call.now,
                    domain: certificate.domain.clone(),
                    arn: arn.clone(),
                };
                state.tokens.insert(token.to_owned(), used);
            }
            state.by_arn.insert(arn.clone(), certificate);
            Ok(json!({ "CertificateArn": arn }))
        })
    }

    fn describe(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: OfCertificate = call.json()?;
        let certificate = self.permitted(core, (call, &wanted), &Tags::new())?;
        let users = core.peers.elbv2.listeners_with_certificate(&certificate.arn);
        Ok(json!({ "Certificate": certificate.detail(&users) }))
    }

    fn list(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: Listing = call.json()?;
        permit(core, call, "*", (&Tags::new(), &Tags::new()))?;
        wanted.check()?;
        let place = (call.caller.account.as_str(), call.region.as_str());
        let arns: Vec<String> = self
            .places
            .with(place.0, place.1, |state| state.by_arn.keys().cloned().collect());
        let mut certificates: Vec<Certificate> = arns
            .iter()
            .filter_map(|arn| self.settled(core, place, arn))
            .collect();
        certificates.retain(|certificate| wanted.accepts(certificate.status()));
        let found = page(
            certificates,
            |certificate| &certificate.arn,
            wanted.next_token.as_deref(),
            wanted.size()?,
        )
        .ok_or_else(|| request::invalid("The next token is not valid"))?;
        let summaries: Vec<Value> = found
            .items
            .iter()
            .map(|certificate| {
                json!({
                    "CertificateArn": certificate.arn,
                    "DomainName": certificate.domain,
                    "Status": certificate.status(),
                    "Type": "AMAZON_ISSUED",
                })
            })
            .collect();
        Ok(json!({ "CertificateSummaryList": summaries, "NextToken": found.next }))
    }

    fn delete(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: OfCertificate = call.json()?;
        let certificate = self.permitted(core, (call, &wanted), &Tags::new())?;
        if !core
            .peers
            .elbv2
            .listeners_with_certificate(&certificate.arn)
            .is_empty()
        {
            let why = format!(
                "Certificate {} in account {} is in use.",
                certificate.arn, call.caller.account
            );
            return Err(AwsError::bad("ResourceInUseException", why));
        }
        self.places.with(&call.caller.account, &call.region, |state| {
            state.by_arn.remove(&certificate.arn);
        });
        Ok(json!({}))
    }

    fn tag(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: OfCertificate = call.json()?;
        let new = request::tags(&wanted.tags)?;
        let certificate = self.permitted(core, (call, &wanted), &new)?;
        let mut tags = certificate.tags;
        tags.extend(new);
        request::refuse_too_many(&tags)?;
        self.set_tags(call, &certificate.arn, tags)
    }

    /// A tag that comes with a value goes only where it has that value (ACM API reference,
    /// "RemoveTagsFromCertificate").
    fn untag(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: OfCertificate = call.json()?;
        let certificate = self.permitted(core, (call, &wanted), &Tags::new())?;
        let mut tags = certificate.tags;
        tags.retain(|key, value| {
            let mut going = wanted.tags.iter().filter(|tag| tag.key == *key);
            !going.any(|tag| tag.value.as_ref().is_none_or(|only| only == value))
        });
        self.set_tags(call, &certificate.arn, tags)
    }

    fn set_tags(&self, call: &Call, arn: &str, tags: Tags) -> Result<Value, AwsError> {
        self.places.with(&call.caller.account, &call.region, |state| {
            if let Some(certificate) = state.by_arn.get_mut(arn) {
                certificate.tags = tags;
            }
        });
        Ok(json!({}))
    }

    fn list_tags(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: OfCertificate = call.json()?;
        let certificate = self.permitted(core, (call, &wanted), &Tags::new())?;
        let tags: Vec<Value> = certificate
            .tags
            .iter()
            .map(|(key, value)| json!({ "Key": key, "Value": value }))
            .collect();
        Ok(json!({ "Tags": tags }))
    }

    /// The certificate a call names, once the caller may do what the call is.
    fn permitted(
        &self,
        core: &Core,
        (call, wanted): (&Call, &OfCertificate),
        new_tags: &Tags,
    ) -> Result<Certificate, AwsError> {
        wanted.check()?;
        let place = (call.caller.account.as_str(), call.region.as_str());
        let found = self.settled(core, place, &wanted.certificate_arn);
        let tags = found.as_ref().map(|certificate| certificate.tags.clone());
        let tags = (new_tags, &tags.unwrap_or_default());
        permit(core, call, &wanted.certificate_arn, tags)?;
        found.ok_or_else(|| {
            let why = format!("Could not find certificate {}.", wanted.certificate_arn);
            AwsError::bad("ResourceNotFoundException", why)
        })
    }

    /// A certificate as it stands now. Asks Route 53 and the load balancers, so no lock may be held.
    fn settled(&self, core: &Core, (account, region): (&str, &str), arn: &str) -> Option<Certificate> {
        let mut certificate = self
            .places
            .with(account, region, |state| state.by_arn.get(arn).cloned())?;
        let proven = certificate.method == "DNS"
            && certificate.names.iter().all(|name| {
                let (record, value) = certificate.record(name);
                core.peers.route53.has_record(&record, "CNAME", &value)
            });
        certificate.settle(Look {
            now: core.clock.now(),
            proven,
            used: !core.peers.elbv2.listeners_with_certificate(arn).is_empty(),
            issuing: core.latency.of(ISSUED_AFTER),
        });
        self.places.with(account, region, |state| {
            if let Some(kept) = state.by_arn.get_mut(arn) {
                kept.state = certificate.state.clone();
                kept.proven_at = certificate.proven_at;
            }
        });
        Some(certificate)
    }
}

impl Certificates {
    /// The certificate that a token made for a domain.
    fn made_with(&self, token: &str, domain: &str) -> Option<String> {
        let used = self.tokens.get(token).filter(|used| used.domain == domain);
        used.map(|used| used.arn.clone())
    }
}

/// The quotas that a request must keep.
struct Limits {
    certificates: u64,
    names: u64,
}

impl Limits {
    /// Asks a peer, so no lock may be held.
    fn of(core: &Core, call: &Call) -> Self {
        let place = (call.caller.account.as_str(), call.region.as_str());
        let quota = |code| core.peers.service_quotas.value(core, place, code);
        Self {
            certificates: quota("L-F141DD1D").unwrap_or(u64::MAX),
            names: quota("L-FB94F0B0").unwrap_or(u64::MAX),
        }
    }

    fn hold(&self, state: &Certificates, certificate: &Certificate) -> Result<(), AwsError> {
        let above = |count: usize, limit: u64| u64::try_from(count).unwrap_or(u64::MAX) > limit;
        let what = if above(certificate.names.len(), self.names) {
            "names of a certificate"
        } else if above(state.by_arn.len() + 1, self.certificates) {
            "certificates"
        } else {
            return Ok(());
        };
        let why = format!("Cannot exceed the quota of {what}");
        Err(AwsError::bad("LimitExceededException", why))
    }
}

/// A certificate that waits for its proof, as a request describes it.
fn new_certificate(core: &Core, call: &Call, wanted: &NewCertificate) -> Result<Certificate, AwsError> {
    let names = wanted.names()?;
    wanted.refuse_other_kinds()?;
    Ok(Certificate {
        arn: format!(
            "arn:aws:acm:{}:{}:certificate/{}",
            call.region,
            call.caller.account,
            core.ids.uuid()
        ),
        domain: names[0].clone(),
        mail_domains: wanted.mail_domains(&names)?,
        names,
        method: wanted.method()?,
        requested_at: call.now,
        requested_by: call.caller.principal_arn.clone(),
        state: State::PendingValidation,
        proven_at: None,
        proof: hex::encode(core.ids.bytes::<24>()),
        tags: request::tags(&wanted.tags)?,
    })
}

/// Asks for permission on a resource, with the tags that come and those that are there.
fn permit(core: &Core, call: &Call, resource: &str, (new, there): (&Tags, &Tags)) -> Result<(), AwsError> {
    let action = format!("acm:{}", call.operation);
    let context = call.context().request_tags(new).resource_tags(there);
    core.authorize(&call.caller, &action, resource, &context)
        .map_err(|denied| denied.into_error("AccessDeniedException"))
}
