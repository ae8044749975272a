//! The connections and calls of one address are limited, and other addresses are not
//! affected.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use chassis::settings::config::{ClientConfig, ServerConfig};
use h2::SendStream;
use h2::client::ResponseFuture;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tonic::Code;
use tonic_types::StatusExt;

use crate::app::{App, EMPTY, config, eventually};
use crate::wire::{Connection, PATIENCE, framed, reason, status};

const WATCH: &str = "/grpc.health.v1.Health/Watch";

const MALLORY: [u8; 4] = [127, 0, 0, 2];

fn app(client_connections: u32, client_calls: u32, proxy: Option<&str>) -> App {
    let clients = ClientConfig {
        client_connections,
        client_calls,
        ..ClientConfig::default()
    };
    let config = ServerConfig {
        clients,
        request_message: Duration::from_mins(1),
        trusted_proxies: proxy.map(|net| net.parse().unwrap()).into_iter().collect(),
        ..config()
    };
    App::with(config, Vec::new())
}

async fn socket_from(ip: [u8; 4], app: &App) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((ip, 0))).unwrap();
    socket.connect(app.address).await.unwrap()
}

async fn from(ip: [u8; 4], app: &App) -> Connection {
    let socket = socket_from(ip, app).await;
    Connection::over(socket).await.unwrap()
}

/// A call of which only the headers are sent.
async fn begun(connection: &Connection, from: &str) -> (SendStream<Bytes>, ResponseFuture) {
    let headers = [("grpc-timeout", "99999999H"), ("x-forwarded-for", from)];
    connection.begin(EMPTY, &headers).await.unwrap()
}

/// Waits until the server has received everything sent on a connection so far, by making
/// another call.
async fn arrived(connection: &mut Connection) {
    connection.call("/nothing.here/At", &[]).await;
}

/// Whether a call succeeds.
async fn is_served(connection: &mut Connection, from: &str) -> bool {
    let answer = connection.call(EMPTY, &[("x-forwarded-for", from)]).await;
    answer.status.code() == Code::Ok
}

#[tokio::test]
async fn half_sent_calls_of_one_address_count_over_all_its_connections() {
    let app = app(10, 5, None);
    let mut connections = [from(MALLORY, &app).await, from(MALLORY, &app).await];
    let mut held = Vec::new();
    for n in 0..5 {
        held.push(begun(&connections[n % 2], "").await);
        arrived(&mut connections[n % 2]).await;
    }

    let (_body, answer) = begun(&connections[1], "192.0.2.7").await;
    let refused = status(answer).await;

    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(reason(&refused), "TOO_MANY_OPEN_CALLS");
    let retry = refused.get_details_retry_info().unwrap().retry_delay;
    assert_eq!(retry, Some(Duration::from_secs(1)));
    let mut neighbour = from([127, 0, 0, 1], &app).await;
    assert!(is_served(&mut neighbour, "").await);

    let (mut body, answer) = held.pop().unwrap();
    body.send_data(framed(b""), true).unwrap();
    assert_eq!(status(answer).await.code(), Code::Ok);
    let mut third = from(MALLORY, &app).await;
    eventually("an ended call makes room", async || {
        let mut again = from(MALLORY, &app).await;
        is_served(&mut again, "").await
    })
    .await;
    drop((held, connections));
    eventually("calls end with their connections", async || {
        let mut again = from(MALLORY, &app).await;
        is_served(&mut again, "").await
    })
    .await;
    assert!(is_served(&mut third, "").await);
}

#[tokio::test]
async fn streams_without_a_token_count_as_long_as_they_go_on() {
    let app = app(10, 3, None);
    let connection = from(MALLORY, &app).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let (mut body, answer) = connection.begin(WATCH, &[]).await.unwrap();
        body.send_data(framed(b""), true).unwrap();
        let mut states = answer.await.unwrap().into_body();
        states.data().await.unwrap().unwrap();
        held.push(states);
    }

    let (_body, answer) = begun(&connection, "").await;

    assert_eq!(reason(&status(answer).await), "TOO_MANY_OPEN_CALLS");
    let mut neighbour = from([127, 0, 0, 1], &app).await;
    assert!(is_served(&mut neighbour, "").await);
}

#[tokio::test]
async fn the_clients_of_a_proxy_count_by_themselves() {
    let app = app(2, 2, Some("127.0.0.0/8"));
    let mut connections = Vec::new();
    for _ in 0..6 {
        connections.push(from(MALLORY, &app).await);
    }
    let _held = [
        begun(&connections[0], "192.0.2.7").await,
        begun(&connections[1], "192.0.2.7").await,
    ];
    for connection in &mut connections[..2] {
        arrived(connection).await;
    }

    let (_body, answer) = begun(&connections[2], "192.0.2.7").await;

    assert_eq!(reason(&status(answer).await), "TOO_MANY_OPEN_CALLS");
    for other in ["192.0.2.8", ""] {
        assert!(is_served(&mut connections[3], other).await, "{other}");
    }
}

#[tokio::test]
async fn connections_of_one_address_beyond_the_limit_are_closed() {
    let app = app(3, 100, None);
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(from(MALLORY, &app).await);
    }

    let mut fourth = socket_from(MALLORY, &app).await;
    let end = timeout(PATIENCE, fourth.read(&mut [0; 8])).await;

    assert!(matches!(end.unwrap(), Ok(0) | Err(_)));
    let mut neighbour = from([127, 0, 0, 1], &app).await;
    assert!(is_served(&mut neighbour, "").await);
    held.pop().unwrap().ended().await.unwrap();
    eventually("an ended connection makes room", async || {
        let socket = socket_from(MALLORY, &app).await;
        let Ok(mut again) = Connection::over(socket).await else {
            return false;
        };
        let answer = again.try_call(EMPTY, &[], b"").await;
        answer.is_ok_and(|answer| answer.status.code() == Code::Ok)
    })
    .await;
}
