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

use self::certificate::{Certificate, State};
use self::request::{Listing, NewCertificate, OfCertificate};
use crate::control::InventoryItem;
use crate::core::Core;
use crate::error::AwsError;
use crate::places::Places;
use crate::protocol::{Protocol, Reply, page};
use crate::service::{Call, Service};

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

    fn request(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: NewCertificate = call.json()?;
        let names = wanted.names()?;
        let method = wanted.method()?;
        let tags = request::tags(&wanted.tags)?;
        permit(core, call, "*", &tags)?;
        let arn = format!(
            "arn:aws:acm:{}:{}:certificate/{}",
            call.region,
            call.caller.account,
            core.ids.uuid()
        );
        let certificate = Certificate {
            arn: arn.clone(),
            domain: names[0].clone(),
            names,
            method,
            requested_at: call.now,
            requested_by: call.caller.principal_arn.clone(),
            state: State::PendingValidation,
            proven_at: None,
            proof: hex::encode(core.ids.bytes::<24>()),
            tags,
        };
        self.places.with(&call.caller.account, &call.region, |state| {
            state
                .tokens
                .retain(|_, token| token.used_at + TOKEN_LIFETIME > call.now);
            if let Some(token) = &wanted.idempotency_token {
                if let Some(used) = state
                    .tokens
                    .get(token)
                    .filter(|used| used.domain == certificate.domain)
                {
                    return Ok(json!({ "CertificateArn": used.arn }));
                }
                let used = Token {
                    used_at: call.now,
                    domain: certificate.domain.clone(),
                    arn: arn.clone(),
                };
                state.tokens.insert(token.clone(), used);
            }
            state.by_arn.insert(arn.clone(), certificate);
            Ok(json!({ "CertificateArn": arn }))
        })
    }

    fn describe(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: OfCertificate = call.json()?;
        let certificate = self.permitted(core, call, &wanted)?;
        let users = core.peers.elbv2.listeners_with_certificate(&certificate.arn);
        Ok(json!({ "Certificate": certificate.detail(&users) }))
    }

    fn list(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: Listing = call.json()?;
        permit(core, call, "*", &BTreeMap::new())?;
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
        let certificate = self.permitted(core, call, &wanted)?;
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
        let tags = request::tags(&wanted.tags)?;
        self.change_tags(core, call, &wanted, |all| all.extend(tags))
    }

    fn untag(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: OfCertificate = call.json()?;
        let going = wanted.tags.iter().map(|tag| tag.key.clone()).collect::<Vec<_>>();
        self.change_tags(core, call, &wanted, |all| {
            all.retain(|key, _| !going.contains(key));
        })
    }

    fn change_tags(
        &self,
        core: &Core,
        call: &Call,
        wanted: &OfCertificate,
        change: impl FnOnce(&mut BTreeMap<String, String>),
    ) -> Result<Value, AwsError> {
        let certificate = self.permitted(core, call, wanted)?;
        self.places.with(&call.caller.account, &call.region, |state| {
            if let Some(certificate) = state.by_arn.get_mut(&certificate.arn) {
                change(&mut certificate.tags);
            }
        });
        Ok(json!({}))
    }

    fn list_tags(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: OfCertificate = call.json()?;
        let certificate = self.permitted(core, call, &wanted)?;
        let tags: Vec<Value> = certificate
            .tags
            .iter()
            .map(|(key, value)| json!({ "Key": key, "Value": value }))
            .collect();
        Ok(json!({ "Tags": tags }))
    }

    /// The certificate a call names, once the caller may do what the call is.
    fn permitted(&self, core: &Core, call: &Call, wanted: &OfCertificate) -> Result<Certificate, AwsError> {
        wanted.check()?;
        let place = (call.caller.account.as_str(), call.region.as_str());
        let found = self.settled(core, place, &wanted.certificate_arn);
        let tags = found.as_ref().map(|certificate| certificate.tags.clone());
        permit(core, call, &wanted.certificate_arn, &tags.unwrap_or_default())?;
        found.ok_or_else(|| {
            let why = format!("Could not find certificate {}.", wanted.certificate_arn);
            AwsError::bad("ResourceNotFoundException", why)
        })
    }

    /// The certificate as it is now. Asks Route 53, so the lock is not held meanwhile.
    fn settled(&self, core: &Core, (account, region): (&str, &str), arn: &str) -> Option<Certificate> {
        let read = |state: &mut Certificates| state.by_arn.get(arn).cloned();
        let mut certificate = self.places.with(account, region, read)?;
        let proven = certificate.method == "DNS"
            && certificate.names.iter().all(|name| {
                let (record, value) = certificate.record(name);
                core.peers.route53.has_record(&record, "CNAME", &value)
            });
        certificate.settle(core.clock.now(), proven, core.latency.of(ISSUED_AFTER));
        self.places.with(account, region, |state| {
            if let Some(kept) = state.by_arn.get_mut(arn) {
                kept.state = certificate.state.clone();
                kept.proven_at = certificate.proven_at;
            }
        });
        Some(certificate)
    }
}

fn permit(core: &Core, call: &Call, resource: &str, tags: &BTreeMap<String, String>) -> Result<(), AwsError> {
    let action = format!("acm:{}", call.operation);
    let context = if resource == "*" {
        call.context().request_tags(tags)
    } else {
        call.context().resource_tags(tags)
    };
    core.authorize(&call.caller, &action, resource, &context)
        .map_err(|denied| denied.into_error("AccessDeniedException"))
}
