//! The cursors of this service in feeds of others.

use sqlx::PgExecutor;

use crate::error::Result;

/// The cursor to continue from; empty for the beginning.
pub async fn get(db: impl PgExecutor<'_>, feed: &str) -> Result<String> {
    let cursor = sqlx::query_scalar!("SELECT cursor FROM contacts.feeds WHERE name = $1", feed)
        .fetch_optional(db)
        .await?;
    Ok(cursor.unwrap_or_default())
}

/// Stores the cursor. A slower replica may set it back, which repeats users and misses
/// none.
pub async fn set(db: impl PgExecutor<'_>, feed: &str, cursor: &str) -> Result<()> {
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
