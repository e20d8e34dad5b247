//! What listeners and rules do with a request: forward it, redirect it, answer it.
//!
//! Sources: user guide, "Rule action types"; API reference, "Action" and its configurations.

use std::collections::BTreeSet;

use super::limits;
use super::request::{Request, group_missing, invalid};
use super::state::{Action, Balancer, Balancing, Forward, Redirect};
use crate::error::AwsError;
use crate::protocol::Params;

const ACTIONS_MAX: usize = 5;
const WEIGHT_MAX: i64 = 999;
/// A week.
const STICKY_SECONDS_MAX: i64 = 604_800;
const CONTENT_TYPES: [&str; 5] = [
    "text/plain",
    "text/css",
    "text/html",
    "application/javascript",
    "application/json",
];
/// What stands for the old address in a new one.
const SAME: [&str; 5] = ["#{protocol}", "#{host}", "#{port}", "/#{path}", "#{query}"];

/// The actions of a call: here it is always one, because those that come before another are not built.
pub(super) fn read(request: &Request<'_>, name: &str) -> Result<Vec<Action>, AwsError> {
    let given = request.params.list(name);
    if given.len() > ACTIONS_MAX {
        return Err(limits::above("TooManyActions", "actions per rule"));
    }
    let mut actions = Vec::new();
    for action in &given {
        actions.push(read_one(request, action)?);
    }
    match actions.len() {
        0 => Err(invalid("An action must be specified")),
        1 => Ok(actions),
        _ => Err(AwsError::bad(
            "InvalidLoadBalancerAction",
            "Only one action of type forward, redirect or fixed-response is allowed",
        )),
    }
}

fn read_one(request: &Request<'_>, action: &Params) -> Result<Action, AwsError> {
    match action.required("Type")? {
        "forward" => forward(action).map(Action::Forward),
        "redirect" => redirect(&action.structure("RedirectConfig")).map(Action::Redirect),
        "fixed-response" => fixed(&action.structure("FixedResponseConfig")),
        known @ ("authenticate-oidc" | "authenticate-cognito" | "jwt-validation") => {
            Err(request.not_built(&format!("Type '{known}'")))
        }
        other => Err(invalid(format!("The action type '{other}' is not valid"))),
    }
}

fn forward(action: &Params) -> Result<Forward, AwsError> {
    let config = action.structure("ForwardConfig");
    let mut groups = Vec::new();
    for tuple in config.list("TargetGroups") {
        let weight = tuple.number("Weight")?.unwrap_or(1);
        let arn = tuple.required("TargetGroupArn")?.to_owned();
        match u32::try_from(weight) {
            Ok(valid) if weight <= WEIGHT_MAX => groups.push((arn, valid)),
            _ => return Err(invalid(format!("Weight must be between 0 and {WEIGHT_MAX}"))),
        }
    }
    match (action.get("TargetGroupArn"), groups.as_slice()) {
        (None, []) => return Err(invalid("A target group ARN must be specified")),
        (Some(arn), []) => groups.push((arn.to_owned(), 1)),
        (Some(arn), [(only, _)]) if arn == only => {}
        (Some(_), _) => {
            return Err(invalid(
                "The target group ARN must be the only target group of the forward configuration",
            ));
        }
        (None, _) => {}
    }
    let distinct: BTreeSet<&String> = groups.iter().map(|(arn, _)| arn).collect();
    if distinct.len() < groups.len() {
        return Err(invalid("Target groups of a forward action must be unique"));
    }
    let sticky_seconds = stickiness(&config.structure("TargetGroupStickinessConfig"))?;
    Ok(Forward {
        groups,
        sticky_seconds,
    })
}

fn stickiness(config: &Params) -> Result<Option<u32>, AwsError> {
    if config.flag("Enabled")? != Some(true) {
        return Ok(None);
    }
    let seconds = config.number("DurationSeconds")?;
    let seconds = seconds.filter(|seconds| (1..=STICKY_SECONDS_MAX).contains(seconds));
    seconds
        .and_then(|seconds| u32::try_from(seconds).ok())
        .map(Some)
        .ok_or_else(|| {
            invalid(format!(
                "DurationSeconds must be between 1 and {STICKY_SECONDS_MAX}"
            ))
        })
}

