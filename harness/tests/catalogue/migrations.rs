//! How a database is created, and how a service detects that it is ready.

use std::time::Duration;

use chassis::clock::Clock;
use chassis::database::{self, Database, DbError, MIGRATOR};
use chassis::settings::config::RolePasswords;
use embedded_postgres::TestDatabase;
use futures_util::future::join_all;
use sqlx::{AssertSqlSafe, Connection, Executor};
use testing::waiting_for_a_lock;
use tokio::time::timeout;

use crate::database::{config, connect, empty, migrated, texts};

const NO_PASSWORDS: RolePasswords = RolePasswords {
    auth_role_password_file: None,
    contacts_role_password_file: None,
};

/// A description of everything in both schemas.
async fn inventory(database: &TestDatabase) -> Vec<String> {
    let mut db = connect(database, "postgres").await;
    texts(
        &mut db,
        "SELECT format('%s %s %s', c.relname, c.relacl,
                       coalesce(pg_get_indexdef(i.indexrelid),
                                (SELECT string_agg(format('%s %s', a.attname, a.atttypid::regtype),
                                                   ', ' ORDER BY a.attnum)
                                 FROM pg_attribute AS a
                                 WHERE a.attrelid = c.oid AND a.attnum > 0)))
         FROM pg_class AS c
         LEFT JOIN pg_index AS i ON i.indexrelid = c.oid
         WHERE c.relnamespace IN ('auth'::regnamespace, 'contacts'::regnamespace)
         ORDER BY c.relname",
    )
    .await
}

async fn change(database: &TestDatabase, sql: &str) {
    let mut db = connect(database, "postgres").await;
    db.execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned())))
        .await
        .unwrap();
}

async fn migrate(database: &TestDatabase) -> Result<(), DbError> {
    database::migrate(&config(database.url("postgres")), &NO_PASSWORDS).await
}

async fn ensure(database: &TestDatabase, role: &str) -> Result<(), DbError> {
    let database = Database::new(&config(database.url(role)), &[])?;
    database.ensure_usable(&Clock::System).await
}

#[tokio::test]
async fn migrating_again_changes_nothing() {
    let database = migrated().await;
    let before = inventory(&database).await;

    migrate(&database).await.unwrap();

    assert_eq!(inventory(&database).await, before);
    let mut db = connect(&database, "postgres").await;
    let versions = texts(
        &mut db,
        "SELECT m.version::text FROM public._sqlx_migrations AS m WHERE success ORDER BY m.version",
    );
    let known = MIGRATOR
        .iter()
        .map(|migration| migration.version.to_string());
    assert_eq!(versions.await, known.collect::<Vec<_>>());
}

#[tokio::test]
async fn several_at_once_on_an_empty_database_all_succeed() {
    let database = empty().await;

    let all = join_all((0..5).map(|_| migrate(&database))).await;

    for done in all {
        done.unwrap();
    }
    assert_eq!(
        inventory(&database).await,
        inventory(&migrated().await).await
    );
}

#[tokio::test]
async fn several_databases_of_one_server_can_be_migrated_at_once() {
    let databases = join_all((0..5).map(|_| empty())).await;

    let all = join_all(databases.iter().map(migrate)).await;

    for done in all {
        done.unwrap();
    }
}

#[tokio::test]
async fn a_migration_that_waits_for_a_long_read_lets_writes_go_first() {
    const BEFORE_INDEXES_WENT: i64 = 22;
    let database = empty().await;
    let mut admin = connect(&database, "postgres").await;
    MIGRATOR
        .run_to(BEFORE_INDEXES_WENT, &mut admin)
        .await
        .unwrap();
    let mut reader = admin.begin().await.unwrap();
    reader
        .execute("SELECT FROM contacts.contacts, contacts.owner_state")
        .await
        .unwrap();
    let mut writer = connect(&database, "postgres").await;

    let migrating = async {
        migrate(&database).await.unwrap();
    };
    let writing = async {
        for _ in 0..3 {
            waiting_for_a_lock(&database, 1).await;
            for table in ["contacts.contacts", "contacts.owner_state"] {
                let delete = format!("DELETE FROM {table} WHERE owner_id = gen_random_uuid()");
                let delete = writer.execute(AssertSqlSafe(delete));
                let done = timeout(Duration::from_secs(20), delete).await;
                done.expect("a write waits for the migration").unwrap();
            }
        }
        reader.rollback().await.unwrap();
    };
    tokio::join!(migrating, writing);

    ensure(&database, "contacts_service").await.unwrap();
}

