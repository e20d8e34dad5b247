//! Route 53 in the ISV's own account: the names under which deployments answer.
//!
//! Records carry no tags. Those in our zone under a deployment's own name are ours, because nobody else writes there.
//! Source: Route 53 API reference, version 2013-04-01. An account has five requests a second for all of Route 53
//! (developer guide, "Quotas"), so records are looked at only while an operation runs.

use std::fmt;

use aws_sdk_route53::{
    Client,
    types::{AliasTarget, Change, ChangeAction, ChangeBatch, ResourceRecord, ResourceRecordSet, RrType},
};
use tenant_model::{convergence::Call, observation::Record};

use crate::{
    Aws, AwsError, AwsErrorKind,
    account::{Made, misdirected},
    settings::one_attempt,
};

/// How long resolvers may keep a record. A change of profile moves the name, so it is short.
const TTL_SECONDS: i64 = 60;

/// The ISV's zone.
#[derive(Clone)]
pub struct Dns {
    reads: Client,
    writes: Client,
    zone: String,
}

impl fmt::Debug for Dns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Dns").field(&self.zone).finish()
    }
}

impl Aws {
    /// The public hosted zone of that name in the ISV's account.
    #[must_use]
    pub fn dns(&self, zone: &str) -> Dns {
        Dns {
            reads: Client::new(&self.reads()),
            writes: Client::new(&one_attempt(&self.reads())),
            zone: zone.to_owned(),
        }
    }

    /// Makes the zone if it is not there. For development worlds; a real zone is delegated by its registrar.
    ///
    /// # Errors
    /// Any failure of Route 53.
    pub async fn ensure_zone(&self, zone: &str) -> Result<(), AwsError> {
        let dns = self.dns(zone);
        if dns.zone_id().await?.is_some() {
            return Ok(());
        }
        let request = dns.writes.create_hosted_zone().name(zone);
        request.caller_reference(zone).send().await?;
        Ok(())
    }
}

impl Dns {
    async fn zone_id(&self) -> Result<Option<String>, AwsError> {
        let request = self.reads.list_hosted_zones_by_name().dns_name(&self.zone);
        let reply = request.max_items(1).send().await?;
        let wanted = dotted(&self.zone);
        let zone = reply.hosted_zones().iter().find(|zone| zone.name() == wanted);
        Ok(zone.map(|zone| zone.id().trim_start_matches("/hostedzone/").to_owned()))
    }

    async fn known_zone_id(&self) -> Result<String, AwsError> {
        self.zone_id().await?.ok_or_else(|| AwsError {
            kind: AwsErrorKind::NotFound,
            code: "NoSuchHostedZone".to_owned(),
            message: format!("there is no hosted zone {} in the ISV's account", self.zone),
        })
    }

    /// The records of one name: those kinds that we write.
    ///
    /// # Errors
    /// Any failure of Route 53, and `NoSuchHostedZone` of our own.
    pub async fn find(&self, domain: &str) -> Result<Vec<Record>, AwsError> {
        let wanted = dotted(domain);
        let reply = self
            .reads
            .list_resource_record_sets()
            .hosted_zone_id(self.known_zone_id().await?)
            .start_record_name(&wanted)
            .max_items(4)
            .send()
            .await?;
        let sets = reply.resource_record_sets().iter();
        Ok(sets
            .filter(|set| set.name() == wanted)
            .filter_map(content)
            .collect())
    }

    /// Makes the call.
    ///
    /// # Errors
    /// Route 53's refusal, or that its answer was lost.
    pub async fn carry_out(&self, call: &Call) -> Made {
        let (action, domain, record) = match call {
            Call::UpsertRecord { domain, record } => (ChangeAction::Upsert, domain, record),
            Call::DeleteRecord { domain, record } => (ChangeAction::Delete, domain, record),
            _ => return Err(misdirected(call)),
        };
        let change = Change::builder()
            .action(action)
            .resource_record_set(set(domain, record)?)
            .build()
            .map_err(|_| AwsError::incomplete("change"))?;
        let batch = ChangeBatch::builder()
            .changes(change)
            .build()
            .map_err(|_| AwsError::incomplete("change"))?;
        let request = self.writes.change_resource_record_sets();
        let request = request
            .hosted_zone_id(self.known_zone_id().await?)
            .change_batch(batch);
        request.send().await.map_err(|error| absent(error.into()))?;
        Ok(Some(domain.clone()))
    }
}

/// Deleting what is not there is a bad batch to Route 53.
fn absent(mut error: AwsError) -> AwsError {
    if error.code == "InvalidChangeBatch" && error.message.contains("not found") {
        error.kind = AwsErrorKind::NotFound;
    }
    error
}

fn set(domain: &str, record: &Record) -> Result<ResourceRecordSet, AwsError> {
    let set = ResourceRecordSet::builder().name(dotted(domain));
    let value = |text: &str| ResourceRecord::builder().value(text).build();
    let set = match record {
        Record::A(address) => set
            .r#type(RrType::A)
            .ttl(TTL_SECONDS)
            .set_resource_records(one(value(address))),
        Record::Cname(name) => set
            .r#type(RrType::Cname)
            .ttl(TTL_SECONDS)
            .set_resource_records(one(value(name))),
        Record::Alias { dns_name, zone_id } => {
            let target = AliasTarget::builder()
                .dns_name(dns_name)
                .hosted_zone_id(zone_id)
                .evaluate_target_health(true)
                .build();
            set.r#type(RrType::A)
                .alias_target(target.map_err(|_| AwsError::incomplete("alias target"))?)
        }
    };
    set.build().map_err(|_| AwsError::incomplete("record set"))
}

fn one<E>(record: Result<ResourceRecord, E>) -> Option<Vec<ResourceRecord>> {
    record.ok().map(|record| vec![record])
}

fn content(set: &ResourceRecordSet) -> Option<Record> {
    if let Some(alias) = set.alias_target() {
        return Some(Record::Alias {
            dns_name: alias.dns_name().trim_end_matches('.').to_owned(),
            zone_id: alias.hosted_zone_id().to_owned(),
        });
    }
    let value = set.resource_records().first()?.value().to_owned();
    match set.r#type() {
        RrType::A => Some(Record::A(value)),
        RrType::Cname => Some(Record::Cname(value)),
        _ => None,
    }
}

fn dotted(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.'))
}
