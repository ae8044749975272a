//! The client address of a call, also through proxies.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::{Extensions, HeaderMap};
use ipnet::IpNet;
use tonic::Request;
use tonic::transport::server::TcpConnectInfo;

/// The proxies whose `x-forwarded-for` is trusted; none by default, because everyone can
/// send one.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Trusts the proxies in these networks.
    #[must_use]
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// The address of the client: that of the connection, or, if that is a trusted
    /// proxy's, the last one in `x-forwarded-for` that is not. Each proxy appends its
    /// caller, so earlier entries may be forged.
    #[must_use]
    pub fn client_address<T>(&self, request: &Request<T>) -> Option<IpAddr> {
        self.address(request.extensions(), request.metadata().as_ref())
    }

    /// The same for a request that tonic has not read yet.
    pub(crate) fn address(&self, extensions: &Extensions, headers: &HeaderMap) -> Option<IpAddr> {
        let peer = extensions.get::<TcpConnectInfo>()?.remote_addr()?;
        let peer = peer.ip().to_canonical();
        // As bytes, because a forged entry may not be text, and must not hide what the
        // proxy appended.
        let forwarded: Vec<&[u8]> = headers
            .get_all("x-forwarded-for")
            .iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
            .collect();
        let mut client = peer;
        for address in forwarded.into_iter().rev() {
            if !self.trusts(client) {
                break;
            }
            let Some(address) = parse(address) else {
                break;
            };
            client = address.to_canonical();
        }
        Some(client)
    }

    /// Whether this is the address of a trusted proxy.
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Parses an address; some proxies append its port.
fn parse(address: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(address).ok()?.trim();
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    text.parse().ok().or_else(with_port)
}

/// The network of one subscriber: an IPv4 address, or the /64 of an IPv6 address.
#[must_use]
pub fn network(ip: IpAddr) -> IpAddr {
    cut(ip, 64)
}

/// The networks of an IPv6 address that have limits of their own, in bits, each with its
/// multiple of one subscriber's limit. Providers assign any of them to one subscriber
/// (RFC 6177), and a /48 contains 65,536 /64s. The first also applies to an IPv4 address.
pub const LEVELS: [(u32, u32); 3] = [(64, 1), (56, 4), (48, 16)];

/// The networks that contain an IPv6 address, one for each of [`LEVELS`]; an IPv4 address
/// itself.
pub fn networks(ip: IpAddr) -> impl Iterator<Item = IpAddr> {
    let levels = match ip.to_canonical() {
        IpAddr::V4(_) => 1,
        IpAddr::V6(_) => LEVELS.len(),
    };
    let levels = LEVELS.iter().take(levels);
    levels.map(move |(bits, _)| cut(ip, *bits))
}

/// The first `bits` of an IPv6 address, the others zero.
fn cut(ip: IpAddr, bits: u32) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & !(u128::MAX >> bits)).into(),
        ip @ IpAddr::V4(_) => ip,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn seen(peer: &str, forwarded: &[&'static str]) -> String {
        let forwarded: Vec<_> = forwarded.iter().map(|text| text.as_bytes()).collect();
        seen_bytes(peer, &forwarded)
    }

    fn seen_bytes(peer: &str, forwarded: &[&[u8]]) -> String {
        let proxies = ["10.0.0.0/8", "2001:db8::/32"].map(|network| network.parse().unwrap());
        let (mut extensions, mut headers) = (Extensions::new(), HeaderMap::new());
        extensions.insert(TcpConnectInfo {
            local_addr: None,
            remote_addr: Some(SocketAddr::new(peer.parse().unwrap(), 7)),
        });
        for value in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_bytes(value).unwrap());
        }
        let seen = TrustedProxies::new(proxies.into()).address(&extensions, &headers);
        seen.unwrap().to_string()
    }

    #[test]
    fn a_stranger_cannot_choose_its_address() {
        assert_eq!(seen("192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
    }

    #[test]
    fn a_trusted_proxy_reports_the_address_of_its_client() {
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
    fn entries_that_the_client_sent_to_the_proxy_are_ignored() {
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

    #[test]
    fn an_entry_that_is_not_text_does_not_hide_the_entry_of_a_proxy() {
        let bad: &[u8] = b"\xff\xfe, 198.51.100.7";
        assert_eq!(seen_bytes("10.1.1.1", &[bad]), "198.51.100.7");
        let lines: [&[u8]; 2] = [b"203.0.113.5", b"203.0.113.6\xe9, 198.51.100.7"];
        assert_eq!(seen_bytes("10.1.1.1", &lines), "198.51.100.7");
        assert_eq!(seen_bytes("10.1.1.1", &[b"203.0.113.5, \xff"]), "10.1.1.1");
    }

    #[test]
    fn a_proxy_may_append_the_port() {
        assert_eq!(seen("10.1.1.1", &["198.51.100.7:4711"]), "198.51.100.7");
        assert_eq!(seen("10.1.1.1", &["[2001:db9::7]:4711"]), "2001:db9::7");
    }

    #[test]
    fn an_ipv6_address_counts_for_the_networks_around_it() {
        let networks = |ip: &str| {
            let networks = networks(ip.parse().unwrap());
            networks.map(|ip| ip.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(networks("192.0.2.1"), ["192.0.2.1"]);
        assert_eq!(networks("::ffff:192.0.2.1"), ["192.0.2.1"]);
        assert_eq!(
            networks("2001:db8:1:2345::7"),
            ["2001:db8:1:2345::", "2001:db8:1:2300::", "2001:db8:1::"]
        );
    }
}