#[tokio::test]
async fn a_migrated_database_is_ready_for_both_services() {
    let database = migrated().await;

    for role in ["auth_service", "contacts_service", "postgres"] {
        ensure(&database, role).await.unwrap();
    }
}

#[tokio::test]
async fn an_unmigrated_database_is_refused() {
    // Creates the roles.
    drop(migrated().await);
    let database = empty().await;

    for role in ["auth_service", "contacts_service", "postgres"] {
        let refused = ensure(&database, role).await;

        assert!(
            matches!(refused, Err(DbError::Unmigrated(1))),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn a_database_that_lacks_a_migration_is_refused() {
    let database = migrated().await;

    change(
        &database,
        "UPDATE _sqlx_migrations SET success = false WHERE version = 3",
    )
    .await;
    let refused = ensure(&database, "auth_service").await;
    assert!(
        matches!(refused, Err(DbError::Unmigrated(3))),
        "{refused:?}"
    );

    change(&database, "DELETE FROM _sqlx_migrations WHERE version = 2").await;
    let refused = ensure(&database, "auth_service").await;
    assert!(
        matches!(refused, Err(DbError::Unmigrated(2))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_migration_that_was_changed_is_refused() {
    let database = migrated().await;

    let change_it = r"UPDATE _sqlx_migrations SET checksum = '\x00' WHERE version = 2";
    change(&database, change_it).await;

    let refused = ensure(&database, "contacts_service").await;
    assert!(
        matches!(refused, Err(DbError::MigrationChanged(2))),
        "{refused:?}"
    );
    assert!(migrate(&database).await.is_err());
}

#[tokio::test]
async fn a_database_newer_than_the_program_is_fine() {
    let database = migrated().await;

    change(
        &database,
        r"INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
          VALUES (9999, 'of tomorrow', true, '\x00', 0)",
    )
    .await;

    ensure(&database, "auth_service").await.unwrap();
    // An old replica does this when it starts, with its migrate step, after an update.
    migrate(&database).await.unwrap();
}

#[tokio::test]
async fn a_url_that_is_none_is_not_shown() {
    let config = config("postgres//user:hunter2@nowhere".to_owned());

    let refused = Database::new(&config, &[]).err().unwrap();

    assert!(matches!(refused, DbError::UrlInvalid));
    assert!(!format!("{refused} {refused:?} {config:?}").contains("hunter2"));
}

#[tokio::test]
async fn connections_have_their_limits() {
    let database = migrated().await;
    let config = config(database.url("auth_service"));

    let settings = [("pg_trgm.word_similarity_threshold", "0.3")];
    let pool = Database::new(&config, &settings).unwrap().calls();

    for (setting, wanted) in [
        ("statement_timeout", "30s"),
        ("lock_timeout", "15s"),
        ("idle_in_transaction_session_timeout", "10s"),
        ("pg_trgm.word_similarity_threshold", "0.3"),
    ] {
        let value: String = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(setting)
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(value, wanted, "{setting}");
    }
}

#[tokio::test]
async fn a_ping_tells_whether_the_database_is_there() {
    let database = migrated().await;
    let config = config(database.url("auth_service"));
    let pools = Database::new(&config, &[]).unwrap();

    let mut up = pools.watch(&Clock::System.of_database(), Duration::from_secs(30));

    assert!(!*up.borrow());
    up.wait_for(|up| *up).await.unwrap();
    pools.background().close();
    up.wait_for(|up| !*up).await.unwrap();
}
