//! Who may call `AccountService`.

use proto::auth::v1::account_service_client::AccountServiceClient;
use proto::auth::v1::{
    ChangePasswordRequest, GetMeRequest, ListSessionsRequest, RevokeOtherSessionsRequest,
    RevokeSessionRequest, UpdateMeRequest, User,
};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::app::{App, OTHER_PASSWORD, PASSWORD, reason};

fn with<T>(message: T, authorization: Option<&str>) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(value) = authorization {
        request
            .metadata_mut()
            .insert("authorization", value.parse().unwrap());
    }
    request
}

/// The outcome of each RPC with this `authorization` entry.
async fn every_rpc(
    mut client: AccountServiceClient<Channel>,
    authorization: Option<&str>,
    session_id: &str,
) -> Vec<(&'static str, Result<(), Status>)> {
    let update = UpdateMeRequest {
        user: Some(User {
            display_name: "Mallory".into(),
            ..User::default()
        }),
        update_mask: None,
    };
    let password = ChangePasswordRequest {
        current_password: PASSWORD.into(),
        new_password: OTHER_PASSWORD.into(),
    };
    let revoke = RevokeSessionRequest {
        session_id: session_id.into(),
    };
    let page = with(ListSessionsRequest::default(), authorization);
    let others = with(RevokeOtherSessionsRequest {}, authorization);
    let get = with(GetMeRequest {}, authorization);
    let (update, password) = (with(update, authorization), with(password, authorization));
    let revoke = with(revoke, authorization);
    vec![
        ("GetMe", client.get_me(get).await.map(drop)),
        ("UpdateMe", client.update_me(update).await.map(drop)),
        ("ListSessions", client.list_sessions(page).await.map(drop)),
        (
            "RevokeSession",
            client.revoke_session(revoke).await.map(drop),
        ),
        (
            "RevokeOtherSessions",
            client.revoke_other_sessions(others).await.map(drop),
        ),
        (
            "ChangePassword",
            client.change_password(password).await.map(drop),
        ),
    ]
}

async fn all_refuse(
    app: &App,
    authorization: Option<&str>,
    session_id: &str,
    expected: (Code, &str),
) {
    for (rpc, outcome) in every_rpc(app.account.clone(), authorization, session_id).await {
        let status = outcome.unwrap_err();
        assert_eq!(
            (status.code(), &*reason(&status)),
            expected,
            "{rpc} {authorization:?}"
        );
    }
}

#[tokio::test]
async fn every_rpc_needs_a_good_token() {
    let app = App::start().await;
    let tokens = app.user("ada@example.org").await;
    let elsewhere = App::start().await.user("ada@example.org").await;
    let (session, access) = (&tokens.session_id, &tokens.access_token);

    let refuse = |reason| (Code::Unauthenticated, reason);
    all_refuse(&app, None, session, refuse("TOKEN_MISSING")).await;
    for bad in [
        "Bearer",
        "Bearer ",
        "Bearer x",
        access,
        &format!("Basic {access}"),
        &format!("Bearer {access}x"),
        &format!("Bearer {}", tokens.refresh_token),
        &format!("Bearer {}", elsewhere.access_token),
    ] {
        all_refuse(&app, Some(bad), session, refuse("TOKEN_INVALID")).await;
    }
    assert_eq!(
        app.get_me(access).await.unwrap().display_name,
        "Ada Lovelace"
    );
    app.refresh(&tokens.refresh_token).await.unwrap();
}

#[tokio::test]
async fn every_rpc_refuses_a_token_that_is_expired() {
    let app = App::start().await;
    let tokens = app.user("ada@example.org").await;
    let bearer = format!("Bearer {}", tokens.access_token);

    app.advance(629);
    app.get_me(&tokens.access_token).await.unwrap();
    app.advance(1);

    let expired = (Code::Unauthenticated, "TOKEN_EXPIRED");
    all_refuse(&app, Some(&bearer), &tokens.session_id, expired).await;
}

#[tokio::test]
async fn every_rpc_refuses_a_token_whose_session_is_over() {
    let app = App::start().await;
    let tokens = app.user("ada@example.org").await;
    let bearer = format!("Bearer {}", tokens.access_token);
    let over = (Code::Unauthenticated, "TOKEN_REVOKED");

    app.sql("UPDATE auth.sessions SET revoke_time = now()")
        .await;
    all_refuse(&app, Some(&bearer), &tokens.session_id, over).await;
    app.sql("UPDATE auth.sessions SET revoke_time = NULL, idle_expire_time = 'epoch'")
        .await;
    all_refuse(&app, Some(&bearer), &tokens.session_id, over).await;
    app.sql("DELETE FROM auth.sessions").await;
    all_refuse(&app, Some(&bearer), &tokens.session_id, over).await;
}

#[tokio::test]
async fn every_rpc_refuses_a_disabled_account() {
    let app = App::start().await;
    let tokens = app.user("ada@example.org").await;
    let bearer = format!("Bearer {}", tokens.access_token);
    app.sql("UPDATE auth.users SET disable_time = now()").await;

    let disabled = (Code::PermissionDenied, "ACCOUNT_DISABLED");
    all_refuse(&app, Some(&bearer), &tokens.session_id, disabled).await;
}

#[tokio::test]
async fn a_token_for_another_audience_is_refused() {
    let app = App::start().await;
    app.sign_up("ada@example.org").await.unwrap();
    let other = app.replica_with(&["--audience=elsewhere"]).await;
    let tokens = other.log_in("ada@example.org", PASSWORD).await.unwrap();

    let status = app.get_me(&tokens.access_token).await.unwrap_err();

    assert_eq!(reason(&status), "TOKEN_WRONG_AUDIENCE");
}
