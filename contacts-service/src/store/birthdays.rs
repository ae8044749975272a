//! Live contacts by the day of their birthday.

use chassis::user_id::UserId;
use sqlx::PgExecutor;

use crate::contact::ContactId;
use crate::contact::stored::Stored;
use crate::error::Result;

/// Where a list of birthdays stopped.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Position {
    /// Month and day of the last one shown.
    pub birth_md: i16,
    /// The key of its display name.
    pub display_key: String,
    /// Its id.
    pub id: uuid::Uuid,
}

/// A contact and where it stands.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Born {
    /// The contact.
    #[sqlx(flatten)]
    pub contact: Stored,
    /// Month and day of its birthday.
    pub birth_md: i16,
    /// The key of its display name.
    pub display_key: String,
}

/// Birthdays from one month and day to another, by day, name and id.
pub async fn span(
    db: impl PgExecutor<'_>,
    owner: UserId,
    (first, last): (i16, i16),
    after: &Position,
    limit: i64,
) -> Result<Vec<Born>> {
    Ok(sqlx::query_as(
        r"
        SELECT id, uid, version, create_time, update_time, delete_time, merged_into, body,
               birth_md, display_key
        FROM contacts.contacts
        WHERE owner_id = $1 AND delete_time IS NULL
          AND birth_md BETWEEN $2 AND $3
          AND (birth_md, display_key, id) > ($4, $5, $6)
        ORDER BY birth_md, display_key, id
        LIMIT $7
        ",
    )
    .bind(owner)
    .bind(first)
    .bind(last)
    .bind(after.birth_md)
    .bind(&after.display_key)
    .bind(after.id)
    .bind(limit)
    .fetch_all(db)
    .await?)
}

/// The birthdays of two days that are kept on one, by name and id.
pub async fn leap_day(
    db: impl PgExecutor<'_>,
    owner: UserId,
    birth_mds: [i16; 2],
    after: &Position,
    limit: i64,
) -> Result<Vec<Born>> {
    Ok(sqlx::query_as(
        r"
        SELECT id, uid, version, create_time, update_time, delete_time, merged_into, body,
               birth_md, display_key
        FROM contacts.contacts
        WHERE owner_id = $1 AND delete_time IS NULL
          AND birth_md = ANY($2)
          AND (display_key, id) > ($3, $4)
        ORDER BY display_key, id
        LIMIT $5
        ",
    )
    .bind(owner)
    .bind(birth_mds.as_slice())
    .bind(&after.display_key)
    .bind(after.id)
    .bind(limit)
    .fetch_all(db)
    .await?)
}

/// The contact's id, to go on behind it.
impl From<&Born> for Position {
    fn from(born: &Born) -> Self {
        let ContactId(id) = born.contact.id;
        Self {
            birth_md: born.birth_md,
            display_key: born.display_key.clone(),
            id,
        }
    }
}
