//! Limits the open connections and calls of a client's address. A call or a stream counts
//! from the arrival of its headers to the end of its response, with or without a token.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Extensions, HeaderMap};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use tonic::Code;

use crate::access::client_address::{LEVELS, TrustedProxies, networks};
use crate::serve::budget::{Budget, CountedFor};
use crate::settings::config::ClientConfig;
use crate::status::Refusal;

/// Delay after which a refused call can be repeated.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resource {
    Connections,
    Calls,
}

impl Resource {
    const ALL: [Self; 2] = [Self::Connections, Self::Calls];

    /// The label in metrics.
    fn name(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Calls => "calls",
        }
    }
}

/// An address has too many calls open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crowded;

impl From<Crowded> for Refusal {
    fn from(Crowded: Crowded) -> Self {
        let text = "too many calls from this address are open; retry when some have ended";
        Self::new(Code::ResourceExhausted, "TOO_MANY_OPEN_CALLS", text).retry_after(RETRY_AFTER)
    }
}

/// An address or a network that contains it, with the index of its size in [`LEVELS`].
type Key = (usize, IpAddr);

/// The open items of a network, by [`Resource`].
type Network = [AtomicU32; 2];

/// The clients of a server, shared by its threads. Networks without open items take no
/// memory.
#[derive(Debug)]
pub(crate) struct Clients {
    /// The limit of each [`Resource`] for the first of [`LEVELS`].
    most: [u32; 2],
    proxies: TrustedProxies,
    open: Mutex<HashMap<Key, Arc<Network>>>,
    /// Open connections, including those of proxies.
    connections: AtomicU64,
    /// The number of refused items, by [`Resource`].
    refused: [AtomicU64; 2],
    /// The bytes of responses that are not read.
    unread: Arc<Budget>,
    /// The bytes of requests that have not arrived completely.
    arriving: Arc<Budget>,
}

impl Clients {
    pub(crate) fn new(config: &ClientConfig, proxies: TrustedProxies) -> Self {
        Self {
            most: [config.client_connections, config.client_calls],
            proxies,
            open: Mutex::default(),
            connections: AtomicU64::new(0),
            refused: Default::default(),
            unread: Arc::new(Budget::new(
                config.connection_answer_bytes,
                config.user_answer_bytes,
                CountedFor::UserElseAddress,
            )),
            arriving: Arc::new(Budget::new(
                config.connection_request_bytes,
                config.client_request_bytes,
                CountedFor::UserAndAddress,
            )),
        }
    }

    /// The address of a request's client.
    pub(crate) fn address(&self, extensions: &Extensions, headers: &HeaderMap) -> Option<IpAddr> {
        self.proxies.address(extensions, headers)
    }

    /// Accepts a connection from this address; `None` if the address has too many.
    pub(crate) fn connect(self: &Arc<Self>, address: IpAddr) -> Option<Peer> {
        let open = match self.client(address) {
            // A proxy's connections belong to many clients.
            None => None,
            Some(client) => Some(Open::new(client, Resource::Connections)?),
        };
        self.connections.fetch_add(1, Ordering::Relaxed);
        Some(Peer {
            clients: Arc::clone(self),
            open,
        })
    }

