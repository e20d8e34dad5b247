//! Hosted zones.

use std::collections::BTreeMap;

use http::StatusCode;

use super::Route53;
use super::record::{check_name, full_name, sorted_name};
use super::request::{NewZone, Request, Vpc, invalid};
use super::state::{Change, Dns, IN_SYNC_AFTER, Tags, Zone};
use super::view;
use crate::ec2::{Place, is_region};
use crate::error::AwsError;
use crate::protocol::{Reply, Xml, page};

const QUOTA: &str = "L-4EA4796A";
const PAGE_MAX: usize = 100;

pub(super) fn create(dns: &Route53, request: &Request<'_>) -> Result<Reply, AwsError> {
    let wanted: NewZone = request.body()?;
    request.permit("*", &Tags::new())?;
    let mut zone = read(request, wanted)?;
    zone.furnish();
    let (change_id, limit) = (request.new_id('C'), request.quota(QUOTA));
    dns.with(|state| {
        refuse_taken(state, &zone)?;
        refuse_above_quota(state, &zone.account, limit)?;
        let change = changed(request);
        let mut xml = Xml::new();
        view::answer(&mut xml, "CreateHostedZoneResponse", |xml| {
            view::zone(xml, &zone);
            view::change(xml, "ChangeInfo", (&change_id, &change), request.call.now);
            match &zone.vpc {
                None => view::delegation(xml, &zone),
                Some(vpc) => view::vpc(xml, vpc),
            }
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

/// The zone that a call asks for, checked.
fn read(request: &Request<'_>, wanted: NewZone) -> Result<Zone, AwsError> {
    let name = full_name(&wanted.name);
    if check_name(&name).is_err() || !name.trim_end_matches('.').contains('.') || name.contains('*') {
        return Err(AwsError::bad(
            "InvalidDomainName",
            format!("{} is not a valid domain name", wanted.name),
        ));
    }
    if wanted.caller_reference.is_empty() || wanted.caller_reference.len() > 128 {
        return Err(invalid("CallerReference must have 1 to 128 characters"));
    }
    if let Some(id) = wanted.delegation_set_id {
        let why = format!("No delegation set found with ID: {id}");
        return Err(AwsError::bad("NoSuchDelegationSet", why));
    }
    let config = wanted.hosted_zone_config;
    let is_private = config.as_ref().and_then(|config| config.private_zone) == Some(true);
    if is_private && wanted.vpc.is_none() {
        return Err(invalid(
            "When you're creating a private hosted zone, you must specify a VPC",
        ));
    }
    let comment = config.and_then(|config| config.comment);
    if comment.as_ref().is_some_and(|comment| comment.len() > 256) {
        return Err(invalid("A comment has at most 256 characters"));
    }
    Ok(Zone {
        id: request.new_id('Z'),
        account: request.call.caller.account.clone(),
        name,
        caller_reference: wanted.caller_reference,
        comment,
        vpc: wanted.vpc.map(|vpc| own_vpc(request, vpc)).transpose()?,
        records: BTreeMap::new(),
        name_servers: name_servers(request),
        tags: Tags::new(),
        created_by: request.call.caller.principal_arn.clone(),
    })
}

/// A network of the caller's account.
fn own_vpc(request: &Request<'_>, vpc: Vpc) -> Result<(String, String), AwsError> {
    let place = Place {
        account: &request.call.caller.account,
        region: &vpc.region,
    };
    let ec2 = &request.core.peers.ec2;
    if !is_region(&vpc.region) || ec2.vpc_cidr(request.core, place, &vpc.id).is_none() {
        let why = format!("The VPC {} in region {} is not valid", vpc.id, vpc.region);
        return Err(AwsError::bad("InvalidVPCId", why));
    }
    Ok((vpc.region, vpc.id))
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

fn refuse_taken(state: &Dns, zone: &Zone) -> Result<(), AwsError> {
    let same =
        |other: &Zone| other.account == zone.account && other.caller_reference == zone.caller_reference;
    if state.zones.values().any(same) {
        let why = "A hosted zone has already been created with the specified caller reference.";
        return Err(AwsError::conflict("HostedZoneAlreadyExists", why));
    }
    Ok(())
}

fn refuse_above_quota(state: &Dns, account: &str, limit: Option<u64>) -> Result<(), AwsError> {
    let own = |zone: &&Zone| zone.account == account;
    let count = state.zones.values().filter(own).count();
    if limit.is_some_and(|limit| u64::try_from(count).unwrap_or(u64::MAX) >= limit) {
        let why = "Limits Exceeded: MAX_HOSTED_ZONES_BY_OWNER";
        return Err(AwsError::bad("TooManyHostedZones", why));
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
    found.ok_or_else(|| missing(id))
}

/// `NoSuchHostedZone`.
pub(super) fn missing(id: &str) -> AwsError {
    AwsError::not_found("NoSuchHostedZone", format!("No hosted zone found with ID: {id}"))
}

pub(super) fn get(dns: &Route53, request: &Request<'_>) -> Result<Reply, AwsError> {
    let zone = permitted(dns, request, request.part(1))?;
    Ok(view::document("GetHostedZoneResponse", |xml| {
        view::zone(xml, &zone);
        match &zone.vpc {
            None => view::delegation(xml, &zone),
            Some(vpc) => {
                xml.node("VPCs", |xml| view::vpc(xml, vpc));
            }
        }
    }))
}

pub(super) fn list(dns: &Route53, request: &Request<'_>) -> Result<Reply, AwsError> {
    request.permit("*", &Tags::new())?;
    let mut zones = own(dns, request);
    match request.query("hostedzonetype").as_deref() {
        None => {}
        Some("PrivateHostedZone") => zones.retain(|zone| zone.vpc.is_some()),
        Some(other) => return Err(invalid(format!("{other} is not a type of hosted zone"))),
    }
    if let Some(id) = request.query("delegationsetid") {
        let why = format!("No delegation set found with ID: {id}");
        return Err(AwsError::bad("NoSuchDelegationSet", why));
    }
    let marker = request.query("marker");
    let size = request.size(PAGE_MAX)?;
    let found = page(zones, |zone| &zone.id, marker.as_deref(), size)
        .ok_or_else(|| invalid("The marker is not valid"))?;
    Ok(view::document("ListHostedZonesResponse", |xml| {
        xml.node("HostedZones", |xml| {
            for zone in &found.items {
                view::zone(xml, zone);
            }
        });
        xml.optional("Marker", marker.as_ref())
            .leaf("IsTruncated", found.next.is_some())
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
    let from_id = request.query("hostedzoneid");
    if from.is_none() && from_id.is_some() {
        return Err(invalid("The hosted zone ID needs a DNS name"));
    }
    let key = |zone: &Zone| (sorted_name(&zone.name), zone.id.clone());
    let mut zones = own(dns, request);
    zones.sort_by_key(key);
    if let Some(from) = &from {
        let start = (sorted_name(from), from_id.clone().unwrap_or_default());
        zones.retain(|zone| key(zone) >= start);
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
            .optional("HostedZoneId", from_id.as_ref())
            .leaf("IsTruncated", next.is_some());
        if let Some((name, id)) = &next {
            xml.leaf("NextDNSName", name).leaf("NextHostedZoneId", id);
        }
        xml.leaf("MaxItems", size);
    }))
}

pub(super) fn delete(dns: &Route53, request: &Request<'_>) -> Result<Reply, AwsError> {
    let zone = permitted(dns, request, request.part(1))?;
    let (id, change) = (request.new_id('C'), changed(request));
    dns.with(|state| {
        let is_used = |zone: &Zone| zone.records.values().any(|record| !zone.is_own(record));
        if state.zones.get(&zone.id).is_some_and(is_used) {
            let why =
                "The specified hosted zone contains non-required resource record sets and so cannot be deleted.";
            return Err(AwsError::bad("HostedZoneNotEmpty", why));
        }
        state.zones.remove(&zone.id);
        state.changes.insert(id.clone(), change.clone());
        Ok(())
    })?;
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
