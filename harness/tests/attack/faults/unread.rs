//! One user asks for much on many connections, and reads nothing; others read slowly.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use h2::client::Builder;
use prost::Message;
use proto::contacts::v1::{
    BatchCreateContactsRequest, Contact, CreateContactRequest, ListContactsRequest,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Mutex;
use tokio::time::sleep;
use tonic::{Code, Status};

use crate::holding::{ends, is_served};
use crate::pair::{Pair, Side, until};
use crate::user::{bearer, reason};
use crate::wire::{ATTACKER, Begun, Wire, framed, status};

const LIST: &str = "/addressbook.contacts.v1.ContactsService/ListContacts";

const CONNECTIONS: usize = 4;
const CALLS: usize = 25;

/// The memory that the service may use for this, in MiB: 64 for the responses, plus the
/// calls. The responses of all calls have 200.
const MEMORY_MAX: u64 = 150;

/// Creates contacts that fill a page with 2 MB.
async fn fill(side: &Side, token: &str) {
    let create = |_| CreateContactRequest {
        contact: Some(Contact {
            given_name: "Ada".into(),
            notes: "n".repeat(4000),
            ..Contact::default()
        }),
        ..CreateContactRequest::default()
    };
    for _ in 0..5 {
        let request = BatchCreateContactsRequest {
            requests: (0..100).map(create).collect(),
            ..BatchCreateContactsRequest::default()
        };
        let mut book = side.book.clone();
        let made = book.batch_create_contacts(bearer(request, token)).await;
        made.unwrap();
    }
}

/// A request for the page.
fn list() -> ListContactsRequest {
    ListContactsRequest {
        page_size: 500,
        ..ListContactsRequest::default()
    }
}

/// Requests the page repeatedly, on connections with a window of so many bytes per
/// response.
async fn ask(address: &str, token: &str, window: u32) -> Vec<Begun> {
    let request = framed(&list().encode_to_vec());
    let mut begun = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut settings = Builder::new();
        settings.initial_window_size(window);
        let wire = Wire::open_with(address, &settings).await.unwrap();
        for _ in 0..CALLS {
            let mut call = wire.begin(LIST, token).await.unwrap();
            call.body.send_data(request.clone(), true).unwrap();
            begun.push(call);
        }
    }
    begun
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_nobody_reads_hold_little_and_end() {
    let settings = [("ANSWER_SECONDS", "2")];
    let pair = Pair::start_with([&settings, &settings]).await;
    let (side, contacts) = (pair.side(0), pair.program(1));
    let token = side.user("mallory@example.com").await.access_token;
    fill(&side, &token).await;

    for (window, neighbour) in [(0, "ada@example.com"), (1, "bob@example.com")] {
        let before = contacts.memory_mib();
        let mut most = before;
        let began = Instant::now();
        let held = ask(contacts.address(), &token, window).await;
        let mut ending = tokio::spawn(ends(held));
        let mut watch = tokio::time::interval(Duration::from_millis(50));
        let ends = loop {
            tokio::select! {
                ends = &mut ending => break ends.unwrap(),
                _ = watch.tick() => most = most.max(contacts.memory_mib()),
            }
        };

        let seconds = began.elapsed().as_secs();
        println!("window {window}: {before} MiB, {most} at the most, {seconds} s; {ends:?}");
        assert!(most - before < MEMORY_MAX, "{most} MiB");
        let of = |reason: &str| ends.iter().find(|(known, _)| known == reason);
        assert!(of("ANSWERS_UNREAD").is_some(), "{ends:?}");
        // Those that fitted were reset.
        assert!(of("gone").is_some(), "{ends:?}");
        is_served(&side, neighbour).await;
    }
    // No memory is held any more.
    assert_eq!(read(&side, &token).await.unwrap(), 500);
}

/// How many contacts the page has.
async fn read(side: &Side, token: &str) -> Result<usize, Status> {
    let mut book = side.book.clone().max_decoding_message_size(8 << 20);
    let page = book.list_contacts(bearer(list(), token)).await?;
    Ok(page.into_inner().contacts.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_gets_all_of_a_large_answer() {
    let settings = [("ANSWER_SECONDS", "2")];
    let pair = Pair::start_with([&settings, &settings]).await;
    let (side, contacts) = (pair.side(0), pair.program(1));
    let token = side.user("ada@example.com").await.access_token;
    fill(&side, &token).await;
    let wire = Wire::open(contacts.address()).await.unwrap();
    let mut call = wire.begin(LIST, &token).await.unwrap();
    let request = framed(&list().encode_to_vec());
    call.body.send_data(request, true).unwrap();

    let mut body = call.answer.await.unwrap().into_body();
    let (began, mut bytes) = (Instant::now(), 0);
    while let Some(data) = body.data().await {
        let length = data.unwrap().len();
        bytes += length;
        // 128 KiB a second, twice as fast as it must be.
        sleep(Duration::from_millis(length as u64 / 128)).await;
        body.flow_control().release_capacity(length).unwrap();
    }

    let trailers = body.trailers().await.unwrap().unwrap();
    let status = Status::from_header_map(&trailers).unwrap();
    println!("{bytes} bytes in {:?}", began.elapsed());
    assert_eq!(status.code(), Code::Ok, "{status:?}");
    assert!(bytes > 500 * 4000, "{bytes}");
}

/// A socket that stops reading on request.
struct Deaf {
    socket: TcpStream,
    is_deaf: Arc<AtomicBool>,
}

impl AsyncRead for Deaf {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_deaf.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        Pin::new(&mut self.socket).poll_read(cx, buf)
    }
}

impl AsyncWrite for Deaf {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

/// Asks for the page on connections whose windows let everything through, and whose
/// sockets are not read.
async fn ask_deaf(address: &str, token: &str) -> Vec<Begun> {
    let request = framed(&list().encode_to_vec());
    let mut begun = Vec::new();
    // As many as the user's answers fill.
    for _ in 0..2 {
        let mut settings = Builder::new();
        settings
            .initial_window_size(1 << 30)
            .initial_connection_window_size(1 << 30);
        let is_deaf = Arc::new(AtomicBool::new(false));
        let socket = TcpSocket::new_v4().unwrap();
        // Or the kernel would take tens of MiB in place of the client.
        socket.set_recv_buffer_size(64 * 1024).unwrap();
        socket.bind(SocketAddr::from((ATTACKER, 0))).unwrap();
        let deaf = Deaf {
            socket: socket.connect(address.parse().unwrap()).await.unwrap(),
            is_deaf: Arc::clone(&is_deaf),
        };
        let wire = Wire::over(deaf, &settings).await.unwrap();
        // Each side has the other's settings when a call has been answered.
        let refused = wire.begin(LIST, "").await.unwrap();
        status(refused.answer).await.unwrap();
        is_deaf.store(true, Ordering::Relaxed);
        for _ in 0..CALLS {
            let mut call = wire.begin(LIST, token).await.unwrap();
            call.body.send_data(request.clone(), true).unwrap();
            begun.push(call);
        }
    }
    begun
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_is_never_read_is_closed_and_holds_nothing_more() {
    // No ping finds out, which some clients answer without reading anything.
    let settings = [("ANSWER_SECONDS", "5"), ("KEEPALIVE_SECONDS", "86400")];
    let pair = Pair::start_with([&settings, &settings]).await;
    let (side, contacts) = (pair.side(0), pair.program(1));
    let token = side.user("mallory@example.com").await.access_token;
    fill(&side, &token).await;
    assert_eq!(read(&side, &token).await.unwrap(), 500);
    let before = contacts.memory_mib();

    for round in 0..3 {
        let held = Mutex::new(ask_deaf(contacts.address(), &token).await);
        until("the user has too many answers to read", async || {
            // On a busy machine the connections may be closed before they hold enough.
            if contacts.attackers() == 0 {
                *held.lock().await = ask_deaf(contacts.address(), &token).await;
            }
            let refused = read(&side, &token).await.err()?;
            (reason(&refused) == "ANSWERS_UNREAD").then_some(())
        })
        .await;
        let memory = contacts.memory_mib();
        let began = Instant::now();
        until("the connections are closed", async || {
            (contacts.attackers() == 0).then_some(())
        })
        .await;

        let seconds = began.elapsed().as_secs();
        println!("round {round}: {before} MiB, {memory} held, closed after {seconds} s");
        assert!(memory - before < MEMORY_MAX, "{memory} MiB");
        assert_eq!(read(&side, &token).await.unwrap(), 500);
        drop(held);
    }
}
