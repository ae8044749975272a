//! Floods of streams: the connection is closed, and others are not affected
//! (RUSTSEC-2024-0003 and similar).

use std::sync::atomic::Ordering;

use proto::auth::v1::LogOutRequest;
use tokio::io::{AsyncWriteExt, split};
use tokio::time::timeout;

use crate::app::App;
use crate::wire::{Frame, PATIENCE, open_raw};

const END_STREAM_AND_HEADERS: u8 = 0x5;
const ENHANCE_YOUR_CALM: u32 = 0xb;

/// HEADERS with only `:method: GET`: there is no path, so the stream is invalid.
fn illegal_stream(stream: u32) -> Vec<u8> {
    let headers = Frame {
        kind: 1,
        flags: END_STREAM_AND_HEADERS,
        stream,
        payload: vec![0x82],
    };
    headers.encode()
}

/// A valid request that is reset at once.
fn reset_stream(stream: u32) -> Vec<u8> {
    let headers = Frame {
        kind: 1,
        // The body is not sent yet, so the call would continue.
        flags: 0x4,
        stream,
        // POST, http, "/", and an authority of one letter.
        payload: vec![0x83, 0x86, 0x84, 0x41, 0x01, b'a'],
    };
    let reset = Frame {
        kind: 3,
        flags: 0,
        stream,
        payload: vec![0, 0, 0, 8],
    };
    [headers.encode(), reset.encode()].concat()
}

/// Sends streams until the server closes the connection; returns the reason of its
/// GOAWAY.
async fn flood(app: &App, streams: u32, stream: fn(u32) -> Vec<u8>) -> Option<u32> {
    let (mut from, mut to) = split(open_raw(app.address).await);
    let sending = tokio::spawn(async move {
        for id in 0..streams {
            if to.write_all(&stream(2 * id + 1)).await.is_err() {
                break;
            }
        }
        to
    });
    let goaway = timeout(PATIENCE, async {
        while let Some(frame) = Frame::read(&mut from).await {
            if frame.kind == 7 {
                return Some(u32::from_be_bytes(frame.payload[4..8].try_into().unwrap()));
            }
        }
        None
    })
    .await
    .expect("the server ends the connection");
    drop(sending.await);
    goaway
}

#[tokio::test]
async fn a_flood_of_illegal_streams_is_cut() {
    let app = App::start();

    let goaway = flood(&app, 20_000, illegal_stream).await;

    assert_eq!(goaway, Some(ENHANCE_YOUR_CALM));
}

#[tokio::test]
async fn a_flood_of_resets_is_cut() {
    let app = App::start();

    let goaway = flood(&app, 200_000, reset_stream).await;

    assert_eq!(goaway, Some(ENHANCE_YOUR_CALM));
    assert_eq!(app.steering.waiting.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn other_connections_do_not_notice_a_flood() {
    let app = App::start();
    let mut client = app.client().await;

    let floods = async {
        for _ in 0..5 {
            flood(&app, 20_000, illegal_stream).await;
        }
    };
    let calls = async {
        for _ in 0..200 {
            client.log_out(LogOutRequest::default()).await.unwrap();
        }
    };
    tokio::join!(floods, calls);

    assert!(client.log_out(LogOutRequest::default()).await.is_ok());
}
