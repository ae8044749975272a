//! The console, a web page that the auth service serves and that calls both services.

use std::net::SocketAddr;

use super::service::reachable;
use crate::config::UpConfig;

/// Where the page calls the contacts service. The auth service starts first, so the console
/// is not served if the system picks that port.
pub(super) fn contacts_url(config: &UpConfig) -> Option<String> {
    let addr = reachable(config.contacts_listen);
    (addr.port() != 0).then(|| format!("http://{addr}"))
}

/// The page itself.
pub(super) fn url(auth: SocketAddr) -> String {
    format!("http://{auth}/console/")
}

/// Origins whose pages may call the contacts service: the auth service's, by its address and
/// by the name that people type, and those of the settings.
pub(super) fn origins(config: &UpConfig, auth: SocketAddr) -> String {
    let mut origins = vec![format!("http://{auth}")];
    if auth.ip().is_loopback() {
        origins.push(format!("http://localhost:{}", auth.port()));
    }
    if !config.allowed_origins.is_empty() {
        origins.push(config.allowed_origins.clone());
    }
    origins.join(",")
}
