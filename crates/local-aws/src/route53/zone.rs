//! Hosted zones.

use http::StatusCode;

use super::Route53;
use super::record::{check_name, full_name, sorted_name};
use super::request::{NewZone, Request, invalid};
use super::state::{Change, IN_SYNC_AFTER, Tags, Zone};
use super::view;
use crate::error::AwsError;
use crate::protocol::{Reply, Xml, page};

const QUOTA: &str = "L-4EA4796A";
const PAGE_MAX: usize = 100;

pub(super) fn create(dns: &Route53, request: &Request<'_>) -> Result<Reply, AwsError> {
    let wanted: NewZone = request.body()?;
    request.permit("*", &Tags::new())?;
    let name = full_name(&wanted.name);
    if check_name(&name).is_err() || !name.trim_end_matches('.').contains('.') {
        return Err(AwsError::bad(
            "InvalidDomainName",
            format!("{} is not a valid domain name", wanted.name),
        ));
    }
    if wanted.caller_reference.is_empty() || wanted.caller_reference.len() > 128 {
        return Err(invalid("CallerReference must have 1 to 128 characters"));
    }
    refuse_above_quota(dns, request)?;
    let mut zone = Zone {
        id: request.new_id('Z'),
        account: request.call.caller.account.clone(),
        name,
        caller_reference: wanted.caller_reference,
        comment: wanted.hosted_zone_config.and_then(|config| config.comment),
        vpc: wanted.vpc.map(|vpc| (vpc.region, vpc.id)),
        records: Default::default(),
        name_servers: name_servers(request),
        tags: Tags::new(),
        created_by: request.call.caller.principal_arn.clone(),
    };
    zone.furnish();
    let change_id = request.new_id('C');
    dns.with(|state| {
        let mut all = state.zones.values();
        let taken =
            |other: &Zone| other.account == zone.account && other.caller_reference == zone.caller_reference;
        if all.any(taken) {
            let why = "A hosted zone has already been created with the specified caller reference.";
            return Err(AwsError::conflict("HostedZoneAlreadyExists", why));
        }
        let change = changed(request);
        let mut xml = Xml::new();
        view::answer(&mut xml, "CreateHostedZoneResponse", |xml| {
            view::zone(xml, &zone);
            view::change(xml, "ChangeInfo", (&change_id, &change), request.call.now);
            view::delegation(xml, &zone);
        });
        let location = format!("https://route53.amazonaws.com/2013-04-01/hostedzone/{}", zone.id);
        state.changes.insert(change_id, change);
        state.zones.insert(zone.id.clone(), zone);
        Ok(Reply::Rest {
            status: StatusCode::CREATED,
            location: Some(location),
            document: xml,
        })
    })
}

/// A change that is made now.
pub(super) fn changed(request: &Request<'_>) -> Change {
    Change {
        account: request.call.caller.account.clone(),
        submitted_at: request.call.now,
        in_sync_at: request.call.now + request.core.latency.of(IN_SYNC_AFTER),
    }
}

fn name_servers(request: &Request<'_>) -> Vec<String> {
    let number = |bound| request.core.ids.below(bound);
    vec![
        format!("ns-{}.awsdns-{:02}.com", number(512), number(64)),
        format!("ns-{}.awsdns-{:02}.net", 512 + number(512), number(64)),
        format!("ns-{}.awsdns-{:02}.org", 1_024 + number(512), number(64)),
        format!("ns-{}.awsdns-{:02}.co.uk", 1_536 + number(512), number(64)),
    ]
}

fn refuse_above_quota(dns: &Route53, request: &Request<'_>) -> Result<(), AwsError> {
    let account = &request.call.caller.account;
    let limit = request
        .core
        .peers
        .service_quotas
        .value(request.core, (account, "global"), QUOTA);
    let count = dns.with(|state| {
        state
            .zones
            .values()
            .filter(|zone| zone.account == *account)
            .count()
    });
    if limit.is_some_and(|limit| u64::try_from(count).unwrap_or(u64::MAX) >= limit) {
        return Err(AwsError::bad(
            "TooManyHostedZones",
            "Limits Exceeded: MAX_HOSTED_ZONES_BY_OWNER",
        ));
    }
    Ok(())
}

/// The zone of an id, once its owner may do what the call is.
pub(super) fn permitted(dns: &Route53, request: &Request<'_>, id: &str) -> Result<Zone, AwsError> {
    let account = &request.call.caller.account;
    let found = dns.with(|state| {
        state
            .zones
            .get(id)
            .filter(|zone| zone.account == *account)
            .cloned()
    });
    let tags = found.as_ref().map(|zone| zone.tags.clone()).unwrap_or_default();
    request.permit(&format!("hostedzone/{id}"), &tags)?;
    found
        .ok_or_else(|| AwsError::not_found("NoSuchHostedZone", format!("No hosted zone found with ID: {id}")))
}

