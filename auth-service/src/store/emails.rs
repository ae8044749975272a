//! The e-mail table: which account an address belongs to, and its password.

use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use crate::error::Result;

/// What is known of an address.
pub struct EmailRow {
    /// Whose it is.
    pub user_id: UserId,
    /// A PHC string.
    pub password_hash: String,
    /// Counts changes of the password, not of its hash.
    pub password_version: i64,
    /// SHA-256 of the sign-up's request id.
    pub request_hash: Option<Vec<u8>>,
    /// SHA-256 of the rest of the sign-up, without the password.
    pub request_body_hash: Option<Vec<u8>>,
    /// When it was signed up.
    pub create_time: DateTime<Utc>,
}

/// An address to keep.
pub struct NewEmail<'a> {
    /// Normalised.
    pub email: &'a str,
    /// Whose it is.
    pub user_id: UserId,
    /// A PHC string.
    pub password_hash: &'a str,
    /// SHA-256 of the sign-up's request id.
    pub request_hash: Option<[u8; 32]>,
    /// SHA-256 of the rest of the sign-up, without the password.
    pub request_body_hash: Option<[u8; 32]>,
}

/// Returns what is known of an address.
pub async fn get(db: impl PgExecutor<'_>, email: &str) -> Result<Option<EmailRow>> {
    let row = sqlx::query_as!(
        EmailRow,
        r#"
        SELECT user_id AS "user_id: UserId",
               password_hash, password_version,
               request_hash, request_body_hash, create_time
        FROM auth.emails
        WHERE email_norm = $1
        "#,
        email,
    )
    .fetch_optional(db)
    .await?;
    Ok(row)
}

/// Keeps a new address; false where it is there already.
pub async fn insert(
    db: impl PgExecutor<'_>,
    new: &NewEmail<'_>,
    now: DateTime<Utc>,
) -> Result<bool> {
    let done = sqlx::query!(
        "
        INSERT INTO auth.emails (email_norm, user_id, password_hash, password_version,
                                 request_hash, request_body_hash, create_time)
        VALUES ($1, $2, $3, 1, $4, $5, $6)
        ON CONFLICT DO NOTHING
        ",
        new.email,
        new.user_id as UserId,
        new.password_hash,
        new.request_hash.as_ref().map(<[u8; 32]>::as_slice),
        new.request_body_hash.as_ref().map(<[u8; 32]>::as_slice),
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Keeps the password as it is until the transaction ends; false where it has
/// changed since it had this version.
pub async fn lock_password(
    db: impl PgExecutor<'_>,
    email: &str,
    password_version: i64,
) -> Result<bool> {
    let row = sqlx::query!(
        "
        SELECT user_id
        FROM auth.emails
        WHERE email_norm = $1 AND password_version = $2
        FOR SHARE
        ",
        email,
        password_version,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.is_some())
}

/// Puts another hash of the same password in the place of `old_hash`, if that
/// is still there.
pub async fn rehash(
    db: impl PgExecutor<'_>,
    email: &str,
    old_hash: &str,
    new_hash: &str,
) -> Result<()> {
    sqlx::query!(
        "
        UPDATE auth.emails SET password_hash = $3
        WHERE email_norm = $1 AND password_hash = $2
        ",
        email,
        old_hash,
        new_hash,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Sets a new password; false where it has changed since it had this version.
pub async fn set_password(
    db: impl PgExecutor<'_>,
    email: &str,
    password_version: i64,
    new_hash: &str,
) -> Result<bool> {
    let done = sqlx::query!(
        "
        UPDATE auth.emails SET password_hash = $3, password_version = password_version + 1
        WHERE email_norm = $1 AND password_version = $2
        ",
        email,
        password_version,
        new_hash,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Keeps an address for the caller alone until the transaction ends; false where
/// its password has changed since it had this version.
pub async fn take(db: impl PgExecutor<'_>, email: &str, password_version: i64) -> Result<bool> {
    let row = sqlx::query!(
        "
        SELECT user_id
        FROM auth.emails
        WHERE email_norm = $1 AND password_version = $2
        FOR UPDATE
        ",
        email,
        password_version,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.is_some())
}

/// Keeps `new` beside `old`, with the same account and password; false where it is
/// there already. The version is another: what was mailed for the one before dies.
pub async fn copy(db: impl PgExecutor<'_>, old: &str, new: &str) -> Result<bool> {
    let done = sqlx::query!(
        "
        INSERT INTO auth.emails (email_norm, user_id, password_hash, password_version, create_time)
        SELECT $2, user_id, password_hash, password_version + 1, create_time
        FROM auth.emails
        WHERE email_norm = $1
        ON CONFLICT DO NOTHING
        ",
        old,
        new,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets an address.
pub async fn delete(db: impl PgExecutor<'_>, email: &str) -> Result<()> {
    sqlx::query!("DELETE FROM auth.emails WHERE email_norm = $1", email)
        .execute(db)
        .await?;
    Ok(())
}
