//! What a service is to the endpoint.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{Request, Response};
use hyper::body::Incoming;

use crate::auth::Caller;
use crate::control::{Fault, InventoryItem};
use crate::core::{Core, request_context};
use crate::error::AwsError;
use crate::iam::policy::Context;
use crate::protocol::{Params, Protocol, Reply, ResponseBody};

/// A verified call to one operation of a query, EC2 or JSON service.
pub(crate) struct Call {
    pub(crate) caller: Caller,
    /// The region of the credential scope.
    pub(crate) region: String,
    pub(crate) operation: String,
    pub(crate) source: IpAddr,
    /// The endpoint's time when the call arrived.
    pub(crate) now: DateTime<Utc>,
    pub(crate) protocol: Protocol,
    /// A fault lets so many of a million of the call's records fail; a service without records ignores it.
    pub(crate) failing_per_million: u32,
    /// The fault this call met, for a service that carries it into what the call starts.
    pub(crate) fault: Option<Fault>,
    /// The path, as sent; only a REST service reads it.
    pub(crate) path: String,
    /// The query string without its question mark; only a REST service reads it.
    pub(crate) query: String,
    pub(crate) body: Bytes,
}

impl Call {
    /// Takes the fault that was drawn for the call.
    pub(crate) fn meet(&mut self, fault: Option<&Fault>) {
        if let Some(Fault::Partial { per_million }) = fault {
            self.failing_per_million = *per_million;
        }
        self.fault = fault.cloned();
    }

    /// The form body.
    ///
    /// # Errors
    /// `MalformedQueryString`.
    pub(crate) fn params(&self) -> Result<Params, AwsError> {
        Params::parse(&self.body, self.protocol)
    }

    /// The JSON body as the operation's input.
    ///
    /// # Errors
    /// `SerializationException` for text that is not JSON or has another shape.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, AwsError> {
        serde_json::from_slice(&self.body).map_err(|error| AwsError::bad("SerializationException", error))
    }

    /// The facts of this request: start every authorization from it.
    pub(crate) fn context(&self) -> Context {
        request_context(&self.region, self.source)
    }
}

/// A service behind the query, EC2 or JSON protocol. Signature, faults and the call log are done around it.
#[async_trait::async_trait]
pub(crate) trait Service: Send + Sync {
    /// The service's name in a credential scope.
    fn signing_name(&self) -> &'static str;

    fn protocol(&self) -> Protocol;

    /// The operation that a method, a path and a query string name: REST services only.
    fn route(&self, _method: &http::Method, _path: &str, _query: &str) -> Option<&'static str> {
        None
    }

    /// Largest request body. A bound on memory, checked while reading.
    fn body_bytes_max(&self) -> usize {
        1 << 20
    }

    /// Whether the service itself lets a fault take its effect in an operation, deeper than before it.
    fn carries(&self, _fault: &Fault, _operation: &str) -> bool {
        false
    }

    /// Whether the endpoint saves what the service holds; not for one that keeps its own files, or that holds nothing.
    fn is_saved_by_the_endpoint(&self) -> bool {
        true
    }

    /// Carries out one operation. An operation it does not have is [`AwsError::not_implemented`].
    async fn call(&self, core: &Arc<Core>, call: &Call) -> Result<Reply, AwsError>;

    /// Every live resource.
    fn inventory(&self, _core: &Core) -> Vec<InventoryItem> {
        Vec::new()
    }

    /// State for the endpoint's state file; `Null` for a service that keeps its own files or none.
    fn snapshot(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    /// What may have changed since this was last asked, by the place it is in; all of it under no place by a service
    /// that does not know.
    fn changes(&self) -> Vec<(String, serde_json::Value)> {
        let state = self.snapshot();
        let known = (!state.is_null()).then(|| (String::new(), state));
        known.into_iter().collect()
    }

    /// Takes back what [`Self::snapshot`] gave.
    ///
    /// # Errors
    /// A snapshot of another shape.
    fn restore(&self, _state: serde_json::Value) -> Result<(), serde_json::Error> {
        Ok(())
    }

    /// Called at a clean stop, after the last call: flush, end tasks.
    async fn stop(&self) {}
}

/// A service that speaks HTTP itself (S3): it checks signatures with [`crate::auth::KeyRing`], draws its own faults
/// from `core.faults` and records its calls in `core.calls`.
#[async_trait::async_trait]
pub(crate) trait HttpService: Send + Sync {
    /// `None` closes the connection without an answer (the fault "effect without reply").
    async fn respond(
        &self,
        core: &Arc<Core>,
        request: Request<Incoming>,
        source: IpAddr,
    ) -> Option<Response<ResponseBody>>;

    fn inventory(&self, _core: &Core) -> Vec<InventoryItem> {
        Vec::new()
    }

    async fn stop(&self) {}
}
