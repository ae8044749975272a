//! Many contacts in one row: each column has the values of all, one after the other. To
//! receive and decode a row per contact costs the service a fifth of a list; `string_agg`
//! of bytes costs the database a little more than rows, `array_agg` twice as much.
//!
//! `string_agg` reads its input in the order of the subquery. PostgreSQL's documentation
//! calls this usual, unless the outer query does more than aggregate, such as a join; so no
//! list here does. Tests compare lists with a sort in memory.

use bytes::Buf;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::contact::ContactId;
use crate::contact::stored::{BESIDE_BYTES, Stored};
use crate::error::Result;

/// Calls a macro with the columns of a [`Packed`], in two parts: those of every contact, and
/// those of deleted ones. Uids, which have no line breaks, are lines.
macro_rules! columns {
    ($with:ident!($($rest:tt)*)) => {
        $with!(
            "string_agg(uuid_send(id), '') AS ids,
             string_agg(uid, chr(10)) AS uids,
             string_agg(int8send(version), '') AS versions,
             string_agg(timestamptz_send(create_time), '') AS create_times,
             string_agg(timestamptz_send(update_time), '') AS update_times,
             string_agg(int4send(octet_length(body)), '') AS sizes,
             string_agg(body, '') AS bodies, ",
            "string_agg(timestamptz_send(COALESCE(delete_time, '-infinity')), '') AS delete_times,
             string_agg(int8send(COALESCE(delete_version, 0)), '') AS delete_versions,
             string_agg(uuid_send(COALESCE(merged_into, '00000000-0000-0000-0000-000000000000')), '')
                 AS targets",
            $($rest)*
        )
    };
}
pub(super) use columns;

/// A checked query with [`columns`] between two parts.
macro_rules! packing {
    ($columns:literal, $of_deleted:literal, $before:literal, $after:literal $(+ $more:literal)* $(, $value:expr)* $(,)?) => {
        sqlx::query!($before + $columns + $of_deleted + $after $(+ $more)*, $($value),*)
    };
}
pub(super) use packing;

/// The [`Packed`] of a row of [`packing`].
macro_rules! packed {
    ($row:expr) => {
        $crate::store::packed::Packed {
            ids: $row.ids,
            uids: $row.uids,
            versions: $row.versions,
            create_times: $row.create_times,
            update_times: $row.update_times,
            delete_times: $row.delete_times,
            delete_versions: $row.delete_versions,
            targets: $row.targets,
            sizes: $row.sizes,
            bodies: $row.bodies,
        }
    };
}
pub(super) use packed;

macro_rules! of_live_contacts {
    ($columns:literal, $of_deleted:literal,) => {
        concat!(
            $columns,
            "NULL::bytea AS delete_times, NULL::bytea AS delete_versions, NULL::bytea AS targets"
        )
    };
}

/// The columns as a text.
pub(super) const COLUMNS: &str = columns!(concat!());
/// The same where no contact is deleted, which costs the database a fifth less.
pub(super) const LIVE_COLUMNS: &str = columns!(of_live_contacts!());

/// Contacts by column; each is `None` if there is no contact, the last three also if
/// none can be deleted.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Packed {
    pub(super) ids: Option<Vec<u8>>,
    pub(super) uids: Option<String>,
    pub(super) versions: Option<Vec<u8>>,
    pub(super) create_times: Option<Vec<u8>>,
    pub(super) update_times: Option<Vec<u8>>,
    pub(super) sizes: Option<Vec<u8>>,
    pub(super) bodies: Option<Vec<u8>>,
    pub(super) delete_times: Option<Vec<u8>>,
    pub(super) delete_versions: Option<Vec<u8>>,
    pub(super) targets: Option<Vec<u8>>,
}

impl Packed {
    /// The contacts, in the order of the subquery.
    pub(super) fn contacts(&self) -> Result<Vec<Stored>> {
        self.unpack().ok_or_else(broken)
    }

    fn unpack(&self) -> Option<Vec<Stored>> {
        let Some(ids) = &self.ids else {
            return Some(Vec::new());
        };
        let mut versions = self.versions.as_deref()?;
        let mut create_times = self.create_times.as_deref()?;
        let mut update_times = self.update_times.as_deref()?;
        let mut delete_times = self.delete_times.as_deref();
        let mut delete_versions = numbers(self.delete_versions.as_deref());
        let mut targets = self.targets.as_deref();
        let mut sizes = self.sizes.as_deref()?;
        let mut bodies = self.bodies.as_deref()?;
        let mut uids = self.uids.as_deref()?.split('\n');
        let (ids, _) = ids.as_chunks();
        let mut contacts = Vec::with_capacity(ids.len());
        for id in ids {
            let size = usize::try_from(sizes.try_get_i32().ok()?).ok()?;
            let (written, rest) = bodies.split_at_checked(size)?;
            bodies = rest;
            let target = match &mut targets {
                Some(targets) => Uuid::from_u128(targets.try_get_u128().ok()?),
                None => Uuid::nil(),
            };
            let uid = uids.next()?;
            // With capacity for the rest of its message.
            let mut body = Vec::with_capacity(size + BESIDE_BYTES + uid.len());
            body.extend_from_slice(written);
            contacts.push(Stored {
                id: ContactId(Uuid::from_bytes(*id)),
                uid: uid.to_owned(),
                version: versions.try_get_i64().ok()?,
                create_time: time(&mut create_times)??,
                update_time: time(&mut update_times)??,
                delete_time: match &mut delete_times {
                    Some(times) => time(times)?,
                    None => None,
                },
                delete_version: delete_versions.next().filter(|version| *version > 0),
                merged_into: Some(target).filter(|target| !target.is_nil()),
                body,
            });
        }
        Some(contacts)
    }
}

/// The next time, in microseconds since 2000; none if it is minus infinity. `None` if
/// there is no next.
#[expect(
    clippy::option_option,
    reason = "a missing value and a missing time differ"
)]
fn time(times: &mut &[u8]) -> Option<Option<DateTime<Utc>>> {
    const MICROS_OF_2000: i64 = 946_684_800_000_000;
    let micros = times.try_get_i64().ok()?.checked_add(MICROS_OF_2000);
    Some(micros.and_then(DateTime::from_timestamp_micros))
}

/// 64-bit numbers one after the other, as `int8send` writes them.
pub(super) fn numbers(packed: Option<&[u8]>) -> impl Iterator<Item = i64> {
    let (numbers, _) = packed.unwrap_or_default().as_chunks();
    numbers.iter().map(|number| i64::from_be_bytes(*number))
}

/// The error for a row that is not as its statement makes it.
pub(super) fn broken() -> crate::error::Error {
    sqlx::Error::Decode("the columns of a page do not belong together".into()).into()
}
