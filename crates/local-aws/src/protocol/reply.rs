//! Answers: what an operation gives back, and how each protocol wraps it or a refusal.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};

use crate::error::AwsError;
use crate::protocol::{Protocol, Xml};

/// The body of every response; S3 streams, the others are whole.
pub(crate) type ResponseBody = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// A whole body.
pub(crate) fn full(body: impl Into<Bytes>) -> ResponseBody {
    Full::new(body.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// What an operation gives back on success.
pub(crate) enum Reply {
    /// A whole document of a REST service, with its status and, for something new, its `Location`.
    Rest {
        status: StatusCode,
        location: Option<String>,
        document: Xml,
    },
    /// The inside of a query or EC2 answer.
    Xml(Xml),
    /// The text of a JSON answer.
    Json(Bytes),
}

impl Reply {
    /// A JSON answer from a value.
    pub(crate) fn json(value: &impl serde::Serialize) -> Self {
        Self::Json(serde_json::to_vec(value).expect("answers have text keys").into())
    }
}

impl From<Xml> for Reply {
    fn from(xml: Xml) -> Self {
        Self::Xml(xml)
    }
}

/// Writes a successful answer.
pub(crate) fn success(
    protocol: Protocol,
    operation: &str,
    reply: Reply,
    request_id: &str,
) -> Response<ResponseBody> {
    let body = match reply {
        Reply::Rest {
            status,
            location,
            document,
        } => return rest(protocol, status, location.as_deref(), document, request_id),
        Reply::Json(text) => text,
        Reply::Xml(xml) => document(protocol, operation, xml, request_id).into(),
    };
    respond(protocol, StatusCode::OK, body, request_id)
}

fn rest(
    protocol: Protocol,
    status: StatusCode,
    location: Option<&str>,
    document: Xml,
    request_id: &str,
) -> Response<ResponseBody> {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}",
        document.into_string()
    );
    let mut response = respond(protocol, status, body.into(), request_id);
    if let Some(location) = location.and_then(|location| HeaderValue::from_str(location).ok()) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn document(protocol: Protocol, operation: &str, inside: Xml, request_id: &str) -> String {
    let inside = inside.into_string();
    match protocol {
        Protocol::Query { namespace } => format!(
            "<{operation}Response xmlns=\"{namespace}\"><{operation}Result>{inside}</{operation}Result>\
             <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
        ),
        Protocol::Ec2 | Protocol::Json { .. } | Protocol::RestXml { .. } => format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{operation}Response xmlns=\"{EC2_NAMESPACE}\">\
             <requestId>{request_id}</requestId>{inside}</{operation}Response>"
        ),
    }
}

const EC2_NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

/// Writes a refusal.
pub(crate) fn refusal(protocol: Protocol, error: &AwsError, request_id: &str) -> Response<ResponseBody> {
    let body = match protocol {
        Protocol::Json { .. } => {
            let value = serde_json::json!({ "__type": error.code, "message": error.message });
            value.to_string()
        }
        Protocol::Query { namespace } | Protocol::RestXml { namespace } => {
            query_error(namespace, error, request_id)
        }
        Protocol::Ec2 => ec2_error(error, request_id),
    };
    let mut response = respond(protocol, error.status, body.into(), request_id);
    if let (Protocol::Json { .. }, Ok(code)) = (protocol, HeaderValue::from_str(&error.code)) {
        response.headers_mut().insert("x-amzn-errortype", code);
    }
    response
}

fn query_error(namespace: &str, error: &AwsError, request_id: &str) -> String {
    let fault = if error.status.is_server_error() {
        "Receiver"
    } else {
        "Sender"
    };
    let mut xml = Xml::new();
    xml.node("Error", |xml| {
        xml.leaf("Type", fault)
            .leaf("Code", &error.code)
            .leaf("Message", &error.message);
    });
    xml.leaf("RequestId", request_id);
    format!(
        "<ErrorResponse xmlns=\"{namespace}\">{}</ErrorResponse>",
        xml.into_string()
    )
}

fn ec2_error(error: &AwsError, request_id: &str) -> String {
    let mut xml = Xml::new();
    xml.node("Response", |xml| {
        xml.node("Errors", |xml| {
            xml.node("Error", |xml| {
                xml.leaf("Code", &error.code).leaf("Message", &error.message);
            });
        });
        xml.leaf("RequestID", request_id);
    });
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}",
        xml.into_string()
    )
}

fn respond(protocol: Protocol, status: StatusCode, body: Bytes, request_id: &str) -> Response<ResponseBody> {
    let content_type = match protocol {
        Protocol::Json { version: "1.0" } => "application/x-amz-json-1.0",
        Protocol::Json { .. } => "application/x-amz-json-1.1",
        Protocol::Query { .. } | Protocol::Ec2 | Protocol::RestXml { .. } => "text/xml;charset=UTF-8",
    };
    let mut response = Response::new(full(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}
