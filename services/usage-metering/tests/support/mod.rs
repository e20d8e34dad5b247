//! A metering service in a world of its own, and the words its tests are written in.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]
#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use chrono::{DateTime, TimeDelta, Utc};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use local::World;
use serde_json::{Value, json};
use service_kit::Caller;
use tenant_model::usage::Granularity;
use tenant_model::{ApiKeyId, Principal, Scope, Tenant, TenantId, TenantState, UserId};
use tower::ServiceExt;
use usage_metering::balance::BalanceNumbers;
use usage_metering::{App, Consumer, MeteringConfig};
use uuid::Uuid;

/// The service, its world and its routes.
pub(crate) struct Metering {
    pub(crate) world: World,
    pub(crate) app: App,
    router: Router,
}

impl Metering {
    /// A service whose stream has `shards` shards.
    pub(crate) async fn start(shards: i32) -> Self {
        Self::start_with(MeteringConfig {
            stream_shards: shards,
            ..quick()
        })
        .await
    }

    pub(crate) async fn start_with(config: MeteringConfig) -> Self {
        let world = World::start().await;
        let app = App::new(world.kit.clone(), world.stores.clone(), &world.aws, config);
        for _ in 0..100 {
            if usage_metering::consumer::prepare_stream(&app)
                .await
                .expect("the local AWS answers")
            {
                break;
            }
            world.advance(Duration::from_secs(1)).await;
        }
        let (router, _) = usage_metering::router(app.clone()).split_for_parts();
        Self { world, app, router }
    }

    pub(crate) async fn tenant(&self, name: &str) -> TenantId {
        let now = self.world.kit.clock.now();
        let tenant = Tenant {
            id: TenantId::from_uuid(self.world.kit.ids.uuid()),
            name: name.to_owned(),
            state: TenantState::Active,
            created_at: now,
            updated_at: now,
            version: 1,
        };
        let mut tx = self.world.stores.begin_ops().await.unwrap();
        tenant_store::tenants::insert(&mut tx, &tenant).await.unwrap();
        tx.commit().await.unwrap();
        tenant.id
    }

