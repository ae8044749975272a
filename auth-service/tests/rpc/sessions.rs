//! `ListSessions`, `RevokeSession` and `RevokeOtherSessions`.

use proto::auth::v1::{
    ListSessionsRequest, ListSessionsResponse, RevokeOtherSessionsRequest, RevokeSessionRequest,
    TokenPair,
};
use tonic::{Code, Status};

use crate::app::{App, PASSWORD, START, bearer, endpoint, reason, refusal};

async fn page(
    app: &App,
    access: &str,
    size: i32,
    token: &str,
) -> Result<ListSessionsResponse, Status> {
    let request = ListSessionsRequest {
        page_size: size,
        page_token: token.into(),
    };
    Ok(app
        .account
        .clone()
        .list_sessions(bearer(request, access))
        .await?
        .into_inner())
}

async fn revoke(app: &App, access: &str, session_id: &str) -> Result<(), Status> {
    let request = RevokeSessionRequest {
        session_id: session_id.into(),
    };
    app.account
        .clone()
        .revoke_session(bearer(request, access))
        .await
        .map(drop)
}

async fn revoke_others(app: &App, access: &str) -> Result<i32, Status> {
    let request = bearer(RevokeOtherSessionsRequest {}, access);
    let answer = app.account.clone().revoke_other_sessions(request).await?;
    Ok(answer.into_inner().revoked_count)
}

#[tokio::test]
async fn a_list_shows_live_sessions_the_latest_first() {
    let app = App::start().await;
    let first = app.user("ada@example.org").await;
    let second = app.log_in("ada@example.org", PASSWORD).await.unwrap();
    let over = app.log_in("ada@example.org", PASSWORD).await.unwrap();
    app.log_out(&over.refresh_token).await.unwrap();
    app.user("bob@example.org").await;
    app.advance(60);
    app.refresh(&first.refresh_token).await.unwrap();

    let sessions = app.sessions(&first.access_token).await;

    let ids: Vec<_> = sessions.iter().map(|session| &session.id).collect();
    assert_eq!(ids, [&second.session_id, &first.session_id]);
    assert!(sessions[1].current && !sessions[0].current);
    assert_eq!(sessions[1].client_label, "test");
    assert_eq!(sessions[1].ip, "127.0.0.1");
    assert_eq!(sessions[1].create_time.unwrap().seconds, START);
    assert_eq!(sessions[1].last_seen_time.unwrap().seconds, START + 60);
    assert_eq!(
        sessions[1].idle_expire_time.unwrap().seconds,
        START + 60 + 14 * 86_400
    );
    assert_eq!(
        sessions[1].absolute_expire_time.unwrap().seconds,
        START + 90 * 86_400
    );
}

#[tokio::test]
async fn pages_show_every_session_once() {
    let app = App::start().await;
    let access = app.user("ada@example.org").await.access_token;
    for _ in 0..6 {
        app.log_in("ada@example.org", PASSWORD).await.unwrap();
    }

    let (mut seen, mut token, mut sizes) = (Vec::new(), String::new(), Vec::new());
    loop {
        let page = page(&app, &access, 3, &token).await.unwrap();
        sizes.push(page.sessions.len());
        seen.extend(page.sessions.into_iter().map(|session| session.id));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }

    assert_eq!(sizes, [3, 3, 1]);
    assert!(seen.is_sorted_by(|a, b| a > b));
    assert_eq!(
        page(&app, &access, 7, "").await.unwrap().next_page_token,
        ""
    );
    assert_eq!(
        page(&app, &access, i32::MAX, "")
            .await
            .unwrap()
            .sessions
            .len(),
        7
    );
}

#[tokio::test]
async fn a_page_token_is_for_its_owner() {
    let app = App::start().await;
    let ada = app.user("ada@example.org").await.access_token;
    app.log_in("ada@example.org", PASSWORD).await.unwrap();
    let bob = app.user("bob@example.org").await.access_token;
    let token = page(&app, &ada, 1, "").await.unwrap().next_page_token;
    assert!(!token.is_empty());

    for (access, token) in [
        (&bob, &*token),
        (&ada, "nonsense"),
        (&ada, &token[1..]),
        (&ada, "\0"),
    ] {
        assert_eq!(
            refusal(page(&app, access, 1, token).await),
            "PAGE_TOKEN_INVALID"
        );
    }
    assert_eq!(refusal(page(&app, &ada, -1, "").await), "PAGE_SIZE_INVALID");
}

