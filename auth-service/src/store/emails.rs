//! The e-mail table: addresses, their accounts and passwords.

use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use crate::error::Result;
use crate::model::device_token::Owner;

/// An address with its account.
pub struct EmailRow {
    /// The user.
    pub user_id: UserId,
    /// A PHC string; empty if the account has no password until the owner of the mailbox
    /// sets one.
    pub password_hash: String,
    /// The version of the password, independent of its hash.
    pub password_version: i64,
    /// SHA-256 of the sign-up's request id.
    pub request_hash: Option<Vec<u8>>,
    /// SHA-256 of the rest of the sign-up, without the password.
    pub request_body_hash: Option<Vec<u8>>,
    /// When it was signed up.
    pub create_time: DateTime<Utc>,
}

impl EmailRow {
    /// The account and password for a device token.
    #[must_use]
    pub fn owner(&self) -> Owner {
        Owner {
            user_id: self.user_id,
            password_version: self.password_version,
        }
    }
}

/// A new address.
pub struct NewEmail<'a> {
    /// Normalised.
    pub email: &'a str,
    /// The user.
    pub user_id: UserId,
    /// A PHC string.
    pub password_hash: &'a str,
    /// The version of the password.
    pub password_version: i64,
    /// SHA-256 of the sign-up's request id.
    pub request_hash: Option<[u8; 32]>,
    /// SHA-256 of the rest of the sign-up, without the password.
    pub request_body_hash: Option<[u8; 32]>,
}

/// Returns an address with its account.
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

/// Returns an address with its account, if it is this user's.
pub async fn get_of(
    db: impl PgExecutor<'_>,
    email: &str,
    user_id: UserId,
) -> Result<Option<EmailRow>> {
    let row = get(db, email).await?;
    Ok(row.filter(|row| row.user_id == user_id))
}

/// Stores a new address; false if it exists already.
pub async fn insert(
    db: impl PgExecutor<'_>,
    new: &NewEmail<'_>,
    now: DateTime<Utc>,
) -> Result<bool> {
    let done = sqlx::query!(
        "
        INSERT INTO auth.emails (email_norm, user_id, password_hash, password_version,
                                 request_hash, request_body_hash, create_time)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT DO NOTHING
        ",
        new.email,
        new.user_id as UserId,
        new.password_hash,
        new.password_version,
        new.request_hash.as_ref().map(<[u8; 32]>::as_slice),
        new.request_body_hash.as_ref().map(<[u8; 32]>::as_slice),
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// One password of one account. An address can move to another account at any time, so
/// every statement that finds a row by its address also names the user.
#[derive(Clone, Copy)]
pub struct PasswordRef<'a> {
    /// The account's address.
    pub email: &'a str,
    /// The user.
    pub user_id: UserId,
    /// The version of the password.
    pub version: i64,
}

/// Locks a password until the transaction ends; false if it is no longer the account's.
pub async fn lock_password(db: impl PgExecutor<'_>, password: PasswordRef<'_>) -> Result<bool> {
    let row = sqlx::query!(
        "
        SELECT user_id
        FROM auth.emails
        WHERE email_norm = $1 AND user_id = $2 AND password_version = $3
        FOR SHARE
        ",
        password.email,
        password.user_id as UserId,
        password.version,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.is_some())
}

/// Replaces the hash of a password with another one of the same password, if it is still
/// `old_hash`.
pub async fn rehash(
    db: impl PgExecutor<'_>,
    password: PasswordRef<'_>,
    old_hash: &str,
    new_hash: &str,
) -> Result<()> {
    sqlx::query!(
        "
        UPDATE auth.emails SET password_hash = $4
        WHERE email_norm = $1 AND user_id = $2 AND password_hash = $3
        ",
        password.email,
        password.user_id as UserId,
        old_hash,
        new_hash,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Replaces the password `old`; false if that is no longer the account's.
pub async fn set_password(
    db: impl PgExecutor<'_>,
    old: PasswordRef<'_>,
    new_version: i64,
    new_hash: &str,
) -> Result<bool> {
    let done = sqlx::query!(
        "
        UPDATE auth.emails SET password_hash = $5, password_version = $4
        WHERE email_norm = $1 AND user_id = $2 AND password_version = $3
        ",
        old.email,
        old.user_id as UserId,
        old.version,
        new_version,
        new_hash,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Locks an account's address exclusively until the transaction ends; false if this is no
/// longer its password.
pub async fn take(db: impl PgExecutor<'_>, password: PasswordRef<'_>) -> Result<bool> {
    let row = sqlx::query!(
        "
        SELECT user_id
        FROM auth.emails
        WHERE email_norm = $1 AND user_id = $2 AND password_version = $3
        FOR UPDATE
        ",
        password.email,
        password.user_id as UserId,
        password.version,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.is_some())
}

/// Copies the row of an account's address to the address `new`, with the same password
/// and a new version, which invalidates tokens mailed for the previous address; false if
/// `new` exists already.
pub async fn copy(
    db: impl PgExecutor<'_>,
    old: PasswordRef<'_>,
    new: &str,
    new_version: i64,
) -> Result<bool> {
    let done = sqlx::query!(
        "
        INSERT INTO auth.emails (email_norm, user_id, password_hash, password_version, create_time)
        SELECT $4, user_id, password_hash, $5, create_time
        FROM auth.emails
        WHERE email_norm = $1 AND user_id = $2 AND password_version = $3
        ON CONFLICT DO NOTHING
        ",
        old.email,
        old.user_id as UserId,
        old.version,
        new,
        new_version,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Locks an account's address exclusively until the transaction ends; false if the
/// address is not this user's.
pub async fn hold(db: impl PgExecutor<'_>, email: &str, user_id: UserId) -> Result<bool> {
    let row = sqlx::query!(
        "SELECT user_id FROM auth.emails WHERE email_norm = $1 AND user_id = $2 FOR UPDATE",
        email,
        user_id as UserId,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.is_some())
}

/// Removes the password of an account.
pub async fn remove_password(
    db: impl PgExecutor<'_>,
    email: &str,
    user_id: UserId,
    new_version: i64,
) -> Result<()> {
    sqlx::query!(
        "
        UPDATE auth.emails SET password_hash = '', password_version = $3
        WHERE email_norm = $1 AND user_id = $2
        ",
        email,
        user_id as UserId,
        new_version,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes an address of an account.
pub async fn delete(db: impl PgExecutor<'_>, email: &str, user_id: UserId) -> Result<()> {
    sqlx::query!(
        "DELETE FROM auth.emails WHERE email_norm = $1 AND user_id = $2",
        email,
        user_id as UserId,
    )
    .execute(db)
    .await?;
    Ok(())
}
