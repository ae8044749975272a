//! Contacts by birthday, without deleted ones.

use chassis::user_id::UserId;
use sqlx::PgExecutor;

use crate::contact::ContactId;
use crate::contact::stored::Stored;
use crate::error::Result;
use crate::model::share::rights::View;
use crate::store::packed::{broken, columns, numbers, packed, packing};

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

/// The size of a page.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// The maximum number of contacts.
    pub count: i64,
    /// The size of contacts above which no further one is read.
    pub bytes: i64,
}

/// Reads the contacts that a subquery selects, as long as there is room: $6 is its `count`,
/// $8 its `bytes`. A macro, because `query!` accepts literals only.
macro_rules! born {
    ($db:expr, $selected:literal, $room:expr, $($value:expr),* $(,)?) => {{
        let row = columns!(packing!(
            "SELECT string_agg(int8send(birth_md), '') AS birth_mds,
                    string_agg(display_key, chr(10)) AS display_keys, ",
            " FROM (
                SELECT *,
                       sum(octet_length(body)) OVER (ROWS UNBOUNDED PRECEDING)
                           - octet_length(body) AS bytes_before
                FROM (" + $selected + ") AS selected
            ) AS page
            WHERE owner_id = $1 AND bytes_before <= $8",
            $($value,)*
            $room.bytes,
        ))
        .fetch_one($db)
        .await?;
        let birth_mds = numbers(row.birth_mds.as_deref());
        let display_keys = row.display_keys.unwrap_or_default();
        born(packed!(row).contacts()?, birth_mds, display_keys.split('\n'))
    }};
}

/// Birthdays after a position up to a month and day, by day, name and id. A single lower
/// bound, because with two the index may be read from the lower one.
pub async fn between(
    db: impl PgExecutor<'_>,
    view: &View,
    last: i16,
    after: &BirthdayKey,
    room: Room,
) -> Result<Vec<ContactBirthday>> {
    born!(
        db,
        "SELECT *
        FROM contacts.contacts
        WHERE owner_id = $1 AND delete_time IS NULL
          AND ($7::text[] IS NULL OR label_keys && $7)
          AND birth_md <= $2
          AND (birth_md, display_key, id) > ($3, $4, $5)
        ORDER BY birth_md, display_key, id
        LIMIT $6",
        room,
        view.owner as UserId,
        last,
        after.birth_md,
        after.display_key,
        after.id,
        room.count,
        view.visible.keys() as Option<Vec<String>>,
    )
}

/// The birthdays of two days that share a date, or of one, by name and id: each day as
/// above, because of both together the planner might read the whole book by name.
pub async fn on_leap_day(
    db: impl PgExecutor<'_>,
    view: &View,
    birth_mds: [i16; 2],
    after: &BirthdayKey,
    room: Room,
) -> Result<Vec<ContactBirthday>> {
    born!(
        db,
        "SELECT *
        FROM (
            (
                SELECT *
                FROM contacts.contacts
                WHERE owner_id = $1 AND delete_time IS NULL
                  AND ($7::text[] IS NULL OR label_keys && $7)
                  AND birth_md <= $2
                  AND (birth_md, display_key, id) > ($2, $4, $5)
                ORDER BY birth_md, display_key, id
                LIMIT $6
            )
            UNION ALL
            (
                SELECT *
                FROM contacts.contacts
                WHERE owner_id = $1 AND delete_time IS NULL AND $2 <> $3
                  AND ($7::text[] IS NULL OR label_keys && $7)
                  AND birth_md <= $3
                  AND (birth_md, display_key, id) > ($3, $4, $5)
                ORDER BY birth_md, display_key, id
                LIMIT $6
            )
        ) AS either
        WHERE owner_id = $1
        ORDER BY display_key, id
        LIMIT $6",
        room,
        view.owner as UserId,
        birth_mds[0],
        birth_mds[1],
        after.display_key,
        after.id,
        room.count,
        view.visible.keys() as Option<Vec<String>>,
    )
}

/// The contacts with their birthdays and the lines of their names.
fn born<'a>(
    contacts: Vec<Stored>,
    birth_mds: impl Iterator<Item = i64>,
    display_keys: impl Iterator<Item = &'a str>,
) -> Result<Vec<ContactBirthday>> {
    let mut keys = birth_mds.zip(display_keys);
    let born = contacts.into_iter().map(|contact| {
        let (birth_md, display_key) = keys.next().ok_or_else(broken)?;
        Ok(ContactBirthday {
            contact,
            birth_md: i16::try_from(birth_md).map_err(|_| broken())?,
            display_key: display_key.to_owned(),
        })
    });
    born.collect()
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
