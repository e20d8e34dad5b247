//! Tables of good and bad events.

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use uuid::Uuid;

use super::{EVENT_BYTES_MAX, TimeBounds, UsageEvent};
use crate::ids::{MeterId, TenantId};
use crate::meter::{Aggregation, Dimension, Meter, MeterDefinition, MeterParts};
use crate::usage::RejectionCode;

fn rows_scanned() -> Meter {
    let definition = MeterDefinition::new(MeterParts {
        key: "rows_scanned".parse().unwrap(),
        name: "Rows scanned".to_owned(),
        event_type: "rows_scanned".to_owned(),
        aggregation: Aggregation::Sum,
        value: Some("/data/value".parse().unwrap()),
        unit: "row".to_owned(),
        dimensions: vec![Dimension {
            name: "region".parse().unwrap(),
            pointer: "/data/region".parse().unwrap(),
        }],
    });
    Meter {
        id: MeterId::from_uuid(Uuid::from_u128(1)),
        definition: definition.unwrap(),
        created_at: DateTime::UNIX_EPOCH,
    }
}

fn event(data: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"e-1","source":"/cell/1","type":"rows_scanned","time":"2026-11-01T10:30:00+02:00","data":{data}}}"#
    )
}

fn verdict(raw: &str) -> Result<String, (&'static str, String)> {
    UsageEvent::parse(raw.as_bytes())
        .and_then(|event| event.measure(&rows_scanned()))
        .map(|measured| measured.quantity.to_string())
        .map_err(|rejection| (rejection.code.as_str(), rejection.pointer))
}

