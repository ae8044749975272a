//! A client starts calls and never finishes them, on many connections.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;
use tonic::Code;

use crate::pair::{Pair, Program, Side};
use crate::user::reason;
use crate::wire::{Begun, Wire, framed, status};

const REFRESH: &str = "/addressbook.auth.v1.AuthService/RefreshToken";
const CREATE: &str = "/addressbook.contacts.v1.ContactsService/BatchCreateContacts";
const WATCH: &str = "/grpc.health.v1.Health/Watch";

const CONNECTIONS: usize = 60;
const CALLS: usize = 100;

/// What one address may hold open, by default.
const CALLS_MAX: usize = 2000;

/// The memory that the calls of one address may use, in MiB. Before calls were limited,
/// 25,000 of them used 254 MiB in an optimised build.
const MEMORY_MAX: u64 = 200;

/// The memory that the half-sent requests of one user may use, in MiB: 64 for the bytes
/// that arrived, as much again for buffers that grow, and some for the calls. The test
/// sends 720.
const HALVES_MAX: u64 = 220;

/// Calls of which only this much is sent, on many connections.
async fn begin(address: &str, path: &str, sent: &[u8], is_all: bool) -> Vec<Begun> {
    let mut begun = Vec::new();
    for _ in 0..CONNECTIONS {
        let Some(wire) = Wire::open(address).await else {
            continue;
        };
        for _ in 0..CALLS {
            let Ok(mut call) = wire.begin(path, "").await else {
                break;
            };
            let sent = bytes::Bytes::copy_from_slice(sent);
            // It may have been refused already.
            let _ = call.body.send_data(sent, is_all);
            begun.push(call);
        }
    }
    begun
}

/// Waits until all calls have ended; returns the number per reason, the most frequent
/// first.
pub(crate) async fn ends(begun: Vec<Begun>) -> Vec<(String, usize)> {
    let ended = |call: Begun| async move {
        let _body = call.body;
        status(call.answer).await
    };
    let ends = begun.into_iter().map(ended);
    let ends = timeout(Duration::from_mins(1), join_all(ends));
    let mut reasons = ends
        .await
        .unwrap_or_else(|_| panic!("calls are held for ever"))
        .into_iter()
        .map(|status| status.map_or("gone".to_owned(), |status| reason(&status)))
        .collect::<Vec<_>>();
    reasons.sort();
    let chunks = reasons.chunk_by(|a, b| a == b);
    let mut counts: Vec<_> = chunks.map(|all| (all[0].clone(), all.len())).collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

pub(crate) async fn is_served(side: &Side, email: &str) {
    let tokens = side.user(email).await;
    side.list(&tokens.access_token).await.unwrap();
    side.refresh(&tokens.refresh_token).await.unwrap();
}

/// The growth of the service's memory by the attack, in MiB.
fn growth(program: &Program, before: u64) -> u64 {
    program.memory_mib().saturating_sub(before)
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_half_sent_end_and_neighbours_are_served() {
    let pair = Pair::start().await;
    let side = pair.side(0);
    let auth = pair.program(0);
    is_served(&side, "ada@example.com").await;
    let before = auth.memory_mib();

    let held = begin(auth.address(), REFRESH, &framed(b"")[..3], false).await;

    is_served(&side, "bob@example.com").await;
    let grown = growth(auth, before);
    println!("{before} MiB and {grown} more");
    assert!(grown < MEMORY_MAX, "{grown} MiB");
    let count = held.len();
    let ends = ends(held).await;
    println!("of {count}: {ends:?}");
    let of = |reason: &str| ends.iter().find(|(known, _)| known == reason);
    let (_, waited) = of("REQUEST_INCOMPLETE").unwrap();
    // Some ended, and made room, before the last were started.
    assert!((1..=2 * CALLS_MAX).contains(waited), "{ends:?}");
    assert!(of("TOO_MANY_OPEN_CALLS").is_some(), "{ends:?}");
    is_served(&side, "eve@example.com").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_streams_are_counted_and_end_with_their_connections() {
    let brief = [
        ("CONNECTION_AGE_SECONDS", "15"),
        ("CONNECTION_GRACE_SECONDS", "5"),
    ];
    let pair = Pair::start_with([&brief, &[]]).await;
    let (side, auth, contacts) = (pair.side(0), pair.program(0), pair.program(1));
    is_served(&side, "ada@example.com").await;

    for (program, email) in [(auth, "bob@example.com"), (contacts, "eve@example.com")] {
        let before = program.memory_mib();
        let held = begin(program.address(), WATCH, &framed(b""), true).await;

        is_served(&side, email).await;
        assert!(growth(program, before) < MEMORY_MAX);
        let count = held.len();
        let ends = ends(held).await;
        println!("of {count}: {ends:?}");
        let refused = ends.iter().find(|(why, _)| why == "TOO_MANY_OPEN_CALLS");
        // The others ended with their connections, with or without a status.
        assert!(
            refused.is_some_and(|(_, refused)| *refused < count),
            "{ends:?}"
        );
    }
    let code = side.list("").await.unwrap_err().code();
    assert_eq!(code, Code::Unauthenticated);
}

/// The bytes that are sent of each request, whose last one never comes.
const SENT: usize = 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn large_requests_that_are_half_sent_hold_little_and_end() {
    let settings = [("REQUEST_MESSAGE_SECONDS", "10")];
    let pair = Pair::start_with([&settings, &settings]).await;
    let (side, contacts) = (pair.side(0), pair.program(1));
    let token = side.user("mallory@example.com").await.access_token;
    side.list(&token).await.unwrap();
    let before = contacts.memory_mib();
    let half = framed(&vec![0; SENT + 1]).slice(..SENT);

    let mut held = Vec::new();
    for _ in 0..8 {
        let wire = Wire::open(contacts.address()).await.unwrap();
        for _ in 0..90 {
            let mut call = wire.begin(CREATE, &token).await.unwrap();
            // It may have been refused already.
            let _ = call.body.send_data(half.clone(), false);
            held.push(call);
        }
    }
    let mut most = before;
    let mut ending = tokio::spawn(ends(held));
    let mut watch = tokio::time::interval(Duration::from_millis(50));
    let ends = loop {
        tokio::select! {
            ends = &mut ending => break ends.unwrap(),
            _ = watch.tick() => most = most.max(contacts.memory_mib()),
        }
    };

    println!("{before} MiB, {most} at the most; {ends:?}");
    assert!(most - before < HALVES_MAX, "{most} MiB");
    let of = |reason: &str| ends.iter().find(|(known, _)| known == reason);
    assert!(of("TOO_MANY_REQUEST_BYTES").is_some(), "{ends:?}");
    // Those that found room did not go on.
    assert!(of("REQUEST_INCOMPLETE").is_some(), "{ends:?}");
    is_served(&side, "ada@example.com").await;
    side.list(&token).await.unwrap();
}
