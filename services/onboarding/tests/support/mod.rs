//! An installation with onboarding's routes, and people who use them.

#![allow(dead_code, reason = "each test file uses a part")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_access::{Aws, CallObserver};
use axum::Router;
use axum::body::Body;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use local::World;
use onboarding::{App, Credentials, OnboardingConfig, router, verifying};
use serde_json::{Value, json};
use service_kit::ServerLimits;
use service_kit::server::{Surroundings, assemble};
use service_kit::telemetry::Metrics;
use tower::ServiceExt;

pub(crate) const PASSWORD: &str = "a quiet river at dusk";
pub(crate) const SPACING: Duration = Duration::from_secs(31);

/// Lets every call pass. With it the client repeats reads without a pause: time stands still here.
#[derive(Debug)]
struct Passing;

impl CallObserver for Passing {
    fn before(&self, _: &str) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }

    fn after(&self, _: &str) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// A world, the application in it, and its router.
pub(crate) struct House {
    pub(crate) world: World,
    pub(crate) app: App,
    router: Router,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    /// The problem's code, or nothing.
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn etag(&self) -> String {
        self.headers["etag"].to_str().expect("ASCII").to_owned()
    }

    pub(crate) fn expect(self, status: u16) -> Self {
        let text = String::from_utf8_lossy(&self.bytes).into_owned();
        assert_eq!(self.status.as_u16(), status, "{text}");
        self
    }
}

/// A request in the making.
pub(crate) struct Ask {
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Value>,
}

impl Ask {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path)
    }

    pub(crate) fn post(path: impl Into<String>, body: Value) -> Self {
        Self {
            body: Some(body),
            ..Self::new("POST", path)
        }
    }

    pub(crate) fn new(method: &str, path: impl Into<String>) -> Self {
        let method = method.parse().expect("a method");
        Self {
            method,
            path: path.into(),
            headers: Vec::new(),
            body: None,
        }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    pub(crate) fn by(self, token: &str) -> Self {
        self.with("authorization", &format!("Bearer {token}"))
    }
}

/// A tenant's first admin, signed in.
pub(crate) struct Person {
    pub(crate) tenant: String,
    pub(crate) email: String,
    pub(crate) token: String,
    pub(crate) refresh: String,
}

impl House {
    pub(crate) async fn open() -> Self {
        let mut world = World::start().await;
        let credentials = Credentials::new(world.stores.clone(), world.kit.clock.clone());
        world.kit.credentials = Arc::new(credentials);
        let config = OnboardingConfig {
            round_spacing_seconds: 30,
            mail_in_log: false,
            ..OnboardingConfig::local("http://tenantry.test")
        };
        let app = App {
            kit: world.kit.clone(),
            stores: world.stores.clone(),
            aws: Aws::connect_rehearsal(world.aws.settings().clone(), Arc::new(Passing)).await,
            config,
        };
        let around = Surroundings {
            metrics: Metrics::of_process(),
            checks: Vec::new(),
            limits: ServerLimits::default(),
        };
        let router = assemble(&world.kit, router(app.clone()), Router::new(), around);
        Self { world, app, router }
    }

    /// Sends a request; a POST without a key gets one of its own.
    pub(crate) async fn ask(&self, ask: Ask) -> Answer {
        let mut request = Request::builder().method(ask.method.clone()).uri(&ask.path);
        for (name, value) in &ask.headers {
            request = request.header(name, value);
        }
        let keyed = ask.headers.iter().any(|(name, _)| name == "idempotency-key");
        if ask.method == Method::POST && !keyed {
            request = request.header("idempotency-key", self.app.kit.ids.uuid().to_string());
        }
        let body = match &ask.body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        let request = request.body(body).expect("a request");
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a whole body").to_bytes().to_vec();
        Answer {
            status: parts.status,
            headers: parts.headers,
            bytes,
        }
    }

    pub(crate) async fn sign_up(&self, email: &str) -> Answer {
        let body = json!({ "organisation": "Acme", "email": email, "password": PASSWORD });
        self.ask(Ask::post("/v1/signups", body)).await
    }

    /// The token in the newest mail to the address.
    pub(crate) async fn token_in_mail(&self, email: &str) -> Option<String> {
        let mails = onboarding::mail::list_recent(&self.app, 50)
            .await
            .expect("the outbox");
        let mail = mails.into_iter().find(|mail| mail.recipient.as_str() == email)?;
        let (_, rest) = mail.body.split_once("token=")?;
        Some(rest.split_whitespace().next()?.to_owned())
    }

    /// A tenant whose first admin has verified the address and signed in.
    pub(crate) async fn tenant(&self, email: &str) -> Person {
        self.sign_up(email).await.expect(202);
        let token = self.token_in_mail(email).await.expect("a link");
        let verified = self
            .ask(Ask::post("/v1/signups/verify", json!({ "token": token })))
            .await
            .expect(201);
        let tenant = verified.json()["tenant"]["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        let (token, refresh) = self.sign_in(email).await;
        Person {
            tenant,
            email: email.to_owned(),
            token,
            refresh,
        }
    }

    /// Access and refresh token of a new sign-in.
    pub(crate) async fn sign_in(&self, email: &str) -> (String, String) {
        let body = json!({ "email": email, "password": PASSWORD });
        let session = self.ask(Ask::post("/v1/sessions", body)).await.expect(201).json();
        let text = |name: &str| session[name].as_str().expect("a token").to_owned();
        (text("access_token"), text("refresh_token"))
    }

    /// An operator's access token.
    pub(crate) async fn operator(&self) -> String {
        let email = "olga@isv.example".parse().expect("an address");
        let password = secrecy::SecretString::from(PASSWORD);
        onboarding::sign_in::create_operator(&self.app, &email, Some(&password))
            .await
            .expect("an operator");
        self.sign_in("olga@isv.example").await.0
    }

    pub(crate) async fn connect(&self, person: &Person, account: &str) -> Value {
        let path = format!("/v1/tenants/{}/connections", person.tenant);
        let ask = Ask::post(path, json!({ "aws_account_id": account })).by(&person.token);
        self.ask(ask).await.expect(201).json()
    }

    /// The customer follows the quick-create link in `account`, with a template of its own making.
    pub(crate) async fn deploy_template(&self, account: &str, connection: &Value, template: &str) {
        let root = self.world.root_of(account).await;
        let name = connection["setup"]["stack_name"].as_str().expect("a name");
        root.create_stack(name, template, &parameters(connection))
            .await
            .expect("a stack");
    }

    /// The customer follows the quick-create link in `account`.
    pub(crate) async fn deploy(&self, account: &str, connection: &Value) {
        self.world
            .deploy_role_stack(account, &parameters(connection))
            .await;
    }

    /// Lets as many rounds of probes happen as are due within three spacings.
    pub(crate) async fn probe(&self) {
        for _ in 0..3 {
            while verifying::verify_next(&self.app).await.expect("a round") {}
            self.world.advance(SPACING).await;
        }
    }

    pub(crate) async fn connection(&self, person: &Person, id: &Value) -> Value {
        let path = format!("/v1/connections/{}", id.as_str().expect("an id"));
        self.ask(Ask::get(path).by(&person.token))
            .await
            .expect(200)
            .json()
    }
}

fn parameters(connection: &Value) -> BTreeMap<String, String> {
    serde_json::from_value(connection["setup"]["parameters"].clone()).expect("the stack's parameters")
}
