//! Batches of the maximum size, with a short statement timeout.

use std::time::{Duration, Instant};

use fastrand::Rng;
use futures_util::future::join_all;
use proto::contacts::v1::{
    BatchCreateContactsRequest, BatchUpdateContactsRequest, Contact, CreateContactRequest,
    ListContactsRequest, UpdateContactRequest,
};
use tonic::{Code, Request, Status};

use crate::pair::{Pair, Side};
use crate::user::bearer;

const CONTACTS: usize = 400;
const OWNERS: usize = 3;

/// A batch of 2.8 MiB takes several seconds, beside others.
const SETTINGS: &[(&str, &str)] = &[("DATABASE_STATEMENT_SECONDS", "1")];

/// Clients with the longest deadline.
fn patient<T>(message: T, token: &str) -> Request<T> {
    let mut request = bearer(message, token);
    request.set_timeout(Duration::from_mins(1));
    request
}

/// Words with little in common, which cause the most work for the search index.
fn words(random: &mut Rng) -> String {
    let mut word = || (0..7).map(|_| random.lowercase()).collect::<String>();
    (0..900).map(|_| word()).collect::<Vec<_>>().join(" ")
}

fn contact(id: &str, random: &mut Rng) -> Contact {
    Contact {
        id: id.to_owned(),
        given_name: "Ada".into(),
        notes: words(random),
        ..Contact::default()
    }
}

async fn create(side: &Side, token: &str, random: &mut Rng) -> Result<(), Status> {
    let create = |_| CreateContactRequest {
        contact: Some(contact("", random)),
        ..CreateContactRequest::default()
    };
    let request = BatchCreateContactsRequest {
        requests: (0..CONTACTS).map(create).collect(),
        ..BatchCreateContactsRequest::default()
    };
    let mut book = side.book.clone();
    let created = book.batch_create_contacts(patient(request, token)).await;
    created.map(drop)
}

async fn update(side: &Side, token: &str, ids: &[String], random: &mut Rng) -> Result<(), Status> {
    let change = |id: &String| UpdateContactRequest {
        contact: Some(contact(id, random)),
        ..UpdateContactRequest::default()
    };
    let request = BatchUpdateContactsRequest {
        requests: ids.iter().map(change).collect(),
        ..BatchUpdateContactsRequest::default()
    };
    let mut book = side.book.clone();
    let updated = book.batch_update_contacts(patient(request, token)).await;
    updated.map(drop)
}

/// The ids of all contacts of an owner.
async fn ids(side: &Side, token: &str) -> Vec<String> {
    let (mut ids, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListContactsRequest {
            page_size: 500,
            page_token,
            ..ListContactsRequest::default()
        };
        let mut book = side.book.clone();
        let listed = book.list_contacts(patient(request, token)).await.unwrap();
        let listed = listed.into_inner();
        ids.extend(listed.contacts.into_iter().map(|contact| contact.id));
        page_token = listed.next_page_token;
        if page_token.is_empty() {
            return ids;
        }
    }
}

/// It succeeds or fails with a timeout: no client is asked to retry for ever.
fn worked(result: &Result<(), Status>) -> bool {
    if let Err(status) = result {
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    }
    result.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_within_the_limits_works_wholly_or_is_told_that_it_takes_too_long() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let pair = Pair::start_with([SETTINGS, SETTINGS]).await;
    let owners = (0..OWNERS).zip(seed..).map(async |(number, seed)| {
        let mut random = Rng::with_seed(seed);
        let side = pair.side(number);
        let email = format!("ada{number}@example.com");
        let token = side.user(&email).await.access_token;

        let began = Instant::now();
        let created = create(&side, &token, &mut random).await;
        println!("created in {} ms", began.elapsed().as_millis());
        let created = worked(&created);
        let ids = ids(&side, &token).await;
        assert_eq!(ids.len(), if created { CONTACTS } else { 0 });

        if created {
            let began = Instant::now();
            let updated = update(&side, &token, &ids, &mut random).await;
            println!("updated in {} ms", began.elapsed().as_millis());
            worked(&updated);
        }
    });
    join_all(owners).await;
}
