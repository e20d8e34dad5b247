//! Listeners.

use super::Elbv2;
use super::request::{Request, group_missing, invalid, listener_missing};
use super::state::{Action, Balancing, Listener};
use super::{balancer, view};
use crate::ec2::Place;
use crate::error::AwsError;
use crate::protocol::{Params, Xml, page};

const QUOTA: &str = "L-B6DF7632";
const DEFAULT_SSL_POLICY: &str = "ELBSecurityPolicy-2016-08";

pub(super) fn create(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    let tags = request.tags()?;
    let on = balancer::permitted(elb, request)?;
    let protocol = request.params.required("Protocol")?.to_owned();
    let fits = match on.kind.as_str() {
        "application" => ["HTTP", "HTTPS"].contains(&protocol.as_str()),
        _ => protocol == "TCP",
    };
    if !fits {
        let why = format!(
            "Protocol '{protocol}' is not supported by {} load balancers",
            on.kind
        );
        return Err(AwsError::bad("UnsupportedProtocol", why));
    }
    let port = request
        .port("Port")?
        .ok_or_else(|| request.params.missing("port"))?;
    let certificate_arn = certificate(request, &protocol)?;
    let actions = elb.with(request, |state| actions(&request.params, "DefaultActions", state))?;
    refuse_above_quota(elb, request, &on.arn)?;
    let path = on.arn.split_once(":loadbalancer/").map_or("", |(_, path)| path);
    let listener = Listener {
        arn: request.arn(&format!("listener/{path}/{}", request.new_id())),
        balancer_arn: on.arn.clone(),
        ssl_policy: certificate_arn.as_ref().map(|_| ssl_policy(request)),
        protocol,
        port,
        certificate_arn,
        actions,
        rules: Default::default(),
        tags,
    };
    elb.with(request, |state| {
        let mut others = state.listeners.values();
        if others.any(|other| other.balancer_arn == on.arn && other.port == port) {
            let why = "A listener already exists on this port for this load balancer";
            return Err(AwsError::bad("DuplicateListener", why));
        }
        let answer = view::listeners([&listener]);
        state.listeners.insert(listener.arn.clone(), listener);
        Ok(answer)
    })
}

fn ssl_policy(request: &Request<'_>) -> String {
    request
        .params
        .get("SslPolicy")
        .unwrap_or(DEFAULT_SSL_POLICY)
        .to_owned()
}

/// The certificate of an HTTPS listener: one of the account's, issued.
fn certificate(request: &Request<'_>, protocol: &str) -> Result<Option<String>, AwsError> {
    let arn = request
        .params
        .list("Certificates")
        .first()
        .and_then(|first| first.get("CertificateArn").map(str::to_owned));
    if protocol != "HTTPS" {
        return match arn {
            None => Ok(None),
            Some(_) => Err(invalid("A certificate cannot be specified for this protocol")),
        };
    }
    let arn = arn.ok_or_else(|| invalid("A certificate must be specified for HTTPS listeners"))?;
    let Place { account, region } = request.place();
    let acm = &request.core.peers.acm;
    match acm.is_issued(request.core, (account, region), &arn) {
        Some(true) => Ok(Some(arn)),
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

fn refuse_above_quota(elb: &Elbv2, request: &Request<'_>, balancer_arn: &str) -> Result<(), AwsError> {
    let Place { account, region } = request.place();
    let limit = request
        .core
        .peers
        .service_quotas
        .value(request.core, (account, region), QUOTA);
    let count = elb.with(request, |state| {
        state
            .listeners
            .values()
            .filter(|other| other.balancer_arn == balancer_arn)
            .count()
    });
    if limit.is_some_and(|limit| u64::try_from(count).unwrap_or(u64::MAX) >= limit) {
        return Err(AwsError::bad(
            "TooManyListeners",
            "You've reached the limit on listeners per load balancer",
        ));
    }
    Ok(())
}

/// Actions of a listener or a rule: one that ends the request, its target group there.
pub(super) fn actions(params: &Params, name: &str, state: &Balancing) -> Result<Vec<Action>, AwsError> {
    let mut actions = Vec::new();
    for action in params.list(name) {
        actions.push(action_of(&action, state)?);
    }
    if actions.len() != 1 {
        return Err(invalid(
            "Exactly one action of type forward, redirect or fixed-response must be specified",
        ));
    }
    Ok(actions)
}

fn action_of(action: &Params, state: &Balancing) -> Result<Action, AwsError> {
    let text = |name: &str, default: &str| action.get(name).unwrap_or(default).to_owned();
    match action.required("Type")? {
        "forward" => {
            let groups = action.structure("ForwardConfig").list("TargetGroups");
            let inner = groups
                .first()
                .and_then(|group| group.get("TargetGroupArn").map(str::to_owned));
            let arn = action.get("TargetGroupArn").map(str::to_owned).or(inner);
            let arn = arn.ok_or_else(|| invalid("A target group ARN must be specified"))?;
            if !state.groups.contains_key(&arn) {
                return Err(group_missing(&arn));
            }
            Ok(Action::Forward(arn))
        }
        "redirect" => {
            let status = action
                .structure("RedirectConfig")
                .required("StatusCode")?
                .to_owned();
            if !["HTTP_301", "HTTP_302"].contains(&status.as_str()) {
                return Err(invalid("A redirect's status code is HTTP_301 or HTTP_302"));
            }
            Ok(Action::Redirect {
                protocol: text("RedirectConfig.Protocol", "#{protocol}"),
                port: text("RedirectConfig.Port", "#{port}"),
                status,
            })
        }
        "fixed-response" => Ok(Action::Fixed {
            status: action
                .structure("FixedResponseConfig")
                .required("StatusCode")?
                .to_owned(),
            body: action.get("FixedResponseConfig.MessageBody").map(str::to_owned),
        }),
        other => Err(invalid(format!("The action type '{other}' is not built here"))),
    }
}

pub(super) fn describe(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    request.permit_describing()?;
    let params = &request.params;
    let (of, arns) = (params.get("LoadBalancerArn"), params.strings("ListenerArns"));
    if of.is_none() && arns.is_empty() {
        return Err(invalid("Either a load balancer or listeners must be specified"));
    }
    elb.with(request, |state| {
        if let Some(arn) = of.filter(|arn| !state.balancers.contains_key(*arn)) {
            return Err(super::request::balancer_missing(arn));
        }
        if let Some(arn) = arns.iter().find(|arn| !state.listeners.contains_key(*arn)) {
            return Err(listener_missing(arn));
        }
        let wanted = |listener: &&Listener| {
            of.is_none_or(|of| listener.balancer_arn == of)
                && (arns.is_empty() || arns.contains(&listener.arn))
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

pub(super) fn modify(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    let mut listener = permitted(elb, request)?;
    if let Some(protocol) = request.params.get("Protocol") {
        protocol.clone_into(&mut listener.protocol);
    }
    if let Some(port) = request.port("Port")? {
        listener.port = port;
    }
    if request
        .params
        .get("Certificates.member.1.CertificateArn")
        .is_some()
        || listener.protocol != "HTTPS"
    {
        listener.certificate_arn = certificate(request, &listener.protocol)?;
    }
    elb.with(request, |state| {
        if !request.params.list("DefaultActions").is_empty() {
            listener.actions = actions(&request.params, "DefaultActions", state)?;
        }
        let taken = |other: &Listener| {
            other.arn != listener.arn
                && other.balancer_arn == listener.balancer_arn
                && other.port == listener.port
        };
        if state.listeners.values().any(taken) {
            let why = "A listener already exists on this port for this load balancer";
            return Err(AwsError::bad("DuplicateListener", why));
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
