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
    /// Called before the request is sent.
    fn before(&self) -> BoxFuture<'static, ()>;
    /// Called when the reply, or the failure, has arrived.
    fn after(&self) -> BoxFuture<'static, ()>;
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
            observer.before().await;
            let reply = inner.call(request).await;
            observer.after().await;
            reply
        })
    }
}
