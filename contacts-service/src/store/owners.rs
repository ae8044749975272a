//! One row per owner: its version counter and its totals.

use chassis::user_id::UserId;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::error::Result;
use crate::model::quota::Quota;

/// The owner's data for a write.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// The version of this write.
    pub version: i64,
    /// The number of contacts before the write, without deleted ones.
    pub live_count: i64,
    /// The bytes of all contacts before the write.
    pub byte_count: i64,
}

impl Taken {
    /// The owner's usage before the write.
    #[must_use]
    pub fn used(self) -> Quota {
        Quota {
            contacts: self.live_count,
            bytes: self.byte_count,
        }
    }
}

/// Starts a write: takes the owner's next version, and locks the owner's row until the
/// transaction ends. Writes of one owner therefore run one after the other, and versions
/// follow the order of commits.
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

/// The owner's current usage.
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

/// Locks the owner's row, if there is one, until the transaction ends, without a new
/// version.
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
