//! From a request to an answer: which service, who calls, which fault, what the log says.

mod naming;

use std::convert::Infallible;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;

use crate::auth::{AuthRefusal, Caller, Signature, verify};
use crate::cloudtrail::parameters;
use crate::control::{CallRecord, Control, Fault, Target, fault_codes, http as control_http};
use crate::ec2;
use crate::endpoint::Endpoint;
use crate::error::AwsError;
use crate::protocol::{Protocol, Reply, ResponseBody, refusal, success};
use crate::service::{Call, Service};

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("a fault rule closed the connection")]
pub(crate) struct Cut;

/// Longest time a client may take to send its body.
const BODY_TIME_MAX: Duration = Duration::from_secs(60);
/// Longest silence a fault rule can ask for.
const HANG_MS_MAX: u64 = 60_000;

/// Answers one request.
pub(crate) async fn answer(
    endpoint: Arc<Endpoint>,
    request: Request<Incoming>,
    source: IpAddr,
) -> Result<Response<ResponseBody>, Cut> {
    if request.uri().path().starts_with("/_local/") {
        let control = Control { endpoint };
        return Ok(control_http::answer(&control, request, source).await);
    }
    let (parts, body) = request.into_parts();
    let presented = Signature::presented(&parts);
    let service_name = naming::service(&parts, presented.as_ref().ok());
    if service_name == "s3"
        && let Some(objects) = &endpoint.objects
    {
        let region = presented.as_ref().map(|presented| presented.region.as_str());
        if region.is_ok_and(|region| endpoint.core.outages.region_lost(region)) {
            return Err(Cut);
        }
        let request = Request::from_parts(parts, body);
        return objects.respond(&endpoint.core, request, source).await.ok_or(Cut);
    }
    let request_id = endpoint.core.ids.uuid();
    let Some(service) = endpoint.service(&service_name).cloned() else {
        let error = AwsError::not_implemented(&service_name, "any operation");
        return Ok(refusal(UNKNOWN_SERVICE, &error, &request_id));
    };
    let (calls, protocol) = (endpoint.calls.clone(), service.protocol());
    let arrived = Arrived {
        endpoint,
        service,
        parts,
        source,
        presented,
        request_id: request_id.clone(),
    };
    // In a task of its own: a client that hangs up does not stop a call half way.
    match calls.spawn(arrived.answer(body)).await {
        Ok(answered) => answered,
        Err(error) => {
            tracing::error!(%error, service = service_name, "a call ended before it was answered");
            Ok(refusal(
                protocol,
                &fault_codes::failure(&service_name),
                &request_id,
            ))
        }
    }
}

/// Services that stand in no one region.
const GLOBAL: [&str; 2] = ["iam", "route53"];

/// The form in which an unknown service is refused.
const UNKNOWN_SERVICE: Protocol = Protocol::Query {
    namespace: "http://webservices.amazon.com/AWSFault/2005-15-09",
};

/// A request whose service is known and whose body is not read yet.
struct Arrived {
    endpoint: Arc<Endpoint>,
    service: Arc<dyn Service>,
    parts: Parts,
    source: IpAddr,
    presented: Result<Signature, AuthRefusal>,
    request_id: String,
}

impl Arrived {
    async fn answer(self, body: Incoming) -> Result<Response<ResponseBody>, Cut> {
        self.endpoint.core.look();
        let protocol = self.service.protocol();
        let mut operation = String::new();
        let mut call = match self.call(body, &mut operation).await {
            Ok(call) => call,
            Err(error) => {
                self.record(None, &operation, &error.code);
                return Ok(refusal(protocol, &error, &self.request_id));
            }
        };
        if self.is_lost(&call.region) {
            self.record(Some(&call), &operation, "TimedOut");
            return Err(Cut);
        }
        let fault = self.draw(&call);
        call.meet(fault.as_ref());
        if let Some(Fault::Timeout { hang_ms }) = fault {
            self.record(Some(&call), &operation, "TimedOut");
            return cut_after(hang_ms).await;
        }
        if fault == Some(Fault::DeliveredTwice) {
            let first = self.outcome(&call).await;
            let code = first.as_ref().err().map_or("OK", |error| &error.code);
            self.record(Some(&call), &operation, code);
        }
        let outcome = self.outcome(&call).await;
        let code = outcome.as_ref().err().map_or("OK", |error| &error.code);
        self.record(Some(&call), &operation, code);
        if let Some(Fault::EffectWithoutReply { hang_ms }) = fault {
            return cut_after(hang_ms).await;
        }
        Ok(match outcome {
            Ok(reply) => success(protocol, &operation, reply, &self.request_id),
            Err(error) => refusal(protocol, &error, &self.request_id),
        })
    }

    /// What comes of a call: its fault's error, or the service's answer once what it changed is safe.
    async fn outcome(&self, call: &Call) -> Result<Reply, AwsError> {
        let name = self.service.signing_name();
        let fault = call.fault.as_ref();
        let carried = fault.is_some_and(|fault| self.service.carries(fault, &call.operation));
        if let Some(error) = fault.and_then(|fault| fault.error(name, &call.operation))
            && !carried
        {
            return Err(error);
        }
        // Services check before they change and their locks outlive a panic: what is behind them stays usable.
        let answering = AssertUnwindSafe(self.service.call(&self.endpoint.core, call)).catch_unwind();
        let reply = answering.await.unwrap_or_else(|_| {
            tracing::error!(service = name, operation = call.operation, "a call panicked");
            Err(fault_codes::failure(name))
        });
        if !is_read(&call.operation) && self.service.is_saved_by_the_endpoint() {
            self.endpoint.core.mark_dirty();
            if reply.is_ok() {
                self.save().await?;
            }
        }
        reply
    }

