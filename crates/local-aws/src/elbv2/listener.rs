//! Listeners.

use super::request::{Request, invalid, listener_missing};
use super::state::{Balancer, Balancing, Listener};
use super::{Elbv2, action, balancer, limits, view};
use crate::ec2::Place;
use crate::error::AwsError;
use crate::protocol::{Xml, page};

const QUOTA: &str = "L-B6DF7632";
const DEFAULT_SSL_POLICY: &str = "ELBSecurityPolicy-2016-08";
/// What an HTTPS listener may speak (user guide, "Security policies for your Application Load Balancer").
const SSL_POLICIES: [&str; 21] = [
    "ELBSecurityPolicy-TLS13-1-3-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-Ext1-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06",
    "ELBSecurityPolicy-TLS13-1-1-2021-06",
    "ELBSecurityPolicy-TLS13-1-0-2021-06",
    "ELBSecurityPolicy-TLS13-1-3-FIPS-2023-04",
    "ELBSecurityPolicy-TLS13-1-2-FIPS-2023-04",
    "ELBSecurityPolicy-TLS13-1-2-Res-FIPS-2023-04",
    "ELBSecurityPolicy-TLS-1-0-2015-04",
    "ELBSecurityPolicy-TLS-1-1-2017-01",
    "ELBSecurityPolicy-TLS-1-2-2017-01",
    "ELBSecurityPolicy-TLS-1-2-Ext-2018-06",
    "ELBSecurityPolicy-FS-2018-06",
    "ELBSecurityPolicy-FS-1-1-2019-08",
    "ELBSecurityPolicy-FS-1-2-2019-08",
    "ELBSecurityPolicy-FS-1-2-Res-2019-08",
    "ELBSecurityPolicy-FS-1-2-Res-2020-10",
    "ELBSecurityPolicy-2015-05",
    DEFAULT_SSL_POLICY,
];

pub(super) fn create(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    let tags = request.tags()?;
    let on = balancer::permitted(elb, request)?;
    let mut listener = read(request, &on)?;
    listener.tags = tags;
    let (listeners_max, targets_max) = (limits::quota(request, QUOTA), limits::targets_max(request));
    elb.with(request, |state| {
        let mut others = state.listeners.values();
        let same_port = others.find(|other| other.balancer_arn == on.arn && other.port == listener.port);
        match same_port {
            Some(same) if alike(same, &listener) => return Ok(view::listeners([same])),
            Some(_) => return Err(duplicate()),
            None => {}
        }
        let refusal = ("TooManyListeners", "listeners per load balancer");
        limits::refuse_full(listeners_max, count(state, &on), refusal)?;
        action::check(state, (&on, &listener.actions), targets_max)?;
        let answer = view::listeners([&listener]);
        state.listeners.insert(listener.arn.clone(), listener);
        Ok(answer)
    })
}

fn read(request: &Request<'_>, on: &Balancer) -> Result<Listener, AwsError> {
    let params = &request.params;
    let protocol = params.required("Protocol")?.to_owned();
    check_protocol(request, &on.kind, &protocol)?;
    let port = request.port("Port")?.ok_or_else(|| params.missing("port"))?;
    let path = on.arn.split_once(":loadbalancer/").map_or("", |(_, path)| path);
    let path = format!("{path}/{}", request.new_id());
    Ok(Listener {
        arn: request.arn(&format!("listener/{path}")),
        default_rule_arn: request.arn(&format!("listener-rule/{path}/{}", request.new_id())),
        balancer_arn: on.arn.clone(),
        ssl_policy: ssl_policy(request, &protocol)?,
        certificate_arn: certificate(request, &protocol)?,
        actions: action::read(request, "DefaultActions")?,
        protocol,
        port,
        rules: Default::default(),
        tags: Default::default(),
    })
}

/// Whether a call asks for what is there: such a call succeeds again (API reference, "CreateListener").
fn alike(one: &Listener, other: &Listener) -> bool {
    (&one.protocol, &one.ssl_policy, &one.certificate_arn, &one.actions)
        == (
            &other.protocol,
            &other.ssl_policy,
            &other.certificate_arn,
            &other.actions,
        )
}

fn duplicate() -> AwsError {
    let why = "A listener already exists on this port for this load balancer";
    AwsError::bad("DuplicateListener", why)
}

fn count(state: &Balancing, on: &Balancer) -> usize {
    let all = state.listeners.values();
    all.filter(|listener| listener.balancer_arn == on.arn).count()
}

fn check_protocol(request: &Request<'_>, kind: &str, protocol: &str) -> Result<(), AwsError> {
    match (kind, protocol) {
        ("application", "HTTP" | "HTTPS") | ("network", "TCP") => Ok(()),
        ("network", "TLS" | "UDP" | "TCP_UDP" | "QUIC" | "TCP_QUIC") => {
            Err(request.not_built(&format!("Protocol '{protocol}'")))
        }
        _ => {
            let why = format!("Protocol '{protocol}' is not supported by {kind} load balancers");
            Err(AwsError::bad("UnsupportedProtocol", why))
        }
    }
}

