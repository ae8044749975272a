//! `ListDeletedUsers`.

use proto::auth::v1::{ListDeletedUsersRequest, ListDeletedUsersResponse};
use tonic::{Code, Status};

use crate::app::{App, PASSWORD, bearer, fields, reason};
use crate::deletion::delete;
use crate::programs::{app, client, token};

/// How long until no token of a deleted user works, and until the user is no longer
/// listed again.
const LIFE: i64 = 630;
const OVERLAP: i64 = 120;

async fn ask(
    app: &App,
    by: &str,
    request: ListDeletedUsersRequest,
) -> Result<ListDeletedUsersResponse, Status> {
    let mut client = client(app);
    let answer = client.list_deleted_users(bearer(request, by)).await?;
    Ok(answer.into_inner())
}

async fn list(app: &App, since: &str) -> ListDeletedUsersResponse {
    let request = ListDeletedUsersRequest {
        since_cursor: since.into(),
        ..ListDeletedUsersRequest::default()
    };
    ask(app, &token(app).await, request).await.unwrap()
}

fn ids(answer: &ListDeletedUsersResponse) -> Vec<&str> {
    let users = answer.deleted_users.iter();
    users.map(|user| user.user_id.as_str()).collect()
}

/// Creates an account and deletes it; returns its id.
async fn deleted(app: &App, email: &str) -> String {
    let user = app.sign_up(email).await.unwrap();
    let tokens = app.log_in(email, PASSWORD).await.unwrap();
    delete(app, &tokens.access_token, PASSWORD).await.unwrap();
    user.id
}

#[tokio::test]
async fn a_deleted_user_is_told_until_its_tokens_have_ended_and_then_kept() {
    let app = app().await;
    assert_eq!(ids(&list(&app, "").await), [""; 0]);
    let ada = deleted(&app, "ada@example.org").await;

    let at_once = list(&app, "").await;
    assert_eq!(ids(&at_once), [&*ada]);
    assert!(!at_once.deleted_users[0].tokens_ended);
    let again = list(&app, &at_once.cursor).await;
    assert_eq!(ids(&again), [&*ada]);

    app.advance(LIFE + 1);
    let ended = list(&app, &again.cursor).await;
    assert_eq!(ids(&ended), [&*ada]);
    assert!(ended.deleted_users[0].tokens_ended);
    assert_eq!(ids(&list(&app, &ended.cursor).await), [&*ada]);

    app.advance(OVERLAP);
    let last = list(&app, &ended.cursor).await;
    assert_eq!(ids(&last), [&*ada]);
    assert_eq!(ids(&list(&app, &last.cursor).await), [""; 0]);

    // A service without a cursor gets all deleted users.
    app.advance(10 * 365 * 86_400);
    assert_eq!(ids(&list(&app, "").await), [&*ada]);
}

#[tokio::test]
async fn pages_follow_each_other_and_the_cursor_waits() {
    let app = app().await;
    let mut all = Vec::new();
    for n in 0..5 {
        all.push(deleted(&app, &format!("ada{n}@example.org")).await);
        // The last two are too recent for the cursor.
        app.advance(if n == 2 { LIFE + OVERLAP } else { 1 });
    }
    let by = token(&app).await;

    let mut request = ListDeletedUsersRequest {
        page_size: 2,
        ..ListDeletedUsersRequest::default()
    };
    let (mut told, mut cursors) = (Vec::new(), Vec::new());
    loop {
        let page = ask(&app, &by, request.clone()).await.unwrap();
        told.extend(ids(&page).into_iter().map(str::to_owned));
        cursors.push(page.cursor);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }

    assert_eq!(told, all);
    assert_eq!(cursors.len(), 3);
    let mut behind = Vec::new();
    for cursor in &cursors {
        behind.push(ids(&list(&app, cursor).await).len());
    }
    assert_eq!(behind, [3, 2, 2]);
}

#[tokio::test]
async fn a_deletion_that_commits_late_is_told() {
    let app = app().await;
    let mut slow = app.db.begin().await.unwrap();
    sqlx::query("INSERT INTO auth.deleted_users VALUES (gen_random_uuid(), to_timestamp($1))")
        .bind(f64::from(1_800_000_000_u32))
        .execute(&mut *slow)
        .await
        .unwrap();
    app.advance(60);
    let bob = deleted(&app, "bob@example.org").await;
    let first = list(&app, "").await;
    assert_eq!(ids(&first), [&*bob]);

    slow.commit().await.unwrap();

    assert_eq!(ids(&list(&app, &first.cursor).await).len(), 2);
}

#[tokio::test]
async fn what_cannot_be_used_is_refused() {
    let app = app().await;
    let by = token(&app).await;
    let default = ListDeletedUsersRequest::default;

    for (request, expected, field) in [
        (
            ListDeletedUsersRequest {
                since_cursor: "yesterday".into(),
                ..default()
            },
            "CURSOR_INVALID",
            "since_cursor",
        ),
        (
            ListDeletedUsersRequest {
                page_token: "d1_1_".into(),
                ..default()
            },
            "PAGE_TOKEN_INVALID",
            "page_token",
        ),
        (
            ListDeletedUsersRequest {
                page_size: -1,
                ..default()
            },
            "PAGE_SIZE_INVALID",
            "page_size",
        ),
    ] {
        let status = ask(&app, &by, request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(reason(&status), expected);
        assert_eq!(fields(&status), [field]);
    }
}

#[tokio::test]
async fn only_its_scope_may_list() {
    let app = app().await;
    let user = app.user("ada@example.org").await.access_token;

    let status = ask(&app, &user, ListDeletedUsersRequest::default()).await;

    assert_eq!(reason(&status.unwrap_err()), "INSUFFICIENT_SCOPE");
}
