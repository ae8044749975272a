//! Runs the migrations.

use secrecy::{ExposeSecret, SecretString};
use sqlx::{Connection, PgConnection, raw_sql};

use super::target::Target;
use super::{DbError, MIGRATOR, ensure_sessions, hosts, read_password};
use crate::settings::config::{DatabaseConfig, RolePasswords};

/// Held while roles and rights are repaired: of two concurrent changes of a role one
/// fails, and its statement is logged by the server.
const RIGHTS_LOCK: i64 = 0x7061_7373_776f_7264;

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
    MIGRATOR.run(&mut db).await?;
    raw_sql(RIGHTS).execute(&mut db).await?;
    for (role, file) in [
        ("auth_service", &passwords.auth_role_password_file),
        ("contacts_service", &passwords.contacts_role_password_file),
    ] {
        if let Some(path) = file {
            set_password(&mut db, role, &read_password(path)?).await?;
        }
    }
    // Releases the lock, as any other end does.
    db.close().await?;
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