    /// Makes what the call changed durable. What cannot be is not acknowledged.
    async fn save(&self) -> Result<(), AwsError> {
        crate::persist::save(&self.endpoint).await.map_err(|error| {
            tracing::error!(%error, "the local endpoint could not write its state");
            fault_codes::failure(self.service.signing_name())
        })
    }

    /// Reads the body, names the operation and proves the caller.
    async fn call(&self, body: Incoming, operation: &mut String) -> Result<Call, AwsError> {
        let body = read_body(body, self.service.body_bytes_max()).await?;
        let protocol = self.service.protocol();
        let input = naming::parameters(&self.parts, body.clone(), protocol);
        *operation = match protocol {
            Protocol::RestXml { .. } => self.routed()?,
            Protocol::Query { .. } | Protocol::Ec2 | Protocol::Json { .. } => {
                naming::operation(self.service.signing_name(), &self.parts, &input, protocol)?
            }
        };
        let caller = self
            .prove(&body)
            .map_err(|refusal| refusal.into_error(protocol))?;
        Ok(Call {
            caller,
            region: self.region().to_owned(),
            operation: operation.clone(),
            source: self.source,
            now: self.endpoint.core.clock.now(),
            protocol,
            failing_per_million: 0,
            fault: None,
            path: self.parts.uri.path().to_owned(),
            query: self.parts.uri.query().unwrap_or_default().to_owned(),
            body: input,
        })
    }

    /// The operation of a REST service.
    fn routed(&self) -> Result<String, AwsError> {
        let (method, uri) = (&self.parts.method, &self.parts.uri);
        let named = self
            .service
            .route(method, uri.path(), uri.query().unwrap_or_default());
        named.map(str::to_owned).ok_or_else(|| {
            AwsError::not_implemented(self.service.signing_name(), &format!("{method} {}", uri.path()))
        })
    }

    fn prove(&self, body: &Bytes) -> Result<Caller, AuthRefusal> {
        let presented = self.presented.as_ref().map_err(Clone::clone)?;
        // A region that is not there, or not opted into, does not know the account's keys.
        if !ec2::is_region_enabled(&presented.region) {
            return Err(AuthRefusal::ForeignRegion(presented.region.clone()));
        }
        let core = &self.endpoint.core;
        let secret = core
            .keys
            .secret(&presented.access_key_id)
            .ok_or(AuthRefusal::UnknownKey)?;
        verify(presented, &self.parts, body, &secret, core.clock.now())?;
        let token = self
            .parts
            .headers
            .get("x-amz-security-token")
            .and_then(|value| value.to_str().ok());
        core.keys
            .lookup(&presented.access_key_id, token, core.clock.now())
    }

    /// A lost region does not answer. Services without a region of their own go on.
    fn is_lost(&self, region: &str) -> bool {
        let regional = !GLOBAL.contains(&self.service.signing_name());
        regional && self.endpoint.core.outages.region_lost(region)
    }

    fn draw(&self, call: &Call) -> Option<Fault> {
        self.endpoint.core.faults.draw(&Target {
            account: &call.caller.account,
            region: &call.region,
            service: self.service.signing_name(),
            operation: &call.operation,
        })
    }

    fn region(&self) -> &str {
        self.presented.as_ref().map_or("", |signature| &signature.region)
    }

    /// Tells the log of a call, or of a request that did not become one.
    fn record(&self, call: Option<&Call>, operation: &str, code: &str) {
        let core = &self.endpoint.core;
        let target = (self.region(), self.service.signing_name(), operation);
        let caller = call.map(|call| &call.caller);
        let presented = self.presented.as_ref().ok();
        core.calls.record(CallRecord {
            request_id: self.request_id.clone(),
            access_key_id: presented
                .map(|presented| presented.access_key_id.clone())
                .unwrap_or_default(),
            source_ip: self.source.to_string(),
            user_agent: shortened(naming::header(&self.parts, "user-agent")),
            resources: call.and_then(role_named).into_iter().collect(),
            parameters: call.and_then(parameters::shown),
            ..CallRecord::new(core.clock.now(), caller, target, code)
        });
    }
}

/// The role of another account that a call names.
fn role_named(call: &Call) -> Option<String> {
    let params = (call.operation == "AssumeRole").then(|| call.params().ok())?;
    params?.get("RoleArn").map(str::to_owned)
}

/// Longest text of a client that the log keeps.
const USER_AGENT_CHARACTERS_MAX: usize = 256;

fn shortened(text: &str) -> String {
    text.chars().take(USER_AGENT_CHARACTERS_MAX).collect()
}

/// Operations that change nothing, by AWS's naming.
pub(crate) fn is_read(operation: &str) -> bool {
    ["Describe", "Get", "Head", "List", "Lookup", "Search", "Simulate"]
        .iter()
        .any(|verb| operation.starts_with(verb))
}

async fn cut_after(hang_ms: u64) -> Result<Response<ResponseBody>, Cut> {
    tokio::time::sleep(Duration::from_millis(hang_ms.min(HANG_MS_MAX))).await;
    Err(Cut)
}

async fn read_body(body: Incoming, bytes_max: usize) -> Result<Bytes, AwsError> {
    let reading = tokio::time::timeout(BODY_TIME_MAX, Limited::new(body, bytes_max).collect());
    match reading.await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(AwsError::new(
            http::StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLarge",
            format!("the body is larger than {bytes_max} bytes"),
        )),
        Ok(Err(_)) => Err(AwsError::bad("IncompleteBody", "the body ended early")),
        Err(_) => Err(AwsError::bad("RequestTimeout", "the body did not arrive in time")),
    }
}

// The services' errors are values, never this type.
impl From<Infallible> for Cut {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
