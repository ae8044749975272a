//! How far this service has followed what others tell.

use sqlx::PgExecutor;

use crate::error::Result;

/// Where to go on; empty for the beginning.
pub async fn get(db: impl PgExecutor<'_>, feed: &str) -> Result<String> {
    let cursor = sqlx::query_scalar!("SELECT cursor FROM contacts.feeds WHERE name = $1", feed)
        .fetch_optional(db)
        .await?;
    Ok(cursor.unwrap_or_default())
}

/// Keeps where to go on. A replica that is behind may put it back: that repeats,
/// and misses nothing.
pub async fn keep(db: impl PgExecutor<'_>, feed: &str, cursor: &str) -> Result<()> {
    sqlx::query!(
        r#"
        INSERT INTO contacts.feeds (name, cursor)
        VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor
        "#,
        feed,
        cursor,
    )
    .execute(db)
    .await?;
    Ok(())
}
