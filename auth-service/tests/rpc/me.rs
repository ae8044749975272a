//! `GetMe` and `UpdateMe`.

use prost_types::FieldMask;
use proto::auth::v1::{UpdateMeRequest, User};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::app::{App, START, bearer, fields, reason};

async fn update(
    app: &App,
    access: &str,
    name: &str,
    etag: &str,
    paths: &[&str],
) -> Result<User, Status> {
    let request = UpdateMeRequest {
        user: Some(User {
            display_name: name.into(),
            etag: etag.into(),
            email: "mallory@example.org".into(),
            roles: vec!["admin".into()],
            ..User::default()
        }),
        update_mask: Some(FieldMask {
            paths: paths.iter().map(ToString::to_string).collect(),
        }),
    };
    let response = app
        .account
        .clone()
        .update_me(bearer(request, access))
        .await?;
    Ok(response.into_inner().user.unwrap())
}

#[tokio::test]
async fn a_display_name_is_changed_and_read_back() {
    let app = App::start().await;
    let access = app.user("ada@example.org").await.access_token;
    app.advance(5);

    let user = update(&app, &access, " Countess ", "\"1\"", &["display_name"])
        .await
        .unwrap();

    assert_eq!(user.display_name, "Countess");
    assert_eq!(user.etag, "\"2\"");
    assert_eq!(user.update_time.unwrap().seconds, START + 5);
    assert_eq!(user.create_time.unwrap().seconds, START);
    assert_eq!(app.get_me(&access).await.unwrap(), user);
}

#[tokio::test]
async fn the_mask_says_what_is_changed() {
    let app = App::start().await;
    let access = app.user("ada@example.org").await.access_token;

    // Without a mask, set fields are changed, and empty ones are not.
    let user = update(&app, &access, "A", "", &[]).await.unwrap();
    assert_eq!(user.display_name, "A");
    let user = update(&app, &access, "", "", &[]).await.unwrap();
    assert_eq!((&*user.display_name, &*user.etag), ("A", "\"2\""));
    // A mask can clear a field.
    let user = update(&app, &access, "", "", &["display_name"])
        .await
        .unwrap();
    assert_eq!(user.display_name, "");
    let user = update(&app, &access, "B", "", &["*"]).await.unwrap();
    assert_eq!(user.display_name, "B");
    // Output-only fields are ignored.
    let user = update(
        &app,
        &access,
        "C",
        "",
        &["email", "roles", "disabled", "id"],
    )
    .await
    .unwrap();
    assert_eq!(user.display_name, "B");
    assert_eq!(user.email, "ada@example.org");
    assert!(user.roles.is_empty());
}

#[tokio::test]
async fn a_mask_with_an_unknown_path_changes_nothing() {
    let app = App::start().await;
    let access = app.user("ada@example.org").await.access_token;

    for path in ["password", "display_name.x", "", "user.display_name"] {
        let status = update(&app, &access, "A", "", &["display_name", path])
            .await
            .unwrap_err();
        assert_eq!(reason(&status), "UPDATE_MASK_INVALID");
        assert_eq!(fields(&status), ["update_mask"]);
    }

    assert_eq!(app.get_me(&access).await.unwrap().etag, "\"1\"");
}

#[tokio::test]
async fn a_stale_etag_is_refused_with_the_current_one() {
    let app = App::start().await;
    let access = app.user("ada@example.org").await.access_token;
    update(&app, &access, "A", "\"1\"", &["*"]).await.unwrap();

    for stale in ["\"1\"", "2", "\"99\"", "W/\"2\"", "\0"] {
        let status = update(&app, &access, "B", stale, &["*"]).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status)),
            (Code::Aborted, "ETAG_MISMATCH".into())
        );
        let details = status.get_error_details();
        assert_eq!(details.error_info().unwrap().metadata["etag"], "\"2\"");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_changes_from_one_version_one_wins() {
    let app = App::start().await;
    let access = app.user("ada@example.org").await.access_token;

    let names = ["A", "B", "C", "D"];
    let (a, b, c, d) = tokio::join!(
        update(&app, &access, names[0], "\"1\"", &["*"]),
        update(&app, &access, names[1], "\"1\"", &["*"]),
        update(&app, &access, names[2], "\"1\"", &["*"]),
        update(&app, &access, names[3], "\"1\"", &["*"]),
    );

    let won = [a, b, c, d].into_iter().flatten().count();
    assert_eq!(won, 1);
    assert_eq!(app.get_me(&access).await.unwrap().etag, "\"2\"");
}

#[tokio::test]
async fn a_bad_name_or_a_missing_user_is_named() {
    let app = App::start().await;
    let access = app.user("ada@example.org").await.access_token;

    for name in ["a\nb".to_owned(), "a".repeat(201)] {
        let status = update(&app, &access, &name, "", &[]).await.unwrap_err();
        assert_eq!(reason(&status), "DISPLAY_NAME_INVALID");
        assert_eq!(fields(&status), ["user.display_name"]);
    }
    let request = bearer(UpdateMeRequest::default(), &access);
    let status = app.account.clone().update_me(request).await.unwrap_err();
    assert_eq!(reason(&status), "FIELD_INVALID");
}
