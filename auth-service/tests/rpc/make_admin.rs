//! The first administrator, made by the operator.

use std::process::{Command, Output, Stdio};

use crate::app::{App, PASSWORD};

const UNVERIFIED: &str = "--unverified";

/// Runs the program as an operator does: with the database and nothing else.
async fn make_admin(app: &App, email: &str, flags: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auth-service"));
    command
        .env_clear()
        .env("DATABASE_URL", app.database.url("auth_service"))
        .stdin(Stdio::null())
        .args(["make-admin", "--email", email])
        .args(flags);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await;
    let Output { status, stdout, .. } = output.unwrap();
    (status.code(), String::from_utf8(stdout).unwrap())
}

#[tokio::test]
async fn an_account_becomes_an_administrator_at_its_next_refresh() {
    let app = App::start().await;
    let tokens = app.user("ada@example.org").await;
    let id = app.get_me(&tokens.access_token).await.unwrap().id;

    let (code, said) = make_admin(&app, " ADA@Example.org", &[UNVERIFIED]).await;
    let (again, said_again) = make_admin(&app, "ada@example.org", &[UNVERIFIED]).await;

    assert_eq!((code, again), (Some(0), Some(0)));
    assert_eq!(
        said,
        format!("user {id} can administer: log in and ask for the scope auth.admin\n")
    );
    assert_eq!(
        said_again,
        format!("user {id} is an administrator already\n")
    );
    let user = app.get_me(&tokens.access_token).await.unwrap();
    assert_eq!(
        (user.roles, &*user.etag),
        (vec!["admin".to_owned()], "\"2\"")
    );
    assert_eq!(app.audit().await, ["sign_up", "log_in", "user_roles_set"]);
}

#[tokio::test]
async fn other_roles_stay() {
    let app = App::start().await;
    let tokens = app.user("ada@example.org").await;
    app.sql("UPDATE auth.users SET roles = '{support}'").await;

    app.confirm_email("ada@example.org").await;
    make_admin(&app, "ada@example.org", &[]).await;

    let user = app.get_me(&tokens.access_token).await.unwrap();
    assert_eq!(user.roles, ["admin", "support"]);
}

#[tokio::test]
async fn whoever_cannot_be_one_is_named_in_one_line() {
    let app = App::start().await;
    app.sign_up("bob@example.org").await.unwrap();
    app.sql("UPDATE auth.users SET disable_time = now()").await;
    app.sign_up("eve@example.org").await.unwrap();

    for (email, problem) in [
        ("nobody@example.org", "no account has this e-mail"),
        ("nobody", "not an e-mail address"),
        ("bob@example.org", "is disabled"),
        ("eve@example.org", "add --unverified"),
    ] {
        let (code, said) = make_admin(&app, email, &[]).await;

        assert_eq!(code, Some(1), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains(problem), "{said}");
        assert!(!said.contains("example.org"), "{said}");
    }
    let roles: Vec<String> = sqlx::query_scalar("SELECT roles::text FROM auth.users")
        .fetch_all(&app.db)
        .await
        .unwrap();
    assert_eq!(roles, ["{}", "{}"]);
    let refused = app.log_in("bob@example.org", PASSWORD).await;
    assert!(refused.is_err());
}
