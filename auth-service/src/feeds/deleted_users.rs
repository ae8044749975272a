//! The feed of deleted users, for services that store data of users.
//!
//! No user may be missed, however long a service was down: each service stores a cursor.
//! The cursor lags by more than the lifetime of an access token, so that a user is listed
//! again until no late call can write, and a transaction that commits late is still
//! listed.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgExecutor;

use crate::error::Result;
use crate::model::deleted_user::{DeletedUser, DeletedUsersCursor};
use crate::store;

/// A page of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The earliest first.
    pub deleted: Vec<DeletedUser>,
    /// The position of the next page.
    pub next: Option<DeletedUsersCursor>,
    /// The cursor of the next pass.
    pub keep: DeletedUsersCursor,
}

/// Lists up to `size` users after `since`.
pub async fn list(
    db: impl PgExecutor<'_>,
    since: DeletedUsersCursor,
    size: usize,
    token_life: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Page> {
    // One more than requested shows whether there is another page.
    let limit = i64::try_from(size + 1).unwrap_or(i64::MAX);
    let deleted = store::deletion::after(db, since, limit).await?;
    Ok(page(
        deleted,
        since,
        size,
        DeletedUsersCursor::settled(token_life, now),
    ))
}

fn page(
    mut deleted: Vec<DeletedUser>,
    since: DeletedUsersCursor,
    size: usize,
    settled: DeletedUsersCursor,
) -> Page {
    let more = deleted.len() > size;
    deleted.truncate(size);
    let last = deleted.last().map(DeletedUsersCursor::of);
    let is_settled = |deleted: &&DeletedUser| deleted.delete_time <= settled.time;
    let last_settled = deleted.iter().rfind(is_settled).map(DeletedUsersCursor::of);
    Page {
        next: last.filter(|_| more),
        // Within a pass `since` can be later than a cursor that may be stored.
        keep: last_settled.unwrap_or(since.min(settled)),
        deleted,
    }
}

#[cfg(test)]
mod tests {
    use chassis::user_id::UserId;
    use uuid::Uuid;

    use super::*;
    use crate::model::deleted_user::OVERLAP;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn deleted(seconds: &[i64]) -> Vec<DeletedUser> {
        let user = |second: &i64| DeletedUser {
            user_id: UserId(Uuid::from_u128(9)),
            delete_time: at(*second),
        };
        seconds.iter().map(user).collect()
    }

    fn position(second: i64) -> DeletedUsersCursor {
        DeletedUsersCursor {
            time: at(second),
            user_id: Uuid::from_u128(9),
        }
    }

    fn settled() -> DeletedUsersCursor {
        DeletedUsersCursor {
            time: at(20),
            user_id: Uuid::nil(),
        }
    }

    #[test]
    fn a_cursor_in_the_future_goes_back_to_what_is_settled() {
        let (life, now) = (TimeDelta::minutes(10), at(1_800_000_000));
        let latest = now - life - OVERLAP;

        assert_eq!(position(1).clamped(life, now), position(1));
        for future in [now - life, now + TimeDelta::days(1)] {
            let future = position(future.timestamp());
            assert_eq!(future.clamped(life, now).time, latest);
        }
    }

    #[test]
    fn a_cursor_is_parsed_to_the_position_that_it_was_made_from() {
        let told = position(1_800_000_000);

        assert_eq!(DeletedUsersCursor::parse(&told.text()), Some(told));
        for text in [
            "",
            "d1_",
            "d1_1",
            "d1_1_x",
            "d1_99999999999999999999_",
            "r1_1",
        ] {
            assert_eq!(DeletedUsersCursor::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_stored_cursor_never_passes_a_deletion_that_can_still_commit() {
        let first = page(
            deleted(&[10, 20, 30]),
            DeletedUsersCursor::default(),
            5,
            settled(),
        );
        assert_eq!((first.next, first.keep), (None, position(20)));

        let young = page(deleted(&[30, 40]), position(10), 5, settled());
        assert_eq!(young.keep, position(10));
        let none = page(Vec::new(), position(10), 5, settled());
        assert_eq!(none.keep, position(10));
    }

    #[test]
    fn the_cursor_of_a_later_page_skips_no_user() {
        let later = page(deleted(&[40, 50]), position(30), 1, settled());

        assert_eq!(later.next, Some(position(40)));
        assert!(later.keep >= position(19) && later.keep <= position(20));
    }
}
