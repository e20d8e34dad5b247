//! S3 behind the endpoint: s3s answers, this file keeps the call log and the faults that lose an answer.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3Error, S3ErrorCode};

use super::S3State;
use super::api::Api;
use super::gate::{Gate, Learnt, Slip};
use super::mishap;
use crate::control::{CallRecord, Fault, InventoryItem};
use crate::core::{Core, ObjectSource};
use crate::error::AwsError;
use crate::protocol::ResponseBody;
use crate::service::HttpService;

/// Longest silence a fault rule can ask for.
const HANG_MS_MAX: u64 = 60_000;

/// S3 as the endpoint's dispatcher sees it.
pub(crate) struct S3Endpoint {
    state: Arc<S3State>,
    service: S3Service,
}

impl S3Endpoint {
    /// Opens the state and offers objects to the services that read them.
    ///
    /// # Errors
    /// When the data directory cannot be read.
    pub(crate) fn open(core: &Arc<Core>) -> io::Result<Self> {
        let state = Arc::new(S3State::open(core)?);
        let source: Arc<dyn ObjectSource> = Arc::clone(&state) as Arc<dyn ObjectSource>;
        core.objects
            .set(source)
            .map_err(|_| io::Error::other("an endpoint has one S3"))?;
        let gate = Gate {
            core: Arc::clone(core),
        };
        let mut builder = S3ServiceBuilder::new(Api::new(Arc::clone(&state)));
        builder.set_auth(gate.clone());
        builder.set_access(gate);
        Ok(Self {
            state,
            service: builder.build(),
        })
    }
}

#[async_trait::async_trait]
impl HttpService for S3Endpoint {
    async fn respond(
        &self,
        core: &Arc<Core>,
        request: Request<Incoming>,
        source: IpAddr,
    ) -> Option<Response<ResponseBody>> {
        let slip = Slip::default();
        slip.update(|learnt| learnt.source = Some(source));
        let mut request = request.map(s3s::Body::from);
        request.extensions_mut().insert(slip.clone());
        let service = self.service.clone();
        // In a task of its own: a client that hangs up must not stop an operation half way.
        let answered = tokio::spawn(mishap::within(async move { service.call(request).await })).await;
        let request_id = core.ids.uuid();
        let learnt = slip.read();
        let response = match answered {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                tracing::error!(?error, "S3 could not answer");
                return None;
            }
            Err(error) => {
                tracing::error!(%error, "S3 ended while it answered");
                return None;
            }
        };
        record(core, &learnt, &response, &request_id);
        if let Some(Fault::Timeout { hang_ms } | Fault::EffectWithoutReply { hang_ms }) = learnt.fault {
            tokio::time::sleep(Duration::from_millis(hang_ms.min(HANG_MS_MAX))).await;
            return None;
        }
        let mut response = response.map(|body| body.map_err(Into::into).boxed_unsync());
        if let Ok(id) = HeaderValue::from_str(&request_id) {
            response
                .headers_mut()
                .insert(HeaderName::from_static("x-amz-request-id"), id);
        }
        Some(response)
    }

    fn inventory(&self, _core: &Core) -> Vec<InventoryItem> {
        let buckets = self.state.buckets();
        let items = buckets.values().map(|bucket| {
            let facts = &bucket.settings().facts;
            InventoryItem {
                account: facts.owner.clone(),
                region: facts.region.clone(),
                kind: "s3:bucket".to_owned(),
                id: facts.name.clone(),
                tags: facts.config.tags.clone(),
                created_by: facts.created_by.clone(),
            }
        });
        items.collect()
    }
}

fn record(core: &Core, learnt: &Learnt, response: &s3s::HttpResponse, request_id: &str) {
    let target = (learnt.region.as_str(), "s3", learnt.operation.as_str());
    let record = CallRecord::new(core.clock.now(), learnt.caller.as_ref(), target, &code(response));
    core.calls.record(CallRecord {
        request_id: request_id.to_owned(),
        ..record
    });
}

/// The error code that s3s has written into the body, or the status of an answer without one (HEAD).
fn code(response: &s3s::HttpResponse) -> String {
    if response.status().is_success() {
        return "OK".to_owned();
    }
    let body = response.body().bytes().unwrap_or_default();
    let text = std::str::from_utf8(&body).unwrap_or_default();
    let inside = text
        .split_once("<Code>")
        .and_then(|(_, rest)| rest.split_once("</Code>"));
    inside.map_or_else(
        || response.status().as_u16().to_string(),
        |(code, _)| code.to_owned(),
    )
}

/// S3's refusal in the endpoint's words, for services that read objects.
pub(crate) fn into_aws(error: &S3Error) -> AwsError {
    let status = error
        .status_code()
        .unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let message = error.message().unwrap_or_default().to_owned();
    let code: &S3ErrorCode = error.code();
    AwsError::new(status, code.as_str().to_owned(), message)
}
