//! Shares. Callers of a write here must have locked the owner's row.

use chassis::email::Email;
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use crate::error::Result;
use crate::model::label::LabelId;
use crate::model::share::books::{BOOKS_MAX, Received};
use crate::model::share::visible::{Grant, SharedLabel};
use crate::model::share::{OFFERED_FOR, Offer, Recipient, SHARES_MAX, Share, ShareId};

/// What the user can currently read of the owner's contacts. Labels by a range, as in
/// [`super::contacts`]. Earlier releases store no version of the acceptance: then the last
/// write of the share counts as such.
pub async fn grants(db: impl PgExecutor<'_>, owner: UserId, user: UserId) -> Result<Vec<Grant>> {
    let rows = sqlx::query!(
        r#"
        SELECT s.is_editor, COALESCE(s.accept_version, s.version) AS "since!",
               s.label_id AS "label_id: LabelId", l.name_key AS "name_key?",
               l.version AS "named?"
        FROM contacts.shares AS s
        LEFT JOIN LATERAL (
            SELECT name_key, version
            FROM contacts.labels
            WHERE owner_id = $1 AND id >= s.label_id AND id <= s.label_id
            ORDER BY id
            LIMIT 1
        ) AS l ON TRUE
        WHERE s.owner_id = $1 AND s.recipient_id = $2
        "#,
        owner as UserId,
        user as UserId,
    )
    .fetch_all(db)
    .await?;
    let grants = rows.into_iter().map(|row| {
        grant(
            row.is_editor,
            row.since,
            row.label_id,
            row.name_key,
            row.named,
        )
    });
    Ok(grants.collect())
}

/// What the user can currently read of all owners' contacts, as [`grants`], by owner. At most
/// one more than as many owners as one call reads can have.
pub async fn all_grants(db: impl PgExecutor<'_>, user: UserId) -> Result<Vec<Received>> {
    let rows = sqlx::query!(
        r#"
        SELECT s.owner_id AS "owner: UserId", s.is_editor,
               COALESCE(s.accept_version, s.version) AS "since!",
               s.label_id AS "label_id: LabelId", l.name_key AS "name_key?",
               l.version AS "named?"
        FROM contacts.shares AS s
        LEFT JOIN LATERAL (
            SELECT name_key, version
            FROM contacts.labels
            WHERE owner_id = s.owner_id AND id >= s.label_id AND id <= s.label_id
            ORDER BY id
            LIMIT 1
        ) AS l ON TRUE
        WHERE s.recipient_id = $1
        ORDER BY s.owner_id
        LIMIT $2
        "#,
        user as UserId,
        SHARES_MAX * i64::try_from(BOOKS_MAX).unwrap_or(i64::MAX) + 1,
    )
    .fetch_all(db)
    .await?;
    let received = rows.into_iter().map(|row| Received {
        owner: row.owner,
        grant: grant(
            row.is_editor,
            row.since,
            row.label_id,
            row.name_key,
            row.named,
        ),
    });
    Ok(received.collect())
}

fn grant(
    is_editor: bool,
    since: i64,
    label_id: Option<LabelId>,
    name_key: Option<String>,
    named: Option<i64>,
) -> Grant {
    Grant {
        is_editor,
        label: label_id.map(|id| SharedLabel {
            id,
            // No contact has an empty label.
            key: name_key.unwrap_or_default(),
            since,
            named: named.unwrap_or_default(),
        }),
        since,
    }
}

/// Selects shares, without offers that have expired: the text after WHERE, and the values, of
/// which $1 is the time of creation after which an offer has not expired. A macro, because
/// `query_as!` accepts literals only.
macro_rules! shares {
    ($rest:literal, $now:expr $(, $value:expr)* $(,)?) => {
        sqlx::query_as!(
            Share,
            r#"
            SELECT s.id AS "id: ShareId", s.owner_id AS "owner_id: UserId", s.owner_email,
                   s.recipient_email, s.label_id AS "label_id: LabelId",
                   l.name AS "label_name?", s.is_editor, s.version, s.create_time, s.update_time,
                   s.accept_time
            FROM contacts.shares AS s
            LEFT JOIN contacts.labels AS l ON l.owner_id = s.owner_id AND l.id = s.label_id
            WHERE (s.recipient_id IS NOT NULL OR s.create_time > $1) AND "# + $rest,
            $now - OFFERED_FOR,
            $($value),*
        )
    };
}

/// Returns the owner's share.
pub async fn get(
    db: impl PgExecutor<'_>,
    owner: UserId,
    id: ShareId,
    now: DateTime<Utc>,
) -> Result<Option<Share>> {
    let share = shares!(
        "s.owner_id = $2 AND s.id = $3",
        now,
        owner as UserId,
        id as ShareId,
    );
    Ok(share.fetch_optional(db).await?)
}

/// Returns the owner's share, if the recipient has it or it is offered to the recipient.
pub async fn get_for(
    db: impl PgExecutor<'_>,
    owner: UserId,
    id: ShareId,
    recipient: &Recipient,
    now: DateTime<Utc>,
) -> Result<Option<Share>> {
    let share = shares!(
        "s.owner_id = $2 AND s.id = $3
           AND (s.recipient_id = $4 OR (s.recipient_id IS NULL AND s.recipient_email = $5))",
        now,
        owner as UserId,
        id as ShareId,
        recipient.id as UserId,
        recipient.email.as_ref().map(Email::as_str),
    );
    Ok(share.fetch_optional(db).await?)
}

