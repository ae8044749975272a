//! The users table.

use chassis::access::caller::Caller;
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::revocations::EVERY_SESSION;
use crate::error::Result;
use crate::model::user::{DisplayName, User};

/// Selects users, named `u`: the text after the columns, and its values. A macro, because
/// `query_as!` accepts literals only.
macro_rules! users {
    ($from:literal, $($value:expr),* $(,)?) => {
        sqlx::query_as!(
            User,
            r#"
            SELECT u.id AS "id: UserId", u.email, u.display_name, u.email_verified,
                   u.mfa_enable_time IS NOT NULL AS "mfa_enabled!", u.roles,
                   u.disable_time IS NOT NULL AS "disabled!", u.version, u.create_time,
                   u.update_time, u.pending_email, u.pending_email_expire_time
            "# + $from,
            $($value),*
        )
    };
}

/// Updates users, named `u`, and returns them after the change.
macro_rules! changed {
    ($update:literal, $($value:expr),* $(,)?) => {
        sqlx::query_as!(
            User,
            $update + r#"
            RETURNING u.id AS "id: UserId", u.email, u.display_name, u.email_verified,
                      u.mfa_enable_time IS NOT NULL AS "mfa_enabled!", u.roles,
                      u.disable_time IS NOT NULL AS "disabled!", u.version, u.create_time,
                      u.update_time, u.pending_email, u.pending_email_expire_time
            "#,
            $($value),*
        )
    };
}

pub(super) use changed;

