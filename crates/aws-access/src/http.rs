//! One HTTP client for all AWS clients, and the place to watch it.
//!
//! Without a shared client every SDK client would load the root certificates and keep a connection
//! pool of its own; with a client per tenant that is a client per pass.

use std::{fmt::Debug, sync::Arc};

use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
        SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    runtime_components::RuntimeComponents,
};
use futures_util::future::BoxFuture;

/// Sees every request on its way to AWS and every reply on its way back. A future that never ends
/// stands for a process that dies at this very moment: before the effect or after it.
pub trait CallObserver: Debug + Send + Sync {
    /// Called before the request is sent. `operation` is empty for protocols that do not name it in
    /// the request's body or header.
    fn before(&self, operation: &str) -> BoxFuture<'static, ()>;
    /// Called when the reply, or the failure, has arrived.
    fn after(&self, operation: &str) -> BoxFuture<'static, ()>;
}

pub(crate) fn client(observer: Option<Arc<dyn CallObserver>>) -> SharedHttpClient {
    let https = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .build_https();
    match observer {
        None => https,
        Some(observer) => SharedHttpClient::new(ObservedClient {
            inner: https,
            observer,
        }),
    }
}

#[derive(Debug)]
struct ObservedClient {
    inner: SharedHttpClient,
    observer: Arc<dyn CallObserver>,
}

impl HttpClient for ObservedClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(ObservedConnector {
            inner: self.inner.http_connector(settings, components),
            observer: Arc::clone(&self.observer),
        })
    }
}

#[derive(Debug)]
struct ObservedConnector {
    inner: SharedHttpConnector,
    observer: Arc<dyn CallObserver>,
}

impl HttpConnector for ObservedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, observer) = (self.inner.clone(), Arc::clone(&self.observer));
        HttpConnectorFuture::new(async move {
            let operation = operation(&request);
            observer.before(&operation).await;
            let reply = inner.call(request).await;
            observer.after(&operation).await;
            reply
        })
    }
}

/// The query protocol names the action in the body, the JSON protocols in a header.
pub(crate) fn operation(request: &HttpRequest) -> String {
    if let Some(target) = request.headers().get("x-amz-target") {
        return target.rsplit('.').next().unwrap_or_default().to_owned();
    }
    let body = request
        .body()
        .bytes()
        .and_then(|body| std::str::from_utf8(body).ok());
    let action = body.and_then(|body| body.split('&').find_map(|pair| pair.strip_prefix("Action=")));
    action.unwrap_or_default().to_owned()
}
