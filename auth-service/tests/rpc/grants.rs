//! Tokens with `auth.admin`: who gets them, for what, and what a refusal changes.

use proto::auth::v1::log_in_response::Result as LogInResult;
use proto::auth::v1::{LogInRequest, TokenPair};
use serde_json::json;
use tonic::Code;
use tonic_types::StatusExt;

use crate::admin::{Admin, SCOPE, claims, make_admin, refresh_for};
use crate::app::{App, PASSWORD, fields, reason, refusal};
use crate::programs::{asks, issue};

const ADA: &str = "ada@example.com";

fn is_ordinary(tokens: &TokenPair) {
    let claims = claims(&tokens.access_token);
    assert_eq!(claims["scope"], "contacts.read contacts.write");
    assert_eq!(claims["aud"], "addressbook");
}

fn administers(tokens: &TokenPair) {
    let claims = claims(&tokens.access_token);
    assert_eq!(claims["scope"], "auth.admin");
    assert_eq!(claims["aud"], "addressbook/auth");
}

#[tokio::test]
async fn an_administrators_token_administers_where_that_was_asked_for() {
    let app = App::start().await;
    let ada = Admin::new(&app, ADA).await;
    administers(&ada.tokens);
    is_ordinary(&app.log_in(ADA, PASSWORD).await.unwrap());

    let tokens = app.refresh(&ada.tokens.refresh_token).await.unwrap();
    let tokens = tokens.tokens.unwrap();
    is_ordinary(&tokens);
    let by = Admin::with(&app, tokens.clone(), ada.id.clone());
    assert_eq!(refusal(by.get(&ada.id).await), "INSUFFICIENT_SCOPE");
    let by = Admin::refreshed(&app, &tokens, &ada.id).await;
    administers(&by.tokens);
    by.get(&ada.id).await.unwrap();
    app.get_me(&by.tokens.access_token).await.unwrap();
}

#[tokio::test]
async fn whoever_lacks_the_role_is_told_so_and_loses_nothing() {
    let app = App::start().await;
    let tokens = app.user(ADA).await;

    let log_in = app.log_in_for(ADA, PASSWORD, &[SCOPE]).await.unwrap_err();
    let refresh = refresh_for(&app, &tokens.refresh_token, &[SCOPE]).await;

    for status in [log_in, refresh.unwrap_err()] {
        assert_eq!(status.code(), Code::PermissionDenied);
        assert_eq!(reason(&status), "SCOPE_NOT_ALLOWED");
        let info = status.get_details_error_info().unwrap();
        assert_eq!(info.metadata["scope"], SCOPE);
    }
    assert_eq!(app.audit().await, ["sign_up", "log_in", "log_in_failed"]);
    app.refresh(&tokens.refresh_token).await.unwrap();
    let wrong = app.log_in_for(ADA, "not-the-password", &[SCOPE]).await;
    assert_eq!(refusal(wrong), "INVALID_CREDENTIALS");
}

#[tokio::test]
async fn an_unknown_scope_is_named() {
    let app = App::start().await;
    let ada = Admin::new(&app, ADA).await;
    for scopes in [
        &["contacts.read"][..],
        &[SCOPE, "contacts.read"],
        &[""],
        &["auth.admin auth.admin"],
        &["auth.introspect"],
    ] {
        let log_in = app.log_in_for(ADA, PASSWORD, scopes).await;
        let refresh = refresh_for(&app, &ada.tokens.refresh_token, scopes).await;
        for status in [log_in.unwrap_err(), refresh.unwrap_err()] {
            assert_eq!(status.code(), Code::InvalidArgument);
            assert_eq!(reason(&status), "SCOPE_UNKNOWN", "{scopes:?}");
            assert_eq!(fields(&status), ["scopes"]);
        }
    }
    app.refresh(&ada.tokens.refresh_token).await.unwrap();
}