/// At most `limit` of the owner's shares, the oldest first, after this one.
pub async fn list(
    db: impl PgExecutor<'_>,
    owner: UserId,
    after: ShareId,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<Vec<Share>> {
    let list = shares!(
        "s.owner_id = $2 AND s.id > $3 ORDER BY s.id LIMIT $4",
        now,
        owner as UserId,
        after as ShareId,
        limit,
    );
    Ok(list.fetch_all(db).await?)
}

/// At most `limit` of the shares that the recipient has or is offered, of any owners, the
/// oldest first, after this one.
pub async fn list_for(
    db: impl PgExecutor<'_>,
    recipient: &Recipient,
    after: ShareId,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<Vec<Share>> {
    let list = shares!(
        "s.id > $4 AND s.owner_id <> $2
           AND (s.recipient_id = $2 OR (s.recipient_id IS NULL AND s.recipient_email = $3))
         ORDER BY s.id LIMIT $5",
        now,
        recipient.id as UserId,
        recipient.email.as_ref().map(Email::as_str),
        after as ShareId,
        limit,
    );
    Ok(list.fetch_all(db).await?)
}

/// The owner's share of the same contacts with the same address.
pub async fn find_same(
    db: impl PgExecutor<'_>,
    owner: UserId,
    offer: &Offer,
) -> Result<Option<ShareId>> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT id AS "id: ShareId"
        FROM contacts.shares
        WHERE owner_id = $1 AND recipient_email = $2 AND label_id IS NOT DISTINCT FROM $3
        "#,
        owner as UserId,
        offer.recipient_email.as_str(),
        offer.label_id as Option<LabelId>,
    )
    .fetch_optional(db)
    .await?)
}

/// The number of the owner's shares.
pub async fn count(db: impl PgExecutor<'_>, owner: UserId) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT count(*) AS "count!"
        FROM contacts.shares
        WHERE owner_id = $1
        "#,
        owner as UserId,
    )
    .fetch_one(db)
    .await?)
}

/// Inserts a new share.
pub async fn insert(db: impl PgExecutor<'_>, share: &Share) -> Result<()> {
    sqlx::query!(
        r#"
        INSERT INTO contacts.shares
            (owner_id, id, owner_email, recipient_email, label_id, is_editor, version, create_time,
             update_time)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        "#,
        share.owner_id as UserId,
        share.id as ShareId,
        share.owner_email,
        share.recipient_email,
        share.label_id as Option<LabelId>,
        share.is_editor,
        share.version,
        share.create_time,
        share.update_time,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Updates a share; with `recipient`, it is accepted now.
pub async fn update(
    db: impl PgExecutor<'_>,
    share: &Share,
    recipient: Option<UserId>,
) -> Result<()> {
    sqlx::query!(
        r#"
        UPDATE contacts.shares
        SET is_editor = $3, version = $4, update_time = $5, accept_time = $6,
            recipient_id = COALESCE($7, recipient_id),
            accept_version = CASE
                WHEN $7 IS NOT NULL THEN $4
                WHEN recipient_id IS NOT NULL THEN COALESCE(accept_version, version)
            END
        WHERE owner_id = $1 AND id = $2
        "#,
        share.owner_id as UserId,
        share.id as ShareId,
        share.is_editor,
        share.version,
        share.update_time,
        share.accept_time,
        recipient as Option<UserId>,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes the owner's share.
pub async fn delete(db: impl PgExecutor<'_>, owner: UserId, id: ShareId) -> Result<()> {
    sqlx::query!(
        r#"
        DELETE FROM contacts.shares
        WHERE owner_id = $1 AND id = $2
        "#,
        owner as UserId,
        id as ShareId,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes the owner's offers that have expired.
pub async fn delete_expired(
    db: impl PgExecutor<'_>,
    owner: UserId,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        r#"
        DELETE FROM contacts.shares
        WHERE owner_id = $1 AND recipient_id IS NULL AND create_time <= $2
        "#,
        owner as UserId,
        now - OFFERED_FOR,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes at most 1000 expired offers of any owners for whom nobody writes at the moment;
/// returns how many.
pub async fn delete_all_expired(db: impl PgExecutor<'_>, now: DateTime<Utc>) -> Result<u64> {
    let done = sqlx::query!(
        r#"
        WITH expired AS (
            SELECT s.owner_id, s.id
            FROM contacts.shares AS s
            JOIN contacts.owner_state AS o ON o.owner_id = s.owner_id
            WHERE s.recipient_id IS NULL AND s.create_time <= $1
            LIMIT 1000
            FOR UPDATE OF o SKIP LOCKED
        )
        DELETE FROM contacts.shares AS s
        USING expired
        WHERE s.owner_id = expired.owner_id AND s.id = expired.id AND s.recipient_id IS NULL
        "#,
        now - OFFERED_FOR,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Deletes the shares of the owner's label.
pub async fn delete_of_label(db: impl PgExecutor<'_>, owner: UserId, label: LabelId) -> Result<()> {
    sqlx::query!(
        r#"
        DELETE FROM contacts.shares
        WHERE owner_id = $1 AND label_id = $2
        "#,
        owner as UserId,
        label as LabelId,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The owners whose contacts a user can read.
pub async fn owners_shared_with(db: impl PgExecutor<'_>, user: UserId) -> Result<Vec<UserId>> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT DISTINCT owner_id AS "owner_id: UserId"
        FROM contacts.shares
        WHERE recipient_id = $1
        "#,
        user as UserId,
    )
    .fetch_all(db)
    .await?)
}

/// Deletes the owner's shares with a user; returns how many.
pub async fn delete_of_recipient(
    db: impl PgExecutor<'_>,
    owner: UserId,
    user: UserId,
) -> Result<u64> {
    let done = sqlx::query!(
        r#"
        DELETE FROM contacts.shares
        WHERE owner_id = $1 AND recipient_id = $2
        "#,
        owner as UserId,
        user as UserId,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
