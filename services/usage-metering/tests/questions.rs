//! Questions: windows without holes, exact numbers, watermark, files and streams.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod support;

use std::time::Duration;

use axum::body::Body;
use chrono::TimeDelta;
use futures_util::StreamExt;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use support::{Metering, operator, reader, rows, text};

async fn filled(metering: &Metering) -> tenant_model::TenantId {
    let acme = metering.tenant("acme").await;
    let hour = metering.hour();
    let mut risky = rows("c", "0.25", hour - TimeDelta::hours(2));
    risky["data"]["warehouse"] = json!("=cmd()");
    let events = [
        rows("a", 10, hour),
        rows("b", "1.5", hour - TimeDelta::hours(2)),
        risky,
    ];
    let (status, _) = metering.report(acme, &events).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    metering.settle().await;
    acme
}

fn hours(metering: &Metering, more: &str) -> String {
    let hour = metering.hour();
    let (from, to) = (text(hour - TimeDelta::hours(3)), text(hour + TimeDelta::hours(1)));
    format!("/v1/usage?meter=rows_scanned&from={from}&to={to}{more}")
}

#[tokio::test]
async fn every_window_is_there_with_an_exact_number() {
    let metering = Metering::start(2).await;
    let acme = filled(&metering).await;
    let (status, answer) = metering.get(&reader(acme), &hours(&metering, "")).await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (&answer["unit"], &answer["aggregation"]),
        (&json!("row"), &json!("sum"))
    );
    let points = answer["series"][0]["points"].as_array().unwrap();
    let values: Vec<_> = points
        .iter()
        .map(|point| point["value"].as_str().unwrap())
        .collect();
    assert_eq!(values, ["0", "1.75", "0", "10"]);
    assert_eq!(answer["series"][0]["total"], "11.75");
    // The watermark is now, so past hours are complete and the present one is not.
    let complete: Vec<_> = points
        .iter()
        .map(|point| point["complete"].as_bool().unwrap())
        .collect();
    assert_eq!(complete, [true, true, true, false]);

    let (_, answer) = metering
        .get(
            &reader(acme),
            &hours(&metering, "&group_by=warehouse&window=none"),
        )
        .await;
    let groups: Vec<_> = answer["series"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["group"], &one["total"]))
        .collect();
    assert_eq!(
        groups,
        [
            (&json!("=cmd()"), &json!("0.25")),
            (&json!("main"), &json!("11.5"))
        ]
    );
}

#[tokio::test]
async fn a_file_holds_no_formulas() {
    let metering = Metering::start(1).await;
    let acme = filled(&metering).await;
    let request = Request::get(hours(&metering, "&group_by=warehouse&window=none"));
    let request = request.header("accept", "text/csv").body(Body::empty()).unwrap();
    let (status, csv) = metering.call_text(&reader(acme), request).await;
    assert_eq!(status, StatusCode::OK);
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(lines[0], "meter,group,from,to,value,unit,complete");
    assert!(
        lines[1].contains("\"'=cmd()\"") && lines[1].contains(",0.25,row,"),
        "{csv}"
    );
}

#[tokio::test]
async fn questions_without_an_exact_answer_are_refused() {
    let metering = Metering::start(1).await;
    let acme = metering.tenant("acme").await;
    let span = "from=2026-11-01T00:00:00Z&to=2026-11-02T00:00:00Z";
    let cases = [
        (format!("meter=nobody&{span}"), 422, "/meter"),
        (format!("meter=rows_scanned&{span}&group_by=nobody"), 422, "/group_by"),
        (format!("meter=rows_scanned&{span}&group_by=tenant"), 422, "/group_by"),
        ("meter=rows_scanned&from=2026-11-01T00:00:01Z&to=2026-11-02T00:00:00Z".to_owned(), 422, "/from"),
        ("meter=rows_scanned&from=2026-10-31T18:30:00Z&to=2026-11-01T18:30:00Z&window=day&zone=Asia/Kolkata".to_owned(), 422, "/zone"),
    ];
    for (query, status, pointer) in cases {
        let (got, problem) = metering.get(&reader(acme), &format!("/v1/usage?{query}")).await;
        assert_eq!(
            (got.as_u16(), &problem["errors"][0]["pointer"]),
            (status, &json!(pointer)),
            "{problem}"
        );
    }
    for query in [
        "meter=rows_scanned&window=week",
        "meter=rows_scanned&zone=Mars",
        "meter=rows_scanned&from=x",
        "window=day",
    ] {
        let (got, problem) = metering.get(&reader(acme), &format!("/v1/usage?{query}")).await;
        assert_eq!(
            (got, &problem["code"]),
            (StatusCode::BAD_REQUEST, &json!("bad-query")),
            "{query}"
        );
    }
}

