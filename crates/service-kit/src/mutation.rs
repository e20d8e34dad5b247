//! Requests that change something: who asks, what exactly, and under which `Idempotency-Key`.
//!
//! The store keeps the reply in the transaction of the effect; this module only says which request it
//! is ([`MutationRequest`]) and carries a reply that can be stored and sent again ([`Reply`]).

use axum::extract::{FromRef, FromRequest, MatchedPath, Request};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tenant_model::idempotency::{Claim, StoredReply};
use tenant_model::{Principal, TenantId};

use crate::auth::Caller;
use crate::json::{BODY_BYTES_MAX, parse_strict, read_body, require_json};
use crate::{Kit, Problem, kinds};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Tells that the reply is the stored one.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Which request this is; the store keeps its reply under `scope` and `key`.
pub type MutationRequest = tenant_model::idempotency::RequestKey;

/// A change asked for by a signed-in caller, with a JSON body.
#[derive(Clone, Debug)]
pub struct Mutation<T> {
    /// Who asks.
    pub caller: Principal,
    /// What is asked.
    pub body: T,
    /// Which request it is.
    pub request: MutationRequest,
}

/// A change asked for by a signed-in caller, all of it in the path: `DELETE`, verbs.
#[derive(Clone, Debug)]
pub struct Trigger {
    /// Who asks.
    pub caller: Principal,
    /// Which request it is.
    pub request: MutationRequest,
}

/// A change that anybody may ask for, with a JSON body. Its stored reply must hold no secret.
#[derive(Clone, Debug)]
pub struct AnonymousMutation<T> {
    /// What is asked.
    pub body: T,
    /// Which request it is.
    pub request: MutationRequest,
}

impl<S, T> FromRequest<S> for Mutation<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
    Kit: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (caller, request) = authenticate(request, state).await?;
        let draft = Draft::of(&request, Some(&caller), &Kit::from_ref(state))?;
        require_json(request.headers())?;
        let bytes = read_body(request, BODY_BYTES_MAX).await?;
        Ok(Self {
            body: parse_strict(&bytes)?,
            request: draft.finish(&bytes),
            caller,
        })
    }
}

impl<S> FromRequest<S> for Trigger
where
    S: Send + Sync,
    Kit: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (caller, request) = authenticate(request, state).await?;
        let draft = Draft::of(&request, Some(&caller), &Kit::from_ref(state))?;
        let bytes = read_body(request, BODY_BYTES_MAX).await?;
        if !matches!(bytes.trim_ascii(), b"" | b"{}") {
            return Err(Problem::of(&kinds::UNKNOWN_FIELD).detail("This request takes no body."));
        }
        Ok(Self {
            request: draft.finish(&bytes),
            caller,
        })
    }
}

impl<S, T> FromRequest<S> for AnonymousMutation<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
    Kit: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let draft = Draft::of(&request, None, &Kit::from_ref(state))?;
        require_json(request.headers())?;
        let bytes = read_body(request, BODY_BYTES_MAX).await?;
        Ok(Self {
            body: parse_strict(&bytes)?,
            request: draft.finish(&bytes),
        })
    }
}

async fn authenticate<S>(request: Request, state: &S) -> Result<(Principal, Request), Problem>
where
    S: Send + Sync,
    Kit: FromRef<S>,
{
    let (mut parts, body) = request.into_parts();
    let Caller(principal) = Caller::authenticate(&mut parts, &Kit::from_ref(state)).await?;
    Ok((principal, Request::from_parts(parts, body)))
}

/// Everything of a [`MutationRequest`] that is known before the body.
struct Draft {
    scope: String,
    key: String,
    tenant_id: Option<TenantId>,
    head: Sha256,
}

impl Draft {
    fn of(request: &Request, caller: Option<&Principal>, kit: &Kit) -> Result<Self, Problem> {
        let method = request.method();
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let route = request
            .extensions()
            .get::<MatchedPath>()
            .map_or(path, MatchedPath::as_str);
        let who = caller.map_or_else(|| "anonymous".to_owned(), scope_of);
        let mut head = Sha256::new();
        head.update(format!("{method} {path}\n"));
        Ok(Self {
            scope: format!("{who} {method} {route}"),
            key: idempotency_key(request.headers(), method, kit)?,
            tenant_id: caller.and_then(Principal::tenant_id),
            head,
        })
    }

