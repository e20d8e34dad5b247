//! The control surface over HTTP: `/_local/*`, JSON, for processes beside the endpoint.
//!
//! It has no credentials of its own, so it answers the loopback only and no browser: a request that carries an
//! `Origin`, as every cross-site request of a browser does, is refused.
//!
//! | request | what it does |
//! |---|---|
//! | `GET /_local/health` | 200 when the endpoint serves |
//! | `GET /_local/inventory` | every live resource |
//! | `GET`, `DELETE /_local/calls` | the log of calls; empties it |
//! | `GET`, `POST`, `DELETE /_local/faults` | the rules; adds one ([`FaultRule`]); ends the one in the body, or all |
//! | `GET`, `POST /_local/clock` | the time; `{"advance_ms": n}` moves it |
//! | `GET`, `POST /_local/lag` | the consistency lag ([`LagSettings`]) |
//! | `GET`, `POST /_local/latency` | how long things take ([`LatencyModel`]) |
//! | `GET`, `POST`, `DELETE /_local/outages` | what is lost; loses a zone or a region ([`Outage`]); ends the one in the body, or all |
//! | `POST /_local/quotas` | applies a service quota: `{"account", "region", "code", "value"}` |
//! | `GET`, `POST /_local/scps` | the service control policies; sets an account's: `{"account", "document"}`, null ends it |
//! | `POST /_local/subscriptions` | `{"product", "dimensions", "customer", "seller", "ends"}`: a Marketplace subscription |
//! | `POST /_local/licenses` | `{"arn", "product", "account"}` grants a Marketplace licence; `{"arn", "ends": true}` ends it |
//! | `GET /_local/snapshot`, `POST /_local/restore` | the state but for streams and objects; takes it back |
//! | `GET /_local/resolve?name=…&type=A&region=…&client=…` | what public DNS would answer |
//! | `GET /_local/database?arn=…` | a database as its clients see it, with the markers it holds |
//! | `POST /_local/database-markers` | `{"arn", "number"}` commits a numbered row for a drill |
//! | `POST /_local/replica-lag` | `{"arn", "lag_ms"}` sets how far a replica is behind |
//! | `POST /_local/warehouse-targets` | `{"names": [...]}`: clusters and workgroups that exist; null for all |
//! | `DELETE /_local/statements` | the Redshift Data API forgets what has ended |
//! | `POST /_local/kinesis-rates` | `{"enforced": true}` holds the rates of shards and calls against callers |
//! | `POST /_local/service-credentials` | `{"role_arn": …}` gives keys that do not expire |

use std::net::IpAddr;
use std::sync::Arc;

use chrono::TimeDelta;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::control::{Control, FaultRule, LagSettings, LatencyModel, Outage};
use crate::protocol::{ResponseBody, full};
use crate::route53::DnsQuestion;

const BODY_BYTES_MAX: usize = 64 * 1024;
/// A state of ten thousand accounts.
const STATE_BYTES_MAX: usize = 1 << 30;

/// Answers a request below `/_local`.
pub(crate) async fn answer(
    control: &Control,
    request: Request<Incoming>,
    source: IpAddr,
) -> Response<ResponseBody> {
    if !source.is_loopback() || request.headers().contains_key(header::ORIGIN) {
        return reply(
            StatusCode::FORBIDDEN,
            &json!({ "error": "the control surface is for local processes only" }),
        );
    }
    let (parts, body) = request.into_parts();
    let bytes_max = match parts.uri.path() {
        "/_local/restore" => STATE_BYTES_MAX,
        _ => BODY_BYTES_MAX,
    };
    let Ok(body) = Limited::new(body, bytes_max).collect().await else {
        return reply(
            StatusCode::PAYLOAD_TOO_LARGE,
            &json!({ "error": "body too large or cut off" }),
        );
    };
    let body = body.to_bytes();
    let outcome = match parts.uri.path().trim_start_matches("/_local") {
        "/health" => Ok(json!({ "status": "ok" })),
        "/inventory" => Ok(json!(control.inventory())),
        "/calls" => calls(control, &parts.method),
        "/faults" => faults(control, &parts.method, &body),
        "/clock" => clock(control, &parts.method, &body),
        "/lag" => lag(control, &parts.method, &body),
        "/latency" => latency(control, &parts.method, &body),
        "/outages" => outages(control, &parts.method, &body),
        "/quotas" => quotas(control, &body),
        "/scps" => scps(control, &parts.method, &body),
        "/subscriptions" => subscriptions(control, &body),
        "/licenses" => licenses(control, &body),
        "/snapshot" => Ok(control.snapshot()),
        "/restore" => read(&body)
            .and_then(|state| control.restore(state))
            .map(|()| json!({})),
        "/resolve" => Ok(json!(control.resolve(&question(parts.uri.query())))),
        "/database" => database(control, parts.uri.query()),
        "/database-markers" => database_markers(control, &body),
        "/replica-lag" => replica_lag(control, &body),
        "/warehouse-targets" => warehouse_targets(control, &body),
        "/statements" => statements(control, &parts.method),
        "/kinesis-rates" => kinesis_rates(control, &body),
        "/service-credentials" => service_credentials(control, &body),
        other => Err(format!("there is no control {other}")),
    };
    let outcome = match outcome {
        Ok(value) if parts.method != Method::GET => saved(control).await.map(|()| value),
        outcome => outcome,
    };
    match outcome {
        Ok(value) => reply(StatusCode::OK, &value),
        Err(why) => reply(StatusCode::BAD_REQUEST, &json!({ "error": why })),
    }
}