    pub(crate) async fn suspend(&self, tenant: TenantId) {
        let mut tx = self.world.stores.begin_ops().await.unwrap();
        let found = tenant_store::tenants::find_for_update(&mut tx, tenant)
            .await
            .unwrap()
            .unwrap();
        let suspended = Tenant {
            state: found.state.suspend().unwrap(),
            ..found
        };
        tenant_store::tenants::update(&mut tx, &suspended).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// The beginning of the present hour.
    pub(crate) fn hour(&self) -> DateTime<Utc> {
        Granularity::Hour.floor(self.world.kit.clock.now())
    }

    pub(crate) async fn call(&self, caller: &Principal, request: Request<Body>) -> (StatusCode, Value) {
        let (status, text) = self.call_text(caller, request).await;
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub(crate) async fn call_text(
        &self,
        caller: &Principal,
        mut request: Request<Body>,
    ) -> (StatusCode, String) {
        request.extensions_mut().insert(Caller(caller.clone()));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    pub(crate) async fn get(&self, caller: &Principal, path: &str) -> (StatusCode, Value) {
        self.call(caller, Request::get(path).body(Body::empty()).unwrap())
            .await
    }

    /// Sends events as one array.
    pub(crate) async fn report(&self, tenant: TenantId, events: &[Value]) -> (StatusCode, Value) {
        let body = serde_json::to_string(events).unwrap();
        self.post(tenant, "application/cloudevents-batch+json", body)
            .await
    }

    pub(crate) async fn post(
        &self,
        tenant: TenantId,
        media_type: &str,
        body: impl Into<Body>,
    ) -> (StatusCode, Value) {
        let request = Request::post("/v1/usage-events").header("content-type", media_type);
        self.call(&key_of(tenant), request.body(body.into()).unwrap())
            .await
    }

    pub(crate) fn worker(&self, name: &str) -> Consumer {
        Consumer::new(self.app.clone(), name)
    }

    /// Lets a fresh worker book everything there is.
    pub(crate) async fn settle(&self) {
        self.world.expire_leases().await;
        let mut worker = self.worker(&format!("settle-{}", Uuid::now_v7()));
        drain(&mut worker).await;
        worker.release().await.unwrap();
    }

    /// The day's total of a meter.
    pub(crate) async fn total(&self, tenant: TenantId, meter: &str) -> String {
        let (from, to) = (
            self.hour() - TimeDelta::days(36),
            self.hour() + TimeDelta::hours(2),
        );
        let (from, to) = (text(from), text(to));
        let path = format!("/v1/usage?meter={meter}&from={from}&to={to}&window=none");
        let (status, answer) = self.get(&reader(tenant), &path).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer["series"][0]["total"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn books(&self, tenant: TenantId) -> BalanceNumbers {
        let today = self.world.kit.clock.now().date_naive();
        let span = (today - TimeDelta::days(2), today + TimeDelta::days(2));
        let sheet = usage_metering::balance::sheet(&self.app, Some(tenant), span)
            .await
            .unwrap();
        assert_eq!(
            sheet.total.difference, 0,
            "the books do not balance: {:?}",
            sheet.total
        );
        sheet.total
    }

    /// Reasons of what is kept aside, with their numbers.
    pub(crate) async fn aside(&self, tenant: Option<TenantId>) -> BTreeMap<String, usize> {
        let things = usage_metering::quarantine::list(&self.app, tenant, None, 500)
            .await
            .unwrap();
        let mut reasons = BTreeMap::new();
        for thing in things {
            *reasons.entry(thing.reason.as_str().to_owned()).or_default() += 1;
        }
        reasons
    }
}

/// Everything as in life but the times that only make a test slow.
pub(crate) fn quick() -> MeteringConfig {
    MeteringConfig {
        // Its own, because the world's stream has shards already.
        stream_name: "usage-under-test".to_owned(),
        linger: Duration::from_millis(1),
        discovery_interval: Duration::ZERO,
        ..MeteringConfig::default()
    }
}

/// Books until nothing is known to wait.
pub(crate) async fn drain(worker: &mut Consumer) {
    for _ in 0..200 {
        let pass = worker.pass().await.expect("a pass");
        assert_eq!(pass.failed, 0, "a shard failed");
        if pass.idle {
            return;
        }
    }
    panic!("the stream does not run dry");
}

/// Polls a future at most so often, then leaves it where it is: a worker stopped in mid-step.
pub(crate) async fn stop_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    advance(polls, future.as_mut()).await
}

/// Polls a future at most so often; none when it needs more.
pub(crate) async fn advance<F: Future>(polls: usize, mut future: Pin<&mut F>) -> Option<F::Output> {
    let mut left = polls;
    poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

pub(crate) fn key_of(tenant_id: TenantId) -> Principal {
    let key_id = ApiKeyId::from_uuid(Uuid::from_u128(1));
    Principal::ApiKey {
        tenant_id,
        key_id,
        scopes: vec![Scope::UsageWrite],
    }
}

pub(crate) fn reader(tenant_id: TenantId) -> Principal {
    let key_id = ApiKeyId::from_uuid(Uuid::from_u128(2));
    Principal::ApiKey {
        tenant_id,
        key_id,
        scopes: vec![Scope::UsageRead],
    }
}

pub(crate) fn operator() -> Principal {
    Principal::Operator {
        user_id: UserId::from_uuid(Uuid::from_u128(3)),
    }
}

/// An event of the meter `rows_scanned`.
pub(crate) fn rows(id: &str, value: impl Into<Value>, at: DateTime<Utc>) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "/cell/1", "type": "rows_scanned", "time": text(at),
        "data": { "value": value.into(), "warehouse": "main" },
    })
}

pub(crate) fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}
