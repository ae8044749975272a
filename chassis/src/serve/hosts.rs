//! The host names of a server. A page whose name resolves to this machine (DNS rebinding)
//! can reach its servers, and sends its own name in `Host`.

use std::net::IpAddr;

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, Uri};
use tonic::Code;

use crate::status::Refusal;

/// The names.
#[derive(Clone, Debug)]
pub(crate) enum Hosts {
    /// Any name is allowed.
    Any,
    /// The names of this machine, and these.
    Own(Vec<String>),
}

impl Hosts {
    /// What is wrong with a name.
    pub(crate) const PROBLEM: &'static str =
        "this host name is not the server's; the operator can add it to ALLOWED_HOSTS";

    /// Names are checked if the setting lists some, or if a server without TLS listens on
    /// its own machine only, because then it relies on others being unable to reach it.
    /// With TLS a name without a certificate is refused anyway.
    pub(crate) fn new(allowed: &[String], is_local: bool) -> Self {
        if allowed.is_empty() && !is_local {
            return Self::Any;
        }
        let allowed = allowed.iter().map(|host| host.to_ascii_lowercase());
        Self::Own(allowed.collect())
    }

    /// Whether the host name of a request is allowed. A request without one is not from a
    /// browser.
    pub(crate) fn admit(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let Self::Own(allowed) = self else {
            return true;
        };
        if let Some(host) = uri.host() {
            return is_one_of(host, allowed);
        }
        let mut hosts = headers.get_all(HOST).iter();
        hosts.all(|host| {
            let host = Authority::try_from(host.as_bytes());
            host.is_ok_and(|host| is_one_of(host.host(), allowed))
        })
    }

    /// The gRPC error for a name that is not allowed.
    pub(crate) fn refusal() -> Refusal {
        Refusal::new(Code::PermissionDenied, "HOST_NOT_ALLOWED", Self::PROBLEM)
    }
}

fn is_one_of(host: &str, allowed: &[String]) -> bool {
    let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
    let is_here = |ip: IpAddr| ip.to_canonical().is_loopback();
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse().is_ok_and(is_here)
        || allowed.contains(&host)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn admits(hosts: &Hosts, host: &str) -> bool {
        let as_uri = hosts.admit(
            &format!("http://{host}/").parse().unwrap(),
            &HeaderMap::new(),
        );
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_str(host).unwrap());
        let as_header = hosts.admit(&"/".parse().unwrap(), &headers);
        assert_eq!(as_uri, as_header, "{host}");
        as_uri
    }

    #[test]
    fn a_server_that_only_its_machine_can_reach_accepts_the_names_of_the_machine() {
        let hosts = Hosts::new(&["Book.Example.com".to_owned()], true);
        for good in [
            "localhost",
            "LOCALHOST:50051",
            "auth.localhost",
            "127.0.0.1:1",
            "127.9.9.9",
            "[::1]:50051",
            "[::ffff:127.0.0.1]",
            "book.example.com:443",
        ] {
            assert!(admits(&hosts, good), "{good}");
        }
        for bad in [
            "evil.example.com",
            "localhost.example.com",
            "127.0.0.1.example.com",
            "10.0.0.1",
            "0.0.0.0",
            "[2001:db8::1]:1",
            "example.com",
        ] {
            assert!(!admits(&hosts, bad), "{bad}");
        }
    }

    #[test]
    fn a_server_for_other_machines_accepts_any_name_unless_some_are_set() {
        assert!(admits(&Hosts::new(&[], false), "evil.example.com"));
        let hosts = Hosts::new(&["book.example.com".to_owned()], false);
        assert!(!admits(&hosts, "evil.example.com"));
        assert!(admits(&hosts, "book.example.com"));
    }

    #[test]
    fn every_host_that_a_request_names_must_be_allowed() {
        let hosts = Hosts::new(&[], true);
        let uri: Uri = "/".parse().unwrap();
        let mut headers = HeaderMap::new();
        assert!(hosts.admit(&uri, &headers));
        headers.append(HOST, HeaderValue::from_static("localhost"));
        headers.append(HOST, HeaderValue::from_static("evil.example.com"));
        assert!(!hosts.admit(&uri, &headers));
        headers.clear();
        headers.insert(HOST, HeaderValue::from_static("not a host"));
        assert!(!hosts.admit(&uri, &headers));
    }
}
