//! When a stream ends.

use std::sync::atomic::Ordering;
use std::time::Duration;

use proto::contacts::v1::WatchContactsResponse;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tonic::{Code, Status, Streaming};

use crate::app::{App, BOTH_SCOPES};
use crate::issuer::claims;
use crate::mirror::{Mirror, heard};
use crate::owner::Owner;
use crate::refusal::assert_refused;
use crate::sample::ada;

const START: i64 = 1_800_000_000;

/// The end of a stream, within a minute.
async fn end(events: &mut Streaming<WatchContactsResponse>) -> Result<(), Status> {
    let end = async {
        while events.message().await?.is_some() {}
        Ok(())
    };
    timeout(Duration::from_mins(1), end).await.expect("an end")
}

#[tokio::test]
async fn a_stream_ends_with_its_access_token_and_the_next_goes_on() {
    let (app, now) = App::at(START).await;
    let user = uuid::Uuid::now_v7();
    let mut saying = claims(user, BOTH_SCOPES);
    saying["exp"] = (START + 600).into();
    let owner = Owner::new(app.channel.clone(), user, &app.issuer.sign(&saying));
    let mut mirror = Mirror::default();
    let mut events = owner.watch("").await.unwrap();
    mirror.catch_up(&mut events).await;

    now.store(START + 599, Ordering::SeqCst);
    owner.has(ada()).await;
    mirror.event(heard(&mut events).await);
    assert_eq!(mirror.contacts.len(), 1);
    now.store(START + 600, Ordering::SeqCst);
    assert_refused(
        end(&mut events).await,
        Code::Unauthenticated,
        "TOKEN_EXPIRED",
    );

    let owner = app.owner_on(app.channel.clone(), user);
    owner.has(ada()).await;
    let mut events = owner.watch(&mirror.token).await.unwrap();
    mirror.catch_up(&mut events).await;
    mirror.assert_same(&owner).await;
}

/// Nothing that the service still holds is sent after the end.
#[tokio::test]
async fn a_slow_reader_gets_nothing_behind_the_end_of_its_token() {
    let (app, now) = App::at(START).await;
    let channel = app.another_instance_with_window(1024).await;
    let user = uuid::Uuid::now_v7();
    let mut saying = claims(user, BOTH_SCOPES);
    saying["exp"] = (START + 600).into();
    let owner = Owner::new(channel, user, &app.issuer.sign(&saying));
    let mut large = ada();
    large.notes = "x".repeat(16_000);
    owner.has_all((0..30).map(|_| large.clone())).await;
    let mut events = owner.watch("").await.unwrap();
    assert!(events.message().await.unwrap().is_some());

    now.store(START + 600, Ordering::SeqCst);

    let mut told = 1;
    let end = loop {
        match events.message().await {
            Ok(Some(_)) => told += 1,
            Ok(None) => break Ok(()),
            Err(status) => break Err(status),
        }
    };
    assert_refused(end, Code::Unauthenticated, "TOKEN_EXPIRED");
    assert!(told < 15, "{told}");
}

#[tokio::test]
async fn a_stream_ends_when_the_service_stops() {
    let app = App::start().await;
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async move { drop(stopped.await) };
    let channel = app.instance_until(stopped).await;
    let owner = app.owner_on(channel, uuid::Uuid::now_v7());
    let mut mirror = Mirror::default();
    let mut events = owner.watch("").await.unwrap();
    mirror.catch_up(&mut events).await;

    stop.send(()).unwrap();
    end(&mut events).await.unwrap();

    let elsewhere = app.owner_on(app.channel.clone(), owner.user);
    elsewhere.has(ada()).await;
    let mut events = elsewhere.watch(&mirror.token).await.unwrap();
    mirror.catch_up(&mut events).await;
    mirror.assert_same(&elsewhere).await;
}
