//! What a connection may do, and how long it lasts.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chassis::settings::config::ServerConfig;
use proto::auth::v1::{GetJwksRequest, LogOutRequest, SignUpRequest};
use tokio::time::timeout;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::app::{App, EMPTY, MESSAGE_BYTES_MAX, WAIT, config};
use crate::wire::{Connection, Frame, PATIENCE, open_raw, reason};

const MAX_CONCURRENT_STREAMS: u16 = 3;

#[tokio::test]
async fn the_limit_of_calls_on_a_connection_is_told_to_it() {
    let app = App::with(
        ServerConfig {
            connection_streams: 7,
            ..config()
        },
        Vec::new(),
    );
    let mut socket = open_raw(app.address).await;

    let settings = Frame::read(&mut socket).await.unwrap();

    assert_eq!((settings.kind, settings.flags), (4, 0));
    let limit = settings.payload.chunks(6).find_map(|setting| {
        let id = u16::from_be_bytes([setting[0], setting[1]]);
        let value = u32::from_be_bytes(setting[2..].try_into().unwrap());
        (id == MAX_CONCURRENT_STREAMS).then_some(value)
    });
    assert_eq!(limit, Some(7));
}

#[tokio::test]
async fn calls_above_the_limit_wait_for_the_others() {
    let app = App::with(
        ServerConfig {
            connection_streams: 3,
            ..config()
        },
        Vec::new(),
    );
    let mut client = app.client().await;
    // A client does not know the limit before the first response.
    client.log_out(LogOutRequest::default()).await.unwrap();

    let calls = (0..10).map(|_| {
        let mut client = client.clone();
        tokio::spawn(async move {
            client
                .refresh_token(proto::auth::v1::RefreshTokenRequest::default())
                .await
        })
    });
    let calls: Vec<_> = calls.collect();
    app.until_waiting(3).await;
    app.steering.gate.send_replace(true);

    for call in calls {
        call.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_message_is_taken_up_to_the_limit() {
    let app = App::start();
    let mut client = app.client().await;
    // Tag and length of the field take 4 bytes.
    let sign_up = |bytes: usize| SignUpRequest {
        display_name: "x".repeat(bytes - 4),
        ..SignUpRequest::default()
    };

    let largest = client.sign_up(sign_up(MESSAGE_BYTES_MAX)).await;
    let larger = client.sign_up(sign_up(MESSAGE_BYTES_MAX + 1)).await;
    let far_larger = client.sign_up(sign_up(20 << 20)).await;

    let user = largest.unwrap().into_inner().user.unwrap();
    assert_eq!(user.display_name.len(), MESSAGE_BYTES_MAX - 4);
    for refused in [larger, far_larger] {
        let status = refused.unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(reason(&status), "MESSAGE_TOO_LARGE");
    }
    assert!(client.log_out(LogOutRequest::default()).await.is_ok());
}

#[tokio::test]
async fn a_message_that_is_none_is_refused_and_the_connection_lives_on() {
    let app = App::start();
    let mut connection = Connection::open(app.address).await;

    for message in [&b"\xff\xff\xff\xff"[..], b"\x0a\xff", b"\x0a\x02\xff\xfe"] {
        let answer = connection.try_call(EMPTY, &[], message).await.unwrap();

        assert_ne!(answer.status.code(), Code::Ok, "{message:?}");
        assert_ne!(answer.status.code(), Code::Unknown, "{message:?}");
    }

    let next = connection.call(EMPTY, &[]).await;
    assert_eq!(next.status.code(), Code::Ok);
}

#[tokio::test]
async fn headers_larger_than_16_kib_do_not_harm_the_server() {
    let app = App::start();
    let mut connection = Connection::open(app.address).await;
    let refused = tokio::spawn(async move {
        let large = "x".repeat(64 << 10);
        // An HTTP response without a gRPC status is expected, and would be a panic here.
        let headers = [("x-large", large.as_str())];
        connection.try_call(EMPTY, &headers, b"").await.is_err()
    });

    assert!(refused.await.unwrap_or(true));
    let mut other = Connection::open(app.address).await;
    assert_eq!(other.call(EMPTY, &[]).await.status.code(), Code::Ok);
}

fn short_lived() -> App {
    let config = ServerConfig {
        connection_age: Duration::from_secs(1),
        ..config()
    };
    App::with(config, Vec::new())
}

#[tokio::test]
async fn an_old_connection_is_asked_to_reconnect() {
    let app = short_lived();
    let opened = Instant::now();
    let mut socket = open_raw(app.address).await;

    let goaway = timeout(PATIENCE, async {
        loop {
            let frame = Frame::read(&mut socket)
                .await
                .expect("GOAWAY before the end");
            if frame.kind == 7 {
                return frame;
            }
        }
    })
    .await
    .unwrap();

    assert_eq!(goaway.payload[4..8], [0, 0, 0, 0]);
    assert!(opened.elapsed() >= Duration::from_millis(850));
}

#[tokio::test]
async fn a_call_outlives_the_age_of_its_connection() {
    let app = short_lived();
    let mut connection = Connection::open(app.address).await;

    let answer = connection.call(WAIT, &[("grpc-timeout", "3S")]).await;

    assert_eq!(answer.status.code(), Code::DeadlineExceeded);
    connection.ended().await.unwrap();
}

/// Asked to close after a second, and closed after another one.
fn impatient() -> App {
    let config = ServerConfig {
        connection_age: Duration::from_secs(1),
        connection_grace: Duration::from_secs(1),
        ..config()
    };
    App::with(config, Vec::new())
}

#[tokio::test]
async fn calls_that_are_open_when_their_connection_is_too_old_are_told_so() {
    let app = impatient();
    let mut connection = Connection::open(app.address).await;

    let answer = connection.call(WAIT, &[]).await;

    assert_eq!(answer.status.code(), Code::Unavailable);
    assert_eq!(answer.reason(), "CONNECTION_AGED");
    connection.ended().await.unwrap();
    app.until_waiting(0).await;
}

#[tokio::test]
async fn a_stream_ends_with_a_connection_that_is_too_old() {
    let app = impatient();
    let mut client = HealthClient::new(app.channel().await);
    let request = HealthCheckRequest::default();
    let mut states = client.watch(request).await.unwrap().into_inner();
    states.message().await.unwrap().unwrap();

    let end = timeout(PATIENCE, states.message())
        .await
        .expect("an end in time");

    let end = end.unwrap_err();
    assert_eq!(end.code(), Code::Unavailable);
    assert_eq!(reason(&end), "CONNECTION_AGED");
}

#[tokio::test]
async fn a_call_that_is_half_sent_does_not_keep_a_connection_that_is_too_old() {
    let app = impatient();
    let connection = Connection::open(app.address).await;
    let headers = [("grpc-timeout", "99999999H")];
    let (mut body, _answer) = connection.begin(EMPTY, &headers).await.unwrap();
    body.send_data(Bytes::from_static(b"\0\0\0"), false)
        .unwrap();

    connection.ended().await.unwrap();
}

/// hyper's client cancels a call that it was about to send on a connection that just
/// closed; such a call was never sent, and is repeated here.
#[tokio::test]
async fn no_call_is_lost_when_connections_age() {
    let app = short_lived();
    let client = app.client().await;

    let until = Instant::now() + Duration::from_secs(4);
    let callers = (0..4).map(|_| {
        let mut client = client.clone();
        tokio::spawn(async move {
            let (mut answered, mut unsent) = (0, 0);
            while Instant::now() < until {
                match client.get_jwks(GetJwksRequest {}).await {
                    Ok(_) => answered += 1,
                    Err(status) if status.code() == Code::Cancelled => unsent += 1,
                    Err(status) => panic!("{status}"),
                }
            }
            (answered, unsent)
        })
    });
    let callers = callers.collect::<Vec<_>>();

    let mut all_answered = 0;
    for caller in callers {
        let (answered, unsent) = caller.await.unwrap();
        // A few connections in four seconds, one such call on each at most.
        assert!(answered > 10 && unsent <= 5, "{answered} {unsent}");
        all_answered += answered;
    }
    let reached_the_service = app.steering.jwks_reads.load(Ordering::SeqCst);
    assert_eq!(reached_the_service, all_answered);
}
