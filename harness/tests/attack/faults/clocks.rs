//! One machine whose clock is wrong (libfaketime sets it, for one program).

use std::path::PathBuf;

use proto::auth::v1::LogOutRequest;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::contacts::v1::{CreateContactRequest, DeleteContactRequest, UndeleteContactRequest};

use crate::pair::{Pair, until};
use crate::user::{ada, bearer, refusal};

/// The variables that shift a program's clock by `offset`, such as `+300s`; `None` on a
/// machine without libfaketime, which is a failure in CI.
#[expect(clippy::print_stderr, reason = "what was not tested must be seen")]
fn wrong_by(offset: &'static str) -> Option<[(&'static str, String); 3]> {
    let places = [
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/usr/lib",
    ];
    let library = |place: &&str| PathBuf::from(place).join("faketime/libfaketime.so.1");
    let found = places.iter().map(library).find(|path| path.exists());
    let Some(library) = found else {
        assert!(
            std::env::var_os("CI").is_none(),
            "CI must not go without libfaketime"
        );
        eprintln!("NOT TESTED: libfaketime is not installed");
        return None;
    };
    Some([
        ("LD_PRELOAD", library.display().to_string()),
        ("FAKETIME", offset.to_owned()),
        // The monotonic clock cannot be set in reality.
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
    ])
}

fn as_settings<'a>(env: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    env.iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auth_service_whose_clock_is_fast_keeps_nobody_from_hearing_of_log_outs() {
    let Some(wrong) = wrong_by("+300s") else {
        return;
    };
    let pair = Pair::start().await;
    let (here, there) = (pair.side(0), pair.side(1));
    let (ada, bob) = (
        here.user("ada@example.com").await,
        there.user("bob@example.com").await,
    );

    let (fast, channel) = pair.further("auth-service-2", &as_settings(&wrong)).await;
    let refresh_token = ada.refresh_token.clone();
    let mut auth = AuthServiceClient::new(channel);
    auth.log_out(LogOutRequest { refresh_token }).await.unwrap();
    for side in [&here, &there] {
        until("Ada's log-out is heard", async || {
            side.list(&ada.access_token).await.err()
        })
        .await;
    }
    let warning = "the clock of this machine differs from that of the database";
    until("it says so", async || {
        fast.log().contains(warning).then_some(())
    })
    .await;
    assert!(!fast.is_serving().await);
    drop(fast);

    here.log_out(&bob.refresh_token).await;
    for side in [&here, &there] {
        let refused = until("Bob's log-out is heard", async || {
            side.list(&bob.access_token).await.err()
        })
        .await;
        assert_eq!(refusal::<()>(Err(refused)), "TOKEN_REVOKED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contacts_service_whose_clock_is_fast_removes_nothing_for_good() {
    let Some(wrong) = wrong_by("+32d") else {
        return;
    };
    let pair = Pair::start().await;
    let side = pair.side(0);
    let token = side.user("ada@example.com").await.access_token;
    let mut book = side.book.clone();
    let contact = Some(ada());
    let request = CreateContactRequest {
        contact,
        ..CreateContactRequest::default()
    };
    let created = book.create_contact(bearer(request, &token)).await.unwrap();
    let id = created.into_inner().contact.unwrap().id;
    let request = DeleteContactRequest {
        id: id.clone(),
        ..DeleteContactRequest::default()
    };
    book.delete_contact(bearer(request, &token)).await.unwrap();

    let (fast, _) = pair
        .further("contacts-service-2", &as_settings(&wrong))
        .await;
    let warning = "the clock of this machine differs from that of the database";
    until("it says so", async || {
        fast.log().contains(warning).then_some(())
    })
    .await;
    // By now it has run its first purge, which it does at start.

    let request = UndeleteContactRequest {
        id: id.clone(),
        ..UndeleteContactRequest::default()
    };
    let undeleted = book.undelete_contact(bearer(request, &token)).await;
    assert_eq!(undeleted.unwrap().into_inner().contact.unwrap().id, id);
    assert!(!fast.log().contains("deleted expired responses"));
}
