//! When the service starts to listen.

use std::future::pending;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use chassis::access::revocations::Mode;
use chassis::clock::Clock;
use chassis::serve;
use contacts_service::RunError;
use contacts_service::config::Config;
use proto::contacts::v1::ListContactsRequest;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tonic::Code;
use uuid::Uuid;

use testing::endpoint;

use crate::app::{App, in_time, until_serving};
use crate::refusal::assert_refused;

/// How long a service in `open` waits here for the auth service.
const PATIENCE: Duration = Duration::from_secs(3);

/// An address without a listener.
const NOWHERE: &str = "http://127.0.0.1:1";

/// A started service, and the address on which it may listen later.
fn started(
    config: Config,
    stop: impl Future<Output = ()> + Send + 'static,
) -> (SocketAddr, JoinHandle<Result<(), RunError>>) {
    let socket = serve::take("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.address().unwrap();
    let run = contacts_service::run(config, Clock::System, socket, stop);
    (address, tokio::spawn(run))
}

/// Panics if the service accepts a connection within this time.
async fn refuses_for(time: Duration, address: SocketAddr) {
    let until = Instant::now() + time;
    while Instant::now() < until {
        let error = TcpStream::connect(address).await.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        tokio::task::yield_now().await;
    }
}

async fn until_it_listens(address: SocketAddr) {
    let connect = async || TcpStream::connect(address).await.map(drop).ok();
    in_time("the service listens", connect).await;
}

#[tokio::test]
async fn nobody_is_listened_to_before_revocations_are_heard() {
    let app = App::told().await;
    let teller = &app.issuer.teller;
    for mode in [Mode::Open, Mode::Closed] {
        teller.hold_back(true);
        let others = teller.followers();
        let mut config = app.config();
        config.revocation_mode = mode;
        let (address, _running) = started(config, pending());
        in_time("the feed is followed", async || {
            (teller.followers() > others).then_some(())
        })
        .await;

        refuses_for(Duration::from_secs(2), address).await;
        teller.hold_back(false);
        until_it_listens(address).await;

        let channel = endpoint(address).connect_lazy();
        let serving = until_serving(channel.clone());
        timeout(Duration::from_secs(30), serving).await.unwrap();
        let owner = app.owner_on(channel, Uuid::now_v7());
        owner.list(ListContactsRequest::default()).await.unwrap();
    }
}

#[tokio::test]
async fn closed_waits_for_the_auth_service_until_it_is_stopped() {
    let app = App::told().await;
    let mut config = app.config();
    config.auth_url = NOWHERE.to_owned();
    config.revocation_silence = PATIENCE;
    config.revocation_mode = Mode::Closed;
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async { drop(stopped.await) };
    let (address, running) = started(config, stopped);

    refuses_for(PATIENCE + Duration::from_secs(2), address).await;

    stop.send(()).unwrap();
    let ended = timeout(Duration::from_secs(30), running).await;
    ended.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn open_serves_without_the_auth_service_after_a_while() {
    let app = App::told().await;
    let mut config = app.config();
    config.auth_url = NOWHERE.to_owned();
    config.revocation_silence = PATIENCE;
    let (address, _running) = started(config, pending());

    refuses_for(Duration::from_secs(1), address).await;
    until_it_listens(address).await;

    let owner = app.owner_on(endpoint(address).connect_lazy(), Uuid::now_v7());
    let answer = owner.list(ListContactsRequest::default()).await;
    assert_refused(answer, Code::Unavailable, "KEYS_UNAVAILABLE");
}
