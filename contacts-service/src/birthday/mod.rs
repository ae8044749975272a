//! Upcoming birthdays and other days of every year, a page at a time.

mod entries;
pub mod window;

use bytes::Bytes;
use chassis::database::pool::Pool;
use chassis::paging::{PAGE_BYTES_MAX, fitting};
use chrono::NaiveDate;
use proto::contacts::v1::LeapDayRule;

use self::entries::{Entry, Place, entries};
use self::window::{Segment, Window};
use crate::contact::mask::ReadMask;
use crate::contact::stored::Dates;
use crate::error::Result;
use crate::model::share::visible::View;
use crate::store::birthdays::{self as table, ContactBirthday, Kinds, Room};

/// The position of a list of birthdays.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct BirthdaysCursor {
    /// The first day of the window: today may become yesterday between pages.
    first: NaiveDate,
    /// The rule of the window: the owner's settings may change.
    #[serde(default)]
    rule: i32,
    /// The day of the last entry shown.
    day: NaiveDate,
    row: table::BirthdayKey,
    /// Its place among the entries of its contact on that day; after all if `None`.
    #[serde(default)]
    place: Option<Place>,
}

impl BirthdaysCursor {
    /// Makes a window the one that the first page had.
    pub fn resume(&self, window: &mut Window) {
        window.first = self.first;
        if window.rule == LeapDayRule::Unspecified {
            window.rule = LeapDayRule::try_from(self.rule).unwrap_or_default();
        }
    }

    /// Whether the entry, one of this row on this day, was shown.
    fn has_passed(&self, day: NaiveDate, row: &table::BirthdayKey, entry: &Entry) -> bool {
        let is_passed = |place: &Place| entry.place <= *place;
        self.day == day && self.row.id == row.id && self.place.as_ref().is_none_or(is_passed)
    }
}

/// A page of birthdays.
pub struct BirthdaysPage {
    /// The next one first.
    pub birthdays: Vec<Upcoming>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<BirthdaysCursor>,
}

/// A birthday or another event, and the day on which it is celebrated.
pub struct Upcoming {
    /// The day.
    pub day: NaiveDate,
    /// What it is.
    pub entry: Entry,
    /// The message of the contact.
    pub contact: Bytes,
    row: table::BirthdayKey,
    size: usize,
}

/// The largest row that a page has read before and skips: more than the largest body.
const SKIPPED_BYTES_MAX: usize = 64 * 1024;

/// Lists at most `size` entries of a window, after `cursor`.
pub async fn list(
    db: &Pool,
    view: &View,
    window: Window,
    kinds: Kinds,
    fields: &ReadMask,
    cursor: Option<BirthdaysCursor>,
    size: usize,
) -> Result<BirthdaysPage> {
    let mut found: Vec<Upcoming> = Vec::new();
    let mut bytes = 0;
    for segment in window.segments() {
        let passed =
            |after: &BirthdaysCursor| segment.last_day().is_some_and(|last| last < after.day);
        if cursor.as_ref().is_some_and(passed) {
            continue;
        }
        let inside =
            |after: &&BirthdaysCursor| segment.day_of(after.row.birth_md) == Some(after.day);
        let after = cursor.as_ref().filter(inside);
        // One more than the page holds shows whether another page follows. The contact of
        // the cursor is read again: it may have more on that day.
        let room = Room {
            count: i64::try_from(size + 2 - found.len()).unwrap_or(i64::MAX),
            bytes: i64::try_from(PAGE_BYTES_MAX + SKIPPED_BYTES_MAX - bytes).unwrap_or(i64::MAX),
        };
        let from = after.map(|cursor| cursor.row.clone());
        for born in read(db, view, kinds, segment, from, room).await? {
            let Some(day) = segment.day_of(born.birth_md) else {
                continue;
            };
            let Some(born) = seen(view, born)? else {
                continue;
            };
            for upcoming in on_day(born, segment, kinds, day, fields)? {
                let Upcoming { row, entry, .. } = &upcoming;
                if !after.is_some_and(|after| after.has_passed(day, row, entry)) {
                    bytes += upcoming.size;
                    found.push(upcoming);
                }
            }
        }
        if found.len() > size || bytes > PAGE_BYTES_MAX {
            break;
        }
    }

    let shown = fitting(found.iter().map(|one| one.size), size);
    let more = found.len() > shown;
    found.truncate(shown);
    let next = found.last().filter(|_| more).map(|last| BirthdaysCursor {
        first: window.first,
        rule: window.rule.into(),
        day: last.day,
        row: last.row.clone(),
        place: Some(last.entry.place.clone()),
    });
    Ok(BirthdaysPage {
        birthdays: found,
        next,
    })
}

/// A contact as it is seen.
fn seen(view: &View, born: ContactBirthday) -> Result<Option<ContactBirthday>> {
    let contact = view.visible.show(born.contact)?;
    Ok(contact.map(|contact| ContactBirthday { contact, ..born }))
}

/// What a contact has on a day of a segment.
fn on_day(
    born: ContactBirthday,
    segment: Segment,
    kinds: Kinds,
    day: NaiveDate,
    fields: &ReadMask,
) -> Result<impl Iterator<Item = Upcoming> + use<>> {
    let dates = Dates::decode_from(&born.contact.body)?;
    let (row, size) = ((&born).into(), born.contact.body.len());
    let contact = fields.encoded(born.contact)?;
    let is_now = move |md| segment.day_of(md) == Some(day);
    let entries = entries(dates, kinds, day, is_now).into_iter();
    Ok(entries.map(move |entry| Upcoming {
        day,
        entry,
        contact: contact.clone(),
        row: table::BirthdayKey::clone(&row),
        size,
    }))
}

async fn read(
    db: &Pool,
    view: &View,
    kinds: Kinds,
    segment: Segment,
    from: Option<table::BirthdayKey>,
    room: Room,
) -> Result<Vec<ContactBirthday>> {
    let from = |first| {
        from.unwrap_or(table::BirthdayKey {
            birth_md: first,
            ..table::BirthdayKey::default()
        })
    };
    match segment {
        Segment::Span { first, last, .. } => {
            table::between(db, view, kinds, last, &from(first), room).await
        }
        Segment::LeapDay { birth_mds, .. } => {
            table::on_leap_day(db, view, kinds, birth_mds, &from(birth_mds[0]), room).await
        }
    }
}