pub(super) fn get(dns: &Route53, request: &Request<'_>) -> Result<Reply, AwsError> {
    let zone = permitted(dns, request, request.part(1))?;
    Ok(view::document("GetHostedZoneResponse", |xml| {
        view::zone(xml, &zone);
        match &zone.vpc {
            None => view::delegation(xml, &zone),
            Some((region, id)) => {
                xml.node("VPCs", |xml| {
                    xml.node("VPC", |xml| {
                        xml.leaf("VPCRegion", region).leaf("VPCId", id);
                    });
                });
            }
        }
    }))
}

pub(super) fn list(dns: &Route53, request: &Request<'_>) -> Result<Reply, AwsError> {
    request.permit("*", &Tags::new())?;
    let zones = own(dns, request);
    let size = request.size(PAGE_MAX)?;
    let found = page(zones, |zone| &zone.id, request.query("marker").as_deref(), size)
        .ok_or_else(|| invalid("The marker is not valid"))?;
    Ok(view::document("ListHostedZonesResponse", |xml| {
        xml.node("HostedZones", |xml| {
            for zone in &found.items {
                view::zone(xml, zone);
            }
        });
        xml.leaf("IsTruncated", found.next.is_some())
            .optional("NextMarker", found.next.as_ref())
            .leaf("MaxItems", size);
    }))
}

fn own(dns: &Route53, request: &Request<'_>) -> Vec<Zone> {
    let account = &request.call.caller.account;
    dns.with(|state| {
        let own = state.zones.values().filter(|zone| zone.account == *account);
        own.cloned().collect()
    })
}

/// Zones by name, from a name on.
pub(super) fn list_by_name(dns: &Route53, request: &Request<'_>) -> Result<Reply, AwsError> {
    request.permit("*", &Tags::new())?;
    let from = request.query("dnsname").map(|name| full_name(&name));
    let mut zones = own(dns, request);
    zones.sort_by_key(|zone| (sorted_name(&zone.name), zone.id.clone()));
    if let Some(from) = &from {
        zones.retain(|zone| sorted_name(&zone.name) >= sorted_name(from));
    }
    let size = request.size(PAGE_MAX)?;
    let next = zones.get(size).map(|zone| (zone.name.clone(), zone.id.clone()));
    zones.truncate(size);
    Ok(view::document("ListHostedZonesByNameResponse", |xml| {
        xml.node("HostedZones", |xml| {
            for zone in &zones {
                view::zone(xml, zone);
            }
        });
        xml.optional("DNSName", from.as_ref())
            .leaf("IsTruncated", next.is_some());
        if let Some((name, id)) = &next {
            xml.leaf("NextDNSName", name).leaf("NextHostedZoneId", id);
        }
        xml.leaf("MaxItems", size);
    }))
}

pub(super) fn delete(dns: &Route53, request: &Request<'_>) -> Result<Reply, AwsError> {
    let zone = permitted(dns, request, request.part(1))?;
    if zone.records.values().any(|record| !zone.is_own(record)) {
        let why =
            "The specified hosted zone contains non-required resource record sets and so cannot be deleted.";
        return Err(AwsError::bad("HostedZoneNotEmpty", why));
    }
    let (id, change) = (request.new_id('C'), changed(request));
    dns.with(|state| {
        state.zones.remove(&zone.id);
        state.changes.insert(id.clone(), change.clone());
    });
    Ok(view::document("DeleteHostedZoneResponse", |xml| {
        view::change(xml, "ChangeInfo", (&id, &change), request.call.now);
    }))
}

pub(super) fn get_change(dns: &Route53, request: &Request<'_>) -> Result<Reply, AwsError> {
    let id = request.part(1);
    request.permit(&format!("change/{id}"), &Tags::new())?;
    let account = &request.call.caller.account;
    let found = dns.with(|state| {
        state
            .changes
            .get(id)
            .filter(|change| change.account == *account)
            .cloned()
    });
    let change = found.ok_or_else(|| {
        AwsError::not_found("NoSuchChange", format!("Could not find resource with ID: {id}"))
    })?;
    Ok(view::document("GetChangeResponse", |xml| {
        view::change(xml, "ChangeInfo", (id, &change), request.call.now);
    }))
}
