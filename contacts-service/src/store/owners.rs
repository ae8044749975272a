//! One row per owner: its version counter and its totals.

use chassis::database::pool::Connection;
use chassis::user_id::UserId;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::contact::keys::KEYS_VERSION;
use crate::error::Result;
use crate::model::quota::Quota;

/// The owner's row, as a write found it.
#[derive(Clone, Copy, Debug)]
pub struct OwnerRow {
    /// The version that this write stores with what it changes.
    pub version: i64,
    /// The owner's usage before the write.
    pub used: Quota,
    /// The bytes of their earlier revisions before the write.
    pub revision_bytes: i64,
}

/// Begins a write: takes the owner's next version, and locks the owner's row until the
/// transaction ends. The writes of one owner therefore run one after the other, and the
/// order of versions is the order of commits.
pub async fn begin_write(db: &mut Connection, owner: UserId) -> Result<OwnerRow> {
    let row = sqlx::query!(
        r#"
        INSERT INTO contacts.owner_state AS o
            (owner_id, version, min_version, epoch, live_count, byte_count, revision_bytes,
             keys_version, keyed_version)
        VALUES ($1, 1, 0, $2, 0, 0, 0, $3, 1)
        ON CONFLICT (owner_id) DO UPDATE
        SET version = o.version + 1,
            keyed_version = o.keyed_version
                + (o.keyed_version = o.version AND o.keys_version = $3)::int
        RETURNING version, live_count, byte_count, revision_bytes
        "#,
        owner as UserId,
        Uuid::new_v4(),
        KEYS_VERSION,
    )
    .fetch_one(&mut *db)
    .await?;
    let revision_bytes = match row.revision_bytes {
        Some(bytes) => bytes,
        None => count_revisions(db, owner).await?,
    };
    Ok(OwnerRow {
        version: row.version,
        used: Quota {
            contacts: row.live_count,
            bytes: row.byte_count,
        },
        revision_bytes,
    })
}

/// Stores the bytes of the owner's earlier revisions, which nobody has counted yet, and
/// returns them. A statement of its own, so that it finds all that were written before the
/// owner's row was locked.
async fn count_revisions(db: &mut Connection, owner: UserId) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"
        UPDATE contacts.owner_state
        SET revision_bytes = (
            SELECT COALESCE(sum(octet_length(body)), 0)
            FROM contacts.revisions
            WHERE owner_id = $1
        )
        WHERE owner_id = $1
        RETURNING revision_bytes AS "revision_bytes!"
        "#,
        owner as UserId,
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
pub async fn lock(db: &mut Connection, owner: UserId) -> Result<()> {
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
