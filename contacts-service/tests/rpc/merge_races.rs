//! Merges of two instances about the same contacts.

use futures_util::future::join_all;
use proto::contacts::v1::{Contact, ListContactsRequest};
use tonic::Code;
use uuid::Uuid;

use crate::app::App;
use crate::owner::Owner;
use crate::refusal::reason;
use crate::sample::{email, named};

/// One user, calling through either instance, and some contacts.
async fn two(app: &App, count: usize) -> ([Owner; 2], Vec<Contact>) {
    let user = Uuid::now_v7();
    let second = app.another_instance().await;
    let owners = [
        app.owner_on(app.channel.clone(), user),
        app.owner_on(second, user),
    ];
    let contacts = (0..count).map(|n| Contact {
        emails: vec![email(&format!("{n:03}@example.com"))],
        ..named("N", &format!("{n:03}"))
    });
    let stored = owners[0].has_all(contacts.collect::<Vec<_>>()).await;
    (owners, stored)
}

/// Every address of the owner's contacts that are not deleted, sorted.
async fn addresses(owner: &Owner) -> Vec<String> {
    let contacts = owner.list_all(ListContactsRequest::default()).await;
    let emails = contacts.into_iter().flat_map(|contact| contact.emails);
    let mut addresses: Vec<String> = emails.map(|email| email.address).collect();
    addresses.sort();
    addresses
}

#[tokio::test]
async fn whatever_order_overlapping_merges_come_in_nothing_is_lost_or_doubled() {
    let app = App::start().await;
    let (owners, stored) = two(&app, 12).await;
    let before = addresses(&owners[0]).await;
    let mut random = fastrand::Rng::with_seed(18);
    let merges = (0..40).map(|n| {
        let mut some = stored.clone();
        random.shuffle(&mut some);
        some.truncate(random.usize(2..4));
        let owner = &owners[n % 2];
        async move {
            owner
                .merge(&some[0], &some[1..].iter().collect::<Vec<_>>())
                .await
        }
    });

    let answers = join_all(merges).await;

    let mut versions = Vec::new();
    for answer in answers {
        match answer {
            Ok((contact, _)) => versions.push(contact.version),
            Err(status) => assert_eq!(reason(&status), "CONTACT_NOT_FOUND"),
        }
    }
    let done = versions.len();
    versions.sort_unstable();
    versions.dedup();
    assert!(done > 1 && versions.len() == done);
    assert_eq!(addresses(&owners[1]).await, before);
}

#[tokio::test]
async fn of_two_merges_into_each_other_one_is_done() {
    let app = App::start().await;
    let (owners, stored) = two(&app, 20).await;

    for pair in stored.chunks(2) {
        let (first, second) = ([&pair[0]], [&pair[1]]);
        let answers = tokio::join!(
            owners[0].merge(first[0], &second),
            owners[1].merge(second[0], &first),
        );

        let refused = match answers {
            (Ok(_), Err(status)) | (Err(status), Ok(_)) => status,
            both => panic!("{both:?}"),
        };
        assert_eq!(refused.code(), Code::NotFound);
    }
    assert_eq!(addresses(&owners[0]).await.len(), 20);
}

#[tokio::test]
async fn a_merge_is_undone_once() {
    let app = App::start().await;
    let (owners, stored) = two(&app, 2).await;
    let (_, merge) = owners[0].merge(&stored[0], &[&stored[1]]).await.unwrap();

    let answers = join_all((0..8).map(|n| owners[n % 2].unmerge(&merge))).await;

    let (done, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((done.len(), refused.len()), (1, 7));
    for answer in refused {
        assert_eq!(reason(&answer.unwrap_err()), "MERGE_NOT_FOUND");
    }
    assert_eq!(owners[0].total_size().await, 2);
}

#[tokio::test]
async fn the_same_call_on_both_instances_is_one_merge() {
    let app = App::start().await;
    let (owners, stored) = two(&app, 2).await;
    let mut request = crate::owner_merges::merging(&stored[0], &[&stored[1]]);
    request.request_id = "once".into();

    let calls = (0..8).map(|n| owners[n % 2].merge_with(request.clone()));
    let answers: Vec<_> = join_all(calls)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();

    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(crate::app::rows(&app, "merges", owners[0].user).await, 1);
}
