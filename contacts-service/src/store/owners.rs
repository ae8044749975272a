//! One row per owner: its version counter and its totals.

use chassis::user_id::UserId;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::error::Result;
use crate::model::quota::Quota;

/// What a write knows of its owner.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// The version that this write stamps on what it changes.
    pub version: i64,
    /// Live contacts before the write.
    pub live_count: i64,
    /// The bytes of all contacts before the write.
    pub byte_count: i64,
}

impl Taken {
    /// What the owner's contacts took up before the write.
    #[must_use]
    pub fn used(self) -> Quota {
        Quota {
            contacts: self.live_count,
            bytes: self.byte_count,
        }
    }
}

/// Begins a write: takes the owner's next version, and with it the owner's row
/// until the transaction ends. Writes of one owner thus follow each other, and
/// versions follow the order of commits.
pub async fn take(db: &mut PgConnection, owner: UserId) -> Result<Taken> {
    Ok(sqlx::query_as!(
        Taken,
        r#"
        INSERT INTO contacts.owner_state AS o
            (owner_id, version, min_version, epoch, live_count, byte_count)
        VALUES ($1, 1, 0, $2, 0, 0)
        ON CONFLICT (owner_id) DO UPDATE SET version = o.version + 1
        RETURNING version, live_count, byte_count
        "#,
        owner as UserId,
        Uuid::new_v4(),
    )
    .fetch_one(db)
    .await?)
}

/// What the owner's contacts take up now.
pub async fn used(db: impl PgExecutor<'_>, owner: UserId) -> Result<Quota> {
    let used = sqlx::query_as!(
        Quota,
        r#"
        SELECT live_count AS contacts, byte_count AS bytes
        FROM contacts.owner_state
        WHERE owner_id = $1
        "#,
        owner as UserId,
    )
    .fetch_optional(db)
    .await?;
    Ok(used.unwrap_or_default())
}

/// Holds the owner's row, where there is one, until the transaction ends, without a
/// new version.
pub async fn hold(db: &mut PgConnection, owner: UserId) -> Result<()> {
    sqlx::query!(
        r#"
        SELECT version
        FROM contacts.owner_state
        WHERE owner_id = $1
        FOR UPDATE
        "#,
        owner as UserId,
    )
    .fetch_optional(db)
    .await?;
    Ok(())
}
