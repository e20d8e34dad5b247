//! Rules of a listener, by priority; the listener's own actions come last, as a rule that cannot be changed.

use std::collections::BTreeMap;

use super::request::{Request, balancer_missing, invalid, listener_missing};
use super::state::{Action, Balancer, Balancing, Condition, Listener, Rule};
use super::{Elbv2, action, balancer, condition, limits, listener, view};
use crate::error::AwsError;
use crate::protocol::{Xml, page};

const PRIORITY_MAX: i64 = 50_000;

pub(super) fn create(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    let tags = request.tags()?;
    let on = listener::permitted(elb, request)?;
    let rule = Rule {
        arn: {
            let path = on.arn.split_once(":listener/").map_or("", |(_, path)| path);
            request.arn(&format!("listener-rule/{path}/{}", request.new_id()))
        },
        priority: priority(request.params.number("Priority")?)?,
        conditions: condition::read(&request.params)?,
        actions: action::read(request, "Actions")?,
        tags,
    };
    let targets_max = limits::targets_max(request);
    elb.with(request, |state| {
        refuse_taken(&on, &BTreeMap::from([(rule.arn.as_str(), rule.priority)]))?;
        let balancer = balancer_of(state, &on)?;
        action::check(state, (balancer, &rule.actions), targets_max)?;
        refuse_many(state, balancer)?;
        let listener = state.listeners.get_mut(&on.arn);
        let listener = listener.ok_or_else(|| listener_missing(&on.arn))?;
        let answer = view::rules([view::Shown::Own(&rule)]);
        listener.rules.insert(rule.arn.clone(), rule);
        Ok(answer)
    })
}

fn balancer_of<'s>(state: &'s Balancing, listener: &Listener) -> Result<&'s Balancer, AwsError> {
    let found = state.balancers.get(&listener.balancer_arn);
    found.ok_or_else(|| balancer_missing(&listener.balancer_arn))
}

fn refuse_many(state: &Balancing, balancer: &Balancer) -> Result<(), AwsError> {
    let own = state.listeners.values();
    let own = own.filter(|listener| listener.balancer_arn == balancer.arn);
    let count: usize = own.map(|listener| listener.rules.len()).sum();
    if count >= limits::RULES_MAX {
        return Err(limits::above("TooManyRules", "rules per load balancer"));
    }
    Ok(())
}

fn priority(given: Option<i64>) -> Result<u32, AwsError> {
    let given = given.ok_or_else(|| invalid("A priority must be specified"))?;
    match u32::try_from(given) {
        Ok(priority) if (1..=PRIORITY_MAX).contains(&given) => Ok(priority),
        _ => Err(invalid(format!("Priority must be between 1 and {PRIORITY_MAX}"))),
    }
}

/// Refuses priorities that a rule has which keeps its own.
fn refuse_taken(listener: &Listener, wanted: &BTreeMap<&str, u32>) -> Result<(), AwsError> {
    let staying = listener.rules.values();
    let mut staying = staying.filter(|rule| !wanted.contains_key(rule.arn.as_str()));
    match staying.find(|rule| wanted.values().any(|priority| *priority == rule.priority)) {
        None => Ok(()),
        Some(rule) => Err(in_use(rule.priority)),
    }
}

fn in_use(priority: u32) -> AwsError {
    AwsError::bad(
        "PriorityInUse",
        format!("Priority '{priority}' is currently in use"),
    )
}

pub(super) fn describe(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    request.permit_describing()?;
    let params = &request.params;
    let (of, arns) = (params.get("ListenerArn"), params.strings("RuleArns"));
    if of.is_some() != arns.is_empty() {
        return Err(invalid("You must specify either rule ARNs or a listener ARN"));
    }
    elb.with(request, |state| {
        let all = match of {
            Some(arn) => in_order(state.listeners.get(arn).ok_or_else(|| listener_missing(arn))?),
            None => named(state, &arns)?,
        };
        // The place in the order is what a marker names, written so that it sorts.
        let numbered: Vec<(String, view::Shown<'_>)> = (0_u32..)
            .zip(all)
            .map(|(at, rule)| (format!("{at:08}"), rule))
            .collect();
        let size = balancer::page_size(request)?;
        let found = page(numbered, |(at, _)| at, params.get("Marker"), size)
            .ok_or_else(|| invalid("The marker is not valid"))?;
        let mut xml = view::rules(found.items.into_iter().map(|(_, rule)| rule));
        xml.optional("NextMarker", found.next);
        Ok(xml)
    })
}

fn in_order(listener: &Listener) -> Vec<view::Shown<'_>> {
    let mut rules: Vec<&Rule> = listener.rules.values().collect();
    rules.sort_by_key(|rule| rule.priority);
    let own = rules.into_iter().map(view::Shown::Own);
    own.chain([view::Shown::Default(listener)]).collect()
}