#[tokio::test]
async fn a_session_administers_for_a_while_after_its_log_in() {
    for (flag, seconds) in [(None, 900), (Some("--admin-authentication-seconds=60"), 60)] {
        let app = App::start_with(flag.as_slice()).await;
        let ada = Admin::new(&app, ADA).await;
        app.advance(seconds);
        let tokens = refresh_for(&app, &ada.tokens.refresh_token, &[SCOPE]).await;
        let tokens = tokens.unwrap();
        administers(&tokens);

        app.advance(1);
        let status = refresh_for(&app, &tokens.refresh_token, &[SCOPE]).await;
        let status = status.unwrap_err();

        assert_eq!(status.code(), Code::Unauthenticated);
        assert_eq!(reason(&status), "AUTHENTICATION_TOO_OLD");
        assert!(status.message().contains("log in again"), "{status:?}");
        let answer = app.refresh(&tokens.refresh_token).await.unwrap();
        assert!(!answer.replayed);
        is_ordinary(&answer.tokens.unwrap());
        administers(&app.log_in_for(ADA, PASSWORD, &[SCOPE]).await.unwrap());
    }
}

#[tokio::test]
async fn the_second_factor_is_asked_for_and_gives_what_the_log_in_asked_for() {
    let app = App::start().await;
    let ada = app.secured(ADA).await;
    make_admin(&app, ADA).await.unwrap();
    let weak = refresh_for(&app, &ada.tokens.refresh_token, &[SCOPE]).await;
    let weak = weak.unwrap_err();
    assert_eq!(weak.code(), Code::Unauthenticated);
    assert_eq!(reason(&weak), "AUTHENTICATION_TOO_WEAK");
    app.refresh(&ada.tokens.refresh_token).await.unwrap();

    let ordinary = app.challenge(ADA).await.id;
    let answer = app.answer(&ordinary, &ada.code(&app)).await.unwrap();
    is_ordinary(&answer.tokens.unwrap());
    app.advance(30);
    let asked = asks_for_both(&app).await;
    let answer = app.answer(&asked, &ada.code(&app)).await.unwrap();
    let tokens = answer.tokens.unwrap();
    administers(&tokens);
    assert_eq!(
        claims(&tokens.access_token)["amr"],
        json!(["pwd", "otp", "mfa"])
    );

    // A user who loses the role meanwhile gets no session, and the code remains unused.
    app.advance(30);
    let asked = asks_for_both(&app).await;
    app.sql("UPDATE auth.users SET roles = '{}'").await;
    let refused = app.answer(&asked, &ada.code(&app)).await;
    assert_eq!(refusal(refused), "SCOPE_NOT_ALLOWED");
    let ordinary = app.challenge(ADA).await.id;
    app.answer(&ordinary, &ada.code(&app)).await.unwrap();
}

/// The challenge of a log-in with `auth.admin`.
async fn asks_for_both(app: &App) -> String {
    let request = LogInRequest {
        email: ADA.into(),
        password: PASSWORD.into(),
        scopes: vec![SCOPE.into()],
        ..LogInRequest::default()
    };
    let answer = app.auth.clone().log_in(request).await.unwrap();
    match answer.into_inner().result.unwrap() {
        LogInResult::MfaChallenge(challenge) => challenge.id,
        LogInResult::Tokens(_) => unreachable!("the account has a second factor"),
    }
}

