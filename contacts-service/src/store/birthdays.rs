//! Contacts by birthday, without deleted ones.

use sqlx::postgres::PgRow;
use sqlx::{PgExecutor, Row};

use crate::contact::ContactId;
use crate::contact::stored::Stored;
use crate::error::Result;
use crate::model::share::rights::View;
use crate::store::row::{AFTER_STORED, stored};

/// The position in a list of birthdays.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct BirthdayKey {
    /// Month and day of the last one shown.
    pub birth_md: i16,
    /// The key of its display name.
    pub display_key: String,
    /// Its id.
    pub id: uuid::Uuid,
}

/// A contact and its position.
#[derive(Clone, Debug)]
pub struct ContactBirthday {
    /// The contact.
    pub contact: Stored,
    /// Month and day of its birthday.
    pub birth_md: i16,
    /// The key of its display name.
    pub display_key: String,
}

/// Birthdays after a position up to a month and day, by day, name and id. A single lower
/// bound, because with two the index may be read from the lower one.
pub async fn between(
    db: impl PgExecutor<'_>,
    view: &View,
    last: i16,
    after: &BirthdayKey,
    limit: i64,
) -> Result<Vec<ContactBirthday>> {
    let rows = sqlx::query(
        r"
        SELECT id, uid, version, create_time, update_time, delete_time, merged_into, body,
               birth_md, display_key
        FROM contacts.contacts
        WHERE owner_id = $1 AND delete_time IS NULL
          AND ($7::text[] IS NULL OR label_keys && $7)
          AND birth_md <= $2
          AND (birth_md, display_key, id) > ($3, $4, $5)
        ORDER BY birth_md, display_key, id
        LIMIT $6
        ",
    )
    .bind(view.owner)
    .bind(last)
    .bind(after.birth_md)
    .bind(&after.display_key)
    .bind(after.id)
    .bind(limit)
    .bind(view.visible.keys())
    .fetch_all(db)
    .await?;
    rows.iter().map(born).collect()
}

/// The birthdays of two days that share a date, by name and id.
pub async fn on_leap_day(
    db: impl PgExecutor<'_>,
    view: &View,
    birth_mds: [i16; 2],
    after: &BirthdayKey,
    limit: i64,
) -> Result<Vec<ContactBirthday>> {
    let rows = sqlx::query(
        r"
        SELECT id, uid, version, create_time, update_time, delete_time, merged_into, body,
               birth_md, display_key
        FROM contacts.contacts
        WHERE owner_id = $1 AND delete_time IS NULL
          AND ($6::text[] IS NULL OR label_keys && $6)
          AND birth_md = ANY($2)
          AND (display_key, id) > ($3, $4)
        ORDER BY display_key, id
        LIMIT $5
        ",
    )
    .bind(view.owner)
    .bind(birth_mds.as_slice())
    .bind(&after.display_key)
    .bind(after.id)
    .bind(limit)
    .bind(view.visible.keys())
    .fetch_all(db)
    .await?;
    rows.iter().map(born).collect()
}

fn born(row: &PgRow) -> Result<ContactBirthday> {
    Ok(ContactBirthday {
        contact: stored(row)?,
        birth_md: row.try_get(AFTER_STORED)?,
        display_key: row.try_get(AFTER_STORED + 1)?,
    })
}

/// Where the next page begins after this contact.
impl From<&ContactBirthday> for BirthdayKey {
    fn from(born: &ContactBirthday) -> Self {
        let ContactId(id) = born.contact.id;
        Self {
            birth_md: born.birth_md,
            display_key: born.display_key.clone(),
            id,
        }
    }
}
