//! An account is deleted at the auth service, and its contacts with it.

use std::time::{Duration, Instant};

use proto::auth::v1::account_service_client::AccountServiceClient;
use proto::auth::v1::{DeleteMeRequest, TokenPair};
use proto::contacts::v1::{BatchCreateContactsRequest, Contact, CreateContactRequest};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tonic::Request;

use crate::revocation::{Clients, PASSWORD, PATIENCE};
use crate::stack::Stack;

/// A user with contacts.
struct User {
    id: String,
    tokens: TokenPair,
}

impl User {
    async fn with_contacts(clients: &mut Clients, email: &str, count: usize) -> Self {
        let (id, tokens) = clients.user_with_id(email).await;
        let user = Self { id, tokens };
        for first in (0..count).step_by(500) {
            let requests = (first..count.min(first + 500)).map(|n| CreateContactRequest {
                contact: Some(Contact {
                    given_name: format!("Friend {n}"),
                    ..Contact::default()
                }),
                ..CreateContactRequest::default()
            });
            let request = BatchCreateContactsRequest {
                requests: requests.collect(),
                request_id: format!("batch-{first}"),
                ..BatchCreateContactsRequest::default()
            };
            let created = clients.book.batch_create_contacts(user.asks(request)).await;
            created.unwrap();
        }
        user
    }

    async fn delete_account(&self, stack: &Stack) {
        let url = format!("http://{}", stack.auth);
        let mut account = AccountServiceClient::connect(url).await.unwrap();
        let current_password = PASSWORD.to_owned();
        let request = self.asks(DeleteMeRequest { current_password });
        account.delete_me(request).await.unwrap();
    }

    fn asks<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let bearer = format!("Bearer {}", self.tokens.access_token);
        request
            .metadata_mut()
            .insert("authorization", bearer.parse().unwrap());
        request
    }

    /// What the contacts service stores of the user.
    async fn rows(&self, db: &mut PgConnection) -> i64 {
        let sql = "SELECT (SELECT count(*) FROM contacts.contacts WHERE owner_id = $1)
                        + (SELECT count(*) FROM contacts.requests WHERE owner_id = $1)
                        + (SELECT count(*) FROM contacts.owner_state WHERE owner_id = $1)";
        let id: uuid::Uuid = self.id.parse().unwrap();
        let rows = sqlx::query_scalar(sql).bind(id).fetch_one(db).await;
        rows.unwrap()
    }

    /// Waits until at most so many rows are left; returns how long that took.
    async fn shrinks_to(&self, db: &mut PgConnection, rows: i64) -> Duration {
        let began = Instant::now();
        while self.rows(db).await > rows {
            assert!(began.elapsed() < PATIENCE, "the contacts stay");
            tokio::task::yield_now().await;
        }
        began.elapsed()
    }
}

async fn connect(options: &PgConnectOptions) -> PgConnection {
    options.connect().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_go_with_their_owners_account_now_or_when_contacts_is_back() {
    // The contacts service is away for a while.
    let stack = Stack::start_alone(&[], &[]);
    let mut clients = Clients::of(&stack);
    let mut db = connect(&stack.database()).await;
    let ada = User::with_contacts(&mut clients, "ada@example.com", 3).await;
    let bob = User::with_contacts(&mut clients, "bob@example.com", 3).await;
    let eve = User::with_contacts(&mut clients, "eve@example.com", 3).await;
    let before = bob.rows(&mut db).await;

    ada.delete_account(&stack).await;

    let took = ada.shrinks_to(&mut db, 0).await;
    println!("gone after {took:?}");
    assert_eq!(clients.refused(&ada.tokens).await.0, "TOKEN_REVOKED");

    // It is not restarted before the account is deleted.
    stack.pause();
    stack.kill("contacts-service");
    eve.delete_account(&stack).await;
    let (anew, _) = clients.user_with_id("eve@example.com").await;
    assert_ne!(anew, eve.id);
    assert_eq!(eve.rows(&mut db).await, 5);
    stack.go_on();

    let took = eve.shrinks_to(&mut db, 0).await;
    println!("gone {took:?} after the start");
    assert_eq!(clients.refused(&eve.tokens).await.0, "TOKEN_REVOKED");
    assert_eq!(bob.rows(&mut db).await, before);
    clients.list(&bob.tokens).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_in_the_middle_of_a_large_book_only_delays_its_end() {
    let stack = Stack::start(&[]);
    let mut clients = Clients::of(&stack);
    let (mut db, mut other) = (
        connect(&stack.database()).await,
        connect(&stack.database()).await,
    );
    let ada = User::with_contacts(&mut clients, "ada@example.com", 5000).await;
    let bob = User::with_contacts(&mut clients, "bob@example.com", 3).await;
    // Prevents the deletion of the last batch.
    let mut held = other.begin().await.unwrap();
    let last =
        "SELECT FROM contacts.contacts WHERE owner_id = $1 ORDER BY id DESC LIMIT 1 FOR UPDATE";
    let id: uuid::Uuid = ada.id.parse().unwrap();
    sqlx::query(last)
        .bind(id)
        .execute(&mut *held)
        .await
        .unwrap();

    ada.delete_account(&stack).await;
    ada.shrinks_to(&mut db, 600).await;
    stack.kill("contacts-service");
    assert!(ada.rows(&mut db).await >= 500);
    held.rollback().await.unwrap();

    let took = ada.shrinks_to(&mut db, 0).await;
    println!("gone {took:?} after the crash");
    assert_eq!(bob.rows(&mut db).await, 5);
}