#[tokio::test]
async fn a_repeated_refresh_gives_the_same_successor_whatever_it_asks_for() {
    let app = App::start().await;
    let ada = Admin::new(&app, ADA).await;
    let token = &ada.tokens.refresh_token;
    app.advance(890);

    let first = refresh_for(&app, token, &[SCOPE]).await.unwrap();
    let again = refresh_for(&app, token, &[SCOPE]).await.unwrap();
    let ordinary = app.refresh(token).await.unwrap();
    administers(&first);
    administers(&again);
    assert!(ordinary.replayed);
    let ordinary = ordinary.tokens.unwrap();
    is_ordinary(&ordinary);

    // By now the log-in is too old, but the refresh token is not.
    app.advance(20);
    let late = refresh_for(&app, token, &[SCOPE]).await;
    assert_eq!(refusal(late), "AUTHENTICATION_TOO_OLD");
    let last = app.refresh(token).await.unwrap().tokens.unwrap();
    for other in [again, ordinary, last] {
        assert_eq!(other.refresh_token, first.refresh_token);
    }
    app.refresh(&first.refresh_token).await.unwrap();
    // An old token revokes the session, whatever scopes it requests.
    app.advance(60);
    let reused = refresh_for(&app, token, &[SCOPE]).await;
    assert_eq!(refusal(reused), "REFRESH_TOKEN_REUSED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn refreshes_at_once_converge_whatever_they_ask_for() {
    let app = App::start().await;
    let replica = app.replica().await;
    let ada = Admin::new(&app, ADA).await;
    app.user("bob@example.com").await;
    let bob = app.log_in("bob@example.com", PASSWORD).await.unwrap();
    for (tokens, is_admin) in [(ada.tokens, true), (bob, false)] {
        let token = &tokens.refresh_token;
        let asking = (0..16).map(|number| {
            let at = if number % 2 == 0 { &app } else { &replica };
            let scopes: &[&str] = if number % 4 < 2 { &[SCOPE] } else { &[] };
            async move { (scopes.is_empty(), refresh_for(at, token, scopes).await) }
        });

        let mut successors = Vec::new();
        for (is_plain, answer) in futures_util::future::join_all(asking).await {
            match &answer {
                Ok(tokens) if is_plain => is_ordinary(tokens),
                Ok(tokens) => administers(tokens),
                Err(status) => {
                    assert!(!is_plain && !is_admin, "{status:?}");
                    assert_eq!(reason(status), "SCOPE_NOT_ALLOWED");
                }
            }
            successors.extend(answer.ok().map(|tokens| tokens.refresh_token));
        }

        assert_eq!(successors.len(), if is_admin { 16 } else { 8 });
        successors.dedup();
        assert_eq!(successors.len(), 1);
        app.refresh(&successors[0]).await.unwrap();
    }
}

#[tokio::test]
async fn a_program_administers_where_it_asks_for_that_alone() {
    let app = App::start().await;
    let by = Admin::new(&app, ADA).await;
    let all = ["auth.admin", "auth.introspect", "contacts.read"];
    let (_, secret) = by.create("console", &all).await.unwrap();
    let ask = async |scopes: &[&str], audience: &str| {
        let mut request = asks("console", &secret, scopes);
        request.audience = audience.into();
        let issued = issue(&app, request).await?;
        let claims = claims(&issued.access_token);
        Ok((
            issued.scopes.join(" "),
            claims["aud"].as_str().unwrap().to_owned(),
        ))
    };
    let (all, own) = ("addressbook", "addressbook/auth");
    for (scopes, audience, granted, aud) in [
        (&[][..], "", "auth.introspect contacts.read", all),
        (&["auth.introspect"], own, "auth.introspect", own),
        (&["contacts.read"], all, "contacts.read", all),
        (&["auth.admin"], "", "auth.admin", own),
        (
            &["auth.admin", "auth.introspect"],
            own,
            "auth.admin auth.introspect",
            own,
        ),
    ] {
        let issued = ask(scopes, audience).await.unwrap();
        assert_eq!(issued, (granted.to_owned(), aud.to_owned()));
    }
    for (scopes, audience, refused) in [
        (&["auth.admin", "contacts.read"][..], "", "SCOPES_MIXED"),
        (&["auth.admin"], all, "AUDIENCE_UNKNOWN"),
        (
            &["auth.introspect"],
            "addressbook/contacts",
            "AUDIENCE_UNKNOWN",
        ),
        (&["contacts.write"], "", "SCOPE_NOT_ALLOWED"),
    ] {
        let answer: Result<_, tonic::Status> = ask(scopes, audience).await;
        assert_eq!(refusal(answer), refused, "{scopes:?}");
    }
}
