//! A zone to change.

use aws_sdk_route53::Client;
use aws_sdk_route53::error::SdkError;
use aws_sdk_route53::operation::change_resource_record_sets::{
    ChangeResourceRecordSetsError, ChangeResourceRecordSetsOutput,
};
use aws_sdk_route53::types::builders::ResourceRecordSetBuilder;
use aws_sdk_route53::types::{Change, ChangeAction, ChangeBatch, ResourceRecord, ResourceRecordSet, RrType};
use conformance::Aws;
use conformance::local_aws::{DnsAnswer, DnsQuestion};

/// The outcome of a batch.
pub(crate) type Outcome = Result<ChangeResourceRecordSetsOutput, SdkError<ChangeResourceRecordSetsError>>;

/// A hosted zone with a client of its owner.
pub(crate) struct Zone {
    pub(crate) client: Client,
    pub(crate) id: String,
    pub(crate) name: String,
}

impl Zone {
    pub(crate) async fn create(aws: &Aws) -> Self {
        let client = Client::new(&aws.vendor().config);
        let name = format!("{}.example.com", aws.name("zone"));
        let made = client
            .create_hosted_zone()
            .name(&name)
            .caller_reference(&name)
            .send()
            .await;
        let made = made.expect("a zone").hosted_zone.expect("an answer has the zone");
        Self {
            client,
            id: made.id.trim_start_matches("/hostedzone/").to_owned(),
            name,
        }
    }

    /// A name in the zone.
    pub(crate) fn at(&self, label: &str) -> String {
        format!("{label}.{}.", self.name)
    }

    pub(crate) async fn apply(&self, changes: &[(ChangeAction, ResourceRecordSet)]) -> Outcome {
        let changes = changes.iter().map(|(action, set)| {
            let change = Change::builder()
                .action(action.clone())
                .resource_record_set(set.clone());
            change.build().expect("a change has an action and a set")
        });
        let batch = ChangeBatch::builder()
            .set_changes(Some(changes.collect()))
            .build()
            .expect("a batch has changes");
        self.client
            .change_resource_record_sets()
            .hosted_zone_id(&self.id)
            .change_batch(batch)
            .send()
            .await
    }

    pub(crate) async fn create_set(&self, set: ResourceRecordSet) -> Outcome {
        self.apply(&[(ChangeAction::Create, set)]).await
    }

    /// Deletes the zone after the sets of a case.
    pub(crate) async fn delete(self, sets: &[ResourceRecordSet]) {
        for set in sets {
            self.apply(&[(ChangeAction::Delete, set.clone())])
                .await
                .expect("the set goes");
        }
        self.client
            .delete_hosted_zone()
            .id(&self.id)
            .send()
            .await
            .expect("the zone goes");
    }
}

/// A set that is still to be finished.
pub(crate) fn set(name: &str, kind: RrType, values: &[&str]) -> ResourceRecordSetBuilder {
    let values = values
        .iter()
        .map(|value| ResourceRecord::builder().value(*value).build().expect("a value"));
    ResourceRecordSet::builder()
        .name(name)
        .r#type(kind)
        .ttl(60)
        .set_resource_records(Some(values.collect()))
}

pub(crate) fn a(name: &str, value: &str) -> ResourceRecordSet {
    set(name, RrType::A, &[value]).build().expect("a set")
}

/// What DNS answers for addresses of a name.
pub(crate) fn resolve(aws: &Aws, name: &str, (region, client): (&str, &str)) -> DnsAnswer {
    aws.control().resolve(&DnsQuestion {
        name: name.to_owned(),
        kind: "A".to_owned(),
        region: region.to_owned(),
        client: client.to_owned(),
    })
}
