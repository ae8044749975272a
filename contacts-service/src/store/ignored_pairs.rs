//! Pairs of contacts that are not suggested as duplicates.

use chassis::database::pool::Connection;
use chassis::user_id::UserId;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::contact::ContactId;
use crate::error::{Error, Result};
use crate::model::duplicates::IgnoredPair;

/// The maximum number of ignored pairs per owner.
pub const PAIRS_MAX: i64 = 10_000;

/// At most `limit` of the owner's pairs after `after`, in their order.
pub async fn list(
    db: impl PgExecutor<'_>,
    owner: UserId,
    after: Option<IgnoredPair>,
    limit: i64,
) -> Result<Vec<IgnoredPair>> {
    Ok(sqlx::query_as!(
        IgnoredPair,
        r#"
        SELECT low_id AS "low: ContactId", high_id AS "high: ContactId"
        FROM contacts.ignored_duplicates
        WHERE owner_id = $1 AND (low_id, high_id) > ($2, $3)
        ORDER BY low_id, high_id
        LIMIT $4
        "#,
        owner as UserId,
        after.map_or(Uuid::nil(), |pair| pair.low.0),
        after.map_or(Uuid::nil(), |pair| pair.high.0),
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// Ignores each pair of these contacts of the owner, which must be sorted; a repeat has no
/// effect. The caller must hold the lock on the owner's row, so that no contact is purged
/// meanwhile, and the limit holds.
pub async fn insert(db: &mut Connection, owner: UserId, sorted: &[ContactId]) -> Result<()> {
    let ids: Vec<Uuid> = sorted.iter().map(|id| id.0).collect();
    let (mut low, mut high) = (Vec::new(), Vec::new());
    for (at, id) in ids.iter().enumerate() {
        for other in &ids[at + 1..] {
            low.push(*id);
            high.push(*other);
        }
    }
    let row = sqlx::query!(
        r#"
        WITH found AS (
            SELECT id
            FROM contacts.contacts
            WHERE owner_id = $1 AND id = ANY($2)
        ), new AS (
            SELECT low_id, high_id
            FROM unnest($3::uuid[], $4::uuid[]) AS pair (low_id, high_id)
            EXCEPT
            SELECT low_id, high_id
            FROM contacts.ignored_duplicates
            WHERE owner_id = $1 AND low_id = ANY($2)
        ), room AS (
            SELECT count(*) + (SELECT count(*) FROM new) <= $5 AS free
            FROM contacts.ignored_duplicates
            WHERE owner_id = $1
        ), stored AS (
            INSERT INTO contacts.ignored_duplicates (owner_id, low_id, high_id)
            SELECT $1, low_id, high_id
            FROM new JOIN room ON free AND (SELECT count(*) FROM found) = cardinality($2)
        )
        SELECT ARRAY(SELECT id FROM found) AS "found!", free AS "free!"
        FROM room
        "#,
        owner as UserId,
        &ids,
        &low,
        &high,
        PAIRS_MAX,
    )
    .fetch_one(db)
    .await?;
    if let Some(missing) = ids.iter().find(|id| !row.found.contains(id)) {
        return Err(Error::NotFound(ContactId(*missing)));
    }
    if row.free {
        Ok(())
    } else {
        Err(Error::TooManyIgnored { limit: PAIRS_MAX })
    }
}

/// Deletes one pair of the owner, if it is there.
pub async fn delete(db: impl PgExecutor<'_>, owner: UserId, pair: IgnoredPair) -> Result<()> {
    sqlx::query!(
        r#"
        DELETE FROM contacts.ignored_duplicates
        WHERE owner_id = $1 AND low_id = $2 AND high_id = $3
        "#,
        owner as UserId,
        pair.low as ContactId,
        pair.high as ContactId,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes the ignored pairs of the owner's purged contacts with these ids.
pub async fn delete_of(db: &mut Connection, owner: UserId, ids: &[Uuid]) -> Result<()> {
    sqlx::query!(
        r#"
        DELETE FROM contacts.ignored_duplicates
        WHERE owner_id = $1 AND (low_id = ANY($2) OR high_id = ANY($2))
        "#,
        owner as UserId,
        ids,
    )
    .execute(db)
    .await?;
    Ok(())
}
