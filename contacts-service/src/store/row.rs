//! Reads rows by position, because looking up names for each row is measurable on pages
//! of hundreds.

use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::contact::stored::Stored;

/// The columns that [`stored`] reads; they must be first.
pub(super) const STORED: &str =
    "id, uid, version, create_time, update_time, delete_time, merged_into, body";
/// The position of the next column.
pub(super) const AFTER_STORED: usize = 8;

/// Reads the columns of [`STORED`].
pub(super) fn stored(row: &PgRow) -> sqlx::Result<Stored> {
    Ok(Stored {
        id: row.try_get(0)?,
        uid: row.try_get(1)?,
        version: row.try_get(2)?,
        create_time: row.try_get(3)?,
        update_time: row.try_get(4)?,
        delete_time: row.try_get(5)?,
        merged_into: row.try_get(6)?,
        body: row.try_get(7)?,
    })
}
