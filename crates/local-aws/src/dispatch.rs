//! From a request to an answer: which service, who calls, which fault, what the log says.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;

use crate::auth::{AuthRefusal, Caller, Signature, verify};
use crate::control::{CallRecord, Control, Fault, Target, http as control_http};
use crate::endpoint::Endpoint;
use crate::error::AwsError;
use crate::protocol::{Params, Protocol, ResponseBody, refusal, success};
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
    let service_name = service_name(&parts, presented.as_ref().ok());
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
    let Some(service) = endpoint.service(&service_name) else {
        let request_id = endpoint.core.ids.uuid();
        let error = AwsError::not_implemented(&service_name, "any operation");
        return Ok(refusal(UNKNOWN_SERVICE, &error, &request_id));
    };
    let arrived = Arrived {
        endpoint: &endpoint,
        service,
        parts,
        source,
        presented,
    };
    arrived.answer(body).await
}

/// Services that stand in no one region.
const GLOBAL: [&str; 2] = ["iam", "route53"];

/// The form in which an unknown service is refused.
const UNKNOWN_SERVICE: Protocol = Protocol::Query {
    namespace: "http://webservices.amazon.com/AWSFault/2005-15-09",
};

/// The service of the credential scope; without one, what the request looks like.
fn service_name(parts: &Parts, presented: Option<&Signature>) -> String {
    if let Some(signature) = presented {
        return signature.service.clone();
    }
    let header = |name: &str| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    if header("x-amz-target").starts_with("Kinesis") {
        return "kinesis".into();
    }
    if header("x-amz-target").starts_with("RedshiftData") {
        return "redshift-data".into();
    }
    let form = header("content-type").starts_with("application/x-www-form-urlencoded");
    if form && parts.uri.path() == "/" {
        "sts".into()
    } else {
        "s3".into()
    }
}

/// A request whose service is known and whose body is not read yet.
struct Arrived<'a> {
    endpoint: &'a Endpoint,
    service: &'a Arc<dyn Service>,
    parts: Parts,
    source: IpAddr,
    presented: Result<Signature, AuthRefusal>,
}

impl Arrived<'_> {
    async fn answer(self, body: Incoming) -> Result<Response<ResponseBody>, Cut> {
        self.endpoint.core.look();
        let request_id = self.endpoint.core.ids.uuid();
        let protocol = self.service.protocol();
        let mut operation = String::new();
        let mut call = match self.call(body, &mut operation).await {
            Ok(call) => call,
            Err(error) => {
                self.record(None, &operation, &error.code, &request_id);
                return Ok(refusal(protocol, &error, &request_id));
            }
        };
        if self.is_lost(&call.region) {
            self.record(Some(&call.caller), &operation, "TimedOut", &request_id);
            return Err(Cut);
        }
        let fault = self.draw(&call);
        if let Some(Fault::Partial { per_million }) = fault {
            call.failing_per_million = per_million;
        }
        call.fault.clone_from(&fault);
        if let Some(Fault::Timeout { hang_ms }) = fault {
            self.record(Some(&call.caller), &operation, "TimedOut", &request_id);
            return cut_after(hang_ms).await;
        }
        let refused = fault
            .as_ref()
            .and_then(|fault| fault.error(self.service.signing_name(), protocol));
        let outcome = match refused {
            Some(error) => Err(error),
            None => self.service.call(&self.endpoint.core, &call).await,
        };
        let code = outcome.as_ref().err().map_or("OK", |error| &error.code);
        self.record_about(&call, code, &request_id);
        if outcome.is_ok() && !is_read(&operation) {
            self.endpoint.core.mark_dirty();
        }
        if let Some(Fault::EffectWithoutReply { hang_ms }) = fault {
            return cut_after(hang_ms).await;
        }
        Ok(match outcome {
            Ok(reply) => success(protocol, &operation, reply, &request_id),
            Err(error) => refusal(protocol, &error, &request_id),
        })
    }

    /// Reads the body, names the operation and proves the caller.
    async fn call(&self, body: Incoming, operation: &mut String) -> Result<Call, AwsError> {
        let body = read_body(body, self.service.body_bytes_max()).await?;
        let protocol = self.service.protocol();
        *operation = match protocol {
            Protocol::RestXml { .. } => self.routed()?,
            _ => operation_name(&self.parts, &body, protocol)?,
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
            body,
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

    /// Records a call, with the role of another account that it names.
    fn record_about(&self, call: &Call, code: &str, request_id: &str) {
        let named = (call.operation == "AssumeRole")
            .then(|| call.params().ok())
            .flatten();
        let role = named.and_then(|params| params.get("RoleArn").map(str::to_owned));
        let core = &self.endpoint.core;
        let target = (
            self.region(),
            self.service.signing_name(),
            call.operation.as_str(),
        );
        core.calls.record(CallRecord {
            request_id: request_id.to_owned(),
            resources: role.into_iter().collect(),
            ..CallRecord::new(core.clock.now(), Some(&call.caller), target, code)
        });
    }

    fn record(&self, caller: Option<&Caller>, operation: &str, code: &str, request_id: &str) {
        let core = &self.endpoint.core;
        let target = (self.region(), self.service.signing_name(), operation);
        let record = CallRecord::new(core.clock.now(), caller, target, code);
        core.calls.record(CallRecord {
            request_id: request_id.to_owned(),
            ..record
        });
    }
}

/// Operations that change nothing, by AWS's naming.
pub(crate) fn is_read(operation: &str) -> bool {
    ["Describe", "Get", "List", "Lookup"]
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

fn operation_name(parts: &Parts, body: &[u8], protocol: Protocol) -> Result<String, AwsError> {
    if let Protocol::Json { .. } = protocol {
        let target = parts
            .headers
            .get("x-amz-target")
            .and_then(|value| value.to_str().ok());
        let named = target
            .and_then(|target| target.rsplit_once('.'))
            .map(|(_, operation)| operation.to_owned());
        return named
            .ok_or_else(|| AwsError::bad("UnknownOperationException", "X-Amz-Target names no operation"));
    }
    let params = Params::parse(body, protocol)?;
    let action = params
        .get("Action")
        .filter(|action| action.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    action
        .map(str::to_owned)
        .ok_or_else(|| AwsError::bad("MissingAction", "The request is missing an action parameter"))
}

// The services' errors are values, never this type.
impl From<Infallible> for Cut {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
