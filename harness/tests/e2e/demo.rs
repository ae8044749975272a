//! The demo data.

use proto::auth::v1::LogInRequest;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::log_in_response;
use proto::contacts::v1::contacts_service_client::ContactsServiceClient;
use proto::contacts::v1::{ListContactsRequest, ListUpcomingBirthdaysRequest};
use tonic::Request;

use crate::stack::Stack;

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_user_has_contacts_in_several_scripts_and_birthdays_soon() {
    let stack = Stack::start(&["--seed", "500"]);
    let line = stack.line("demo user: ");
    let words: Vec<_> = line.split(' ').collect();
    let password = words[words.iter().position(|word| *word == "password").unwrap() + 1];
    let mut auth = AuthServiceClient::connect(format!("http://{}", stack.auth))
        .await
        .unwrap();
    let log_in = LogInRequest {
        email: "demo@example.com".into(),
        password: password.into(),
        ..LogInRequest::default()
    };
    let Some(log_in_response::Result::Tokens(tokens)) =
        auth.log_in(log_in).await.unwrap().into_inner().result
    else {
        panic!("no tokens");
    };
    let bearer = format!("Bearer {}", tokens.access_token);

    let url = format!("http://{}", stack.contacts);
    let mut book = ContactsServiceClient::connect(url).await.unwrap();
    let mut list = Request::new(ListContactsRequest {
        page_size: 500,
        ..ListContactsRequest::default()
    });
    list.metadata_mut()
        .insert("authorization", bearer.parse().unwrap());
    let listed = book.list_contacts(list).await.unwrap().into_inner();
    let mut soon = Request::new(ListUpcomingBirthdaysRequest::default());
    soon.metadata_mut()
        .insert("authorization", bearer.parse().unwrap());
    let soon = book
        .list_upcoming_birthdays(soon)
        .await
        .unwrap()
        .into_inner();

    assert_eq!(listed.total_size, Some(500));
    let names: String = listed
        .contacts
        .iter()
        .map(|c| c.display_name.as_str())
        .collect();
    for (script, range) in [
        ("Cyrillic", '\u{400}'..='\u{4ff}'),
        ("Greek", '\u{370}'..='\u{3ff}'),
        ("Han", '\u{4e00}'..='\u{9fff}'),
    ] {
        assert!(
            names.chars().any(|c| range.contains(&c)),
            "no {script} name"
        );
    }
    assert!(!soon.birthdays.is_empty());
    assert!(
        soon.birthdays
            .iter()
            .all(|birthday| (0..=7).contains(&birthday.days_until))
    );
}
