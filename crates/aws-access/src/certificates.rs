//! ACM: a certificate for the endpoint's name, proven through a record in the ISV's zone.
//!
//! Source: ACM API reference, version 2015-12-08.

use std::fmt;

use aws_config::SdkConfig;
use aws_sdk_acm::{
    Client,
    types::{CertificateDetail, CertificateStatus, CertificateSummary, Tag, ValidationMethod},
};
use tenant_model::{
    blueprint::Spec,
    convergence::Call,
    observation::{Found, Progress, Shape},
};

use crate::{
    AwsError,
    account::{Made, misdirected},
    ec2::{Mark, Scope},
    error::existing,
    settings::one_attempt,
    tags,
};

/// Most certificates of an account that are looked through.
const LISTED_MAX: usize = 5_000;
/// API reference, "`RequestCertificate`": an idempotency token has at most 32 characters.
const TOKEN_CHARS: usize = 32;

/// ACM as one session sees it.
#[derive(Clone)]
pub(crate) struct Certificates {
    reads: Client,
    writes: Client,
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificates")
    }
}

impl Certificates {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self {
            reads: Client::new(config),
            writes: Client::new(&one_attempt(config)),
        }
    }

    pub(crate) async fn find(&self, scope: &Scope, specs: &[&Spec]) -> Result<Vec<Found>, AwsError> {
        let mut all = Vec::new();
        for spec in specs {
            if let Spec::Certificate { domain } = spec {
                for arn in self.of_domain(domain).await? {
                    all.extend(self.describe(scope, &arn).await?);
                }
            }
        }
        Ok(all)
    }

    async fn of_domain(&self, domain: &str) -> Result<Vec<String>, AwsError> {
        let mut pages = self.reads.list_certificates().into_paginator().items().send();
        let (mut arns, mut seen) = (Vec::new(), 0);
        while let Some(summary) = pages.next().await {
            let summary: CertificateSummary = summary?;
            if summary.domain_name() == Some(domain) {
                arns.extend(summary.certificate_arn().map(str::to_owned));
            }
            seen += 1;
            if seen == LISTED_MAX {
                break;
            }
        }
        Ok(arns)
    }

    async fn describe(&self, scope: &Scope, arn: &str) -> Result<Option<Found>, AwsError> {
        let reply = self
            .reads
            .describe_certificate()
            .certificate_arn(arn)
            .send()
            .await;
        let Some(reply) = existing(reply)? else {
            return Ok(None);
        };
        let Some(certificate) = reply.certificate() else {
            return Ok(None);
        };
        let listed = self
            .reads
            .list_tags_for_certificate()
            .certificate_arn(arn)
            .send()
            .await?;
        let pairs = listed
            .tags()
            .iter()
            .map(|tag| (Some(tag.key()), tag.value().unwrap_or_default()));
        Ok(tags::found(scope, arn.to_owned(), shape(certificate), pairs))
    }

    pub(crate) async fn carry_out(&self, call: &Call, mark: &Mark<'_>) -> Made {
        match call {
            Call::RequestCertificate { domain } => {
                let reply = self
                    .writes
                    .request_certificate()
                    .domain_name(domain)
                    .validation_method(ValidationMethod::Dns)
                    .idempotency_token(token(mark.token))
                    .set_tags(Some(acm_tags(mark)))
                    .send()
                    .await?;
                let arn = reply.certificate_arn;
                arn.map(Some)
                    .ok_or_else(|| AwsError::incomplete("certificate ARN"))
            }
            Call::DeleteCertificate { certificate } => {
                self.writes
                    .delete_certificate()
                    .certificate_arn(certificate)
                    .send()
                    .await?;
                Ok(None)
            }
            _ => Err(misdirected(call)),
        }
    }
}

/// Our tokens are UUIDs; without hyphens they are just short enough, and the letters are allowed.
fn token(token: &str) -> String {
    token
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(TOKEN_CHARS)
        .collect()
}

fn acm_tags(mark: &Mark<'_>) -> Vec<Tag> {
    let tag = |(key, value): (&str, String)| {
        Tag::builder()
            .key(key)
            .value(value)
            .build()
            .expect("a tag's key is set")
    };
    mark.pairs().into_iter().map(tag).collect()
}

fn shape(certificate: &CertificateDetail) -> Shape {
    let progress = match certificate.status() {
        Some(CertificateStatus::Issued) => Progress::Ready,
        Some(CertificateStatus::PendingValidation) | None => Progress::UnderWay,
        Some(_) => Progress::Failed,
    };
    let record = certificate
        .domain_validation_options()
        .first()
        .and_then(|option| option.resource_record());
    Shape::Certificate {
        progress,
        proof: record.map(|record| (record.name().to_owned(), record.value().to_owned())),
    }
}
