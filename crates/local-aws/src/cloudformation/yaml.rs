//! Reads YAML into JSON values, with CloudFormation's short tags (`!Ref`, `!Sub`, …) in their long form.
//!
//! Aliases are refused: CloudFormation does not support them, and they let a small text grow without bound.

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::{Map, Value};

/// Deepest nesting read.
const DEPTH_MAX: usize = 64;

type Events<'a> = dyn Iterator<Item = Result<Event<'a>, String>> + 'a;

/// Reads one document. The error is a sentence for a `ValidationError`.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let parser = Parser::new_from_str(text);
    let mut events = parser.map(|event| event.map(|(event, _)| event).map_err(|error| error.to_string()));
    loop {
        match next(&mut events)? {
            Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
            Event::StreamEnd => return Err("the template is empty".into()),
            event => return value(event, &mut events, 0),
        }
    }
}

fn next<'a>(events: &mut Events<'a>) -> Result<Event<'a>, String> {
    events.next().unwrap_or_else(|| Err("the text ends early".into()))
}

fn value<'a>(event: Event<'a>, events: &mut Events<'a>, depth: usize) -> Result<Value, String> {
    if depth > DEPTH_MAX {
        return Err("the template is nested too deeply".into());
    }
    match event {
        Event::Scalar(text, style, _, tag) => Ok(tagged(tag.as_deref(), scalar(&text, style))),
        Event::SequenceStart(_, tag) => {
            let mut items = Vec::new();
            loop {
                match next(events)? {
                    Event::SequenceEnd => return Ok(tagged(tag.as_deref(), Value::Array(items))),
                    item => items.push(value(item, events, depth + 1)?),
                }
            }
        }
        Event::MappingStart(_, tag) => Ok(tagged(tag.as_deref(), Value::Object(mapping(events, depth)?))),
        Event::Alias(_) => Err("YAML aliases are not supported in CloudFormation templates".into()),
        _ => Err("unexpected end of a YAML block".into()),
    }
}

fn mapping(events: &mut Events<'_>, depth: usize) -> Result<Map<String, Value>, String> {
    let mut fields = Map::new();
    loop {
        let key = match next(events)? {
            Event::MappingEnd => return Ok(fields),
            Event::Scalar(key, ..) => key.into_owned(),
            _ => return Err("a mapping key is not text".into()),
        };
        let field = next(events)?;
        let field = value(field, events, depth + 1)?;
        if fields.insert(key.clone(), field).is_some() {
            return Err(format!("the key {key} is given twice"));
        }
    }
}

/// Quoted text stays text; plain text may be a truth value or a number. Dates stay text.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::String(text.to_owned());
    }
    match text {
        "" | "~" | "null" => Value::Null,
        "true" | "True" => Value::Bool(true),
        "false" | "False" => Value::Bool(false),
        // An account id such as 012345678901 must keep its zero.
        _ if text.starts_with('0') && text.len() > 1 => Value::String(text.to_owned()),
        _ => text
            .parse::<i64>()
            .map_or_else(|_| Value::String(text.to_owned()), Value::from),
    }
}

fn tagged(tag: Option<&Tag>, value: Value) -> Value {
    let Some(name) = tag.filter(|tag| tag.handle == "!").map(|tag| tag.suffix.as_str()) else {
        return value;
    };
    let (function, value) = match name {
        "Ref" | "Condition" => (name.to_owned(), value),
        "GetAtt" => {
            let split = value.as_str().and_then(|text| text.split_once('.'));
            let parts = split.map(|(resource, attribute)| Value::from(vec![resource, attribute]));
            ("Fn::GetAtt".to_owned(), parts.unwrap_or(value))
        }
        other => (format!("Fn::{other}"), value),
    };
    Value::Object(Map::from_iter([(function, value)]))
}
