//! A client that calls too often is told when to retry, and an invalid token is reported
//! as invalid all the same.

use prost::Message;
use prost_types::FileDescriptorSet;
use proto::auth::v1::{GetMeRequest, LogInRequest};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::admin::Admin;
use crate::app::{App, PASSWORD, bearer, new_account, reason, refusal};
use crate::programs;

const ADA: &str = "ada@example.org";
const BOB: &str = "bob@example.org";

async fn app(limits: &str) -> App {
    App::alone(&[&format!("--rate-limits=off,{limits}")]).await
}

/// Whose limit was exceeded.
fn by(status: &Status) -> String {
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(reason(status), "RATE_LIMITED");
    let details = status.get_error_details();
    assert!(details.retry_info().unwrap().retry_delay.is_some());
    details.error_info().unwrap().metadata["by"].clone()
}

#[tokio::test]
async fn sign_ups_of_one_address_are_limited_and_log_ins_go_on() {
    let app = app("sign_up:ip=2/h").await;
    app.sign_up(ADA).await.unwrap();
    app.sign_up(BOB).await.unwrap();

    let refused = app.sign_up("eve@example.org").await.unwrap_err();

    assert_eq!(by(&refused), "ip");
    app.log_in(ADA, PASSWORD).await.unwrap();
    let known: i64 = sqlx::query_scalar("SELECT count(*) FROM auth.emails")
        .fetch_one(&app.db)
        .await
        .unwrap();
    assert_eq!(known, 2);
}

