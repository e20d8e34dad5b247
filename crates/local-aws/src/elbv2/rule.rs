//! Rules of a listener, by priority; the listener's own actions come last.

use super::Elbv2;
use super::listener::{self, actions};
use super::request::{Request, invalid, listener_missing};
use super::state::{Condition, Listener, Rule};
use super::view;
use crate::error::AwsError;
use crate::protocol::{Params, Xml};

const PRIORITY_MAX: i64 = 50_000;
const FIELDS: [&str; 4] = ["host-header", "path-pattern", "http-request-method", "source-ip"];

pub(super) fn create(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    let tags = request.tags()?;
    let on = listener::permitted(elb, request)?;
    let priority = priority(request.params.number("Priority")?)?;
    let conditions = conditions(&request.params)?;
    let path = on.arn.split_once(":listener/").map_or("", |(_, path)| path);
    let arn = request.arn(&format!("listener-rule/{path}/{}", request.new_id()));
    elb.with(request, |state| {
        let actions = actions(&request.params, "Actions", state)?;
        let listener = state
            .listeners
            .get_mut(&on.arn)
            .ok_or_else(|| listener_missing(&on.arn))?;
        if listener.rules.values().any(|rule| rule.priority == priority) {
            return Err(AwsError::bad(
                "PriorityInUse",
                format!("Priority '{priority}' is currently in use"),
            ));
        }
        let rule = Rule {
            arn,
            priority,
            conditions,
            actions,
            tags,
        };
        let answer = view::rules([&rule], None);
        listener.rules.insert(rule.arn.clone(), rule);
        Ok(answer)
    })
}

fn priority(given: Option<i64>) -> Result<u32, AwsError> {
    let given = given.ok_or_else(|| invalid("A priority must be specified"))?;
    match u32::try_from(given) {
        Ok(priority) if (1..=PRIORITY_MAX).contains(&given) => Ok(priority),
        _ => Err(invalid(format!("Priority must be between 1 and {PRIORITY_MAX}"))),
    }
}

fn conditions(params: &Params) -> Result<Vec<Condition>, AwsError> {
    let mut conditions = Vec::new();
    for condition in params.list("Conditions") {
        let field = condition.required("Field")?;
        if !FIELDS.contains(&field) {
            return Err(invalid(format!(
                "Condition field '{field}' must be one of {FIELDS:?}"
            )));
        }
        let inner = [
            "HostHeaderConfig",
            "PathPatternConfig",
            "HttpRequestMethodConfig",
            "SourceIpConfig",
        ]
        .into_iter()
        .flat_map(|name| condition.structure(name).strings("Values"));
        let values: Vec<String> = condition.strings("Values").into_iter().chain(inner).collect();
        if values.is_empty() {
            return Err(invalid(format!("A condition on '{field}' needs a value")));
        }
        conditions.push(Condition {
            field: field.to_owned(),
            values,
        });
    }
    if conditions.is_empty() {
        return Err(invalid("At least one condition must be specified"));
    }
    Ok(conditions)
}

pub(super) fn describe(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    request.permit_describing()?;
    let (of, arns) = (
        request.params.get("ListenerArn"),
        request.params.strings("RuleArns"),
    );
    elb.with(request, |state| match of {
        Some(arn) => {
            let listener = state.listeners.get(arn).ok_or_else(|| listener_missing(arn))?;
            let mut rules: Vec<&Rule> = listener.rules.values().collect();
            rules.sort_by_key(|rule| rule.priority);
            Ok(view::rules(rules, Some(listener)))
        }
        None => {
            let mut found = Vec::new();
            for arn in &arns {
                let mut all = state.listeners.values();
                found.push(
                    all.find_map(|listener| listener.rules.get(arn))
                        .ok_or_else(|| rule_missing(arn))?,
                );
            }
            Ok(view::rules(found, None))
        }
    })
}

/// Works on the rule a call names, once the caller may.
fn on_rule(
    elb: &Elbv2,
    request: &Request<'_>,
    work: impl FnOnce(&mut Listener, &str) -> Result<Xml, AwsError>,
) -> Result<Xml, AwsError> {
    let arn = request.params.required("RuleArn")?;
    let tags = elb.with(request, |state| {
        let mut all = state.listeners.values();
        all.find_map(|listener| listener.rules.get(arn))
            .map(|rule| rule.tags.clone())
    });
    request.permit(arn, &tags.unwrap_or_default(), &Default::default())?;
    elb.with(request, |state| {
        let mut all = state.listeners.values_mut();
        let listener = all.find(|listener| listener.rules.contains_key(arn));
        work(listener.ok_or_else(|| rule_missing(arn))?, arn)
    })
}

pub(super) fn modify(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    let actions = match request.params.list("Actions").is_empty() {
        true => None,
        false => Some(elb.with(request, |state| actions(&request.params, "Actions", state))?),
    };
    let conditions = match request.params.list("Conditions").is_empty() {
        true => None,
        false => Some(conditions(&request.params)?),
    };
    on_rule(elb, request, |listener, arn| {
        let rule = listener.rules.get_mut(arn).ok_or_else(|| rule_missing(arn))?;
        if let Some(actions) = actions {
            rule.actions = actions;
        }
        if let Some(conditions) = conditions {
            rule.conditions = conditions;
        }
        Ok(view::rules([&*rule], None))
    })
}

pub(super) fn delete(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    on_rule(elb, request, |listener, arn| {
        listener.rules.remove(arn);
        Ok(Xml::new())
    })
}

fn rule_missing(arn: &str) -> AwsError {
    AwsError::bad("RuleNotFound", format!("One or more rules not found: '{arn}'"))
}