#[tokio::test]
async fn operators_see_the_fleet_and_who_uses_most() {
    let metering = Metering::start(1).await;
    let acme = filled(&metering).await;
    let other = metering.tenant("other").await;
    let hour = metering.hour();
    metering
        .report(
            other,
            &[rows("a", 100, hour), rows("b", 5, hour - TimeDelta::hours(24))],
        )
        .await;
    metering.settle().await;

    let (_, answer) = metering.get(&operator(), &hours(&metering, "")).await;
    assert_eq!(answer["series"][0]["total"], "111.75");
    let (_, answer) = metering
        .get(&operator(), &hours(&metering, &format!("&tenant={acme}")))
        .await;
    assert_eq!(answer["series"][0]["total"], "11.75");
    let (status, top) = metering
        .get(&operator(), "/v1/usage/top-tenants?meter=rows_scanned")
        .await;
    assert_eq!(status, StatusCode::OK, "{top}");
    let items = json!([
        {"tenant_id": other.to_string(), "value": "100", "previous": "5"},
        {"tenant_id": acme.to_string(), "value": "11.75", "previous": "0"},
    ]);
    assert_eq!(top["items"], items);
    let (_, books) = metering.get(&operator(), "/v1/usage/balance").await;
    assert_eq!(
        (&books["total"]["received"], &books["total"]["difference"]),
        (&json!(5), &json!(0))
    );
}

#[tokio::test]
async fn live_usage_tells_the_day_first_and_then_the_changes() {
    let metering = Metering::start(1).await;
    let acme = metering.tenant("acme").await;
    let now = metering.world.kit.clock.now();
    metering.report(acme, &[rows("a", 10, now)]).await;
    metering.settle().await;
    let mut live = Box::pin(usage_metering::query::live(metering.app.clone(), Some(acme)));
    let first = live.next().await.unwrap();
    let data: Value = serde_json::from_str(&first.data).unwrap();
    assert_eq!(
        (first.event.as_str(), data["meters"].as_array().unwrap().len()),
        ("usage", 4)
    );
    assert_eq!(live.next().await.unwrap().event, "watermark");

    metering.report(acme, &[rows("b", "2.5", now)]).await;
    metering.settle().await;
    let next = tokio::time::timeout(Duration::from_secs(20), live.next())
        .await
        .unwrap()
        .unwrap();
    let data: Value = serde_json::from_str(&next.data).unwrap();
    let expected =
        json!([{"meter": "rows_scanned", "unit": "row", "total": "12.5", "delta": "2.5", "events": 2}]);
    assert_eq!(data["meters"], expected);
}

#[tokio::test]
async fn an_operator_defines_a_meter_once() {
    let metering = Metering::start(1).await;
    let acme = metering.tenant("acme").await;
    let body = json!({"key": "gb_egress", "name": "Egress", "event_type": "egress", "aggregation": "max",
                      "value": "/data/gb", "unit": "GB"});
    let define = |caller, key: &'static str, body: Value| {
        let request = Request::post("/v1/meters")
            .header("content-type", "application/json")
            .header("idempotency-key", key);
        let request = request.body(Body::from(body.to_string())).unwrap();
        let metering = &metering;
        async move { metering.call(&caller, request).await }
    };
    assert_eq!(
        define(reader(acme), "k0", body.clone()).await.0,
        StatusCode::FORBIDDEN
    );
    let (status, made) = define(operator(), "k1", body.clone()).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!(
        define(operator(), "k1", body.clone()).await,
        (StatusCode::CREATED, made)
    );
    let (status, problem) = define(operator(), "k2", body.clone()).await;
    assert_eq!(
        (status, &problem["errors"][0]["pointer"]),
        (StatusCode::CONFLICT, &json!("/key"))
    );
    let mut wrong = body;
    wrong["value"] = json!("/id");
    assert_eq!(
        define(operator(), "k3", wrong).await.0,
        StatusCode::UNPROCESSABLE_ENTITY
    );

    let mut event = rows("a", 1, metering.world.kit.clock.now());
    event["type"] = json!("egress");
    event["data"] = json!({"gb": "7.5"});
    metering.report(acme, &[event]).await;
    metering.settle().await;
    assert_eq!(metering.total(acme, "gb_egress").await, "7.5");
}
