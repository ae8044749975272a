//! Upcoming birthdays, a page at a time.

use chassis::database::pool::Pool;
use chassis::page_token::Sealer;
use chassis::paging::{Pages, Paging, Sizes};
use chrono::{DateTime, NaiveDate, Utc};
use proto::contacts::server::{ListUpcomingBirthdaysResponse, UpcomingBirthday};
use proto::contacts::v1::{LeapDayRule, ListUpcomingBirthdaysRequest};

use crate::birthday::{Segment, Window, today};
use crate::contact::date;
use crate::error::{Error, Result};
use crate::model::share::rights::View;
use crate::store::birthdays::{self as table, Born};

const SIZES: Sizes = Sizes {
    default: 50,
    max: 500,
};

/// The position of a list.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct Position {
    /// The first day of the window: today may become yesterday between pages.
    first: NaiveDate,
    /// The day of the last birthday returned.
    day: NaiveDate,
    row: table::Position,
}

/// A page of the birthdays in the requested window.
pub(super) async fn list(
    db: &Pool,
    sealer: &Sealer,
    view: &View,
    now: DateTime<Utc>,
    mut request: ListUpcomingBirthdaysRequest,
) -> Result<ListUpcomingBirthdaysResponse> {
    let paging = Paging::take(&mut request.page_size, &mut request.page_token);
    let method = "ListUpcomingBirthdays";
    let pages = Pages::new(sealer, method, view.owner, &request, paging, SIZES)?;
    let position: Option<Position> = pages.cursor()?;
    let mut window = parse_window(&request, now)?;
    if let Some(position) = &position {
        window.first = position.first;
    }

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
        let room = pages.limit() - i64::try_from(found.len()).unwrap_or(i64::MAX);
        for born in read(db, view, segment, after, room).await? {
            if let Some(day) = segment.day_of(born.birth_md) {
                found.push((day, born));
            }
        }
        if found.len() > pages.size() {
            break;
        }
    }

    let bytes = |(_, born): &(NaiveDate, Born)| born.contact.body.len();
    let next_page_token = pages.cut_by_bytes(&mut found, bytes, |(day, born)| Position {
        first: window.first,
        day: *day,
        row: born.into(),
    });
    let birthdays = found
        .into_iter()
        .map(|(day, born)| birthday(window.first, day, born));
    Ok(ListUpcomingBirthdaysResponse {
        birthdays: birthdays.collect::<Result<_>>()?,
        next_page_token,
    })
}

fn parse_window(request: &ListUpcomingBirthdaysRequest, now: DateTime<Utc>) -> Result<Window> {
    let rule = LeapDayRule::try_from(request.leap_day_rule)
        .map_err(|_| Error::invalid("FIELD_INVALID", "leap_day_rule", "is not a known rule"))?;
    // Parsed even if the first day is given, so that a wrong name is reported.
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
