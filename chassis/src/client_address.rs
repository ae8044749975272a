//! Where a call comes from, also behind proxies.

use std::net::{IpAddr, Ipv6Addr};

use http::{Extensions, HeaderMap};
use ipnet::IpNet;
use tonic::Request;
use tonic::transport::server::TcpConnectInfo;

/// Those whose `x-forwarded-for` is believed; nobody's by default, since everyone
/// can send one.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Believes the proxies in these networks.
    #[must_use]
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// The address of the client: that of the connection, or, where that is a
    /// trusted proxy's, the last one in `x-forwarded-for` that is not. Each proxy
    /// puts its caller behind what came to it, so what stands before may be made up.
    #[must_use]
    pub fn client_address<T>(&self, request: &Request<T>) -> Option<IpAddr> {
        self.address(request.extensions(), request.metadata().as_ref())
    }

    /// The same of a request that tonic has not read yet.
    pub(crate) fn address(&self, extensions: &Extensions, headers: &HeaderMap) -> Option<IpAddr> {
        let peer = extensions.get::<TcpConnectInfo>()?.remote_addr()?;
        let peer = peer.ip().to_canonical();
        let forwarded: Vec<&str> = headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .collect();
        let mut client = peer;
        for address in forwarded.into_iter().rev() {
            if !self.trusts(client) {
                break;
            }
            let Ok(address) = address.trim().parse::<IpAddr>() else {
                break;
            };
            client = address.to_canonical();
        }
        Some(client)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// What one subscriber has: an IPv4 address, or the /64 of an IPv6 address.
#[must_use]
pub fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX)).into(),
        ip @ IpAddr::V4(_) => ip,
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn seen(peer: &str, forwarded: &[&'static str]) -> String {
        let proxies = ["10.0.0.0/8", "2001:db8::/32"].map(|network| network.parse().unwrap());
        let mut request = Request::new(());
        request.extensions_mut().insert(TcpConnectInfo {
            local_addr: None,
            remote_addr: Some(SocketAddr::new(peer.parse().unwrap(), 7)),
        });
        for value in forwarded {
            let value = value.parse().unwrap();
            request.metadata_mut().append("x-forwarded-for", value);
        }
        let seen = TrustedProxies::new(proxies.into()).client_address(&request);
        seen.unwrap().to_string()
    }

    #[test]
    fn a_stranger_cannot_say_where_it_comes_from() {
        assert_eq!(seen("192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
    }

    #[test]
    fn a_proxy_says_whom_it_serves() {
        assert_eq!(seen("10.1.1.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(seen("2001:db8::1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(seen("::ffff:10.1.1.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(seen("10.1.1.1", &[]), "10.1.1.1");
    }

    #[test]
    fn neighbours_in_one_ipv6_network_are_one() {
        let network = |ip: &str| network(ip.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8:1:2::7"), "2001:db8:1:2::");
        assert_eq!(network("2001:db8:1:2:ffff::1"), "2001:db8:1:2::");
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
    }

    #[test]
    fn what_a_client_sent_to_the_proxy_does_not_count() {
        assert_eq!(
            seen("10.1.1.1", &["203.0.113.5, 198.51.100.7"]),
            "198.51.100.7"
        );
        assert_eq!(
            seen("10.1.1.1", &["203.0.113.5", "198.51.100.7"]),
            "198.51.100.7"
        );
        assert_eq!(
            seen("10.1.1.1", &["203.0.113.5, 198.51.100.7, 10.2.2.2"]),
            "198.51.100.7"
        );
        assert_eq!(seen("10.1.1.1", &["203.0.113.5, nonsense"]), "10.1.1.1");
    }
}
