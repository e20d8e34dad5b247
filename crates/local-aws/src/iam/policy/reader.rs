//! Reads the JSON of a policy and refuses what IAM's grammar refuses.

use serde_json::{Map, Value};

use super::condition::Clause;
use super::document::{Document, Element, MalformedPolicy, Statement};
use super::principal::PrincipalElement;

type Read<T> = Result<T, MalformedPolicy>;

pub(super) fn malformed<T>(why: impl Into<String>) -> Read<T> {
    Err(MalformedPolicy(why.into()))
}

pub(super) fn read(text: &str) -> Read<Document> {
    let Ok(Value::Object(root)) = serde_json::from_str(text) else {
        return malformed("This policy contains invalid Json");
    };
    refuse_other_keys(&root, &["Version", "Id", "Statement"])?;
    let variables = match root.get("Version").map(Value::as_str) {
        None | Some(Some("2008-10-17")) => false,
        Some(Some("2012-10-17")) => true,
        Some(_) => return malformed("The policy must contain a valid version string"),
    };
    let statements: Vec<Statement> = match root.get("Statement") {
        Some(Value::Array(statements)) if !statements.is_empty() => {
            statements.iter().map(statement).collect::<Read<_>>()?
        }
        Some(one @ Value::Object(_)) => vec![statement(one)?],
        _ => return malformed("Syntax errors in policy: Statement is missing or empty"),
    };
    Ok(Document {
        text: text.into(),
        variables,
        statements: statements.into(),
    })
}

fn statement(value: &Value) -> Read<Statement> {
    let Value::Object(object) = value else {
        return malformed("Syntax errors in policy: a statement is an object");
    };
    refuse_other_keys(
        object,
        &[
            "Sid",
            "Effect",
            "Principal",
            "NotPrincipal",
            "Action",
            "NotAction",
            "Resource",
            "NotResource",
            "Condition",
        ],
    )?;
    let allow = match object.get("Effect").and_then(Value::as_str) {
        Some("Allow") => true,
        Some("Deny") => false,
        _ => return malformed("Syntax errors in policy: Effect is Allow or Deny"),
    };
    let Some(actions) = element(object, "Action", strings)? else {
        return malformed("Policy statement must contain actions.");
    };
    let (Element::Is(names) | Element::Not(names)) = &actions;
    if let Some(bad) = names.iter().find(|name| *name != "*" && !name.contains(':')) {
        return malformed(format!("Actions/Conditions must be prefaced by a vendor: {bad}"));
    }
    let resources = element(object, "Resource", strings)?;
    if let Some(Element::Is(arns) | Element::Not(arns)) = &resources
        && let Some(bad) = arns.iter().find(|arn| !names_resources(arn))
    {
        return malformed(format!("Resource {bad} must be in ARN format or \"*\"."));
    }
    let principals = element(object, "Principal", PrincipalElement::read)?;
    if allow && matches!(principals, Some(Element::Not(_))) {
        return malformed("Allow with NotPrincipal is not allowed.");
    }
    Ok(Statement {
        sid: sid(object)?,
        allow,
        principals,
        actions,
        resources,
        conditions: object
            .get("Condition")
            .map_or_else(|| Ok(Vec::new()), Clause::read_all)?,
    })
}

/// `*`, an ARN of six parts, or one that a star or a variable completes.
fn names_resources(arn: &str) -> bool {
    let open_ended = arn.contains(['*', '?']) || arn.contains("${");
    arn == "*"
        || arn.starts_with("${")
        || arn.starts_with("arn:") && (open_ended || arn.split(':').count() >= 6)
}

fn sid(object: &Map<String, Value>) -> Read<Option<String>> {
    match object.get("Sid") {
        None => Ok(None),
        Some(Value::String(sid)) => Ok(Some(sid.clone())),
        Some(_) => malformed("Syntax errors in policy: Sid is text"),
    }
}

fn element<T>(
    object: &Map<String, Value>,
    name: &str,
    read: impl Fn(&Value) -> Read<T>,
) -> Read<Option<Element<T>>> {
    match (object.get(name), object.get(&format!("Not{name}"))) {
        (None, None) => Ok(None),
        (Some(value), None) => Ok(Some(Element::Is(read(value)?))),
        (None, Some(value)) => Ok(Some(Element::Not(read(value)?))),
        (Some(_), Some(_)) => malformed(format!("Syntax errors in policy: {name} and Not{name} together")),
    }
}

/// A string or a non-empty list of strings.
pub(super) fn strings(value: &Value) -> Read<Vec<String>> {
    match value {
        Value::String(one) => Ok(vec![one.clone()]),
        Value::Array(many) if !many.is_empty() => {
            let texts = many.iter().map(|item| item.as_str().map(str::to_owned));
            texts
                .collect::<Option<_>>()
                .ok_or_else(|| MalformedPolicy("Syntax errors in policy: expected text".into()))
        }
        _ => malformed("Syntax errors in policy: expected text or a list of texts"),
    }
}

fn refuse_other_keys(object: &Map<String, Value>, known: &[&str]) -> Read<()> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => malformed(format!("Syntax errors in policy: unknown field {key}")),
        None => Ok(()),
    }
}