    /// The client with this address; `None` for a trusted proxy.
    fn client(self: &Arc<Self>, address: IpAddr) -> Option<Arc<Client>> {
        if self.proxies.trusts(address.to_canonical()) {
            return None;
        }
        let keys = networks(address).enumerate();
        let mut open = self.open();
        let networks = keys.map(|key| (key, Arc::clone(open.entry(key).or_default())));
        let networks = networks.collect();
        drop(open);
        Some(Arc::new(Client {
            clients: Arc::clone(self),
            networks,
        }))
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Key, Arc<Network>>> {
        // A panic under the lock cannot leave the map half changed.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client, kept as long as it has open items.
struct Client {
    clients: Arc<Clients>,
    networks: Vec<(Key, Arc<Network>)>,
}

impl Client {
    /// Counts one more, unless a network has reached its limit.
    fn take(&self, resource: Resource) -> bool {
        let most = self.clients.most[resource as usize];
        for (at, ((level, _), network)) in self.networks.iter().enumerate() {
            let most = most.saturating_mul(LEVELS[*level].1);
            if network[resource as usize].fetch_add(1, Ordering::Relaxed) >= most {
                self.put_back(resource, at + 1);
                self.clients.refused[resource as usize].fetch_add(1, Ordering::Relaxed);
                return false;
            }
        }
        true
    }

    /// Counts one less in the first networks.
    fn put_back(&self, resource: Resource, networks: usize) {
        for (_, network) in &self.networks[..networks] {
            network[resource as usize].fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let mut open = self.clients.open();
        for (key, network) in self.networks.drain(..) {
            // Clones are made under this lock only, so two are the map's and this one.
            if Arc::strong_count(&network) <= 2 {
                open.remove(&key);
            }
        }
    }
}

/// An open connection or call.
struct Open {
    client: Arc<Client>,
    resource: Resource,
}

impl Open {
    fn new(client: Arc<Client>, resource: Resource) -> Option<Self> {
        // Created only if it was counted, because its end is counted, too.
        client.take(resource).then(|| Self { client, resource })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.client
            .put_back(self.resource, self.client.networks.len());
    }
}

/// The client of an open connection.
pub(crate) struct Peer {
    clients: Arc<Clients>,
    /// `None` for a trusted proxy.
    open: Option<Open>,
}

impl Peer {
    /// The unread responses of the server's clients.
    pub(crate) fn unread(&self) -> Arc<Budget> {
        Arc::clone(&self.clients.unread)
    }

    /// The bytes of requests that are arriving.
    pub(crate) fn arriving(&self) -> Arc<Budget> {
        Arc::clone(&self.clients.arriving)
    }

    /// Accepts a call on this connection.
    pub(crate) fn call(
        &self,
        extensions: &Extensions,
        headers: &HeaderMap,
    ) -> Result<OpenCall, Crowded> {
        let client = if let Some(open) = &self.open {
            Some(Arc::clone(&open.client))
        } else {
            let address = self.clients.address(extensions, headers);
            address.and_then(|address| self.clients.client(address))
        };
        let Some(client) = client else {
            return Ok(OpenCall(None));
        };
        let open = Open::new(client, Resource::Calls).ok_or(Crowded)?;
        Ok(OpenCall(Some(open)))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.clients.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").finish_non_exhaustive()
    }
}

/// An open call, until dropped.
pub(crate) struct OpenCall(Option<Open>);

impl OpenCall {
    /// The address of its client, or the smallest network that is counted.
    pub(crate) fn network(&self) -> Option<IpAddr> {
        let ((_, network), _) = self.0.as_ref()?.client.networks.first()?;
        Some(*network)
    }
}

/// Registers their metrics.
#[derive(Debug)]
pub(crate) struct ClientMetrics(pub(crate) Arc<Clients>);

impl Collector for ClientMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Open connections.";
        let kind = MetricType::Gauge;
        let metric = encoder.encode_descriptor("connections", help, None, kind)?;
        let number = self.0.connections.load(Ordering::Relaxed).cast_signed();
        ConstGauge::new(number).encode(metric)?;
        let help = "Bytes of large messages: of responses that clients have not read, and of \
                    requests that have not arrived completely.";
        let kind = MetricType::Gauge;
        let mut metric = encoder.encode_descriptor("client_bytes", help, None, kind)?;
        for (what, budget) in [("unread", &self.0.unread), ("arriving", &self.0.arriving)] {
            let number = budget.bytes().cast_signed();
            ConstGauge::new(number).encode(metric.encode_family(&[("what", what)])?)?;
        }
        let help = "Connections and calls refused because their address has too many open.";
        let kind = MetricType::Counter;
        let mut metric = encoder.encode_descriptor("clients_limited", help, None, kind)?;
        for resource in Resource::ALL {
            let number = self.0.refused[resource as usize].load(Ordering::Relaxed);
            let labels = [("what", resource.name())];
            ConstCounter::new(number).encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn clients() -> Arc<Clients> {
        let config = ClientConfig {
            client_connections: 2,
            client_calls: 3,
            ..ClientConfig::default()
        };
        let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        Arc::new(Clients::new(&config, proxies))
    }

    fn connected(clients: &Arc<Clients>, address: &str) -> Option<Peer> {
        clients.connect(address.parse().unwrap())
    }

    /// Calls on a connection from a proxy.
    fn forwarded(peer: &Peer, client: &'static str) -> Result<OpenCall, Crowded> {
        let (mut extensions, mut headers) = (Extensions::new(), HeaderMap::new());
        extensions.insert(tonic::transport::server::TcpConnectInfo {
            local_addr: None,
            remote_addr: Some("10.1.1.1:7".parse().unwrap()),
        });
        headers.insert("x-forwarded-for", HeaderValue::from_static(client));
        peer.call(&extensions, &headers)
    }

    #[test]
    fn an_address_has_so_many_connections_and_others_have_their_own() {
        let clients = clients();
        let first = connected(&clients, "192.0.2.1");
        let _second = connected(&clients, "::ffff:192.0.2.1").unwrap();
        assert!(connected(&clients, "192.0.2.1").is_none());
        assert!(connected(&clients, "192.0.2.2").is_some());

        drop(first);

        assert!(connected(&clients, "192.0.2.1").is_some());
        assert_eq!(clients.refused[0].load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_wide_network_has_a_few_times_as_many() {
        let clients = clients();
        let connect = |n: u32| connected(&clients, &format!("2001:db8:1:{n:x}::7"));
        let held: Vec<_> = (0..100).filter_map(connect).collect();
        assert_eq!(held.len(), 8, "of a /56");
        let connect = |n: u32| connected(&clients, &format!("2001:db8:1:{:x}::7", n << 8));
        let more: Vec<_> = (1..100).filter_map(connect).collect();
        assert_eq!(held.len() + more.len(), 32, "of a /48");
        let all = Arc::clone(&clients);

        drop((held, more));

        assert!(all.open().is_empty());
        assert_eq!(all.connections.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn the_calls_of_all_connections_of_an_address_count_together() {
        let clients = clients();
        let peers = [0; 2].map(|_| connected(&clients, "192.0.2.1").unwrap());
        let call = |peer: &Peer| peer.call(&Extensions::new(), &HeaderMap::new());
        let held = [&peers[0], &peers[1], &peers[0]].map(|peer| call(peer).ok().unwrap());
        assert!(call(&peers[1]).is_err());

        // Calls outlive their connection for a moment.
        drop(peers);
        let again = connected(&clients, "192.0.2.1").unwrap();
        assert!(call(&again).is_err());
        drop(held);

        assert!(call(&again).is_ok());
        drop(again);
        assert!(clients.open().is_empty());
    }

    #[test]
    fn a_proxy_is_not_counted_and_its_clients_are() {
        let clients = clients();
        let proxies: Vec<_> = (0..50)
            .map(|_| connected(&clients, "10.1.1.1").unwrap())
            .collect();
        let calls = |client| {
            let call = |proxy| forwarded(proxy, client).ok();
            proxies.iter().filter_map(call).collect::<Vec<_>>()
        };

        let held = [calls("192.0.2.1"), calls("192.0.2.2")];

        assert_eq!(held.map(|calls| calls.len()), [3, 3]);
        assert_eq!(calls("10.7.7.7").len(), 50, "another proxy's own");
        assert!(clients.open().is_empty());
    }
}
