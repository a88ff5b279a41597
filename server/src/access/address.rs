//! Where a request came from. `X-Forwarded-For` counts only as far as trusted proxies wrote it: from the right, the first hop
//! that is no trusted proxy is the client.

use crate::live::PeerAddress;
use axum::{
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::Response,
};
use http::HeaderMap;
use ipnet::IpNet;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

/// Layer: places [`PeerAddress`] on the request.
pub async fn place(State(trusted): State<Arc<[IpNet]>>, mut request: Request, next: Next) -> Response {
    let socket = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|ConnectInfo(socket)| socket.ip());
    let socket = socket.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let client = client(socket, request.headers(), &trusted);
    request.extensions_mut().insert(PeerAddress(client));
    next.run(request).await
}

fn client(socket: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| {
        trusted
            .iter()
            .any(|network| network.contains(&address.to_canonical()))
    };
    let mut client = socket.to_canonical();
    let lines = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
    for hop in hops.into_iter().rev() {
        if !is_trusted(&client) {
            break;
        }
        // What cannot be read was not written by a proxy of ours: the one who sent it is the client.
        let Ok(address) = hop.trim().parse::<IpAddr>() else {
            break;
        };
        client = address.to_canonical();
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(socket: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        client(socket.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn without_a_trusted_proxy_the_header_is_nothing() {
        assert_eq!(seen("192.0.2.1", &["10.0.0.1"], &[]), "192.0.2.1");
        assert_eq!(seen("192.0.2.1", &["10.0.0.1"], &["127.0.0.0/8"]), "192.0.2.1");
    }

    #[test]
    fn a_client_cannot_choose_its_address_behind_a_proxy() {
        let proxies = ["127.0.0.0/8", "10.0.0.0/8"];
        assert_eq!(seen("127.0.0.1", &["203.0.113.9"], &proxies), "203.0.113.9");
        assert_eq!(
            seen("127.0.0.1", &["1.2.3.4, 203.0.113.9, 10.0.0.7"], &proxies),
            "203.0.113.9"
        );
        assert_eq!(
            seen("127.0.0.1", &["1.2.3.4", "203.0.113.9"], &proxies),
            "203.0.113.9"
        );
        assert_eq!(seen("127.0.0.1", &["nonsense"], &proxies), "127.0.0.1");
        assert_eq!(
            seen("::ffff:127.0.0.1", &["203.0.113.9"], &proxies),
            "203.0.113.9"
        );
    }
}
