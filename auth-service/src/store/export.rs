//! Everything stored about one user, as JSON: each column is named, so that a new column
//! cannot leak a hash.

use chassis::user_id::UserId;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::Result;

/// A row of a user.
pub struct Row {
    /// Rows are read in this order.
    pub id: Uuid,
    /// An object.
    pub json: String,
}

/// The account.
pub async fn user(db: impl PgExecutor<'_>, user_id: UserId) -> Result<Option<String>> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT json_build_object(
                   'id', id, 'email', email, 'email_verified', email_verified,
                   'display_name', display_name, 'roles', roles,
                   'disable_time', disable_time, 'mfa_enable_time', mfa_enable_time,
                   'create_time', create_time, 'update_time', update_time,
                   'pending_email', pending_email,
                   'pending_email_expire_time', pending_email_expire_time
               )::text AS "json!"
        FROM auth.users
        WHERE id = $1
        "#,
        user_id as UserId,
    )
    .fetch_optional(db)
    .await?)
}

/// The second factor, without its secrets.
pub async fn mfa(db: impl PgExecutor<'_>, user_id: UserId) -> Result<String> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT json_build_object(
                   'totp_create_time',
                   (SELECT create_time FROM auth.totp_secrets WHERE user_id = $1),
                   'recovery_codes_left',
                   (SELECT count(*) FROM auth.recovery_codes WHERE user_id = $1)
               )::text AS "json!"
        "#,
        user_id as UserId,
    )
    .fetch_one(db)
    .await?)
}

/// Up to `limit` sessions after `after`, ended ones included.
pub async fn sessions(
    db: impl PgExecutor<'_>,
    user_id: UserId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Row>> {
    Ok(sqlx::query_as!(
        Row,
        r#"
        SELECT id,
               json_build_object(
                   'id', id, 'client_label', client_label, 'ip', ip,
                   'user_agent', user_agent, 'amr', amr, 'create_time', create_time,
                   'auth_time', auth_time, 'last_seen_time', last_seen_time,
                   'idle_expire_time', idle_expire_time,
                   'absolute_expire_time', absolute_expire_time,
                   'revoke_time', revoke_time, 'revoke_reason', revoke_reason
               )::text AS "json!"
        FROM auth.sessions
        WHERE user_id = $1 AND id > $2
        ORDER BY id
        LIMIT $3
        "#,
        user_id as UserId,
        after.unwrap_or_default(),
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// Up to `limit` audit entries after `after`.
pub async fn audit_events(
    db: impl PgExecutor<'_>,
    user_id: UserId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Row>> {
    Ok(sqlx::query_as!(
        Row,
        r#"
        SELECT id,
               json_build_object(
                   'id', id, 'kind', kind, 'event_time', event_time,
                   'session_id', session_id, 'ip', ip, 'detail', detail
               )::text AS "json!"
        FROM auth.audit_events
        WHERE user_id = $1 AND id > $2
        ORDER BY id
        LIMIT $3
        "#,
        user_id as UserId,
        after.unwrap_or_default(),
        limit,
    )
    .fetch_all(db)
    .await?)
}
