//! The door: what is accepted, what is refused, and what the sender is told.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod support;

use chrono::TimeDelta;
use http::StatusCode;
use local_aws::{Fault, FaultRule};
use serde_json::{Value, json};
use support::{Metering, reader, rows, text};
use usage_metering::MeteringConfig;

#[tokio::test]
async fn bad_events_are_refused_one_by_one_and_their_neighbours_count() {
    let metering = Metering::start(1).await;
    let acme = metering.tenant("acme").await;
    let now = metering.world.kit.clock.now();
    let without = |field: &str| {
        let mut event = rows("x", 1, now);
        event.as_object_mut().unwrap().remove(field);
        event
    };
    let cases: Vec<(Value, &str, &str)> = vec![
        (without("id"), "attribute_missing", "/id"),
        (without("source"), "attribute_missing", "/source"),
        (without("type"), "attribute_missing", "/type"),
        (rows("x", -1, now), "quantity_negative", "/data/value"),
        (rows("x", "NaN", now), "quantity_invalid", "/data/value"),
        (
            rows("x", "1000000000001", now),
            "quantity_too_large",
            "/data/value",
        ),
        (rows("x", json!(1.5), now), "quantity_not_exact", "/data/value"),
        (rows("x", 1, now - TimeDelta::days(36)), "time_too_old", "/time"),
        (
            rows("x", 1, now + TimeDelta::minutes(6)),
            "time_in_future",
            "/time",
        ),
        (json!(7), "not_an_object", ""),
    ];
    let mut events: Vec<Value> = cases.iter().map(|(event, ..)| event.clone()).collect();
    events.push(rows("good", "12.5", now));

    let (status, reply) = metering.report(acme, &events).await;

    assert_eq!(status, StatusCode::MULTI_STATUS, "{reply}");
    assert_eq!(
        (&reply["accepted"], &reply["rejected"]),
        (&json!(1), &json!(cases.len()))
    );
    for (index, (_, code, pointer)) in cases.iter().enumerate() {
        let expected = json!({"index": index, "outcome": "rejected", "code": code, "pointer": pointer});
        assert_eq!(reply["results"][index], expected);
    }
    metering.settle().await;
    assert_eq!(metering.total(acme, "rows_scanned").await, "12.5");
    let books = metering.books(acme).await;
    assert_eq!((books.received, books.accepted, books.rejected), (11, 1, 10));
}

#[tokio::test]
async fn unreadable_and_oversized_requests_send_nothing() {
    let metering = Metering::start(1).await;
    let acme = metering.tenant("acme").await;
    let batch = "application/cloudevents-batch+json";

    let (status, problem) = metering.post(acme, batch, "[{\"id\":\"a\"},\n{oops}]").await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::BAD_REQUEST, &json!("malformed-body"))
    );
    assert!(
        problem["detail"].as_str().unwrap().contains("line 2 column"),
        "{problem}"
    );

    let many = format!("[{}{{}}]", "{},".repeat(10_000));
    let (status, problem) = metering.post(acme, batch, many).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::PAYLOAD_TOO_LARGE, &json!("body-too-large"))
    );
    let (status, _) = metering.post(acme, batch, vec![b' '; 10 * 1024 * 1024 + 1]).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let (status, _) = metering.post(acme, "text/plain", "{}").await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);

    let (status, problem) = metering.report(acme, &[json!({"specversion": "1.0"})]).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("validation-failed"))
    );
    assert_eq!(problem["errors"][0]["pointer"], "/0/id");
    assert_eq!(problem["results"][0]["code"], "attribute_missing");

    metering.settle().await;
    let books = metering.books(acme).await;
    assert_eq!((books.received, books.rejected), (1, 1));
}

#[tokio::test]
async fn every_format_and_packing_is_read() {
    let metering = Metering::start(2).await;
    let acme = metering.tenant("acme").await;
    let now = metering.world.kit.clock.now();
    let one = rows("one", 1, now).to_string();
    let (status, _) = metering
        .post(acme, "application/cloudevents+json", one.clone())
        .await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let (status, _) = metering.post(acme, "application/json; charset=utf-8", one).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let lines = format!(
        "{}\n{{oops\n\n{}\r\n",
        rows("two", 10, now),
        rows("three", 100, now)
    );
    let (status, reply) = metering.post(acme, "application/x-ndjson", lines).await;
    assert_eq!(status, StatusCode::MULTI_STATUS, "{reply}");
    assert_eq!(
        reply["results"],
        json!([{"index": 1, "outcome": "rejected", "code": "malformed", "pointer": ""}])
    );

    metering.settle().await;
    assert_eq!(metering.total(acme, "rows_scanned").await, "111");
    let books = metering.books(acme).await;
    assert_eq!(
        (books.received, books.accepted, books.duplicate, books.rejected),
        (5, 3, 1, 1)
    );
}

