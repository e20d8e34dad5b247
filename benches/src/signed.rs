//! Requests signed once and sent many times, so that signing is not what is measured.

use std::time::SystemTime;

use anyhow::Context as _;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use reqwest::{Client, Request, Response};

const REGION: &str = "us-east-1";

/// Signs as the root of an account, by the convention of local endpoints.
#[derive(Clone, Debug)]
pub struct Signer {
    endpoint: String,
    client: Client,
}

/// One call before it is signed.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// The twelve digits of the calling account.
    pub account: &'a str,
    /// The service's name in a credential scope.
    pub service: &'a str,
    /// The method.
    pub method: &'a str,
    /// The path with its query.
    pub path: &'a str,
    /// Headers beside those of the signature.
    pub headers: Vec<(&'a str, &'a str)>,
    /// The body.
    pub body: Bytes,
}

impl Signer {
    /// For calls to one endpoint.
    ///
    /// # Errors
    /// When there is no HTTP client to be had.
    pub fn new(endpoint: &str) -> anyhow::Result<Self> {
        let client = Client::builder().no_proxy().build()?;
        Ok(Self {
            endpoint: endpoint.to_owned(),
            client,
        })
    }

    /// The request, signed; valid for five minutes.
    ///
    /// # Errors
    /// When a part of it is malformed.
    pub fn sign(&self, call: &Call<'_>) -> anyhow::Result<Request> {
        let url = format!("{}{}", self.endpoint, call.path);
        let mut settings = SigningSettings::default();
        let mut headers = call.headers.clone();
        if call.service == "s3" {
            settings.percent_encoding_mode = aws_sigv4::http_request::PercentEncodingMode::Single;
            headers.push(("x-amz-content-sha256", "UNSIGNED-PAYLOAD"));
        }
        let identity = Credentials::from_keys(call.account, "test", None).into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(REGION)
            .name(call.service)
            .time(SystemTime::now())
            .settings(settings)
            .build()?
            .into();
        let body = match call.service {
            "s3" => SignableBody::UnsignedPayload,
            _ => SignableBody::Bytes(&call.body),
        };
        let signable = SignableRequest::new(call.method, &url, headers.iter().copied(), body)?;
        let (instructions, _) = sign(signable, &params)?.into_parts();
        let mut request = http::Request::builder().method(call.method).uri(&url);
        for (name, value) in &headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(call.body.clone())?;
        instructions.apply_to_request_http1x(&mut request);
        Ok(request.try_into()?)
    }

    /// Sends a request that may be sent again.
    ///
    /// # Errors
    /// When the answer is not a success.
    pub async fn send(&self, request: &Request) -> anyhow::Result<Response> {
        let again = request.try_clone().context("the body is in memory")?;
        let response = self.client.execute(again).await?;
        if !response.status().is_success() {
            let status = response.status();
            anyhow::bail!("{status}: {}", response.text().await?);
        }
        Ok(response)
    }

    /// Signs and sends a call, and reads its answer.
    ///
    /// # Errors
    /// As [`Self::sign`] and [`Self::send`].
    pub async fn call(&self, call: &Call<'_>) -> anyhow::Result<Bytes> {
        let request = self.sign(call)?;
        Ok(self.send(&request).await?.bytes().await?)
    }
}
