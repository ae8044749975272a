//! Two instances on one database behave like one service.

use proto::contacts::v1::{
    CreateContactRequest, ListContactsRequest, ListUpcomingBirthdaysRequest, SearchContactsRequest,
};
use uuid::Uuid;

use crate::app::App;
use crate::owner::Owner;
use crate::sample::{ada, born, date, full, ids, named};

/// One user, calling through either instance.
pub async fn two(app: &App) -> [Owner; 2] {
    let user = Uuid::now_v7();
    let second = app.another_instance().await;
    [
        app.owner_on(app.channel.clone(), user),
        app.owner_on(second, user),
    ]
}

#[tokio::test]
async fn what_one_instance_writes_the_other_one_reads_at_once() {
    let app = App::start().await;
    let [here, there] = two(&app).await;

    for n in 1..=9 {
        let stored = here
            .has(named(&format!("Ada{n}"), &format!("Number{n}")))
            .await;
        assert_eq!(there.get(&stored.id).await.unwrap(), stored);
        assert_eq!(there.total_size().await, n);
        let found = there.exact_names(&format!("ada{n} number{n}")).await;
        assert_eq!(found, [format!("Ada{n} Number{n}")]);
        let deleted = there.delete(&stored.id).await.unwrap();
        assert_eq!(here.get(&stored.id).await.unwrap(), deleted);
        here.undelete(&stored.id).await.unwrap();
    }
}

#[tokio::test]
async fn a_page_token_of_one_instance_works_on_the_other() {
    let app = App::start().await;
    let [here, there] = two(&app).await;
    let stored = here
        .has_all([born("Ada", date(0, 5, 1)), born("Ada", date(0, 5, 2))])
        .await;
    let mut listing = ListContactsRequest {
        page_size: 1,
        ..ListContactsRequest::default()
    };
    let mut searching = SearchContactsRequest {
        query: "ada".into(),
        page_size: 1,
        ..SearchContactsRequest::default()
    };
    let mut celebrating = ListUpcomingBirthdaysRequest {
        from_date: Some(date(2026, 5, 1)),
        page_size: 1,
        ..ListUpcomingBirthdaysRequest::default()
    };

    listing.page_token = here.list(listing.clone()).await.unwrap().next_page_token;
    searching.page_token = here
        .search(searching.clone())
        .await
        .unwrap()
        .next_page_token;
    let first = here.birthdays(celebrating.clone()).await.unwrap();
    celebrating.page_token = first.next_page_token;

    let listed = there.list(listing).await.unwrap().contacts;
    let found = there.search(searching).await.unwrap().results;
    let kept = there.birthdays(celebrating).await.unwrap().birthdays;
    assert_eq!(ids(&listed), [&*stored[1].id]);
    assert_eq!(found[0].contact.as_ref(), Some(&stored[1]));
    assert_eq!(kept[0].contact.as_ref(), Some(&stored[1]));
}

#[tokio::test]
async fn the_same_call_on_both_instances_is_one_contact() {
    let app = App::start().await;
    let [here, there] = two(&app).await;
    let request = CreateContactRequest {
        contact: Some(full()),
        request_id: "once".into(),
        ..CreateContactRequest::default()
    };
    let calls = (0..20).map(|n| {
        let caller = if n % 2 == 0 { &here } else { &there };
        caller.create_with(request.clone())
    });

    let answers = futures_util::future::join_all(calls).await;

    let first = answers[0].as_ref().unwrap();
    for answer in &answers {
        assert_eq!(answer.as_ref().unwrap(), first);
    }
    assert_eq!(here.total_size().await, 1);
}

#[tokio::test]
async fn versions_are_one_sequence_over_both_instances() {
    let app = App::start().await;
    let [here, there] = two(&app).await;
    let creations = (0..30).map(|n| [&here, &there][n % 2].create(ada()));

    let created = futures_util::future::join_all(creations).await;

    let mut versions: Vec<_> = created
        .iter()
        .map(|c| c.as_ref().unwrap().version)
        .collect();
    versions.sort_unstable();
    assert!(versions.into_iter().eq(1..=30));
}