/// Stores a new user.
pub async fn insert(db: impl PgExecutor<'_>, user: &User) -> Result<()> {
    sqlx::query!(
        "
        INSERT INTO auth.users (id, email, display_name, email_verified, roles, version,
                                session_epoch, create_time, update_time, unconfirmed_since)
        VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $7)
        ",
        user.id as UserId,
        user.email,
        user.display_name,
        user.email_verified,
        &user.roles,
        user.version,
        user.create_time,
        user.update_time,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns a user.
pub async fn get(db: impl PgExecutor<'_>, id: UserId) -> Result<Option<User>> {
    let user = users!(
        "FROM auth.users AS u
         WHERE u.id = $1",
        id as UserId,
    )
    .fetch_optional(db)
    .await?;
    Ok(user)
}

/// Returns a user, locked against changes until the transaction ends.
pub async fn lock(db: impl PgExecutor<'_>, id: UserId) -> Result<Option<User>> {
    let user = users!(
        "FROM auth.users AS u
         WHERE u.id = $1
         FOR SHARE",
        id as UserId,
    )
    .fetch_optional(db)
    .await?;
    Ok(user)
}

/// Returns a user, locked for a change until the transaction ends.
pub async fn lock_for_change(db: impl PgExecutor<'_>, id: UserId) -> Result<Option<User>> {
    let user = users!(
        "FROM auth.users AS u
         WHERE u.id = $1
         FOR UPDATE",
        id as UserId,
    )
    .fetch_optional(db)
    .await?;
    Ok(user)
}

/// Returns the user of an access token, if its session is valid and the user's tokens of
/// its issue time are not revoked, with a resolution of seconds, as in services that
/// subscribe to revocations.
pub async fn of_caller(
    db: impl PgExecutor<'_>,
    caller: &Caller,
    session_id: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<User>> {
    let user = users!(
        "FROM auth.users AS u
         JOIN auth.sessions AS s ON s.user_id = u.id
         WHERE u.id = $1 AND s.user_id = $1 AND s.id = $2
           AND s.epoch = u.session_epoch
           AND s.revoke_time IS NULL
           AND s.idle_expire_time > $3
           AND s.absolute_expire_time > $3
           AND NOT EXISTS (
               SELECT 1
               FROM auth.revocations AS r
               WHERE r.user_id = u.id AND r.session_id = $4 AND r.revoke_time >= $5
           )",
        caller.user_id as UserId,
        session_id,
        now,
        EVERY_SESSION,
        caller.issue_time(),
    )
    .fetch_optional(db)
    .await?;
    Ok(user)
}

/// Sets the display name, if the version is `expected` or that is `None`; returns the
/// user after the change.
pub async fn set_display_name(
    db: impl PgExecutor<'_>,
    id: UserId,
    display_name: &DisplayName,
    expected: Option<i64>,
    now: DateTime<Utc>,
) -> Result<Option<User>> {
    let user = changed!(
        "UPDATE auth.users AS u SET display_name = $2, version = version + 1, update_time = $4
         WHERE u.id = $1 AND ($3::bigint IS NULL OR version = $3)",
        id as UserId,
        display_name.as_str(),
        expected,
        now,
    )
    .fetch_optional(db)
    .await?;
    Ok(user)
}

/// Returns up to `limit` users whose e-mail is at least `from`, below `until` and after
/// `after`, sorted by its bytes.
pub async fn list(
    db: impl PgExecutor<'_>,
    from: &str,
    until: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<User>> {
    let users = users!(
        "FROM auth.emails AS e
         JOIN auth.users AS u ON u.id = e.user_id AND u.email = e.email_norm
         WHERE e.email_norm >= $1 AND e.email_norm < $2 AND e.email_norm > $3
         ORDER BY e.email_norm
         LIMIT $4",
        from,
        until,
        after,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(users)
}

/// Returns the enabled administrators, locked until the transaction ends. Locked in one
/// order, to avoid deadlocks.
pub async fn lock_administrators(db: impl PgExecutor<'_>) -> Result<Vec<UserId>> {
    let ids = sqlx::query_scalar!(
        r#"
        SELECT id AS "id: UserId"
        FROM auth.users
        WHERE 'admin' = ANY (roles) AND disable_time IS NULL
        ORDER BY id
        FOR UPDATE
        "#,
    )
    .fetch_all(db)
    .await?;
    Ok(ids)
}

/// Disables or enables a user; returns the user after the change, or `None` if nothing
/// changes.
pub async fn set_disabled(
    db: impl PgExecutor<'_>,
    id: UserId,
    disabled: bool,
    now: DateTime<Utc>,
) -> Result<Option<User>> {
    let user = changed!(
        "UPDATE auth.users AS u
         SET disable_time = CASE WHEN $2 THEN $3::timestamptz END,
             version = version + 1,
             update_time = $3
         WHERE u.id = $1 AND (disable_time IS NOT NULL) <> $2",
        id as UserId,
        disabled,
        now,
    )
    .fetch_optional(db)
    .await?;
    Ok(user)
}

/// Sets the roles of a user; returns the user after the change.
pub async fn set_roles(
    db: impl PgExecutor<'_>,
    id: UserId,
    roles: &[String],
    now: DateTime<Utc>,
) -> Result<Option<User>> {
    let user = changed!(
        "UPDATE auth.users AS u SET roles = $2, version = version + 1, update_time = $3
         WHERE u.id = $1",
        id as UserId,
        roles,
        now,
    )
    .fetch_optional(db)
    .await?;
    Ok(user)
}

/// Sets whether log-ins require a second factor; returns the user after the change, or
/// `None` if nothing changes. Enabling it cancels a change of the e-mail that was
/// requested without it.
pub async fn set_mfa_enabled(
    db: impl PgExecutor<'_>,
    id: UserId,
    enabled: bool,
    now: DateTime<Utc>,
) -> Result<Option<User>> {
    let user = changed!(
        "UPDATE auth.users AS u
         SET mfa_enable_time = CASE WHEN $2 THEN $3::timestamptz END,
             pending_email = CASE WHEN $2 THEN NULL ELSE pending_email END,
             pending_email_expire_time = CASE WHEN $2 THEN NULL
                                              ELSE pending_email_expire_time END,
             version = version + 1,
             update_time = $3
         WHERE u.id = $1 AND (mfa_enable_time IS NULL) = $2",
        id as UserId,
        enabled,
        now,
    )
    .fetch_optional(db)
    .await?;
    Ok(user)
}

/// Marks the e-mail as verified; returns the user after the change, or `None` if it has
/// another e-mail or is disabled. Verifying again changes nothing.
pub async fn confirm_email(
    db: impl PgExecutor<'_>,
    id: UserId,
    email: &str,
    now: DateTime<Utc>,
) -> Result<Option<User>> {
    let user = changed!(
        "UPDATE auth.users AS u
         SET email_verified = true,
             unconfirmed_since = 'infinity',
             version = version + CASE WHEN email_verified THEN 0 ELSE 1 END,
             update_time = CASE WHEN email_verified THEN update_time ELSE $3 END
         WHERE u.id = $1 AND email = $2 AND disable_time IS NULL",
        id as UserId,
        email,
        now,
    )
    .fetch_optional(db)
    .await?;
    Ok(user)
}