    fn finish(mut self, body: &[u8]) -> MutationRequest {
        self.head.update(body);
        MutationRequest {
            scope: self.scope,
            key: self.key,
            hash: self.head.finalize().into(),
            tenant_id: self.tenant_id,
        }
    }
}

fn scope_of(caller: &Principal) -> String {
    let tenant = caller
        .tenant_id()
        .map_or_else(|| "operator".to_owned(), |id| id.to_string());
    format!("{tenant} {}", caller.actor())
}

fn idempotency_key(headers: &HeaderMap, method: &Method, kit: &Kit) -> Result<String, Problem> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else {
        if method == Method::POST {
            return Err(Problem::of(&kinds::IDEMPOTENCY_KEY_MISSING)
                .detail("Send a key of your choice; a retry with the same key cannot act twice."));
        }
        // PATCH and DELETE are guarded by If-Match or repeat harmlessly; without a key nothing is replayed.
        return Ok(kit.ids.uuid().to_string());
    };
    let text = value.to_str().unwrap_or("");
    if !(1..=255).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Problem::of(&kinds::IDEMPOTENCY_KEY_MISSING)
            .detail("A key is 1 to 255 visible ASCII characters."));
    }
    Ok(text.to_owned())
}

/// A reply that can be stored with its effect and sent again unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// JSON, or empty.
    pub body: String,
    headers: Vec<(String, String)>,
    replayed: bool,
}

impl Reply {
    /// 200 with the item.
    pub fn ok(view: &impl Serialize) -> Self {
        Self::new(200, to_json(view))
    }

    /// 201 with the item and where it lives.
    pub fn created(location: &str, view: &impl Serialize) -> Self {
        Self::new(201, to_json(view)).with(&LOCATION, location)
    }

    /// 202 with the operation and where to watch it.
    pub fn accepted(location: &str, view: &impl Serialize) -> Self {
        Self::new(202, to_json(view)).with(&LOCATION, location)
    }

    /// 202 for work that nobody can watch.
    pub fn accepted_quietly(view: &impl Serialize) -> Self {
        Self::new(202, to_json(view))
    }

    /// 204.
    #[must_use]
    pub const fn no_content() -> Self {
        Self::new(204, String::new())
    }

    const fn new(status: u16, body: String) -> Self {
        Self {
            status,
            body,
            headers: Vec::new(),
            replayed: false,
        }
    }

    /// With the `ETag` of the state in the body.
    #[must_use]
    pub fn etag(self, version: i64) -> Self {
        self.with(&ETAG, &format!("\"v{version}\""))
    }

    fn with(mut self, name: &HeaderName, value: &str) -> Self {
        self.headers.push((name.to_string(), value.to_owned()));
        self
    }

    /// The reply as the store keeps it beside its effect.
    #[must_use]
    pub fn stored(&self) -> StoredReply {
        StoredReply {
            status: self.status,
            headers: self.headers.clone(),
            body: self.body.clone(),
        }
    }

    /// Turns what the store knows of a request into what to do: none to go on and work, a reply to send again.
    ///
    /// # Errors
    /// `idempotency-key-reused`, or `request-in-progress`.
    pub fn settle(claim: Claim) -> Result<Option<Self>, Problem> {
        match claim {
            Claim::New => Ok(None),
            Claim::Replay(stored) => Ok(Some(Self {
                status: stored.status,
                body: stored.body,
                headers: stored.headers,
                replayed: true,
            })),
            Claim::Reused => Err(key_reused()),
            Claim::InProgress => Err(in_progress()),
        }
    }
}

fn to_json(view: &impl Serialize) -> String {
    serde_json::to_string(view).expect("wire types hold only what JSON can say")
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let has_body = !self.body.is_empty();
        let mut response = (status, self.body).into_response();
        let headers = response.headers_mut();
        headers.remove(CONTENT_TYPE);
        if has_body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        for (name, value) in self.headers {
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
                headers.insert(name, value);
            }
        }
        if self.replayed {
            headers.insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

/// The same key came with another request.
#[must_use]
pub fn key_reused() -> Problem {
    Problem::of(&kinds::IDEMPOTENCY_KEY_REUSED).detail("Use a new key for a new request.")
}

/// The same request is being worked on right now.
#[must_use]
pub fn in_progress() -> Problem {
    Problem::of(&kinds::IDEMPOTENCY_IN_PROGRESS).retry_after(1)
}
