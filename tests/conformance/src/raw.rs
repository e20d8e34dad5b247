//! Requests that no SDK would send: the cases of malformed input speak HTTP themselves.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::Request;

use crate::Aws;

/// A request of the vendor's root that is right, until a case makes it wrong.
#[derive(Clone, Debug)]
pub struct Raw {
    endpoint: String,
    key: String,
    region: String,
    service: String,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Bytes,
    signed_at: SystemTime,
    secret: String,
    token: Option<String>,
}

/// What was answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The whole body.
    pub text: String,
}

impl Answer {
    /// The error code in the body, whatever form it has.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn code(&self) -> String {
        let xml = self
            .text
            .split_once("<Code>")
            .and_then(|(_, rest)| rest.split_once("</Code>"));
        let json = self
            .text
            .split_once(r#""__type":""#)
            .and_then(|(_, rest)| rest.split_once('"'));
        let (code, _) = xml
            .or(json)
            .unwrap_or_else(|| panic!("no error code in {self:?}"));
        code.to_owned()
    }
}

impl Raw {
    /// A POST to a service; `None` on AWS itself, where such traffic has no place.
    #[must_use]
    pub fn to(aws: &Aws, service: &str) -> Option<Self> {
        Some(Self {
            endpoint: aws.endpoint()?.to_owned(),
            key: aws.vendor().id.clone(),
            region: aws.region().to_owned(),
            service: service.to_owned(),
            method: "POST".to_owned(),
            path: "/".to_owned(),
            headers: Vec::new(),
            body: Bytes::new(),
            signed_at: SystemTime::now(),
            secret: "test".to_owned(),
            token: None,
        })
    }

    /// A form body, as query services take it.
    #[must_use]
    pub fn form(self, body: &str) -> Self {
        self.header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
            .body(body.to_owned())
    }

    /// A JSON body for an operation, as JSON services take it.
    #[must_use]
    pub fn json(self, target: &str, body: &str) -> Self {
        self.header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", target)
            .body(body.to_owned())
    }

    /// Any body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// One more header, signed.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Another method and path.
    #[must_use]
    pub fn at(mut self, method: &str, path: &str) -> Self {
        method.clone_into(&mut self.method);
        path.clone_into(&mut self.path);
        self
    }

    /// Signed with another key and secret.
    #[must_use]
    pub fn keys(mut self, key: &str, secret: &str, token: Option<&str>) -> Self {
        key.clone_into(&mut self.key);
        secret.clone_into(&mut self.secret);
        self.token = token.map(str::to_owned);
        self
    }

    /// Signed for another region.
    #[must_use]
    pub fn region(mut self, region: &str) -> Self {
        region.clone_into(&mut self.region);
        self
    }

    /// Signed so long ago.
    #[must_use]
    pub fn signed_before(mut self, age: Duration) -> Self {
        self.signed_at = SystemTime::now() - age;
        self
    }

    /// Signs and sends.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn send(&self) -> Answer {
        self.send_changed(|_| {}).await
    }

    /// Signs, changes what is signed, and sends.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn send_changed(&self, change: impl FnOnce(&mut Request<Bytes>)) -> Answer {
        let mut request = self.signed();
        change(&mut request);
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let request = request.try_into().expect("a request");
        let response = client.execute(request).await.expect("an answer");
        Answer {
            status: response.status().as_u16(),
            text: response.text().await.expect("a whole body"),
        }
    }

    fn signed(&self) -> Request<Bytes> {
        let url = format!("{}{}", self.endpoint, self.path);
        let identity = Credentials::from_keys(&self.key, &self.secret, self.token.clone()).into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(&self.service)
            .time(self.signed_at)
            .settings(SigningSettings::default())
            .build()
            .expect("all that a signature needs")
            .into();
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let signable = SignableRequest::new(&self.method, &url, headers, SignableBody::Bytes(&self.body));
        let (instructions, _) = sign(signable.expect("it can be signed"), &params)
            .expect("it is signed")
            .into_parts();
        let mut request = Request::builder().method(self.method.as_str()).uri(&url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let mut request = request.body(self.body.clone()).expect("a request");
        instructions.apply_to_request_http1x(&mut request);
        request
    }
}
