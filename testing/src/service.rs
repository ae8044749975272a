//! Running services.

use std::fmt::Display;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// How long a service may take until it reports `SERVING`.
const START_MAX: Duration = Duration::from_secs(30);

/// Lets `spawn` start a service on a free port, and returns when it serves.
pub async fn serve(spawn: impl FnOnce(TcpListener)) -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = endpoint(listener.local_addr().unwrap());
    spawn(listener);
    let channel = endpoint.connect().await.unwrap();
    timeout(START_MAX, until_serving(channel))
        .await
        .expect("the service serves in time");
    endpoint
}

/// Returns when the service reports `SERVING`.
pub async fn until_serving(channel: Channel) {
    let request = HealthCheckRequest::default();
    let states = HealthClient::new(channel).watch(request).await;
    let mut states = states.unwrap().into_inner();
    while let Some(state) = states.message().await.unwrap() {
        if state.status() == ServingStatus::Serving {
            return;
        }
    }
    panic!("the service ended");
}

/// Where to call the service at an address.
#[must_use]
pub fn endpoint(address: impl Display) -> Endpoint {
    Endpoint::from_shared(format!("http://{address}")).unwrap()
}

/// A channel that sends each call to one of these services.
pub async fn to_any_of(endpoints: &[Endpoint]) -> Channel {
    match endpoints {
        [endpoint] => endpoint.connect().await.unwrap(),
        several => Channel::balance_list(several.iter().cloned()),
    }
}

/// The number of services of each test. With `REPLICAS=2` each call goes to either of two,
/// which must behave like one; `.ci/run` does this with most tests.
#[must_use]
pub fn replicas() -> usize {
    setting("REPLICAS").map_or(1, |count| count.parse().unwrap())
}

/// A variable that changes how all tests run.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "a test is set up by it")]
pub fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
