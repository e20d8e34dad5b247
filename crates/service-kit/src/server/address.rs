//! The client's address, as far as it can be known.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRef, FromRequestParts};
use http::HeaderMap;
use http::request::Parts;

use crate::Kit;

/// Who is at the other end: the entry that the outermost of our proxies wrote into `X-Forwarded-For`,
/// else the peer of the socket. Used for rate limits only, never for access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl<S> FromRequestParts<S> for ClientAddress
where
    S: Send + Sync,
    Kit: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let proxies = Kit::from_ref(state).trusted_proxies;
        let peer = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|info| info.0.ip());
        let address = forwarded(&parts.headers, proxies).or(peer);
        Ok(Self(address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))))
    }
}

/// The n-th entry from the right: those to the left were written by the client.
fn forwarded(headers: &HeaderMap, proxies: usize) -> Option<IpAddr> {
    let place = proxies.checked_sub(1)?;
    let all: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .collect();
    all.iter().rev().nth(place)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_client_wrote_itself_is_not_believed() {
        let mut headers = HeaderMap::new();
        headers.insert(
            "x-forwarded-for",
            "6.6.6.6, 9.9.9.9, 10.0.0.1".parse().expect("a value"),
        );
        let table = [(0, None), (1, Some("10.0.0.1")), (2, Some("9.9.9.9")), (4, None)];
        for (proxies, expected) in table {
            let expected = expected.map(|text: &str| text.parse::<IpAddr>().expect("an address"));
            assert_eq!(forwarded(&headers, proxies), expected, "{proxies} proxies");
        }
    }
}
