//! Upcoming birthdays, a page at a time.

pub mod window;

use chassis::database::pool::Pool;
use chassis::paging::{PAGE_BYTES_MAX, fitting};
use chrono::NaiveDate;
use proto::contacts::v1::LeapDayRule;

use self::window::{Segment, Window};
use crate::error::Result;
use crate::model::share::rights::View;
use crate::store::birthdays::{self as table, ContactBirthday, Room};

/// The position of a list of birthdays.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct BirthdaysCursor {
    /// The first day of the window: today may become yesterday between pages.
    first: NaiveDate,
    /// The rule of the window: the owner's settings may change.
    #[serde(default)]
    rule: i32,
    /// The day of the last birthday shown.
    day: NaiveDate,
    row: table::BirthdayKey,
}

impl BirthdaysCursor {
    /// Makes a window the one that the first page had.
    pub fn resume(&self, window: &mut Window) {
        window.first = self.first;
        if window.rule == LeapDayRule::Unspecified {
            window.rule = LeapDayRule::try_from(self.rule).unwrap_or_default();
        }
    }
}

/// A page of birthdays.
pub struct BirthdaysPage {
    /// The next one first.
    pub birthdays: Vec<Upcoming>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<BirthdaysCursor>,
}

/// A birthday, and the day on which it is celebrated.
pub struct Upcoming {
    /// The day.
    pub day: NaiveDate,
    /// Whose birthday it is.
    pub born: ContactBirthday,
}

/// Lists at most `size` birthdays of a window, after `cursor`.
pub async fn list(
    db: &Pool,
    view: &View,
    window: Window,
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
        let after = after.map(|cursor| cursor.row.clone());
        // One more than the page holds shows whether another page follows.
        let room = Room {
            count: i64::try_from(size + 1 - found.len()).unwrap_or(i64::MAX),
            bytes: i64::try_from(PAGE_BYTES_MAX - bytes).unwrap_or(i64::MAX),
        };
        for born in read(db, view, segment, after, room).await? {
            if let Some(day) = segment.day_of(born.birth_md) {
                bytes += born.contact.body.len();
                found.push(Upcoming { day, born });
            }
        }
        if found.len() > size || bytes > PAGE_BYTES_MAX {
            break;
        }
    }

    let sizes = found.iter().map(|one| one.born.contact.body.len());
    let shown = fitting(sizes, size);
    let more = found.len() > shown;
    found.truncate(shown);
    let next = found.last().filter(|_| more).map(|last| BirthdaysCursor {
        first: window.first,
        rule: window.rule.into(),
        day: last.day,
        row: (&last.born).into(),
    });
    Ok(BirthdaysPage {
        birthdays: found,
        next,
    })
}

async fn read(
    db: &Pool,
    view: &View,
    segment: Segment,
    after: Option<table::BirthdayKey>,
    room: Room,
) -> Result<Vec<ContactBirthday>> {
    let after = |first| {
        after.unwrap_or(table::BirthdayKey {
            birth_md: first,
            ..table::BirthdayKey::default()
        })
    };
    match segment {
        Segment::Span { first, last, .. } => {
            table::between(db, view, last, &after(first), room).await
        }
        Segment::LeapDay { birth_mds, .. } => {
            table::on_leap_day(db, view, birth_mds, &after(birth_mds[0]), room).await
        }
    }
}