#[tokio::test]
async fn only_a_credential_that_may_write_reports_and_only_for_its_tenant() {
    let metering = Metering::start(1).await;
    let acme = metering.tenant("acme").await;
    let other = metering.tenant("other").await;
    let now = metering.world.kit.clock.now();

    let request = http::Request::post("/v1/usage-events")
        .header("content-type", "application/json")
        .body(rows("a", 1, now).to_string().into())
        .unwrap();
    let (status, _) = metering.call(&reader(acme), request).await;
    assert_eq!(status, StatusCode::FORBIDDEN);

    let mut forged = rows("forged", 1, now);
    forged["tenant"] = json!(other.to_string());
    let (status, problem) = metering.report(acme, &[forged]).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["results"][0]["code"], "tenant_mismatch");

    let (status, _) = metering.report(acme, &[rows("a", 5, now)]).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    metering.settle().await;
    assert_eq!(metering.total(acme, "rows_scanned").await, "5");
    assert_eq!(metering.total(other, "rows_scanned").await, "0");
    let mine = format!("/v1/usage?meter=rows_scanned&tenant={acme}");
    for path in [
        mine.clone(),
        format!("/v1/usage/balance?tenant={acme}"),
        format!("/v1/usage/quarantine?tenant={acme}"),
        format!("/v1/usage-events?source=s&id=i&tenant={acme}"),
        format!("/v1/usage/live?tenant={acme}"),
    ] {
        let (status, problem) = metering.get(&reader(other), &path).await;
        assert_eq!(
            (status, &problem["code"]),
            (StatusCode::NOT_FOUND, &json!("not-found")),
            "{path}"
        );
    }
    assert_eq!(metering.get(&reader(acme), &mine).await.0, StatusCode::OK);
    let (status, _) = metering
        .get(&reader(acme), "/v1/usage/top-tenants?meter=rows_scanned")
        .await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_the_stream_does_not_take_is_not_accepted() {
    let config = MeteringConfig {
        put_deadline: std::time::Duration::from_millis(50),
        ..support::quick()
    };
    let metering = Metering::start_with(config).await;
    let acme = metering.tenant("acme").await;
    let now = metering.world.kit.clock.now();
    metering
        .world
        .control
        .add_fault(FaultRule::on("PutRecords", Fault::ServerError));

    let (status, problem) = metering.report(acme, &[rows("a", 1, now)]).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("unavailable"))
    );

    metering.world.control.clear_faults();
    let (status, _) = metering.report(acme, &[rows("a", 1, now)]).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    metering.settle().await;
    assert_eq!(metering.total(acme, "rows_scanned").await, "1");
}

#[tokio::test]
async fn a_put_whose_answer_is_lost_counts_once() {
    let metering = Metering::start(1).await;
    let acme = metering.tenant("acme").await;
    let now = metering.world.kit.clock.now();
    let lost = FaultRule::on("PutRecords", Fault::EffectWithoutReply { hang_ms: 0 }).times(2);
    metering.world.control.add_fault(lost);

    let events: Vec<_> = (0..20).map(|n| rows(&format!("e-{n}"), 1, now)).collect();
    let (status, reply) = metering.report(acme, &events).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{reply}");

    metering.settle().await;
    assert_eq!(metering.total(acme, "rows_scanned").await, "20");
    let books = metering.books(acme).await;
    // The block came three times; its copies are recognised as a whole and are in no column.
    assert_eq!((books.received, books.accepted, books.duplicate), (20, 20, 0));
}

#[tokio::test]
async fn a_request_that_finds_no_room_is_told_to_wait() {
    let config = MeteringConfig {
        in_flight_tenant_bytes_max: 100,
        ..support::quick()
    };
    let metering = Metering::start_with(config).await;
    let acme = metering.tenant("acme").await;
    let (status, problem) = metering
        .report(acme, &[rows("a", 1, metering.world.kit.clock.now())])
        .await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::TOO_MANY_REQUESTS, &json!("rate-limited"))
    );
}

#[tokio::test]
async fn an_event_tells_what_became_of_it() {
    let metering = Metering::start(1).await;
    let acme = metering.tenant("acme").await;
    let at = metering.hour() + TimeDelta::seconds(1);
    let mut unknown = rows("u", 1, at);
    unknown["type"] = json!("nobody.knows");
    metering.report(acme, &[rows("a", "2.5", at), unknown]).await;
    metering.settle().await;

    let ask = |id: &str| format!("/v1/usage-events?source=/cell/1&id={id}");
    let (_, counted) = metering.get(&reader(acme), &ask("a")).await;
    assert_eq!(counted["outcome"], "accepted");
    assert_eq!(counted["counted"]["quantity"], "2.5");
    assert_eq!(counted["counted"]["window"], text(metering.hour()));
    let (_, aside) = metering.get(&reader(acme), &ask("u")).await;
    assert_eq!(
        (&aside["outcome"], &aside["quarantined"][0]["reason"]),
        (&json!("quarantined"), &json!("unknown_meter"))
    );
    let (_, unknown) = metering.get(&reader(acme), &ask("z")).await;
    assert_eq!(unknown["outcome"], "unknown");
}
