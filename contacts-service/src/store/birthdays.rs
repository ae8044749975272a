//! Contacts by birthday and by other days of every year, without deleted ones.

use chassis::user_id::UserId;
use sqlx::PgExecutor;

use crate::contact::ContactId;
use crate::contact::stored::Stored;
use crate::error::Result;
use crate::model::share::visible::View;
use crate::store::packed::{broken, columns, numbers, packed, packing};

/// Which days of a contact count.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is asked for by itself")]
pub struct Kinds {
    /// Birthdays.
    pub birthdays: bool,
    /// Also those of people with a date of death.
    pub deceased: bool,
    /// Anniversaries.
    pub anniversaries: bool,
    /// Other events.
    pub events: bool,
}

/// The position in a list of birthdays.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct BirthdayKey {
    /// Month and day of the last one shown: of the birthday or the event.
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
    /// Month and day of its birthday or event.
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

/// Reads the contacts that a subquery selects, each with a day `md`, as long as there is
/// room: $6 is its `count`, $12 its `bytes`. Between the parts of the subquery are the contacts
/// with events. A macro, because `query!` accepts literals only.
macro_rules! born {
    ($db:expr, $before:literal, $after:literal, $room:expr, $($value:expr),* $(,)?) => {{
        let row = columns!(packing!(
            "SELECT string_agg(int8send(md), '') AS birth_mds,
                    string_agg(display_key, chr(10)) AS display_keys, ",
            " FROM (
                SELECT *,
                       sum(octet_length(body)) OVER (ROWS UNBOUNDED PRECEDING)
                           - octet_length(body) AS bytes_before
                FROM (" + $before + "
                    SELECT *
                    FROM contacts.contacts
                    WHERE owner_id = $1 AND delete_time IS NULL AND event_mds IS NOT NULL
                      AND ($7::text[] IS NULL OR label_keys && $7)
                      AND ($10 OR $11)
                    ORDER BY event_mds, id
                    OFFSET 0
                " + $after + ") AS selected
            ) AS page
            WHERE owner_id = $1 AND bytes_before <= $12",
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

/// Contacts from a position up to a month and day, by day, name and id. Of birthdays with a
/// single lower bound, because with two the index may be read from the lower one. Contacts
/// with events are read all, in the order that only their index has; one that has its
/// birthday on the same day is among the birthdays.
pub async fn between(
    db: impl PgExecutor<'_>,
    view: &View,
    kinds: Kinds,
    last: i16,
    from: &BirthdayKey,
    room: Room,
) -> Result<Vec<ContactBirthday>> {
    born!(
        db,
        "SELECT *
        FROM (
            (
                SELECT *, birth_md AS md
                FROM contacts.contacts
                WHERE owner_id = $1 AND delete_time IS NULL
                  AND ($7::text[] IS NULL OR label_keys && $7)
                  AND $8 AND (NOT deceased OR $9)
                  AND birth_md <= $2
                  AND (birth_md, display_key, id) >= ($3, $4, $5)
                ORDER BY birth_md, display_key, id
                LIMIT $6
            )
            UNION ALL
            (
                SELECT eventful.*, md
                FROM (",
        ") AS eventful
                CROSS JOIN LATERAL (
                    SELECT DISTINCT abs(code) AS md
                    FROM unnest(event_mds) AS code
                    WHERE owner_id = $1 AND CASE WHEN code < 0 THEN $10 ELSE $11 END
                ) AS days
                WHERE owner_id = $1 AND md <= $2 AND (md, display_key, id) >= ($3, $4, $5)
                  AND (birth_md IS DISTINCT FROM md OR NOT ($8 AND (NOT deceased OR $9)))
                ORDER BY md, display_key, id
                LIMIT $6
            )
        ) AS either
        WHERE owner_id = $1
        ORDER BY md, display_key, id
        LIMIT $6",
        room,
        view.owner as UserId,
        last,
        from.birth_md,
        from.display_key,
        from.id,
        room.count,
        view.visible.keys() as Option<Vec<String>>,
        kinds.birthdays,
        kinds.deceased,
        kinds.anniversaries,
        kinds.events,
    )
}

/// The contacts of two days that share a date, or of one, by name and id: each day as
/// above, because of both together the planner might read the whole book by name.
pub async fn on_leap_day(
    db: impl PgExecutor<'_>,
    view: &View,
    kinds: Kinds,
    birth_mds: [i16; 2],
    from: &BirthdayKey,
    room: Room,
) -> Result<Vec<ContactBirthday>> {
    born!(
        db,
        "SELECT *
        FROM (
            (
                SELECT *, birth_md AS md
                FROM contacts.contacts
                WHERE owner_id = $1 AND delete_time IS NULL
                  AND ($7::text[] IS NULL OR label_keys && $7)
                  AND $8 AND (NOT deceased OR $9)
                  AND birth_md <= $2
                  AND (birth_md, display_key, id) >= ($2, $4, $5)
                ORDER BY birth_md, display_key, id
                LIMIT $6
            )
            UNION ALL
            (
                SELECT *, birth_md AS md
                FROM contacts.contacts
                WHERE owner_id = $1 AND delete_time IS NULL AND $2 <> $3
                  AND ($7::text[] IS NULL OR label_keys && $7)
                  AND $8 AND (NOT deceased OR $9)
                  AND birth_md <= $3
                  AND (birth_md, display_key, id) >= ($3, $4, $5)
                ORDER BY birth_md, display_key, id
                LIMIT $6
            )
            UNION ALL
            (
                SELECT *, $2::smallint AS md
                FROM (",
        ") AS eventful
                WHERE owner_id = $1 AND (display_key, id) >= ($4, $5)
                  AND (($10 AND event_mds && ARRAY[-$2, -$3]::smallint[])
                    OR ($11 AND event_mds && ARRAY[$2, $3]::smallint[]))
                  AND NOT (COALESCE(birth_md IN ($2, $3), FALSE)
                    AND $8 AND (NOT deceased OR $9))
                ORDER BY display_key, id
                LIMIT $6
            )
        ) AS any_of_them
        WHERE owner_id = $1
        ORDER BY display_key, id
        LIMIT $6",
        room,
        view.owner as UserId,
        birth_mds[0],
        birth_mds[1],
        from.display_key,
        from.id,
        room.count,
        view.visible.keys() as Option<Vec<String>>,
        kinds.birthdays,
        kinds.deceased,
        kinds.anniversaries,
        kinds.events,
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
