//! A stop: announced at once, open calls finish, none lasts for ever.

use std::time::{Duration, Instant};

use chassis::settings::config::ServerConfig;
use proto::auth::v1::{LogOutRequest, RefreshTokenRequest};
use tokio::net::TcpStream;
use tonic::Code;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::app::{App, WAIT, config, eventually};
use crate::wire::{Connection, PATIENCE};

async fn state(client: &mut HealthClient<Channel>, service: &str) -> ServingStatus {
    let service = service.to_owned();
    let answer = client.check(HealthCheckRequest { service }).await.unwrap();
    answer.into_inner().status()
}

async fn refuses(app: &App) {
    eventually("new connections are refused", async || {
        TcpStream::connect(app.address).await.is_err()
    })
    .await;
}

#[tokio::test]
async fn an_open_call_finishes_and_nothing_new_begins() {
    let mut app = App::start();
    let mut client = app.client().await;
    let call =
        tokio::spawn(async move { client.refresh_token(RefreshTokenRequest::default()).await });
    app.until_waiting(1).await;

    app.ask_to_stop();
    refuses(&app).await;
    assert!(!app.has_stopped());
    app.steering.gate.send_replace(true);

    assert!(call.await.unwrap().is_ok());
    app.stopped().await.unwrap();
}

#[tokio::test]
async fn a_server_without_open_calls_stops_at_once() {
    let mut app = App::start();
    let mut client = app.client().await;
    client.log_out(LogOutRequest::default()).await.unwrap();

    let asked = Instant::now();
    app.ask_to_stop();
    app.stopped().await.unwrap();

    assert!(asked.elapsed() < config().shutdown_grace / 2);
}

#[tokio::test]
async fn an_open_health_watch_does_not_hold_up_a_stop() {
    let mut app = App::start();
    let mut client = HealthClient::new(app.channel().await);
    let request = HealthCheckRequest::default();
    let mut states = client.watch(request).await.unwrap().into_inner();
    let first = states.message().await.unwrap().unwrap();
    assert_eq!(first.status(), ServingStatus::Serving);

    let asked = Instant::now();
    app.ask_to_stop();

    let mut last = first;
    while let Ok(Some(state)) = states.message().await {
        last = state;
    }
    assert_ne!(last.status(), ServingStatus::Serving);
    app.stopped().await.unwrap();
    assert!(asked.elapsed() < config().shutdown_grace / 2);
}

#[tokio::test]
async fn a_call_that_hangs_is_cut_off_at_the_end_of_the_grace_time() {
    let mut app = App::with(
        ServerConfig {
            shutdown_grace: Duration::from_secs(1),
            ..config()
        },
        Vec::new(),
    );
    let mut connection = Connection::open(app.address).await;
    let call = tokio::spawn(async move { connection.try_call(WAIT, &[], b"").await });
    app.until_waiting(1).await;

    let asked = Instant::now();
    app.ask_to_stop();
    let answer = tokio::time::timeout(PATIENCE, call).await.unwrap();

    let answer = answer.unwrap().unwrap();
    assert_eq!(answer.status.code(), Code::Unavailable);
    assert_eq!(answer.reason(), "STOPPING");
    assert!(asked.elapsed() >= Duration::from_secs(1));
    app.until_waiting(0).await;
    app.stopped().await.unwrap();
    assert!(asked.elapsed() < Duration::from_secs(8));
}

#[tokio::test]
async fn a_silent_client_of_a_stream_does_not_hold_up_a_stop_for_ever() {
    let mut app = App::with(
        ServerConfig {
            shutdown_grace: Duration::from_secs(1),
            ..config()
        },
        Vec::new(),
    );
    let mut client =
        tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient::new(
            app.channel().await,
        );
    let stream = client
        .server_reflection_info(tokio_stream::pending())
        .await
        .unwrap();

    let asked = Instant::now();
    app.ask_to_stop();
    app.stopped().await.unwrap();

    assert!(asked.elapsed() < Duration::from_secs(8));
    drop(stream);
}

#[tokio::test]
async fn not_serving_is_reported_at_once_and_calls_go_on_during_the_lead() {
    let lead = Duration::from_secs(2);
    let mut app = App::with(
        ServerConfig {
            shutdown_lead: lead,
            ..config()
        },
        Vec::new(),
    );
    let mut health = HealthClient::new(app.channel().await);
    let mut client = app.client().await;

    let asked = Instant::now();
    app.ask_to_stop();
    eventually("NOT_SERVING is reported", async || {
        let mut health = health.clone();
        state(&mut health, "").await == ServingStatus::NotServing
    })
    .await;

    let named = state(&mut health, "addressbook.auth.v1.AuthService").await;
    assert_eq!(named, ServingStatus::NotServing);
    assert!(client.log_out(LogOutRequest::default()).await.is_ok());
    let late_comer = app.client().await.log_out(LogOutRequest::default()).await;
    assert!(late_comer.is_ok());
    assert!(
        asked.elapsed() < lead,
        "the machine is too slow for this test"
    );
    app.stopped().await.unwrap();
    assert!(asked.elapsed() >= lead);
}

#[tokio::test]
async fn sockets_that_never_spoke_do_not_hold_up_a_stop() {
    let mut app = App::start();
    let silent = TcpStream::connect(app.address).await.unwrap();

    let asked = Instant::now();
    app.ask_to_stop();
    app.stopped().await.unwrap();

    assert!(asked.elapsed() < config().shutdown_grace / 2);
    drop(silent);
}

#[tokio::test]
async fn the_address_file_is_there_while_the_server_serves() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("address");
    let config = ServerConfig {
        address_file: Some(file.clone()),
        ..config()
    };

    let mut app = App::with(config, Vec::new());
    eventually("the address file is there", async || file.exists()).await;
    let address = std::fs::read_to_string(&file).unwrap();
    assert_eq!(address, format!("{}\n", app.address));
    assert!(
        chassis::start::probe::health(app.address, &chassis::start::probe::Transport::Plain).await
    );

    app.ask_to_stop();
    app.stopped().await.unwrap();
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn an_address_file_that_cannot_be_written_ends_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let config = ServerConfig {
        address_file: Some(folder.path().join("missing").join("address")),
        ..config()
    };

    let mut app = App::with(config, Vec::new());

    let ended = app.stopped().await;
    assert!(matches!(
        ended,
        Err(chassis::serve::ServeError::AddressFile(_))
    ));
}