fn redirect(config: &Params) -> Result<Redirect, AwsError> {
    let [protocol, host, port, path, query] = SAME;
    let text = |name: &str, default: &str| config.get(name).unwrap_or(default).to_owned();
    let redirect = Redirect {
        protocol: text("Protocol", protocol),
        host: text("Host", host),
        port: text("Port", port),
        path: text("Path", path),
        query: text("Query", query),
        status: config.required("StatusCode")?.to_owned(),
    };
    if !["HTTP_301", "HTTP_302"].contains(&redirect.status.as_str()) {
        return Err(invalid("A redirect's status code is HTTP_301 or HTTP_302"));
    }
    if !["HTTP", "HTTPS", protocol].contains(&redirect.protocol.as_str()) {
        return Err(invalid("A redirect's protocol is HTTP, HTTPS or #{protocol}"));
    }
    let port_fits = redirect.port == port || redirect.port.parse::<u16>().is_ok_and(|port| port > 0);
    if !port_fits || !redirect.path.starts_with('/') {
        return Err(invalid(
            "A redirect's port is a number or #{port}, and its path begins with '/'",
        ));
    }
    let Redirect {
        protocol,
        host,
        port,
        path,
        query,
        ..
    } = &redirect;
    if [protocol, host, port, path, query] == SAME {
        let why = "The redirect configuration is not valid because it creates a loop.";
        return Err(AwsError::bad("InvalidLoadBalancerAction", why));
    }
    Ok(redirect)
}

fn fixed(config: &Params) -> Result<Action, AwsError> {
    let status = config.required("StatusCode")?;
    let fits = status.len() == 3
        && status.starts_with(['2', '4', '5'])
        && status.bytes().all(|byte| byte.is_ascii_digit());
    if !fits {
        return Err(invalid("A fixed response's status code is 2XX, 4XX or 5XX"));
    }
    let content_type = config.get("ContentType");
    if let Some(other) = content_type.filter(|given| !CONTENT_TYPES.contains(given)) {
        return Err(invalid(format!("The content type '{other}' is not valid")));
    }
    let body = config.get("MessageBody");
    if body.is_some_and(|body| body.len() > 1_024) {
        return Err(invalid("A fixed response's body has 1024 characters at most"));
    }
    Ok(Action::Fixed {
        status: status.to_owned(),
        content_type: content_type.map(str::to_owned),
        body: body.map(str::to_owned),
    })
}

/// Refuses actions that a load balancer cannot take.
pub(super) fn check(
    state: &Balancing,
    (balancer, actions): (&Balancer, &[Action]),
    targets_max: Option<usize>,
) -> Result<(), AwsError> {
    for action in actions {
        limits::refuse_many_groups(action, &balancer.kind)?;
        if balancer.kind == "network" && !matches!(action, Action::Forward(_)) {
            let why = "A network load balancer only forwards";
            return Err(AwsError::bad("InvalidLoadBalancerAction", why));
        }
        for arn in action.group_arns() {
            check_group(state, balancer, arn)?;
        }
    }
    limits::refuse_many(state, (balancer, actions), targets_max)
}

fn check_group(state: &Balancing, balancer: &Balancer, arn: &str) -> Result<(), AwsError> {
    let group = state.groups.get(arn).ok_or_else(|| group_missing(arn))?;
    let fits = match balancer.kind.as_str() {
        "application" => group.protocol != "TCP",
        _ => group.protocol == "TCP",
    };
    if !fits {
        let why = format!(
            "The protocol {} of target group '{arn}' is not supported by {} load balancers",
            group.protocol, balancer.kind
        );
        return Err(AwsError::bad("IncompatibleProtocols", why));
    }
    if group.vpc_id != balancer.vpc_id {
        let why = format!("Target group '{arn}' is in another VPC than the load balancer");
        return Err(AwsError::bad("InvalidConfigurationRequest", why));
    }
    if state.balancers_of(arn).iter().any(|other| *other != balancer.arn) {
        return Err(limits::above(
            "TargetGroupAssociationLimit",
            "load balancers per target group",
        ));
    }
    Ok(())
}
