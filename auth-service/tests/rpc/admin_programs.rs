//! What administrators do with programs.

use proto::auth::v1::watch_revocations_response::Revoked;
use proto::auth::v1::{
    CreateServiceAccountResponse, ListServiceAccountsRequest, RotateServiceAccountSecretResponse,
    ServiceAccount,
};

use crate::admin::Admin;
use crate::app::{App, fields, reason, refusal};
use crate::at_rest::dump;
use crate::programs::{self, SECRET, asks, introspect, issue};
use crate::revocations::{next, watch};

async fn works(app: &App, secret: &str) -> bool {
    issue(app, asks("mailer", secret, &[])).await.is_ok()
}

async fn list(by: &Admin, page_size: i32, page_token: &str) -> (Vec<ServiceAccount>, String) {
    let request = by.asks(ListServiceAccountsRequest {
        page_size,
        page_token: page_token.into(),
    });
    let page = by
        .client
        .clone()
        .list_service_accounts(request)
        .await
        .unwrap();
    let page = page.into_inner();
    (page.service_accounts, page.next_page_token)
}

#[tokio::test]
async fn a_secret_is_shown_once_and_rests_nowhere() {
    let app = App::start().await;
    let by = Admin::new(&app, "ada@example.org").await;

    let (id, first) = by
        .create("mailer", &["contacts.read", "contacts.read"])
        .await
        .unwrap();
    app.advance(5);
    let second = by.rotate_secret("mailer").await.unwrap();

    assert!(
        first.starts_with("abs1_") && first.len() == 48,
        "{}",
        first.len()
    );
    let issued = issue(&app, asks("mailer", &first, &[])).await.unwrap();
    assert_eq!(issued.scopes, ["contacts.read"]);
    let (programs, _) = list(&by, 0, "").await;
    assert_eq!(programs.len(), 1);
    assert_eq!((&*programs[0].client_id, &programs[0].id), ("mailer", &id));
    assert!(!programs[0].built_in);
    let times = programs[0]
        .secret_create_times
        .iter()
        .map(|time| time.seconds);
    let start = programs[0].create_time.unwrap().seconds;
    assert_eq!(times.collect::<Vec<_>>(), [start + 5, start]);
    let dump = dump(&app).await;
    for secret in [&first, &second] {
        for usable in [secret.as_str(), &secret[5..], &hex::encode(secret)] {
            assert!(!dump.contains(usable));
        }
        assert!(!format!("{programs:?}").contains(&secret[5..]));
    }
    let answers = (
        CreateServiceAccountResponse {
            client_secret: first.clone(),
            ..CreateServiceAccountResponse::default()
        },
        RotateServiceAccountSecretResponse {
            client_secret: first.clone(),
            ..RotateServiceAccountSecretResponse::default()
        },
    );
    assert!(!format!("{answers:?}").contains("abs1_"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_secrets_work_and_the_third_ends_the_first() {
    let app = App::start().await;
    let by = Admin::new(&app, "ada@example.org").await;
    let (_, first) = by.create("mailer", &["contacts.read"]).await.unwrap();
    app.advance(1);
    let second = by.rotate_secret("mailer").await.unwrap();
    assert!(works(&app, &first).await && works(&app, &second).await);

    app.advance(1);
    let third = by.rotate_secret("mailer").await.unwrap();

    assert!(!works(&app, &first).await);
    assert!(works(&app, &second).await && works(&app, &third).await);

    // Also for several calls at once, without an administrator's row as a lock.
    let (_, secret) = by.create("console", &["auth.admin"]).await.unwrap();
    let issued = issue(&app, asks("console", &secret, &[])).await.unwrap();
    let console = Admin::program(&app, issued.access_token);
    app.sql("UPDATE auth.users SET roles = '{}'").await;
    app.advance(1);
    let (a, b, c, d) = tokio::join!(
        console.rotate_secret("mailer"),
        console.rotate_secret("mailer"),
        console.rotate_secret("mailer"),
        console.rotate_secret("mailer"),
    );
    let mut working = 0;
    for secret in [a, b, c, d] {
        working += usize::from(works(&app, &secret.unwrap()).await);
    }
    assert_eq!(working, 2);
    assert!(!works(&app, &second).await && !works(&app, &third).await);
}

#[tokio::test]
async fn a_deleted_programs_secrets_and_tokens_end() {
    let app = programs::app().await;
    let by = Admin::new(&app, "ada@example.org").await;
    let (id, secret) = by
        .create("mailer", &["auth.introspect", "auth.revocations"])
        .await
        .unwrap();
    let token = issue(&app, asks("mailer", &secret, &[]))
        .await
        .unwrap()
        .access_token;
    assert!(introspect(&app, &token, &token).await.unwrap().active);
    let mut feed = watch(&app, "").await;

    by.delete("mailer").await.unwrap();

    assert_eq!(next(&mut feed).await.0, [Revoked::UserId(id.clone())]);
    assert!(!works(&app, &secret).await);
    assert_eq!(
        refusal(introspect(&app, &token, &token).await),
        "TOKEN_REVOKED"
    );
    assert_eq!(
        refusal(by.delete("mailer").await),
        "SERVICE_ACCOUNT_NOT_FOUND"
    );
    assert_eq!(
        refusal(by.rotate_secret("mailer").await),
        "SERVICE_ACCOUNT_NOT_FOUND"
    );

    // A new one with the same name is a different one.
    let (other, _) = by.create("mailer", &["auth.introspect"]).await.unwrap();
    assert_ne!(other, id);
    assert!(!works(&app, &secret).await);
    assert_eq!(
        refusal(introspect(&app, &token, &token).await),
        "TOKEN_REVOKED"
    );
}

#[tokio::test]
async fn the_systems_own_program_is_not_touched() {
    let app = programs::app().await;
    let by = Admin::new(&app, "ada@example.org").await;

    for name in ["contacts-service", "addressbook"] {
        let refused = [
            refusal(by.create(name, &["auth.admin"]).await),
            refusal(by.rotate_secret(name).await),
            refusal(by.delete(name).await),
        ];
        let known = refused
            .iter()
            .all(|reason| reason == "SERVICE_ACCOUNT_BUILT_IN");
        assert!(known, "{name} {refused:?}");
    }

    issue(&app, asks("contacts-service", SECRET, &[]))
        .await
        .unwrap();
    assert!(list(&by, 0, "").await.0[0].built_in);
}

#[tokio::test]
async fn bad_names_and_unknown_scopes_make_no_program() {
    let app = App::start().await;
    let by = Admin::new(&app, "ada@example.org").await;

    for bad in ["", "Mailer", "a b", "a\0", "-a", &"a".repeat(65)] {
        let status = by.create(bad, &["contacts.read"]).await.unwrap_err();
        assert_eq!(reason(&status), "CLIENT_ID_INVALID", "{bad:?}");
        assert_eq!(fields(&status), ["client_id"]);
        for refused in [by.delete(bad).await, by.rotate_secret(bad).await.map(drop)] {
            assert_eq!(refusal(refused), "SERVICE_ACCOUNT_NOT_FOUND", "{bad:?}");
        }
    }
    for bad in [
        &[][..],
        &["contacts.read", "root"],
        &["contacts.read auth.admin"],
        &[""],
    ] {
        let status = by.create("mailer", bad).await.unwrap_err();
        assert_eq!(reason(&status), "SCOPE_UNKNOWN", "{bad:?}");
        assert_eq!(fields(&status), ["scopes"]);
    }
    assert!(list(&by, 0, "").await.0.is_empty());

    by.create("mailer", &["contacts.read"]).await.unwrap();
    let again = by.create("mailer", &["auth.admin"]).await;
    assert_eq!(refusal(again), "SERVICE_ACCOUNT_TAKEN");
}

#[tokio::test]
async fn programs_are_listed_by_name_page_by_page() {
    let app = App::start().await;
    let by = Admin::new(&app, "ada@example.org").await;
    for name in ["d", "a", "c"] {
        by.create(name, &["contacts.read"]).await.unwrap();
    }

    let (first, token) = list(&by, 2, "").await;
    by.create("b", &["contacts.read"]).await.unwrap();
    let (rest, end) = list(&by, 2, &token).await;

    let names = first.iter().chain(&rest).map(|program| &*program.client_id);
    assert_eq!(names.collect::<Vec<_>>(), ["a", "c", "d"]);
    assert_eq!(end, "");
}