#[tokio::test]
async fn a_refused_log_in_is_no_failure_of_its_account() {
    let app = app("log_in:ip=1/h").await;
    app.sign_up(ADA).await.unwrap();
    assert_eq!(
        refusal(app.log_in(BOB, PASSWORD).await),
        "INVALID_CREDENTIALS"
    );

    for _ in 0..20 {
        assert_eq!(refusal(app.log_in(ADA, "wrong").await), "RATE_LIMITED");
    }

    let replica = app.replica().await;
    replica.log_in(ADA, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn log_ins_are_counted_by_the_address_that_a_trusted_proxy_tells() {
    let flags = [
        "--rate-limits=off,log_in:ip=1/h",
        "--trusted-proxies=127.0.0.0/8",
    ];
    let app = App::alone(&flags).await;
    let from = async |address: &str| {
        let mut request = Request::new(LogInRequest {
            email: ADA.into(),
            password: PASSWORD.into(),
            ..LogInRequest::default()
        });
        let value = address.parse().unwrap();
        request.metadata_mut().insert("x-forwarded-for", value);
        reason(&app.auth.clone().log_in(request).await.unwrap_err())
    };

    assert_eq!(from("2001:db8::1").await, "INVALID_CREDENTIALS");
    assert_eq!(from("2001:db8::2").await, "RATE_LIMITED");
    assert_eq!(from("2001:db8:0:1::2").await, "INVALID_CREDENTIALS");
}

#[tokio::test]
async fn a_user_is_limited_and_another_one_is_not() {
    let app = app("account:user=2/h").await;
    let (ada, bob) = (app.user(ADA).await, app.user(BOB).await);
    for _ in 0..2 {
        app.get_me(&ada.access_token).await.unwrap();
    }

    let refused = app.get_me(&ada.access_token).await.unwrap_err();

    assert_eq!(by(&refused), "user");
    app.get_me(&bob.access_token).await.unwrap();
    // Another session of hers counts for the same user.
    let again = app.log_in(ADA, PASSWORD).await.unwrap();
    assert_eq!(
        refusal(app.get_me(&again.access_token).await),
        "RATE_LIMITED"
    );
}

#[tokio::test]
async fn a_dead_access_token_is_called_dead_whatever_its_users_limit() {
    let app = app("account:user=1/h").await;
    let ada = app.user(ADA).await;
    app.get_me(&ada.access_token).await.unwrap();
    assert_eq!(refusal(app.get_me(&ada.access_token).await), "RATE_LIMITED");

    app.advance(3600);

    assert_eq!(
        refusal(app.get_me(&ada.access_token).await),
        "TOKEN_EXPIRED"
    );
    let request = Request::new(GetMeRequest {});
    let missing = app.account.clone().get_me(request).await.unwrap_err();
    assert_eq!(reason(&missing), "TOKEN_MISSING");
}

#[tokio::test]
async fn a_revoked_token_uses_up_what_its_address_may_and_not_its_user() {
    let app = app("account:user=2/h,account:ip=9/h").await;
    let stolen = app.user(ADA).await;
    let ada = app.log_in(ADA, PASSWORD).await.unwrap();
    app.log_out(&stolen.refresh_token).await.unwrap();

    for _ in 0..5 {
        let refused = app.get_me(&stolen.access_token).await;
        assert_eq!(refusal(refused), "TOKEN_REVOKED");
    }

    for _ in 0..2 {
        app.get_me(&ada.access_token).await.unwrap();
    }
    let refused = app.get_me(&ada.access_token).await.unwrap_err();
    assert_eq!(by(&refused), "user");
    let refused = app.get_me(&stolen.access_token).await.unwrap_err();
    assert_eq!(by(&refused), "ip");
}

#[tokio::test]
async fn a_revoked_administrators_token_uses_up_what_its_address_may() {
    let app = app("admin:user=2/h,admin:ip=7/h").await;
    let stolen = Admin::new(&app, ADA).await;
    let ada = Admin::log_in(&app, ADA, &stolen.id).await;
    app.log_out(&stolen.tokens.refresh_token).await.unwrap();

    for _ in 0..5 {
        assert_eq!(refusal(stolen.get(&ada.id).await), "TOKEN_REVOKED");
    }

    for _ in 0..2 {
        ada.get(&stolen.id).await.unwrap();
    }
    assert_eq!(by(&stolen.get(&ada.id).await.unwrap_err()), "ip");
}

#[tokio::test]
async fn a_refresh_too_many_changes_nothing() {
    let app = app("refresh:user=1/h").await;
    let first = app.user(ADA).await;
    let second = app.refresh(&first.refresh_token).await.unwrap();
    let token = second.tokens.unwrap().refresh_token;

    for _ in 0..3 {
        let refused = app.refresh(&token).await.unwrap_err();
        assert_eq!(by(&refused), "user");
    }

    let replica = app.replica().await;
    assert!(!replica.refresh(&token).await.unwrap().replayed);
}

#[tokio::test]
async fn a_lost_answer_is_given_again_whatever_the_limit() {
    let app = app("refresh:user=1/h").await;
    let first = app.user(ADA).await.refresh_token;
    let answer = app.refresh(&first).await.unwrap();

    let again = app.refresh(&first).await.unwrap();

    assert!(again.replayed);
    let token = |answer: proto::auth::v1::RefreshTokenResponse| answer.tokens.unwrap();
    assert_eq!(token(again).refresh_token, token(answer).refresh_token);
}

#[tokio::test]
async fn a_lost_answer_is_not_given_without_end() {
    let app = app("refresh:user=2/h").await;
    let first = app.user(ADA).await.refresh_token;
    app.refresh(&first).await.unwrap();

    for _ in 0..2 {
        assert!(app.refresh(&first).await.unwrap().replayed);
    }

    assert_eq!(by(&app.refresh(&first).await.unwrap_err()), "user");
}

#[tokio::test]
async fn a_dead_refresh_token_leaves_the_other_sessions_their_limit() {
    let app = app("refresh:user=1/h").await;
    let dead = app.user(ADA).await.refresh_token;
    app.log_out(&dead).await.unwrap();
    let alive = app.log_in(ADA, PASSWORD).await.unwrap().refresh_token;

    for _ in 0..3 {
        assert_eq!(refusal(app.refresh(&dead).await), "SESSION_REVOKED");
    }

    app.refresh(&alive).await.unwrap();
}

#[tokio::test]
async fn a_dead_refresh_token_is_called_dead_whatever_the_limits() {
    let app = app("refresh:user=1/h,refresh:ip=2/h").await;
    let (ada, bob) = (app.user(ADA).await, app.user(BOB).await);
    let current = app.refresh(&ada.refresh_token).await.unwrap();
    let current = current.tokens.unwrap().refresh_token;
    app.refresh(&bob.refresh_token).await.unwrap();
    assert_eq!(refusal(app.refresh(&current).await), "RATE_LIMITED");

    assert_eq!(
        refusal(app.refresh("rt1_forged").await),
        "REFRESH_TOKEN_INVALID"
    );
    // After the grace period it counts as a copy.
    app.advance(60);
    assert_eq!(
        refusal(app.refresh(&bob.refresh_token).await),
        "REFRESH_TOKEN_REUSED"
    );
    app.log_out(&current).await.unwrap();
    for _ in 0..3 {
        assert_eq!(refusal(app.refresh(&current).await), "SESSION_REVOKED");
    }
    let expired = app.log_in(ADA, PASSWORD).await.unwrap().refresh_token;
    app.advance(14 * 86400);
    assert_eq!(refusal(app.refresh(&expired).await), "SESSION_EXPIRED");
}

#[tokio::test]
async fn a_program_is_limited_as_a_user_is() {
    let (_file, flag) = programs::secret_file(programs::SECRET);
    let app = App::alone(&[&flag, "--rate-limits=off,program:user=2/h"]).await;
    let token = programs::token(&app).await;
    let asks = async || refusal(programs::introspect(&app, &token, &token).await);

    for _ in 0..2 {
        // The contacts service may subscribe to revocations, but not introspect.
        assert_eq!(asks().await, "INSUFFICIENT_SCOPE");
    }

    assert_eq!(asks().await, "RATE_LIMITED");
}

#[tokio::test]
async fn a_program_gets_so_many_tokens_and_a_guess_uses_none_of_them_up() {
    let (_file, flag) = programs::secret_file(programs::SECRET);
    let limits = "--rate-limits=off,service_token:ip=7/h,service_token:user=2/h";
    let app = App::alone(&[&flag, limits]).await;
    let asks = async |name: &str, secret: &str| {
        let issued = programs::issue(&app, programs::asks(name, secret, &[])).await;
        issued.map(drop).map_err(|status| {
            let by = status.get_error_details().error_info().cloned().unwrap();
            (
                by.reason,
                by.metadata.get("by").cloned().unwrap_or_default(),
            )
        })
    };
    let invalid = || Err(("CLIENT_INVALID".to_owned(), String::new()));
    let limited = |by: &str| Err(("RATE_LIMITED".to_owned(), by.to_owned()));
    let (name, wrong) = ("contacts-service", "x".repeat(43));

    for _ in 0..2 {
        assert_eq!(asks(name, &wrong).await, invalid());
    }
    assert_eq!(asks(name, &wrong).await, limited("user"));
    for _ in 0..2 {
        assert_eq!(asks(name, programs::SECRET).await, Ok(()));
    }
    assert_eq!(asks(name, programs::SECRET).await, limited("user"));

    assert_eq!(asks("nobody", &wrong).await, invalid());
    assert_eq!(asks("somebody", &wrong).await, limited("ip"));
}

#[tokio::test]
async fn the_defaults_let_a_class_sign_up_at_once() {
    let app = App::alone(&["--rate-limits="]).await;
    for number in 0..60 {
        let email = format!("pupil-{number}@example.org");
        app.sign_up_as(&new_account(&email)).await.unwrap();
    }
}

#[test]
fn every_rpc_is_in_a_group_or_answers_from_memory() {
    let limits = auth_service::limits::GROUPS;
    let listed = |name: &str| limits.iter().any(|group| group.rpcs.contains(&name));
    let files = FileDescriptorSet::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
    let ours =
        |package: &&prost_types::FileDescriptorProto| package.package() == "addressbook.auth.v1";
    let mut without = Vec::new();
    for service in files
        .file
        .iter()
        .filter(ours)
        .flat_map(|file| &file.service)
    {
        for method in &service.method {
            let name = format!("{}/{}", service.name(), method.name());
            if !listed(&name) && !listed(&format!("{}/*", service.name())) {
                without.push(name);
            }
        }
    }

    assert_eq!(
        without,
        ["AuthService/GetJwks", "AuthService/GetServerInfo"]
    );
}

#[tokio::test]
async fn an_access_token_is_checked_before_its_user_is_counted() {
    let app = app("account:user=1/h").await;
    let ada = app.user(ADA).await;
    let forged = format!("{}x", ada.access_token);

    for _ in 0..5 {
        let request = bearer(GetMeRequest {}, &forged);
        let refused = app.account.clone().get_me(request).await.unwrap_err();
        assert_eq!(reason(&refused), "TOKEN_INVALID");
    }

    app.get_me(&ada.access_token).await.unwrap();
}
