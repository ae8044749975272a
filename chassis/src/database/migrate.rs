//! Runs the migrations.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::migrate::MigrateError;
use sqlx::{Connection, PgConnection, raw_sql};
use tokio::time::sleep;

use super::target::Target;
use super::{DbError, Failure, MIGRATOR, ensure_sessions, hosts, read_password};
use crate::settings::config::{DatabaseConfig, RolePasswords};

/// The advisory lock held while roles and rights are repaired. Without it, one of two
/// concurrent changes of a role fails, and the server logs its statement, which can
/// contain a password.
const RIGHTS_LOCK: i64 = 0x7061_7373_776f_7264;

/// The longest wait of a migration for a lock. Whoever needs the same table waits in the
/// queue after it.
const LOCK_TIMEOUT: &str = "SET lock_timeout = '300ms'";
/// The pause between two attempts, in which the others run.
const PAUSE: Duration = Duration::from_millis(700);
/// The number of attempts to lock, in ten minutes in all.
const TRIES: u32 = 600;

/// Creates missing roles of the services.
const ROLES: &str = include_str!("roles.sql");
/// Grants missing rights to them.
const RIGHTS: &str = include_str!("rights.sql");

/// Runs the migrations, repairs the services' roles and rights, as is needed after a
/// restore, and sets the roles' passwords if files are given. Needs an owner's rights;
/// concurrent runs wait for each other.
pub async fn migrate(config: &DatabaseConfig, passwords: &RolePasswords) -> Result<(), DbError> {
    let target = Target::new(hosts(config)?, &[]);
    let (patience, within) = (config.database_start, config.database_acquire);
    ensure_sessions(&target, patience, within).await?;
    let mut db = target.connect(within).await?;
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(RIGHTS_LOCK)
        .execute(&mut db)
        .await?;
    raw_sql(ROLES).execute(&mut db).await?;
    run_migrations(&mut db).await?;
    raw_sql(RIGHTS).execute(&mut db).await?;
    for (role, file) in [
        ("auth_service", &passwords.auth_role_password_file),
        ("contacts_service", &passwords.contacts_role_password_file),
    ] {
        if let Some(path) = file {
            set_password(&mut db, role, &read_password(path)?).await?;
        }
    }
    // The end of the session releases the lock, also if this line is not reached.
    db.close().await?;
    Ok(())
}

/// Runs the migrations, and retries each until its locks are free: a migration that
/// waited for a long transaction would make every later call wait, too.
async fn run_migrations(db: &mut PgConnection) -> Result<(), MigrateError> {
    raw_sql(LOCK_TIMEOUT).execute(&mut *db).await?;
    let mut tries = 1;
    while let Err(error) = MIGRATOR.run(&mut *db).await {
        match &error {
            MigrateError::ExecuteMigration(cause, _)
                if Failure::of(cause) == Failure::Contended && tries < TRIES =>
            {
                if tries == 1 {
                    tracing::warn!(%error, "an open transaction delays a migration");
                }
            }
            _ => return Err(error),
        }
        tries += 1;
        sleep(PAUSE).await;
    }
    raw_sql("RESET lock_timeout").execute(db).await?;
    Ok(())
}

async fn set_password(
    db: &mut PgConnection,
    role: &str,
    password: &SecretString,
) -> Result<(), DbError> {
    // ALTER ROLE takes no parameters; format() quotes.
    let statement: String =
        sqlx::query_scalar("SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)")
            .bind(role)
            .bind(password.expose_secret())
            .fetch_one(&mut *db)
            .await?;
    sqlx::query(sqlx::AssertSqlSafe(statement))
        .execute(db)
        .await?;
    Ok(())
}
