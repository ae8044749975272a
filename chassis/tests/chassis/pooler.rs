//! `DATABASE_URL` that leads to PgBouncer, with no setting but its mode.

use std::env;
use std::time::Duration;

use chassis::clock::Clock;
use chassis::database::{self, Database, DbError};
use chassis::settings::config::{DatabaseConfig, RolePasswords};
use embedded_postgres::{PgBouncer, TestDatabase};
use sqlx::ConnectOptions;

/// A migrated database and a pooler in front of it.
struct Pooled {
    database: TestDatabase,
    pooler: PgBouncer,
}

impl Pooled {
    /// `None` on a machine without PgBouncer, which is a failure in CI.
    #[expect(clippy::print_stderr, reason = "what was not tested must be seen")]
    async fn start(mode: &str) -> Option<Self> {
        let Some(program) = PgBouncer::program() else {
            assert!(
                env::var_os("CI").is_none(),
                "CI must not go without PgBouncer"
            );
            eprintln!("NOT TESTED: PgBouncer is not installed");
            return None;
        };
        let database = TestDatabase::create("migrated", async |options| {
            let url = options.to_url_lossy().to_string();
            database::migrate(&config(url), &RolePasswords::default()).await
        })
        .await
        .unwrap();
        let admin = database.admin();
        let (socket, mode) = (admin.get_socket().unwrap(), format!("pool_mode = {mode}"));
        let pooler = PgBouncer::start(&program, socket, &["auth_service"], &[&mode]).unwrap();
        Some(Self { database, pooler })
    }

    fn config(&self, role: &str) -> DatabaseConfig {
        let admin = self.database.admin();
        config(self.pooler.url(admin.get_database().unwrap(), role))
    }
}

fn config(url: String) -> DatabaseConfig {
    DatabaseConfig {
        database_url: url.into(),
        database_password_file: None,
        database_connections: 4,
        database_acquire: Duration::from_secs(5),
        database_statement: Duration::from_secs(1),
        database_start: Duration::ZERO,
    }
}

#[tokio::test]
async fn pooling_by_session_keeps_all_that_a_session_has() {
    let Some(pooled) = Pooled::start("session").await else {
        return;
    };
    database::migrate(&pooled.config("postgres"), &RolePasswords::default())
        .await
        .unwrap();
    let settings = [("pg_trgm.word_similarity_threshold", "0.3")];
    let database = Database::new(&pooled.config("auth_service"), &settings).unwrap();
    database.ensure_usable(&Clock::System).await.unwrap();
    let calls = database.calls();

    for (setting, wanted) in [
        ("statement_timeout", "1s"),
        ("lock_timeout", "500ms"),
        ("idle_in_transaction_session_timeout", "10s"),
        ("pg_trgm.word_similarity_threshold", "0.3"),
    ] {
        let value: String = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(setting)
            .fetch_one(&calls)
            .await
            .unwrap();
        assert_eq!(value, wanted, "{setting}");
    }
    let slow = sqlx::query("SELECT pg_sleep(60)").execute(&calls).await;
    let error = slow.unwrap_err().into_database_error().unwrap();
    assert_eq!(error.code().as_deref(), Some("57014"));
    let mut listener = database.listening().listen("news").await.unwrap();
    sqlx::query("NOTIFY news, 'here'")
        .execute(&calls)
        .await
        .unwrap();
    assert_eq!(listener.recv().await.unwrap().payload(), "here");
}

#[tokio::test]
async fn pooling_by_anything_less_is_refused_at_the_start() {
    for mode in ["transaction", "statement"] {
        let Some(pooled) = Pooled::start(mode).await else {
            return;
        };
        let database = Database::new(&pooled.config("auth_service"), &[]).unwrap();

        let refused = database.ensure_usable(&Clock::System).await;
        assert!(
            matches!(refused, Err(DbError::Pooled)),
            "{mode}: {refused:?}"
        );

        let owner = pooled.config("postgres");
        let refused = database::migrate(&owner, &RolePasswords::default()).await;
        assert!(
            matches!(refused, Err(DbError::Pooled)),
            "{mode}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn the_refusal_of_a_pooler_is_the_cause_of_the_error() {
    let Some(pooled) = Pooled::start("session").await else {
        return;
    };
    let database = Database::new(&pooled.config("contacts_service"), &[]).unwrap();

    let refused = database.ensure_usable(&Clock::System).await.unwrap_err();

    let cause = std::error::Error::source(&refused).unwrap().to_string();
    assert!(cause.contains("authentication failed"), "{cause}");
}