#[tokio::test]
async fn a_revoked_session_is_over_and_others_are_not() {
    let app = App::start().await;
    let mine = app.user("ada@example.org").await;
    let other = app.log_in("ada@example.org", PASSWORD).await.unwrap();

    revoke(&app, &mine.access_token, &other.session_id)
        .await
        .unwrap();

    assert_eq!(
        refusal(app.refresh(&other.refresh_token).await),
        "SESSION_REVOKED"
    );
    assert_eq!(
        refusal(app.get_me(&other.access_token).await),
        "TOKEN_REVOKED"
    );
    app.refresh(&mine.refresh_token).await.unwrap();
    let again = revoke(&app, &mine.access_token, &other.session_id).await;
    assert_eq!(refusal(again), "SESSION_NOT_FOUND");
    assert_eq!(app.audit().await.last().unwrap(), "session_revoked");
}

#[tokio::test]
async fn someone_elses_session_looks_missing_and_lives() {
    let app = App::start().await;
    let ada = app.user("ada@example.org").await;
    let bob = app.user("bob@example.org").await;

    let status = revoke(&app, &bob.access_token, &ada.session_id)
        .await
        .unwrap_err();
    let missing = revoke(&app, &bob.access_token, &uuid::Uuid::nil().to_string())
        .await
        .unwrap_err();

    assert_eq!(
        (status.code(), reason(&status)),
        (Code::NotFound, "SESSION_NOT_FOUND".into())
    );
    assert_eq!(
        (status.message(), status.details()),
        (missing.message(), missing.details())
    );
    app.refresh(&ada.refresh_token).await.unwrap();
    for text in ["", "x", "\0", "' OR 1=1 --"] {
        assert_eq!(
            refusal(revoke(&app, &bob.access_token, text).await),
            "ID_INVALID"
        );
    }
}

#[tokio::test]
async fn revoking_the_others_spares_the_caller_and_other_users() {
    let app = App::start().await;
    let mine = app.user("ada@example.org").await;
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(app.log_in("ada@example.org", PASSWORD).await.unwrap());
    }
    app.log_out(&others[2].refresh_token).await.unwrap();
    let bob = app.user("bob@example.org").await;

    let request = || bearer(RevokeOtherSessionsRequest {}, &mine.access_token);
    let answer = app
        .account
        .clone()
        .revoke_other_sessions(request())
        .await
        .unwrap();
    let again = app
        .account
        .clone()
        .revoke_other_sessions(request())
        .await
        .unwrap();

    assert_eq!(answer.into_inner().revoked_count, 2);
    assert_eq!(again.into_inner().revoked_count, 0);
    assert_eq!(app.sessions(&mine.access_token).await.len(), 1);
    assert_eq!(
        refusal(app.refresh(&others[0].refresh_token).await),
        "SESSION_REVOKED"
    );
    app.refresh(&mine.refresh_token).await.unwrap();
    app.refresh(&bob.refresh_token).await.unwrap();
}

#[tokio::test]
async fn a_long_user_agent_is_cut_and_not_refused() {
    let mut app = App::start().await;
    let endpoint = endpoint(&app.address)
        .user_agent("agent ".repeat(100))
        .unwrap();
    app.auth =
        proto::auth::v1::auth_service_client::AuthServiceClient::new(endpoint.connect_lazy());

    let access = app.user("ada@example.org").await.access_token;

    let sessions = app.sessions(&access).await;
    assert_eq!(sessions[0].user_agent.chars().count(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_sessions_that_end_each_other_at_once_one_goes_on() {
    let app = App::start().await;
    let replica = app.replica().await;
    for all_others in [true, false] {
        let email = format!("{all_others}@example.org");
        let first = app.user(&email).await;
        let second = app.log_in(&email, PASSWORD).await.unwrap();
        let ends = async |app: &App, own: &TokenPair, other: &TokenPair| {
            if all_others {
                revoke_others(app, &own.access_token).await.map(drop)
            } else {
                revoke(app, &own.access_token, &other.session_id).await
            }
        };
        let held = app
            .begin_with("SELECT 1 FROM auth.users, auth.sessions FOR UPDATE")
            .await;

        let (one, two, ()) = tokio::join!(
            ends(&app, &first, &second),
            ends(&replica, &second, &first),
            async {
                app.waiting_for_a_lock(2).await;
                held.rollback().await.unwrap();
            }
        );

        let (won, lost, over) = if one.is_ok() {
            (first, two, second)
        } else {
            two.unwrap();
            (second, one, first)
        };
        assert_eq!(refusal(lost), "TOKEN_REVOKED");
        app.get_me(&won.access_token).await.unwrap();
        app.refresh(&won.refresh_token).await.unwrap();
        let refreshed = app.refresh(&over.refresh_token).await;
        assert_eq!(refusal(refreshed), "SESSION_REVOKED");
    }
}
