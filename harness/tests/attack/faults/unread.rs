//! One user asks for much on many connections, and reads nothing.

use std::time::{Duration, Instant};

use h2::client::Builder;
use prost::Message;
use proto::contacts::v1::{
    BatchCreateContactsRequest, Contact, CreateContactRequest, ListContactsRequest,
};

use crate::holding::{ends, is_served};
use crate::pair::{Pair, Side};
use crate::user::bearer;
use crate::wire::{Begun, Wire, framed};

const LIST: &str = "/addressbook.contacts.v1.ContactsService/ListContacts";

const CONNECTIONS: usize = 4;
const CALLS: usize = 25;

/// What all that may cost the service, in MiB: 64 for the answers, and what the calls
/// take. The answers of all calls have 200.
const MEMORY_MAX: u64 = 150;

/// Makes contacts that fill a page with 2 MB.
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

/// Asks for the page again and again, on connections that let so many bytes through for
/// each answer.
async fn ask(address: &str, token: &str, window: u32) -> Vec<Begun> {
    let request = ListContactsRequest {
        page_size: 500,
        ..ListContactsRequest::default()
    };
    let request = framed(&request.encode_to_vec());
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
    // And a second for each 64 KiB: 33 s for a page.
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
        // Those that found room were reset.
        assert!(of("gone").is_some(), "{ends:?}");
        is_served(&side, neighbour).await;
    }
    // Nothing is held any more.
    let list = ListContactsRequest {
        page_size: 500,
        ..ListContactsRequest::default()
    };
    let mut book = side.book.clone().max_decoding_message_size(8 << 20);
    let listed = book.list_contacts(bearer(list, &token)).await.unwrap();
    assert_eq!(listed.into_inner().contacts.len(), 500);
}
