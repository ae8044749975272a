//! The database dies under the running system.

use std::time::{Duration, Instant};

use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::{
    LogInRequest, RefreshTokenRequest, SignUpRequest, TokenPair, log_in_response,
};
use proto::contacts::v1::contacts_service_client::ContactsServiceClient;
use proto::contacts::v1::{Contact, CreateContactRequest, GetContactRequest};
use tonic::transport::Channel;
use tonic::{Code, Request};

use crate::stack::Stack;

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_database_is_unavailable_comes_back_and_logs_nobody_out() {
    let stack = Stack::start(&[]);
    let mut auth = AuthServiceClient::connect(format!("http://{}", stack.auth))
        .await
        .unwrap();
    let url = format!("http://{}", stack.contacts);
    let mut book = ContactsServiceClient::connect(url).await.unwrap();
    let tokens = sign_in(&mut auth, "ada@example.com").await;
    let id = create(&mut book, &tokens).await;

    stack.kill_postgres();
    let began = Instant::now();
    let mut refused = 0;
    let mut served_since_restart = 0;
    // Some of these meet a dead connection, others wait for a new one.
    while served_since_restart < 20 {
        assert!(
            began.elapsed() < Duration::from_mins(1),
            "the database stays away"
        );
        match book
            .get_contact(with_token(
                &tokens,
                GetContactRequest {
                    id: id.clone(),
                    read_mask: None,
                    ..GetContactRequest::default()
                },
            ))
            .await
        {
            Ok(_) => served_since_restart += 1,
            Err(status) => {
                assert_eq!(status.code(), Code::Unavailable, "{status:?}");
                refused += 1;
                served_since_restart = 0;
            }
        }
    }
    stack.line("PostgreSQL serves again");
    println!("{refused} calls were refused");

    let refreshed = auth
        .refresh_token(RefreshTokenRequest {
            refresh_token: tokens.refresh_token.clone(),
            ..RefreshTokenRequest::default()
        })
        .await
        .unwrap()
        .into_inner()
        .tokens
        .unwrap();
    assert_eq!(refreshed.session_id, tokens.session_id);
}

/// Tokens of a new user.
pub(crate) async fn sign_in(auth: &mut AuthServiceClient<Channel>, email: &str) -> TokenPair {
    let password = "the otter naps at noon";
    auth.sign_up(SignUpRequest {
        email: email.into(),
        password: password.into(),
        ..SignUpRequest::default()
    })
    .await
    .unwrap();
    let log_in = auth
        .log_in(LogInRequest {
            email: email.into(),
            password: password.into(),
            ..LogInRequest::default()
        })
        .await;
    match log_in.unwrap().into_inner().result {
        Some(log_in_response::Result::Tokens(tokens)) => tokens,
        other => panic!("no tokens but {other:?}"),
    }
}

async fn create(book: &mut ContactsServiceClient<Channel>, tokens: &TokenPair) -> String {
    let contact = Contact {
        given_name: "Hans".into(),
        ..Contact::default()
    };
    let request = CreateContactRequest {
        contact: Some(contact),
        ..CreateContactRequest::default()
    };
    let created = book
        .create_contact(with_token(tokens, request))
        .await
        .unwrap();
    created.into_inner().contact.unwrap().id
}

pub(crate) fn with_token<T>(tokens: &TokenPair, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let bearer = format!("Bearer {}", tokens.access_token).parse().unwrap();
    request.metadata_mut().insert("authorization", bearer);
    request
}
