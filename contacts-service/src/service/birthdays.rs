//! Parses a request for birthdays, and encodes the response.

use chassis::database::pool::Pool;
use chassis::page_token::Sealer;
use chassis::paging::{Pages, Paging, Sizes};
use chrono::{DateTime, NaiveDate, Utc};
use proto::contacts::server::{ListUpcomingBirthdaysResponse, UpcomingBirthday};
use proto::contacts::v1::{LeapDayRule, ListUpcomingBirthdaysRequest, UpcomingKind};

use crate::birthday::window::{self, Window};
use crate::birthday::{self, BirthdaysCursor, Upcoming};
use crate::contact::date;
use crate::contact::mask::ReadMask;
use crate::error::{Error, Result};
use crate::model::share::visible::View;
use crate::store::birthdays::Kinds;
use crate::store::settings;

const SIZES: Sizes = Sizes {
    default: 50,
    max: 500,
};

/// A page of the birthdays in the requested window.
pub(super) async fn page(
    db: &Pool,
    sealer: &Sealer,
    view: &View,
    now: DateTime<Utc>,
    mut request: ListUpcomingBirthdaysRequest,
) -> Result<ListUpcomingBirthdaysResponse> {
    let paging = Paging::take(&mut request.page_size, &mut request.page_token);
    let method = "ListUpcomingBirthdays";
    let pages = Pages::new(sealer, method, view.owner, &request, paging, SIZES)?;
    let cursor: Option<BirthdaysCursor> = pages.cursor()?;
    let mask = ReadMask::parse(request.read_mask.as_ref())?;
    let mut window = parse_window(db, view, &request, now, cursor.is_none()).await?;
    if let Some(cursor) = &cursor {
        cursor.resume(&mut window);
    }

    let kinds = kinds(&request)?;
    let found = birthday::list(db, view, window, kinds, &mask, cursor, pages.size()).await?;

    let birthdays = found.birthdays.into_iter();
    let birthdays = birthdays.map(|upcoming| message(window.first, upcoming));
    Ok(ListUpcomingBirthdaysResponse {
        birthdays: birthdays.collect(),
        next_page_token: found
            .next
            .map_or_else(String::new, |next| pages.token(&next)),
    })
}

fn kinds(request: &ListUpcomingBirthdaysRequest) -> Result<Kinds> {
    let mut kinds = Kinds {
        birthdays: request.kinds.is_empty(),
        deceased: request.include_deceased,
        ..Kinds::default()
    };
    for (number, kind) in request.kinds.iter().enumerate() {
        match UpcomingKind::try_from(*kind) {
            Ok(UpcomingKind::Birthday) => kinds.birthdays = true,
            Ok(UpcomingKind::Anniversary) => kinds.anniversaries = true,
            Ok(UpcomingKind::Event) => kinds.events = true,
            Ok(UpcomingKind::Unspecified) | Err(_) => {
                let field = format!("kinds[{number}]");
                return Err(Error::invalid(
                    "FIELD_INVALID",
                    field,
                    "is not a known kind",
                ));
            }
        }
    }
    Ok(kinds)
}

/// The window of a request. What it leaves open is that of the owner's settings, on its
/// first page.
async fn parse_window(
    db: &Pool,
    view: &View,
    request: &ListUpcomingBirthdaysRequest,
    now: DateTime<Utc>,
    is_first_page: bool,
) -> Result<Window> {
    let mut rule = LeapDayRule::try_from(request.leap_day_rule)
        .map_err(|_| Error::invalid("FIELD_INVALID", "leap_day_rule", "is not a known rule"))?;
    // Parsed even if the first day is given, so that a wrong name is reported.
    let mut today = window::today(now, &request.time_zone)?;
    let is_open = rule == LeapDayRule::Unspecified
        || (request.time_zone.is_empty() && request.from_date.is_none());
    if is_first_page && is_open {
        let settings = settings::get(db, view.owner).await?;
        if rule == LeapDayRule::Unspecified {
            rule = settings.leap_day_rule;
        }
        if request.time_zone.is_empty() {
            // A name that this machine does not know any more counts as none.
            today = window::today(now, &settings.time_zone).unwrap_or(today);
        }
    }
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

fn message(first: NaiveDate, upcoming: Upcoming) -> UpcomingBirthday {
    let Upcoming { day, entry, .. } = upcoming;
    UpcomingBirthday {
        date: Some(date::message(day)),
        days_until: i32::try_from((day - first).num_days()).unwrap_or(i32::MAX),
        turning_age: entry.years.filter(|_| entry.has_age),
        kind: entry.kind.into(),
        label: entry.label().to_owned(),
        years: entry.years,
        contact: upcoming.contact,
    }
}
