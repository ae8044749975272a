//! Changes are streamed as they happen.

use proto::contacts::v1::watch_contacts_response::Event;
use proto::contacts::v1::{Contact, WatchContactsResponse};
use tonic::{Code, Streaming};
use tonic_types::StatusExt;

use crate::app::App;
use crate::mirror::{Mirror, heard};
use crate::refusal::assert_refused;
use crate::sample::{ada, full, named};

/// The next event that is not about a label.
async fn next(events: &mut Streaming<WatchContactsResponse>) -> Event {
    loop {
        let answer = heard(events).await;
        assert_ne!(answer.sync_token, "");
        match answer.event.unwrap() {
            Event::LabelChanged(_) | Event::LabelDeleted(_) => {}
            event => return event,
        }
    }
}

#[tokio::test]
async fn first_comes_what_is_there_then_what_happens() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has_all([ada(), full()]).await;
    owner.has_deleted(ada()).await;

    let mut events = owner.watch("").await.unwrap();

    for contact in &stored {
        assert_eq!(next(&mut events).await, Event::Changed(contact.clone()));
    }
    assert!(matches!(next(&mut events).await, Event::CaughtUp(_)));
    let created = owner.has(named("New", "")).await;
    assert_eq!(next(&mut events).await, Event::Changed(created));
    let patch = Contact {
        id: stored[0].id.clone(),
        notes: "new".into(),
        ..Contact::default()
    };
    let changed = owner.update(patch, &[]).await.unwrap();
    assert_eq!(next(&mut events).await, Event::Changed(changed));
    owner.delete(&stored[0].id).await.unwrap();
    assert_eq!(
        next(&mut events).await,
        Event::Deleted(stored[0].id.clone())
    );
    let back = owner.undelete(&stored[0].id).await.unwrap();
    assert_eq!(next(&mut events).await, Event::Changed(back));
    owner.delete(&stored[0].id).await.unwrap();
    assert_eq!(
        next(&mut events).await,
        Event::Deleted(stored[0].id.clone())
    );
    owner.purge(&[&stored[0].id]).await.unwrap();
    assert_eq!(
        next(&mut events).await,
        Event::Deleted(stored[0].id.clone())
    );
}

#[tokio::test]
async fn a_stream_goes_on_behind_whatever_was_told_last() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has_all((0..5).map(|_| ada())).await;

    let mut told = Vec::new();
    let mut token = String::new();
    while told.len() < 5 {
        // Interrupted after each event.
        let answer = owner.watch(&token).await.unwrap().message().await;
        let answer = answer.unwrap().unwrap();
        token = answer.sync_token;
        match answer.event.unwrap() {
            Event::Changed(contact) => told.push(contact),
            other => panic!("{other:?}"),
        }
    }

    assert_eq!(told, stored);
    let mut events = owner.watch(&token).await.unwrap();
    assert!(matches!(next(&mut events).await, Event::CaughtUp(_)));
}

#[tokio::test]
async fn tokens_of_a_stream_and_of_a_sync_are_the_same() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has_all([ada(), ada()]).await;
    let page = owner.sync("", 1).await.unwrap();

    let mut events = owner.watch(&page.next_page_token).await.unwrap();
    let first = events.message().await.unwrap().unwrap();
    let caught_up = events.message().await.unwrap().unwrap();

    assert_eq!(first.event, Some(Event::Changed(stored[1].clone())));
    for token in [first.sync_token, caught_up.sync_token] {
        assert_eq!(owner.sync(&token, 0).await.unwrap().changed, []);
    }
}

#[tokio::test]
async fn nothing_is_told_of_another_owner() {
    let app = App::start().await;
    let (owner, stranger) = (app.owner(), app.owner());
    let mut events = stranger.watch("").await.unwrap();
    assert!(matches!(next(&mut events).await, Event::CaughtUp(_)));

    let contact = owner.has_deleted(full()).await;
    owner.purge(&[&contact.id]).await.unwrap();
    let mine = stranger.has(ada()).await;

    assert_eq!(next(&mut events).await, Event::Changed(mine));
}

#[tokio::test]
async fn an_owner_has_a_hundred_streams_and_no_more() {
    let app = App::alone().await;
    let (owner, other) = (app.owner(), app.owner());
    let mut streams = Vec::new();
    for _ in 0..100 {
        let mut events = owner.watch("").await.unwrap();
        assert!(matches!(next(&mut events).await, Event::CaughtUp(_)));
        streams.push(events);
    }

    let refused = owner.watch("").await;
    let quota = refused.as_ref().unwrap_err().get_details_quota_failure();
    assert_eq!(quota.unwrap().violations[0].subject, "streams");
    assert_refused(refused, Code::ResourceExhausted, "WATCH_LIMIT_EXCEEDED");
    drop(other.watch("").await.unwrap());

    // All of them receive one write.
    owner.has(ada()).await;
    for events in &mut streams {
        assert!(matches!(next(events).await, Event::Changed(_)));
    }
    // A closed one makes room, once the service has noticed.
    streams.pop();
    while owner.watch("").await.is_err() {}
}

/// The service waits for its reader without queuing changes: a contact that changed three
/// hundred times meanwhile is sent a few times, the last time in its current state.
#[tokio::test]
async fn a_reader_that_is_slow_is_told_what_is_and_not_what_was() {
    let app = App::start().await;
    // A small window for this connection, so that few unread bytes fit.
    let channel = app.another_instance_with_window(64 * 1024).await;
    let owner = app.owner_on(channel, uuid::Uuid::now_v7());
    let contact = owner.has(ada()).await;
    let mut slow = owner.watch("").await.unwrap();
    let mut mirror = Mirror::default();
    mirror.catch_up(&mut slow).await;

    for round in 0..300 {
        let patch = Contact {
            id: contact.id.clone(),
            notes: format!("{round} {}", "x".repeat(16_000)),
            ..Contact::default()
        };
        owner.update(patch, &[]).await.unwrap();
    }
    let last = owner.get(&contact.id).await.unwrap();
    let mut told = 0;
    while mirror.contacts.get(&contact.id) != Some(&last) {
        mirror.event(heard(&mut slow).await);
        told += 1;
    }

    assert!(told < 100, "{told}");
}
