//! Health follows the state of the services' dependencies.

use chassis::start::probe::{self, Transport};
use tokio::sync::watch;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::app::{App, config, eventually};

const NAME: &str = "addressbook.feed";

const NAMES: [&str; 2] = ["", "addressbook.auth.v1.AuthService"];

async fn state(app: &App, service: &str) -> ServingStatus {
    let service = service.to_owned();
    HealthClient::new(app.channel().await)
        .check(HealthCheckRequest { service })
        .await
        .unwrap()
        .into_inner()
        .status()
}

async fn until(app: &App, wanted: ServingStatus) {
    for name in NAMES {
        eventually(&format!("{name:?} is {wanted:?}"), async || {
            state(app, name).await == wanted
        })
        .await;
    }
    assert_eq!(
        probe::health(app.address, &Transport::Plain).await,
        wanted == ServingStatus::Serving
    );
}

#[tokio::test]
async fn a_server_without_needs_serves_from_its_first_answer() {
    for _ in 0..20 {
        let app = App::start();

        for name in NAMES {
            assert_eq!(state(&app, name).await, ServingStatus::Serving, "{name}");
        }
    }
}

#[tokio::test]
async fn a_state_of_its_own_changes_nothing_else() {
    let (state_of_it, its_state) = watch::channel(false);
    let app = App::reporting(NAME, its_state);
    assert_eq!(state(&app, NAME).await, ServingStatus::NotServing);
    assert_eq!(state(&app, "").await, ServingStatus::Serving);

    state_of_it.send_replace(true);
    eventually("it serves", async || {
        state(&app, NAME).await == ServingStatus::Serving
    })
    .await;
    state_of_it.send_replace(false);
    eventually("it does not serve", async || {
        state(&app, NAME).await == ServingStatus::NotServing
    })
    .await;
    until(&app, ServingStatus::Serving).await;
}

#[tokio::test]
async fn a_server_whose_need_is_missing_never_says_that_it_serves() {
    for _ in 0..20 {
        let (_need, needed) = watch::channel(false);

        let app = App::with(config(), vec![needed]);

        for name in NAMES {
            assert_eq!(state(&app, name).await, ServingStatus::NotServing, "{name}");
        }
    }
}

#[tokio::test]
async fn every_name_follows_every_need() {
    let (database, database_up) = watch::channel(false);
    let (keys, keys_loaded) = watch::channel(false);
    let app = App::with(config(), vec![database_up, keys_loaded]);
    until(&app, ServingStatus::NotServing).await;

    database.send_replace(true);
    keys.send_replace(true);
    until(&app, ServingStatus::Serving).await;

    keys.send_replace(false);
    until(&app, ServingStatus::NotServing).await;

    keys.send_replace(true);
    until(&app, ServingStatus::Serving).await;

    database.send_replace(false);
    until(&app, ServingStatus::NotServing).await;
}

#[tokio::test]
async fn a_need_that_will_not_change_any_more_does_not_hide_the_others() {
    let (settled, settled_up) = watch::channel(true);
    let (database, database_up) = watch::channel(true);
    let app = App::with(config(), vec![settled_up, database_up]);
    until(&app, ServingStatus::Serving).await;

    drop(settled);
    database.send_replace(false);
    until(&app, ServingStatus::NotServing).await;

    database.send_replace(true);
    until(&app, ServingStatus::Serving).await;
}

#[tokio::test]
async fn a_watch_tells_of_every_change() {
    let (need, needed) = watch::channel(false);
    let app = App::with(config(), vec![needed]);
    until(&app, ServingStatus::NotServing).await;
    let mut client = HealthClient::new(app.channel().await);
    let request = HealthCheckRequest::default();
    let mut states = client.watch(request).await.unwrap().into_inner();
    let first = states.message().await.unwrap().unwrap();
    assert_eq!(first.status(), ServingStatus::NotServing);

    need.send_replace(true);

    let next = states.message().await.unwrap().unwrap();
    assert_eq!(next.status(), ServingStatus::Serving);
}

#[tokio::test]
async fn an_unknown_name_is_not_found() {
    let app = App::start();

    let refused = HealthClient::new(app.channel().await)
        .check(HealthCheckRequest {
            service: "no.such.Service".to_owned(),
        })
        .await;

    assert_eq!(refused.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_port_without_server_is_not_healthy() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);

    assert!(!probe::health(address, &Transport::Plain).await);
}
