//! What answers show.

use chrono::{DateTime, Utc};
use http::StatusCode;

use super::record::{RecordSet, shown_name};
use super::state::{Change, Check, Zone};
use crate::protocol::{Reply, Xml};

const NAMESPACE: &str = "https://route53.amazonaws.com/doc/2013-04-01/";

/// A whole answer.
pub(super) fn document(name: &str, inside: impl FnOnce(&mut Xml)) -> Reply {
    let mut xml = Xml::new();
    answer(&mut xml, name, inside);
    Reply::Rest {
        status: StatusCode::OK,
        location: None,
        document: xml,
    }
}

pub(super) fn answer(xml: &mut Xml, name: &str, inside: impl FnOnce(&mut Xml)) {
    xml.root(name, NAMESPACE, inside);
}

pub(super) fn zone(xml: &mut Xml, zone: &Zone) {
    xml.node("HostedZone", |xml| {
        xml.leaf("Id", format!("/hostedzone/{}", zone.id))
            .leaf("Name", &zone.name)
            .leaf("CallerReference", &zone.caller_reference);
        xml.node("Config", |xml| {
            xml.optional("Comment", zone.comment.as_ref())
                .leaf("PrivateZone", zone.vpc.is_some());
        });
        xml.leaf("ResourceRecordSetCount", zone.records.len());
    });
}

/// The network of a private zone.
pub(super) fn vpc(xml: &mut Xml, (region, id): &(String, String)) {
    xml.node("VPC", |xml| {
        xml.leaf("VPCRegion", region).leaf("VPCId", id);
    });
}

pub(super) fn delegation(xml: &mut Xml, zone: &Zone) {
    xml.node("DelegationSet", |xml| {
        xml.node("NameServers", |xml| {
            for name in &zone.name_servers {
                xml.leaf("NameServer", name);
            }
        });
    });
}

pub(super) fn change(xml: &mut Xml, name: &str, (id, change): (&str, &Change), now: DateTime<Utc>) {
    let status = if change.in_sync_at <= now {
        "INSYNC"
    } else {
        "PENDING"
    };
    xml.node(name, |xml| {
        xml.leaf("Id", format!("/change/{id}"))
            .leaf("Status", status)
            .leaf(
                "SubmittedAt",
                change.submitted_at.format("%Y-%m-%dT%H:%M:%S%.3fZ"),
            );
    });
}

pub(super) fn record(xml: &mut Xml, set: &RecordSet) {
    xml.node("ResourceRecordSet", |xml| {
        xml.leaf("Name", shown_name(&set.name))
            .leaf("Type", &set.kind)
            .optional("SetIdentifier", set.set_identifier.as_ref())
            .optional("Weight", set.weight)
            .optional("Region", set.region.as_ref())
            .optional("Failover", set.failover.as_ref())
            .optional("MultiValueAnswer", set.multi_value_answer)
            .optional("TTL", set.ttl);
        if let Some(alias) = &set.alias_target {
            xml.node("AliasTarget", |xml| {
                xml.leaf("HostedZoneId", &alias.hosted_zone_id)
                    .leaf("DNSName", &alias.dns_name)
                    .leaf("EvaluateTargetHealth", alias.evaluate_target_health);
            });
        } else {
            xml.node("ResourceRecords", |xml| {
                for value in set.values() {
                    xml.node("ResourceRecord", |xml| {
                        xml.leaf("Value", value);
                    });
                }
            });
        }
        xml.optional("HealthCheckId", set.health_check_id.as_ref());
    });
}

pub(super) fn check(xml: &mut Xml, check: &Check) {
    let config = &check.config;
    xml.node("HealthCheck", |xml| {
        xml.leaf("Id", &check.id)
            .leaf("CallerReference", &check.caller_reference);
        xml.node("HealthCheckConfig", |xml| {
            xml.optional("IPAddress", config.ip_address.as_ref())
                .optional("Port", config.port)
                .leaf("Type", &config.kind)
                .optional("ResourcePath", config.resource_path.as_ref())
                .optional("FullyQualifiedDomainName", config.domain_name.as_ref())
                .optional("RequestInterval", config.request_interval)
                .optional("FailureThreshold", config.failure_threshold)
                .optional("MeasureLatency", config.measure_latency)
                .optional("EnableSNI", config.enable_sni)
                .leaf("Inverted", config.inverted.unwrap_or(false))
                .leaf("Disabled", config.disabled.unwrap_or(false))
                .optional("HealthThreshold", config.health_threshold);
            if let Some(children) = &config.children {
                xml.node("ChildHealthChecks", |xml| {
                    for id in &children.ids {
                        xml.leaf("ChildHealthCheck", id);
                    }
                });
            }
        });
        xml.leaf("HealthCheckVersion", check.version);
    });
}