/// Makes what was commanded durable, in a task of its own: a write that has begun is finished.
async fn saved(control: &Control) -> Result<(), String> {
    let endpoint = Arc::clone(&control.endpoint);
    endpoint.core.mark_dirty();
    let calls = endpoint.calls.clone();
    let saving = calls.spawn(async move { crate::persist::save(&endpoint).await });
    match saving.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(format!("the state could not be written: {error}")),
        Err(error) => Err(format!("the state could not be written: {error}")),
    }
}

fn calls(control: &Control, method: &Method) -> Result<Value, String> {
    if *method == Method::DELETE {
        control.clear_calls();
    }
    Ok(json!(control.calls()))
}

fn faults(control: &Control, method: &Method, body: &[u8]) -> Result<Value, String> {
    if *method == Method::DELETE && body.is_empty() {
        control.clear_faults();
    } else if *method == Method::DELETE && !control.remove_fault(&read::<FaultRule>(body)?) {
        return Err("there is no such rule".into());
    } else if *method == Method::POST && !control.add_fault(read::<FaultRule>(body)?) {
        return Err("too many rules, or a rule about roles that names calls".into());
    }
    Ok(json!(control.faults()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_ms: u32,
}

fn clock(control: &Control, method: &Method, body: &[u8]) -> Result<Value, String> {
    if *method == Method::POST {
        control.advance(TimeDelta::milliseconds(read::<Advance>(body)?.advance_ms.into()));
    }
    Ok(json!({ "now": control.now() }))
}

fn lag(control: &Control, method: &Method, body: &[u8]) -> Result<Value, String> {
    if *method == Method::POST {
        control.set_lag(read::<LagSettings>(body)?);
    }
    Ok(json!(control.endpoint.core.lag.settings()))
}

fn latency(control: &Control, method: &Method, body: &[u8]) -> Result<Value, String> {
    if *method == Method::POST {
        control.set_latency(read::<LatencyModel>(body)?);
    }
    Ok(json!(control.endpoint.core.latency.model()))
}

fn outages(control: &Control, method: &Method, body: &[u8]) -> Result<Value, String> {
    if *method == Method::DELETE && body.is_empty() {
        control.end_outages();
    } else if *method == Method::DELETE {
        control.end_outage(&read::<Outage>(body)?);
    } else if *method == Method::POST {
        control.begin_outage(read::<Outage>(body)?);
    }
    Ok(json!(control.outages()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AppliedQuota {
    account: String,
    region: String,
    code: String,
    value: u64,
}

fn quotas(control: &Control, body: &[u8]) -> Result<Value, String> {
    let wanted: AppliedQuota = read(body)?;
    let place = (wanted.account.as_str(), wanted.region.as_str());
    match control.set_quota(place, &wanted.code, wanted.value) {
        true => Ok(json!({ "value": wanted.value })),
        false => Err(format!("there is no quota {}", wanted.code)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scp {
    account: String,
    document: Option<Value>,
}

fn scps(control: &Control, method: &Method, body: &[u8]) -> Result<Value, String> {
    if *method == Method::GET {
        let documents = control.scps().into_iter();
        return Ok(documents
            .map(|(account, text)| (account, serde_json::from_str(&text).unwrap_or(Value::Null)))
            .collect());
    }
    let wanted: Scp = read(body)?;
    let text = wanted.document.map(|document| document.to_string());
    control.set_scp(&wanted.account, text.as_deref())?;
    Ok(json!({ "limited": text.is_some() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Subscription {
    product: String,
    #[serde(default)]
    dimensions: Vec<String>,
    customer: String,
    /// The account that sells it, when only that one may meter it.
    seller: Option<String>,
    #[serde(default)]
    ends: bool,
}

fn subscriptions(control: &Control, body: &[u8]) -> Result<Value, String> {
    let wanted: Subscription = read(body)?;
    if wanted.ends {
        control.unsubscribe(&wanted.product, &wanted.customer);
    } else {
        let dimensions: Vec<&str> = wanted.dimensions.iter().map(String::as_str).collect();
        control.subscribe(&wanted.product, &dimensions, &wanted.customer);
    }
    if let Some(seller) = &wanted.seller {
        control.sell(&wanted.product, seller);
    }
    Ok(json!({ "subscribed": !wanted.ends }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct License {
    arn: String,
    #[serde(default)]
    product: String,
    #[serde(default)]
    account: String,
    #[serde(default)]
    ends: bool,
}

fn licenses(control: &Control, body: &[u8]) -> Result<Value, String> {
    let wanted: License = read(body)?;
    if wanted.ends {
        control.end_license(&wanted.arn);
    } else {
        control.grant_license(&wanted.arn, &wanted.product, &wanted.account);
    }
    Ok(json!({ "granted": !wanted.ends }))
}

/// A value of the query string.
fn query_value(query: Option<&str>, name: &str, default: &str) -> String {
    let mut pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let found = pairs.find(|(key, _)| key == name);
    found.map_or(default.to_owned(), |(_, value)| value.into_owned())
}

fn question(query: Option<&str>) -> DnsQuestion {
    let value = |name: &str, default: &str| query_value(query, name, default);
    DnsQuestion {
        name: value("name", ""),
        kind: value("type", "A"),
        region: value("region", "us-east-1"),
        client: value("client", ""),
    }
}

fn database(control: &Control, query: Option<&str>) -> Result<Value, String> {
    let view = control.database(&query_value(query, "arn", ""));
    view.map(|view| json!(view))
        .ok_or_else(|| "there is no such database".into())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewMarker {
    arn: String,
    number: u64,
}

fn database_markers(control: &Control, body: &[u8]) -> Result<Value, String> {
    let wanted: NewMarker = read(body)?;
    let written = control.write_marker(&wanted.arn, wanted.number);
    written.map_err(|refused| refused.to_string())?;
    Ok(json!(control.database(&wanted.arn)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewLag {
    arn: String,
    lag_ms: u32,
}

fn replica_lag(control: &Control, body: &[u8]) -> Result<Value, String> {
    let wanted: NewLag = read(body)?;
    if !control.set_replica_lag(&wanted.arn, TimeDelta::milliseconds(wanted.lag_ms.into())) {
        return Err("the database follows no other".into());
    }
    Ok(json!(control.database(&wanted.arn)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WarehouseTargets {
    names: Option<Vec<String>>,
}

fn warehouse_targets(control: &Control, body: &[u8]) -> Result<Value, String> {
    let wanted: WarehouseTargets = read(body)?;
    let names: Option<Vec<&str>> = wanted
        .names
        .as_ref()
        .map(|names| names.iter().map(String::as_str).collect());
    control.limit_warehouse_targets(names.as_deref());
    Ok(json!({ "names": wanted.names }))
}

fn statements(control: &Control, method: &Method) -> Result<Value, String> {
    if *method != Method::DELETE {
        return Err("statements are asked for through the Data API".into());
    }
    control.forget_statements();
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KinesisRates {
    enforced: bool,
}

fn kinesis_rates(control: &Control, body: &[u8]) -> Result<Value, String> {
    let wanted: KinesisRates = read(body)?;
    control.enforce_kinesis_rates(wanted.enforced);
    Ok(json!({ "enforced": wanted.enforced }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ForRole {
    role_arn: String,
}

fn service_credentials(control: &Control, body: &[u8]) -> Result<Value, String> {
    let wanted: ForRole = read(body)?;
    let keys = control.service_credentials(&wanted.role_arn);
    keys.map(|keys| json!(keys))
        .ok_or_else(|| "role_arn is not the ARN of a role".into())
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

fn reply(status: StatusCode, value: &Value) -> Response<ResponseBody> {
    let mut response = Response::new(full(value.to_string()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
