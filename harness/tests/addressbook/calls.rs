//! Calls that fail.

use std::time::Duration;

use addressbook_client::{Client, Error, Kind, Policy, Store};
use proto::contacts::v1::{Contact, CreateContactRequest, Email};

use crate::refresh::{list, servers, user};
use crate::stack::Stack;

#[tokio::test]
async fn an_error_names_the_invalid_fields() {
    let stack = Stack::start(&[]);
    let dir = tempfile::tempdir().unwrap();
    let client = user(&stack, &dir.path().join("profile.json")).await;
    let email = Email {
        address: "nowhere".into(),
        ..Email::default()
    };
    let request = CreateContactRequest {
        contact: Some(Contact {
            emails: vec![email],
            ..Contact::default()
        }),
        ..CreateContactRequest::default()
    };

    let created = client.contacts().create_contact(request).await;

    let error = Error::from(created.unwrap_err());
    assert_eq!(
        (error.kind, &*error.reason),
        (Kind::Invalid, "FIELD_INVALID")
    );
    assert_eq!(error.violations[0].field, "contact.emails[0].address");
}

#[tokio::test]
async fn calls_are_repeated_until_a_killed_service_is_back() {
    let stack = Stack::start(&[]);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("profile.json");
    user(&stack, &file).await;
    let policy = Policy {
        attempts: 60,
        delay_max: Duration::from_secs(1),
        ..Policy::default()
    };
    let client = Client::with_policy(&servers(&stack), Store::file(&file), policy).unwrap();
    list(&client).await.unwrap();

    stack.kill("contacts-service");

    assert_eq!(list(&client).await.unwrap(), 0);
}

#[tokio::test]
async fn an_unreachable_server_is_named() {
    let client = Client::new(
        &addressbook_client::Servers {
            auth: "http://127.0.0.1:9".into(),
            ..addressbook_client::Servers::default()
        },
        Store::memory(),
    )
    .unwrap();

    let error = client.log_in("ada@example.com", "x", "").await.unwrap_err();

    assert_eq!(error.kind, Kind::Unavailable);
    assert!(error.message.contains("127.0.0.1:9"), "{error}");
}
