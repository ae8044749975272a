//! While the database is unreachable.

use sqlx::{AssertSqlSafe, PgPool};
use tonic::Code;

use crate::admin::Admin;
use crate::app::{App, PASSWORD, reason, refusal};

/// Allows or forbids the service's role to connect, and closes its connections.
pub(crate) async fn set_connections(app: &App, server: &PgPool, limit: i32) {
    let name: String = sqlx::query_scalar("SELECT current_database()")
        .fetch_one(&app.db)
        .await
        .unwrap();
    let sql = format!(
        "ALTER DATABASE {name} CONNECTION LIMIT {limit};
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = '{name}' AND usename = 'auth_service'"
    );
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(server)
        .await
        .unwrap();
}

/// Makes the database unreachable for the service.
pub(crate) async fn close_database(app: &App) {
    set_connections(app, &server(app).await, 0).await;
}

/// The server's own database.
pub(crate) async fn server(app: &App) -> PgPool {
    let options = app.database.admin().database("postgres");
    PgPool::connect_with(options).await.unwrap()
}

#[tokio::test]
async fn no_token_is_called_dead_and_a_forged_one_needs_no_database() {
    let app = App::start_with(&["--database-acquire-seconds=1"]).await;
    let tokens = app.user("ada@example.org").await;
    let token = tokens.refresh_token;
    let forged = format!("{}AAAA", &token[..token.len() - 4]);
    let server = server(&app).await;

    set_connections(&app, &server, 0).await;

    for status in [
        app.refresh(&token).await.unwrap_err(),
        app.log_out(&token).await.unwrap_err(),
        app.log_in("ada@example.org", PASSWORD).await.unwrap_err(),
        app.sign_up("bob@example.org").await.unwrap_err(),
        app.get_me(&tokens.access_token).await.unwrap_err(),
    ] {
        assert_eq!(
            (status.code(), &*reason(&status)),
            (Code::Unavailable, "STORE_UNAVAILABLE")
        );
        assert_eq!(
            status.message(),
            "the service cannot reach its database; retry"
        );
    }
    assert_eq!(refusal(app.refresh(&forged).await), "REFRESH_TOKEN_INVALID");
    app.log_out(&forged).await.unwrap();

    set_connections(&app, &server, -1).await;
    assert!(!app.refresh(&token).await.unwrap().replayed);
}

#[tokio::test]
async fn an_act_that_waits_too_long_for_another_is_told_to_come_back() {
    let app = App::start_with(&["--database-statement-seconds=1"]).await;
    let by = Admin::new(&app, "root@example.org").await;
    let user = app.sign_up("ada@example.org").await.unwrap();

    let mut holder = app.db.begin().await.unwrap();
    let hold = "SELECT id FROM auth.users FOR UPDATE";
    sqlx::query(hold).fetch_all(&mut *holder).await.unwrap();
    let status = by.disable(&user.id).await.unwrap_err();

    let told = (status.code(), &*reason(&status));
    assert_eq!(told, (Code::Unavailable, "STORE_BUSY"));
    holder.rollback().await.unwrap();
    by.disable(&user.id).await.unwrap();
}
