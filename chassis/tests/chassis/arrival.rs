//! Calls that are started and not continued, and silent streams.

use std::time::Duration;

use bytes::Bytes;
use chassis::settings::config::ServerConfig;
use h2::SendStream;
use h2::client::ResponseFuture;
use tokio::time::{sleep, timeout};
use tonic::Code;

use crate::app::{App, EMPTY, MESSAGE_BYTES_MAX, config};
use crate::wire::{Connection, PATIENCE, framed, read, reason, status};

const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

fn impatient() -> App {
    let config = ServerConfig {
        request_message: Duration::from_secs(1),
        ..config()
    };
    App::with(config, Vec::new())
}

/// A call with a distant deadline, of which only this much is sent.
async fn begun(
    connection: &Connection,
    path: &str,
    sent: &[u8],
) -> (SendStream<Bytes>, ResponseFuture) {
    let headers = [("grpc-timeout", "99999999H")];
    let (mut body, answer) = connection.begin(path, &headers).await.unwrap();
    body.send_data(Bytes::copy_from_slice(sent), false).unwrap();
    (body, answer)
}

#[tokio::test]
async fn a_call_whose_message_does_not_arrive_is_ended() {
    let app = impatient();
    let connection = Connection::open(app.address).await;

    for sent in [
        &b""[..],
        b"\0",
        b"\0\0\0\0",
        b"\0\0\0\x01\0",
        b"\0\0\0\x01\0half",
    ] {
        let (_body, answer) = begun(&connection, EMPTY, sent).await;

        let status = status(answer).await;

        assert_eq!(status.code(), Code::DeadlineExceeded, "{sent:?}");
        assert_eq!(reason(&status), "REQUEST_INCOMPLETE", "{sent:?}");
    }
}

#[tokio::test]
async fn a_message_that_drips_in_is_as_good_as_none() {
    let app = impatient();
    let connection = Connection::open(app.address).await;
    let (mut body, answer) = begun(&connection, EMPTY, b"\0\0\0\x01\0").await;
    let dripping = tokio::spawn(async move {
        // Not to wait for an event: the client is this slow.
        while body.send_data(Bytes::from_static(b"x"), false).is_ok() {
            sleep(Duration::from_millis(50)).await;
        }
    });

    let status = status(answer).await;

    assert_eq!(reason(&status), "REQUEST_INCOMPLETE");
    dripping.abort();
}

#[tokio::test]
async fn a_large_message_has_more_time_while_it_arrives() {
    let app = impatient();
    let connection = Connection::open(app.address).await;
    // The name of the new account.
    let mut message = b"\x1a\xfc\xff\x0f".to_vec();
    message.resize(MESSAGE_BYTES_MAX, b'x');
    let path = "/addressbook.auth.v1.AuthService/SignUp";
    let (mut body, answer) = begun(&connection, path, b"").await;

    let frame = framed(&message);
    for part in frame.chunks(64 * 1024) {
        body.send_data(Bytes::copy_from_slice(part), false).unwrap();
        // As slow as allowed, and 1.6 s in all.
        sleep(Duration::from_millis(400)).await;
    }
    body.send_data(Bytes::new(), true).unwrap();

    let status = status(answer).await;
    assert_eq!(status.code(), Code::Ok, "{status:?}");
}

#[tokio::test]
async fn a_stream_of_requests_in_which_none_comes_is_ended() {
    let app = impatient();
    let connection = Connection::open(app.address).await;

    let (_body, answer) = begun(&connection, REFLECTION, b"").await;
    let ended = timeout(PATIENCE, read(answer)).await;

    ended.expect("an end in time").unwrap();
}

#[tokio::test]
async fn a_compressed_message_that_does_not_say_how_is_refused_with_a_reason() {
    let app = App::start();
    let connection = Connection::open(app.address).await;

    let (_body, answer) = begun(&connection, EMPTY, b"\x01\0\0\0\x01x").await;

    let status = status(answer).await;
    assert_eq!(status.code(), Code::Internal);
    assert_eq!(reason(&status), "COMPRESSION_UNDECLARED");
}

#[tokio::test]
async fn whatever_is_wrong_with_a_message_has_a_reason() {
    let app = App::start();
    let connection = Connection::open(app.address).await;
    let gzip = [("grpc-encoding", "gzip")];
    let brotli = [("grpc-encoding", "br")];
    let none: [(&str, &str); 0] = [];

    for (headers, message, code, why) in [
        (
            &gzip[..],
            &b"\x01\0\0\0\x04junk"[..],
            Code::InvalidArgument,
            "REQUEST_MALFORMED",
        ),
        (
            &brotli,
            b"\x01\0\0\0\x04junk",
            Code::Unimplemented,
            "COMPRESSION_UNSUPPORTED",
        ),
        (
            &none,
            b"\x07\0\0\0\x04junk",
            Code::InvalidArgument,
            "REQUEST_MALFORMED",
        ),
        (
            &none,
            b"\0\0\0\0\x04\xff\xff\xff\xff",
            Code::InvalidArgument,
            "REQUEST_MALFORMED",
        ),
        (
            &none,
            b"\0\0\0\0\x09half",
            Code::InvalidArgument,
            "REQUEST_MALFORMED",
        ),
        (&none, b"", Code::InvalidArgument, "REQUEST_MALFORMED"),
        (
            &none,
            b"\0\xff\xff\xff\xff",
            Code::ResourceExhausted,
            "MESSAGE_TOO_LARGE",
        ),
    ] {
        let (mut body, answer) = connection.begin(EMPTY, headers).await.unwrap();
        body.send_data(Bytes::copy_from_slice(message), true)
            .unwrap();

        let status = status(answer).await;

        assert_eq!(status.code(), code, "{message:?}: {status:?}");
        assert_eq!(reason(&status), why, "{message:?}: {status:?}");
    }
}
