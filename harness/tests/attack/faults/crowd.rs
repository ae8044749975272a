//! One user's many bulk writes, and another user with small calls.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use proto::contacts::v1::{
    BatchCreateContactsRequest, BatchUpdateContactsRequest, Contact, CreateContactRequest,
    GetContactRequest, ListContactsRequest, UpdateContactRequest,
};
use tonic::{Code, Status};

use crate::pair::{Pair, Side};
use crate::user::{ada, bearer};

const CALLERS: usize = 12;
const BATCH: usize = 200;
const STRANGERS_CALLS: usize = 150;

async fn create(side: &Side, token: &str, count: usize) -> Vec<Contact> {
    let create = |_| CreateContactRequest {
        contact: Some(ada()),
        ..CreateContactRequest::default()
    };
    let request = BatchCreateContactsRequest {
        requests: (0..count).map(create).collect(),
        ..BatchCreateContactsRequest::default()
    };
    side.book
        .clone()
        .batch_create_contacts(bearer(request, token))
        .await
        .unwrap();
    let list = ListContactsRequest {
        page_size: 500,
        ..ListContactsRequest::default()
    };
    let listed = side.book.clone().list_contacts(bearer(list, token)).await;
    listed.unwrap().into_inner().contacts
}

/// Changes all contacts repeatedly.
async fn write_in_bulk(side: Side, token: &str, contacts: &[Contact], is_over: &AtomicBool) {
    let mut round = 0;
    while !is_over.load(Ordering::Relaxed) {
        round += 1;
        let change = |contact: &Contact| UpdateContactRequest {
            contact: Some(Contact {
                id: contact.id.clone(),
                notes: format!("round {round}"),
                ..Contact::default()
            }),
            ..UpdateContactRequest::default()
        };
        let request = BatchUpdateContactsRequest {
            requests: contacts.iter().map(change).collect(),
            ..BatchUpdateContactsRequest::default()
        };
        let done = side
            .book
            .clone()
            .batch_update_contacts(bearer(request, token))
            .await;
        if let Err(status) = done {
            // Generous, for a busy machine.
            assert!(
                [Code::DeadlineExceeded, Code::Unavailable].contains(&status.code()),
                "{status:?}"
            );
        }
    }
}

/// A call of each kind; returns how long each took.
async fn calls(side: &Side, token: &str, id: &str) -> Result<[Duration; 3], Status> {
    let mut book = side.book.clone();
    let mut times = [Duration::ZERO; 3];
    let began = Instant::now();
    let request = GetContactRequest {
        id: id.to_owned(),
        ..GetContactRequest::default()
    };
    book.get_contact(bearer(request, token)).await?;
    times[0] = began.elapsed();
    let began = Instant::now();
    book.list_contacts(bearer(ListContactsRequest::default(), token))
        .await?;
    times[1] = began.elapsed();
    let began = Instant::now();
    let request = CreateContactRequest {
        contact: Some(ada()),
        ..CreateContactRequest::default()
    };
    book.create_contact(bearer(request, token)).await?;
    times[2] = began.elapsed();
    Ok(times)
}

/// Makes many calls; returns how long they took, in words.
async fn served(side: &Side, token: &str, id: &str) -> String {
    let mut times = Vec::new();
    for _ in 0..STRANGERS_CALLS {
        times.extend(calls(side, token, id).await.unwrap());
    }
    times.sort();
    let at = |percent: usize| times[times.len() * percent / 100 - 1].as_millis();
    format!("p50 {} ms, p99 {} ms, most {} ms", at(50), at(99), at(100))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_served_beside_another_users_crowd() {
    let pair = Pair::start().await;
    let side = pair.side(0);
    let crowd = side.user("ada@example.com").await.access_token;
    let stranger = side.user("bob@example.com").await.access_token;
    let contacts = create(&side, &crowd, BATCH).await;
    let id = create(&side, &stranger, 1).await.remove(0).id;
    println!("alone: {}", served(&side, &stranger, &id).await);

    let is_over = AtomicBool::new(false);
    let writers = (0..CALLERS).map(|_| write_in_bulk(side.clone(), &crowd, &contacts, &is_over));
    let meanwhile = async {
        let times = served(&side, &stranger, &id).await;
        println!("beside {CALLERS} bulk callers: {times}");
        is_over.store(true, Ordering::Relaxed);
    };
    tokio::join!(join_all(writers), meanwhile);
}