fn named<'s>(state: &'s Balancing, arns: &[String]) -> Result<Vec<view::Shown<'s>>, AwsError> {
    let find = |arn: &String| {
        let listener = state.listener_of_rule(arn).ok_or_else(|| rule_missing(arn))?;
        Ok(match listener.rules.get(arn) {
            Some(rule) => view::Shown::Own(rule),
            None => view::Shown::Default(listener),
        })
    };
    arns.iter().map(find).collect()
}

/// The listener of the rule a call names, once the caller may change the rule and anybody can.
fn permitted(elb: &Elbv2, request: &Request<'_>, arn: &str) -> Result<Listener, AwsError> {
    let found = elb.with(request, |state| state.listener_of_rule(arn).cloned());
    let tags = found.as_ref().and_then(|listener| listener.rules.get(arn));
    let tags = tags.map(|rule| rule.tags.clone()).unwrap_or_default();
    request.permit(arn, &tags, &Default::default())?;
    let listener = found.ok_or_else(|| rule_missing(arn))?;
    if listener.default_rule_arn == arn {
        let why = format!("Default rule '{arn}' cannot be modified");
        return Err(AwsError::bad("OperationNotPermitted", why));
    }
    Ok(listener)
}

/// What a call changes of a rule.
struct Change {
    actions: Option<Vec<Action>>,
    conditions: Option<Vec<Condition>>,
}

pub(super) fn modify(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    let (params, arn) = (&request.params, request.params.required("RuleArn")?);
    let on = permitted(elb, request, arn)?;
    let given = |name: &str| !params.list(name).is_empty();
    let change = Change {
        actions: given("Actions")
            .then(|| action::read(request, "Actions"))
            .transpose()?,
        conditions: given("Conditions").then(|| condition::read(params)).transpose()?,
    };
    let targets_max = limits::targets_max(request);
    elb.with(request, |state| {
        if let Some(actions) = &change.actions {
            action::check(state, (balancer_of(state, &on)?, actions), targets_max)?;
        }
        let listener = state.listeners.get_mut(&on.arn);
        let rule = listener.and_then(|listener| listener.rules.get_mut(arn));
        let rule = rule.ok_or_else(|| rule_missing(arn))?;
        rule.actions = change.actions.unwrap_or_else(|| rule.actions.clone());
        rule.conditions = change.conditions.unwrap_or_else(|| rule.conditions.clone());
        Ok(view::rules([view::Shown::Own(rule)]))
    })
}

pub(super) fn delete(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    let arn = request.params.required("RuleArn")?;
    let on = permitted(elb, request, arn)?;
    elb.with(request, |state| {
        if let Some(listener) = state.listeners.get_mut(&on.arn) {
            listener.rules.remove(arn);
        }
        Ok(Xml::new())
    })
}

/// Moves rules of one listener together: their new priorities are free of those that stay.
pub(super) fn set_priorities(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    let pairs = request.params.list("RulePriorities");
    let mut wanted = BTreeMap::new();
    let mut on: Option<Listener> = None;
    for pair in &pairs {
        let arn = pair.required("RuleArn")?;
        let listener = permitted(elb, request, arn)?;
        if on.get_or_insert_with(|| listener.clone()).arn != listener.arn {
            return Err(invalid("The rules must belong to the same listener"));
        }
        let priority = priority(pair.number("Priority")?)?;
        if wanted.values().any(|other| *other == priority) {
            return Err(in_use(priority));
        }
        if wanted.insert(arn, priority).is_some() {
            return Err(invalid("A rule can be specified only once"));
        }
    }
    let on = on.ok_or_else(|| invalid("At least one rule must be specified"))?;
    refuse_taken(&on, &wanted)?;
    elb.with(request, |state| {
        let listener = state.listeners.get_mut(&on.arn);
        let listener = listener.ok_or_else(|| listener_missing(&on.arn))?;
        for (arn, priority) in &wanted {
            if let Some(rule) = listener.rules.get_mut(*arn) {
                rule.priority = *priority;
            }
        }
        let moved = wanted.keys().filter_map(|arn| listener.rules.get(*arn));
        Ok(view::rules(moved.map(view::Shown::Own)))
    })
}

fn rule_missing(arn: &str) -> AwsError {
    AwsError::bad("RuleNotFound", format!("One or more rules not found: '{arn}'"))
}