fn ssl_policy(request: &Request<'_>, protocol: &str) -> Result<Option<String>, AwsError> {
    let given = request.params.get("SslPolicy");
    if let Some(other) = given.filter(|given| !SSL_POLICIES.contains(given)) {
        let why = format!("SSL policy '{other}' not found");
        return Err(AwsError::bad("SSLPolicyNotFound", why));
    }
    match (protocol, given) {
        ("HTTPS", given) => Ok(Some(given.unwrap_or(DEFAULT_SSL_POLICY).to_owned())),
        (_, None) => Ok(None),
        (_, Some(_)) => Err(invalid(format!(
            "An SSL policy cannot be specified for {protocol} listeners"
        ))),
    }
}

/// The certificate of an HTTPS listener: exactly one of the account's, issued.
fn certificate(request: &Request<'_>, protocol: &str) -> Result<Option<String>, AwsError> {
    let given = request.params.list("Certificates");
    if given.iter().any(|one| one.get("IsDefault").is_some()) {
        return Err(invalid("IsDefault cannot be specified for a certificate"));
    }
    match (protocol, given.as_slice()) {
        ("HTTPS", [one]) => issued(request, one.required("CertificateArn")?).map(Some),
        ("HTTPS", []) => Err(invalid("A certificate must be specified for HTTPS listeners")),
        ("HTTPS", _) => Err(invalid("Exactly one certificate must be specified")),
        (_, []) => Ok(None),
        _ => Err(invalid("A certificate cannot be specified for this protocol")),
    }
}

fn issued(request: &Request<'_>, arn: &str) -> Result<String, AwsError> {
    let Place { account, region } = request.place();
    let acm = &request.core.peers.acm;
    match acm.is_issued(request.core, (account, region), arn) {
        Some(true) => Ok(arn.to_owned()),
        Some(false) => Err(AwsError::bad(
            "UnsupportedCertificate",
            format!(
                "The certificate '{arn}' must have a fully-qualified domain name, a supported signature, and a supported key size."
            ),
        )),
        None => Err(AwsError::bad(
            "CertificateNotFound",
            format!("Certificate ARN '{arn}' is not found"),
        )),
    }
}

pub(super) fn describe(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    request.permit_describing()?;
    let params = &request.params;
    let (of, arns) = (params.get("LoadBalancerArn"), params.strings("ListenerArns"));
    if of.is_some() != arns.is_empty() {
        return Err(invalid(
            "You must specify either listener ARNs or a load balancer ARN",
        ));
    }
    elb.with(request, |state| {
        if let Some(arn) = of.filter(|arn| !state.balancers.contains_key(*arn)) {
            return Err(super::request::balancer_missing(arn));
        }
        if let Some(arn) = arns.iter().find(|arn| !state.listeners.contains_key(*arn)) {
            return Err(listener_missing(arn));
        }
        let wanted = |listener: &&Listener| match of {
            Some(of) => listener.balancer_arn == of,
            None => arns.contains(&listener.arn),
        };
        let found = page(
            state.listeners.values().filter(wanted),
            |listener| &listener.arn,
            params.get("Marker"),
            balancer::page_size(request)?,
        )
        .ok_or_else(|| invalid("The marker is not valid"))?;
        let mut xml = view::listeners(found.items);
        xml.optional("NextMarker", found.next);
        Ok(xml)
    })
}

/// A listener to change, once the caller may.
pub(super) fn permitted(elb: &Elbv2, request: &Request<'_>) -> Result<Listener, AwsError> {
    let arn = request.params.required("ListenerArn")?;
    let found = elb.with(request, |state| state.listeners.get(arn).cloned());
    let tags = found
        .as_ref()
        .map(|listener| listener.tags.clone())
        .unwrap_or_default();
    request.permit(arn, &tags, &Default::default())?;
    found.ok_or_else(|| listener_missing(arn))
}

/// Changes what a call names; with a protocol that is not encrypted, certificate and policy go.
pub(super) fn modify(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    let mut listener = permitted(elb, request)?;
    let on = elb.with(request, |state| {
        state.balancers.get(&listener.balancer_arn).cloned()
    });
    let on = on.ok_or_else(|| super::request::balancer_missing(&listener.balancer_arn))?;
    let params = &request.params;
    if let Some(protocol) = params.get("Protocol") {
        check_protocol(request, &on.kind, protocol)?;
        protocol.clone_into(&mut listener.protocol);
    }
    listener.port = request.port("Port")?.unwrap_or(listener.port);
    let secure = listener.protocol == "HTTPS";
    if !secure || listener.certificate_arn.is_none() || !params.list("Certificates").is_empty() {
        listener.certificate_arn = certificate(request, &listener.protocol)?;
    }
    if !secure || listener.ssl_policy.is_none() || params.get("SslPolicy").is_some() {
        listener.ssl_policy = ssl_policy(request, &listener.protocol)?;
    }
    if !params.list("DefaultActions").is_empty() {
        listener.actions = action::read(request, "DefaultActions")?;
    }
    let targets_max = limits::targets_max(request);
    elb.with(request, |state| {
        action::check(state, (&on, &listener.actions), targets_max)?;
        let taken = |other: &Listener| {
            other.arn != listener.arn && other.balancer_arn == on.arn && other.port == listener.port
        };
        if state.listeners.values().any(taken) {
            return Err(duplicate());
        }
        let answer = view::listeners([&listener]);
        state.listeners.insert(listener.arn.clone(), listener);
        Ok(answer)
    })
}

pub(super) fn delete(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    let listener = permitted(elb, request)?;
    elb.with(request, |state| state.listeners.remove(&listener.arn));
    Ok(Xml::new())
}
