//! A release: every replica is restarted while clients make calls.

use std::env;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use addressbook_client::proto::auth::v1::SignUpRequest;
use addressbook_client::proto::contacts::v1::{
    Contact, CreateContactRequest, GetContactRequest, ListContactsRequest, UpdateContactRequest,
};
use addressbook_client::{Client, Error, LogIn, Servers, Store};
use tokio::time::interval;
use uuid::Uuid;

use crate::balancer::Balancer;
use crate::stack::Stack;

const PASSWORD: &str = "the otter naps at noon";
const CLIENTS: usize = 4;

/// As deploy/haproxy says, and tokens that are refreshed meanwhile.
const SETTINGS: [(&str, &str); 3] = [
    ("SHUTDOWN_LEAD_SECONDS", "6"),
    ("ACCESS_TOKEN_TTL_SECONDS", "10"),
    ("TOKEN_LEEWAY_SECONDS", "0"),
];

#[tokio::test(flavor = "multi_thread")]
async fn clients_notice_nothing_when_all_replicas_are_restarted() {
    let stack = Stack::start_alone(&[], &[]);
    let Some(mut balancer) = Balancer::with_own(&stack, &SETTINGS) else {
        return;
    };
    let servers = Servers {
        auth: format!("http://{}", balancer.auth),
        contacts: format!("http://{}", balancer.contacts),
        ..Servers::default()
    };
    let is_over: &'static AtomicBool = Box::leak(Box::default());
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| tokio::spawn(work(servers.clone(), number, is_over)))
        .collect();
    let rounds = env::var_os("ROUNDS");
    let rounds = rounds.map_or(1, |rounds| rounds.to_str().unwrap().parse().unwrap());
    let restarted = tokio::task::spawn_blocking(move || {
        (0..rounds).for_each(|_| balancer.restart());
        balancer
    });
    let balancer = restarted.await.unwrap();
    is_over.store(true, Ordering::Relaxed);

    let mut calls = 0;
    for client in clients {
        calls += client.await.unwrap().unwrap();
    }
    println!("{calls} calls, {rounds} rounds");
    drop(balancer);
}

/// Signs up and works until it is over; returns the number of calls.
async fn work(servers: Servers, number: usize, is_over: &AtomicBool) -> Result<usize, Error> {
    let client = Client::new(&servers, Store::memory())?;
    let email = format!("user{number}@example.com");
    let request = SignUpRequest {
        email: email.clone(),
        password: PASSWORD.to_owned(),
        request_id: Uuid::new_v4().to_string(),
        ..SignUpRequest::default()
    };
    client.auth().sign_up(request).await?;
    let LogIn::Done(_) = client.log_in(&email, PASSWORD, "rolling").await? else {
        panic!("a second factor is required");
    };
    let mut calls = 2;
    // Other tests run at the same time.
    let mut pace = interval(Duration::from_millis(50));
    while !is_over.load(Ordering::Relaxed) {
        pace.tick().await;
        round(&client).await?;
        calls += 4;
    }
    Ok(calls)
}

/// Four calls, each of which can be repeated.
async fn round(client: &Client) -> Result<(), Error> {
    let mut contacts = client.contacts();
    let request = CreateContactRequest {
        contact: Some(Contact {
            given_name: "Ada".to_owned(),
            ..Contact::default()
        }),
        request_id: Uuid::new_v4().to_string(),
        ..CreateContactRequest::default()
    };
    let created = contacts.create_contact(request).await?.into_inner();
    let mut contact = created.contact.unwrap();
    "Grace".clone_into(&mut contact.given_name);
    let request = UpdateContactRequest {
        contact: Some(contact.clone()),
        ..UpdateContactRequest::default()
    };
    contacts.update_contact(request).await?;
    let request = GetContactRequest {
        id: contact.id,
        ..GetContactRequest::default()
    };
    let found = contacts.get_contact(request).await?.into_inner();
    assert_eq!(found.contact.unwrap().given_name, "Grace");
    contacts
        .list_contacts(ListContactsRequest::default())
        .await?;
    Ok(())
}
