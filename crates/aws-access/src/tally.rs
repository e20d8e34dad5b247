//! Counts what leaves the process under a customer's role, where it leaves: an SDK's repetitions count as well.
//!
//! The ledger says what a round did, and the customer compares it with its own log; both count requests. The same place
//! learns AWS's id of a request, by which one call is found in that log.

use std::cell::RefCell;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use tenant_model::ledger::{SessionUse, Use};

use crate::http::operation;

/// Headers in which services tell the id of a request.
const REQUEST_ID_HEADERS: [&str; 3] = ["x-amzn-requestid", "x-amz-request-id", "x-amzn-request-id"];

tokio::task_local! {
    /// The id of the last request of the future that asks for it.
    static REQUEST_ID: RefCell<Option<String>>;
}

/// Runs a future that makes one call, and tells AWS's id of the request; none when no answer came.
pub async fn with_request_id<F: Future>(call: F) -> (F::Output, Option<String>) {
    REQUEST_ID
        .scope(RefCell::new(None), async {
            let output = call.await;
            let id = REQUEST_ID.with(|id| id.borrow_mut().take());
            (output, id)
        })
        .await
}

/// What one broker's sessions have done so far. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally(Arc<Mutex<Use>>);

impl Tally {
    /// A copy of the counts.
    pub(crate) fn used(&self) -> Use {
        self.lock().clone()
    }

    pub(crate) fn note_session(&self, session: SessionUse) {
        self.lock().sessions.push(session);
    }

    /// Counts requests to STS for a session.
    pub(crate) fn of_assuming(&self, inner: SharedHttpClient) -> SharedHttpClient {
        self.counting(inner, Counted::Assuming)
    }

    /// Counts requests made as a session.
    pub(crate) fn of_calls(&self, inner: SharedHttpClient) -> SharedHttpClient {
        self.counting(inner, Counted::Call)
    }

    fn counting(&self, inner: SharedHttpClient, counted: Counted) -> SharedHttpClient {
        SharedHttpClient::new(CountingClient {
            inner,
            tally: self.clone(),
            counted,
        })
    }

    fn count(&self, counted: Counted, request: &HttpRequest) {
        let mut used = self.lock();
        match counted {
            Counted::Assuming => used.assumed += 1,
            Counted::Call => *used.calls.entry(operation(request)).or_default() += 1,
        }
    }

    fn note_request(&self, counted: Counted, id: &str) {
        match counted {
            Counted::Assuming => self.lock().assumed_requests.push(id.to_owned()),
            // Nobody asks during reads.
            Counted::Call => {
                let _ = REQUEST_ID.try_with(|slot| slot.borrow_mut().replace(id.to_owned()));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Use> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone, Copy, Debug)]
enum Counted {
    Assuming,
    Call,
}

#[derive(Debug)]
struct CountingClient {
    inner: SharedHttpClient,
    tally: Tally,
    counted: Counted,
}

impl HttpClient for CountingClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(CountingConnector {
            inner: self.inner.http_connector(settings, components),
            tally: self.tally.clone(),
            counted: self.counted,
        })
    }
}

#[derive(Debug)]
struct CountingConnector {
    inner: SharedHttpConnector,
    tally: Tally,
    counted: Counted,
}

impl HttpConnector for CountingConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        // Before it is sent: a request that never arrives is counted too, and the log may have less than the ledger.
        self.tally.count(self.counted, &request);
        let (inner, tally, counted) = (self.inner.clone(), self.tally.clone(), self.counted);
        HttpConnectorFuture::new(async move {
            let reply = inner.call(request).await;
            if let Some(id) = reply.as_ref().ok().and_then(request_id) {
                tally.note_request(counted, id);
            }
            reply
        })
    }
}

fn request_id(reply: &HttpResponse) -> Option<&str> {
    REQUEST_ID_HEADERS
        .iter()
        .find_map(|name| reply.headers().get(*name))
}
