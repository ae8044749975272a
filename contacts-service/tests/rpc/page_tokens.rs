//! Page tokens of every method: valid for one caller and one request.

use proto::contacts::v1::{
    LeapDayRule, ListContactsRequest, ListUpcomingBirthdaysRequest, SearchContactsRequest,
};
use tonic::{Code, Status};

use crate::app::App;
use crate::owner::{Owner, field_mask};
use crate::refusal::{assert_bad_fields, assert_refused};
use crate::sample::{born, date};

fn listing(page_token: &str) -> ListContactsRequest {
    ListContactsRequest {
        page_size: 1,
        page_token: page_token.into(),
        ..ListContactsRequest::default()
    }
}

fn searching(page_token: &str) -> SearchContactsRequest {
    SearchContactsRequest {
        query: "ada".into(),
        page_size: 1,
        page_token: page_token.into(),
        fields: vec![],
        ..SearchContactsRequest::default()
    }
}

fn celebrating(page_token: &str) -> ListUpcomingBirthdaysRequest {
    ListUpcomingBirthdaysRequest {
        from_date: Some(date(2026, 5, 1)),
        page_size: 1,
        page_token: page_token.into(),
        ..ListUpcomingBirthdaysRequest::default()
    }
}

/// A token of each method, in the order of the functions above.
async fn tokens(owner: &Owner) -> [String; 3] {
    owner
        .has_all([born("Ada", date(0, 5, 1)), born("Ada", date(0, 5, 2))])
        .await;
    [
        owner.list(listing("")).await.unwrap().next_page_token,
        owner.search(searching("")).await.unwrap().next_page_token,
        owner
            .birthdays(celebrating(""))
            .await
            .unwrap()
            .next_page_token,
    ]
}

#[track_caller]
fn assert_invalid<T: std::fmt::Debug>(answer: Result<T, Status>) {
    let status = answer.map(|_| ()).expect_err("a refusal");
    assert_bad_fields::<()>(Err(status.clone()), &["page_token"]);
    assert_refused::<()>(Err(status), Code::InvalidArgument, "PAGE_TOKEN_INVALID");
}

#[tokio::test]
async fn a_token_is_good_more_than_once() {
    let app = App::start().await;
    let owner = app.owner();
    let [list, search, birthdays] = tokens(&owner).await;

    for _ in 0..2 {
        assert_eq!(owner.list(listing(&list)).await.unwrap().contacts.len(), 1);
        let found = owner.search(searching(&search)).await.unwrap();
        assert_eq!(found.results.len(), 1);
        let kept = owner.birthdays(celebrating(&birthdays)).await.unwrap();
        assert_eq!(kept.birthdays.len(), 1);
    }
}

#[tokio::test]
async fn a_token_of_another_owner_is_refused() {
    let app = App::start().await;
    let (owner, stranger) = (app.owner(), app.owner());
    let [list, search, birthdays] = tokens(&owner).await;
    tokens(&stranger).await;

    assert_invalid(stranger.list(listing(&list)).await);
    assert_invalid(stranger.search(searching(&search)).await);
    assert_invalid(stranger.birthdays(celebrating(&birthdays)).await);
}

#[tokio::test]
async fn a_token_of_another_method_is_refused() {
    let app = App::start().await;
    let owner = app.owner();
    let [list, search, birthdays] = tokens(&owner).await;

    for other in [&search, &birthdays] {
        assert_invalid(owner.list(listing(other)).await);
    }
    for other in [&list, &birthdays] {
        assert_invalid(owner.search(searching(other)).await);
    }
    for other in [&list, &search] {
        assert_invalid(owner.birthdays(celebrating(other)).await);
    }
}

#[tokio::test]
async fn a_token_of_another_request_is_refused() {
    let app = App::start().await;
    let owner = app.owner();
    let [list, search, birthdays] = tokens(&owner).await;

    let mut others = vec![listing(&list); 4];
    others[0].filter = "has:birthday".into();
    others[1].order_by = "family_name desc".into();
    others[2].show_deleted = true;
    others[3].read_mask = Some(field_mask(&["notes"]));
    for other in others {
        assert_invalid(owner.list(other).await);
    }
    let mut others = vec![searching(&search); 2];
    others[0].query = "Ada".into();
    others[1].fields = vec![1];
    for other in others {
        assert_invalid(owner.search(other).await);
    }
    let mut others = vec![celebrating(&birthdays); 4];
    others[0].within_days = Some(7);
    others[1].time_zone = "UTC".into();
    others[2].from_date = Some(date(2026, 4, 30));
    others[3].set_leap_day_rule(LeapDayRule::Mar1);
    for other in others {
        assert_invalid(owner.birthdays(other).await);
    }
}

#[tokio::test]
async fn a_token_with_a_changed_byte_is_refused() {
    let app = App::start().await;
    let owner = app.owner();
    let [list, search, birthdays] = tokens(&owner).await;

    let spoiled = |token: &str| {
        let mut spoiled = vec!["x".into(), "\0".into(), "é".into(), format!("{token}A")];
        for at in 0..token.len() {
            let mut bytes = token.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            spoiled.push(String::from_utf8(bytes).unwrap());
        }
        spoiled.push(token[1..].into());
        spoiled.push(token[..token.len() - 1].into());
        spoiled
    };
    for token in spoiled(&list) {
        assert_invalid(owner.list(listing(&token)).await);
    }
    for token in spoiled(&search) {
        assert_invalid(owner.search(searching(&token)).await);
    }
    for token in spoiled(&birthdays) {
        assert_invalid(owner.birthdays(celebrating(&token)).await);
    }
}

#[tokio::test]
async fn a_token_tells_no_name() {
    use base64::Engine;
    let app = App::start().await;
    let owner = app.owner();

    for token in tokens(&owner).await {
        let bytes = base64::prelude::BASE64_URL_SAFE_NO_PAD
            .decode(&token)
            .unwrap();
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        assert!(!text.contains("ada") && !token.to_lowercase().contains("family"));
    }
}
