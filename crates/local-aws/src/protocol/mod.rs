//! The four wire forms below S3: query with XML (STS, IAM, RDS and others), EC2's dialect of it, JSON, and XML
//! under REST paths (Route 53).

mod page;
mod params;
mod reply;
mod xml;

pub(crate) use page::{Page, page};
pub(crate) use params::Params;
pub(crate) use reply::{Reply, ResponseBody, full, refusal, success};
pub(crate) use xml::Xml;

/// How a service reads requests and writes answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Form body, XML answer with a `…Result` element. The name space of the service's answers.
    Query {
        /// The XML name space the service's documents carry.
        namespace: &'static str,
    },
    /// EC2's form: form body, XML answer without a result element, errors in `Errors`.
    Ec2,
    /// `X-Amz-Target` names the operation, bodies are JSON. The number is the content type's version, "1.0" or "1.1".
    Json {
        /// "1.0" or "1.1".
        version: &'static str,
    },
    /// Method and path name the operation, bodies are XML (Route 53). The name space of the answers.
    RestXml {
        /// The XML name space the service's documents carry.
        namespace: &'static str,
    },
}