#[test]
fn quantities_are_read_exactly_or_refused_with_code_and_pointer() {
    let value = "/data/value";
    type Verdict = Result<&'static str, (&'static str, &'static str)>;
    let cases: &[(&str, Verdict)] = &[
        (r#"{"value":500}"#, Ok("500")),
        (r#"{"value":0}"#, Ok("0")),
        (r#"{"value":"0.000000001"}"#, Ok("0.000000001")),
        (r#"{"value":1000000000000}"#, Ok("1000000000000")),
        (r#"{"value":-1}"#, Err(("quantity_negative", value))),
        (r#"{"value":"-0.1"}"#, Err(("quantity_negative", value))),
        (r#"{"value":1000000000001}"#, Err(("quantity_too_large", value))),
        (
            r#"{"value":18446744073709551615}"#,
            Err(("quantity_too_large", value)),
        ),
        (
            r#"{"value":444444444444444444444444}"#,
            Err(("quantity_not_exact", value)),
        ),
        (r#"{"value":1.5}"#, Err(("quantity_not_exact", value))),
        (r#"{"value":1e3}"#, Err(("quantity_not_exact", value))),
        (r#"{"value":"0.0000000001"}"#, Err(("quantity_not_exact", value))),
        (r#"{"value":"NaN"}"#, Err(("quantity_invalid", value))),
        (r#"{"value":NaN}"#, Err(("malformed", ""))),
        (r#"{"value":true}"#, Err(("quantity_invalid", value))),
        (r#"{"value":null}"#, Err(("quantity_missing", value))),
        (r#"{}"#, Err(("quantity_missing", value))),
        (r#"[]"#, Err(("quantity_missing", value))),
        (r#"{"value":1,"value":1}"#, Err(("duplicate_key", ""))),
        (r#"{"value":1,"region":"\ud800"}"#, Err(("malformed", ""))),
        (
            r#"{"value":1,"region":{}}"#,
            Err(("dimension_invalid", "/data/region")),
        ),
        (
            r#"{"value":1,"region":"a\u0000"}"#,
            Err(("dimension_invalid", "/data/region")),
        ),
    ];
    for (data, expected) in cases {
        let expected = expected
            .map(str::to_owned)
            .map_err(|(code, at)| (code, at.to_owned()));
        assert_eq!(verdict(&event(data)), expected, "{data}");
    }
}

#[test]
fn attributes_are_required_and_strict() {
    let good = event(r#"{"value":1}"#);
    let changes: &[(&str, &str, &str, &str)] = &[
        (r#""id":"e-1","#, "", "attribute_missing", "/id"),
        (r#""source":"/cell/1","#, "", "attribute_missing", "/source"),
        (r#""type":"rows_scanned","#, "", "attribute_missing", "/type"),
        (r#""specversion":"1.0","#, "", "attribute_missing", "/specversion"),
        (r#""1.0""#, r#""0.3""#, "specversion_unsupported", "/specversion"),
        (r#""e-1""#, r#""""#, "attribute_invalid", "/id"),
        (r#""e-1""#, "7", "attribute_invalid", "/id"),
        (r#""e-1""#, r#""a\nb""#, "attribute_invalid", "/id"),
        ("2026-11-01T10:30:00+02:00", "yesterday", "time_invalid", "/time"),
        (
            "2026-11-01T10:30:00+02:00",
            "2026-02-30T00:00:00Z",
            "time_invalid",
            "/time",
        ),
        (
            r#""data":{"value":1}"#,
            r#""data_base64":"AA==""#,
            "data_not_json",
            "/data_base64",
        ),
        (
            r#""data":"#,
            r#""datacontenttype":"text/xml","data":"#,
            "data_not_json",
            "/datacontenttype",
        ),
        (r#"{"specversion""#, r#"["specversion""#, "malformed", ""),
    ];
    for (from, to, code, pointer) in changes {
        let raw = good.replacen(from, to, 1);
        assert_eq!(verdict(&raw), Err((*code, (*pointer).to_owned())), "{raw}");
    }
    assert_eq!(verdict("[]"), Err(("not_an_object", String::new())));
    assert_eq!(verdict(&format!("{good} x")), Err(("malformed", String::new())));
}

#[test]
fn size_depth_and_encoding_are_bounded() {
    let deep = event(&format!("{}{}", "[".repeat(70), "]".repeat(70)));
    assert_eq!(verdict(&deep), Err(("too_deep", String::new())));
    let deeper = event(&"[".repeat(30_000));
    assert!(matches!(verdict(&deeper), Err(("too_deep" | "malformed", _))));
    let large = event(&format!(
        r#"{{"value":1,"note":"{}"}}"#,
        "x".repeat(EVENT_BYTES_MAX)
    ));
    assert_eq!(verdict(&large), Err(("too_large", String::new())));
    let broken = UsageEvent::parse(b"{\"id\":\"\xff\"}").unwrap_err();
    assert_eq!(broken.code, RejectionCode::Malformed);
}

#[test]
fn the_payload_hash_sees_meaning_and_not_spelling() {
    let hash = |raw: &str| UsageEvent::parse(raw.as_bytes()).unwrap().payload_hash();
    let first = hash(&event(r#"{"value":1,"region":"eu"}"#));
    assert_eq!(first, hash(&event(r#"{ "region": "\u0065u", "value": 1 }"#)));
    assert_ne!(first, hash(&event(r#"{"value":2,"region":"eu"}"#)));
    assert_ne!(first, hash(&event(r#"{"value":"1","region":"eu"}"#)));
    let other_time = event(r#"{"value":1,"region":"eu"}"#).replace("10:30", "10:31");
    assert_ne!(first, hash(&other_time));
}

#[test]
fn the_time_must_lie_where_duplicates_are_recognised() {
    let arrival: DateTime<Utc> = "2026-11-01T08:30:00Z".parse().unwrap();
    let at = |time: &str| {
        let raw = event("{}").replace("2026-11-01T10:30:00+02:00", time);
        let event = UsageEvent::parse(raw.as_bytes()).unwrap();
        event
            .check_time(arrival, TimeBounds::default())
            .map_err(|rejection| rejection.code)
    };
    assert_eq!(at("2026-11-01T08:30:00Z"), Ok(()));
    assert_eq!(at("2026-11-01T08:35:00Z"), Ok(()));
    assert_eq!(
        at("2026-11-01T08:35:00.000001Z"),
        Err(RejectionCode::TimeInFuture)
    );
    assert_eq!(at("2026-09-27T08:30:00Z"), Ok(()));
    assert_eq!(at("2026-09-27T08:29:59Z"), Err(RejectionCode::TimeTooOld));
}

#[test]
fn an_event_that_names_another_tenant_is_refused() {
    let own = TenantId::from_uuid(Uuid::from_u128(7));
    let other = TenantId::from_uuid(Uuid::from_u128(8));
    let raw = event("{}").replacen('{', &format!(r#"{{"tenant":"{own}","#), 1);
    let event = UsageEvent::parse(raw.as_bytes()).unwrap();
    assert_eq!(event.check_tenant(own), Ok(()));
    assert_eq!(
        event.check_tenant(other).unwrap_err().code,
        RejectionCode::TenantMismatch
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused_without_a_panic(raw in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = UsageEvent::parse(&raw);
    }

    #[test]
    fn every_integer_an_event_may_carry_comes_back_as_written(value in 0_i64..=1_000_000_000_000) {
        prop_assert_eq!(verdict(&event(&format!(r#"{{"value":{value}}}"#))), Ok(value.to_string()));
    }
}
