//! Upcoming birthdays, a page at a time.

use chassis::database::pool::Pool;
use chassis::page_token::Sealer;
use chrono::{DateTime, NaiveDate, Utc};
use proto::contacts::server::{ListUpcomingBirthdaysResponse, UpcomingBirthday};
use proto::contacts::v1::{LeapDayRule, ListUpcomingBirthdaysRequest};

use crate::birthday::{Segment, Window, today};
use crate::contact::date;
use crate::error::{Error, Result};
use crate::model::share::rights::View;
use crate::page::{Tokens, fitting, parse_size};
use crate::store::birthdays::{self as table, Born};

const SIZE_DEFAULT: i64 = 50;
const SIZE_MAX: i64 = 500;

/// Where a list goes on.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct Position {
    /// The first day of the window: today may become yesterday between pages.
    first: NaiveDate,
    /// The day of the last birthday shown.
    day: NaiveDate,
    row: table::Position,
}

/// A page of the birthdays in the window that is asked for.
pub(super) async fn list(
    db: &Pool,
    sealer: &Sealer,
    view: &View,
    now: DateTime<Utc>,
    mut request: ListUpcomingBirthdaysRequest,
) -> Result<ListUpcomingBirthdaysResponse> {
    let size = parse_size(
        std::mem::take(&mut request.page_size),
        SIZE_DEFAULT,
        SIZE_MAX,
    )?;
    let token = std::mem::take(&mut request.page_token);
    let tokens = Tokens::new(sealer, "ListUpcomingBirthdays", view.owner, &request);
    let position: Option<Position> = tokens.open(&token)?;
    let mut window = parse_window(&request, now)?;
    if let Some(position) = &position {
        window.first = position.first;
    }

    let wanted = usize::try_from(size).unwrap_or(usize::MAX);
    let mut found: Vec<(NaiveDate, Born)> = Vec::new();
    for segment in window.segments() {
        let passed = |after: &Position| segment.last_day().is_some_and(|last| last < after.day);
        if position.as_ref().is_some_and(passed) {
            continue;
        }
        let inside = |after: &&Position| segment.day_of(after.row.birth_md) == Some(after.day);
        let after = position
            .as_ref()
            .filter(inside)
            .map(|position| position.row.clone());
        let room = size + 1 - i64::try_from(found.len()).unwrap_or(size);
        for born in read(db, view, segment, after, room).await? {
            if let Some(day) = segment.day_of(born.birth_md) {
                found.push((day, born));
            }
        }
        if found.len() > wanted {
            break;
        }
    }

    let sizes = found.iter().map(|(_, born)| born.contact.body.len());
    let shown = fitting(sizes, wanted);
    let more = found.len() > shown;
    found.truncate(shown);
    let last = found.last().filter(|_| more).map(|(day, born)| Position {
        first: window.first,
        day: *day,
        row: born.into(),
    });
    let birthdays = found
        .into_iter()
        .map(|(day, born)| birthday(window.first, day, born));
    Ok(ListUpcomingBirthdaysResponse {
        birthdays: birthdays.collect::<Result<_>>()?,
        next_page_token: last.map_or_else(String::new, |last| tokens.seal(&last)),
    })
}

fn parse_window(request: &ListUpcomingBirthdaysRequest, now: DateTime<Utc>) -> Result<Window> {
    let rule = LeapDayRule::try_from(request.leap_day_rule)
        .map_err(|_| Error::invalid("FIELD_INVALID", "leap_day_rule", "is not a known rule"))?;
    // Read even where the first day is given: a typing error must not hide.
    let today = today(now, &request.time_zone)?;
    let first = match request.from_date {
        None => today,
        Some(from) => date::day_of(from)
            .filter(|_| (1..=9999).contains(&from.year))
            .ok_or_else(|| {
                Error::invalid("FIELD_INVALID", "from_date", "must be a date with a year")
            })?,
    };
    Ok(Window {
        first,
        days: Window::parse_days(request.within_days)?,
        rule,
    })
}

async fn read(
    db: &Pool,
    view: &View,
    segment: Segment,
    after: Option<table::Position>,
    limit: i64,
) -> Result<Vec<Born>> {
    let after = |first| {
        after.unwrap_or(table::Position {
            birth_md: first,
            ..table::Position::default()
        })
    };
    match segment {
        Segment::Span { first, last, .. } => {
            table::span(db, view, last, &after(first), limit).await
        }
        Segment::LeapDay { birth_mds, .. } => {
            table::leap_day(db, view, birth_mds, &after(birth_mds[0]), limit).await
        }
    }
}

fn birthday(first: NaiveDate, day: NaiveDate, born: Born) -> Result<UpcomingBirthday> {
    let birth_year = born.contact.birth_year()?;
    let kept = date::message(day);
    Ok(UpcomingBirthday {
        date: Some(kept),
        days_until: i32::try_from((day - first).num_days()).unwrap_or(i32::MAX),
        turning_age: birth_year
            .map(|year| kept.year - year)
            .filter(|age| *age >= 0),
        contact: born.contact.encoded(),
    })
}
