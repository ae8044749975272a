//! Pages of contacts in an order.

use chassis::paging::PAGE_BYTES_MAX;
use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, Postgres, QueryBuilder};

use crate::contact::ContactId;
use crate::contact::stored::Stored;
use crate::error::Result;
use crate::model::filter::{Filter, Listed};
use crate::model::order::{Key, Order};
use crate::model::share::visible::View;
use crate::store::filter::{Labels, push_filter, push_visible};
use crate::store::packed::{COLUMNS, LIVE_COLUMNS, Packed, broken};

/// The sort key of the last contact returned.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub enum SortKey {
    /// A folded name.
    Text(String),
    /// A time.
    Time(DateTime<Utc>),
    /// A version.
    Version(i64),
}

/// The position in a list.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct ListCursor {
    /// The key of the last contact shown.
    pub key: SortKey,
    /// Its id.
    pub id: ContactId,
}

impl ListCursor {
    /// Whether it is a position in `order`. Those of lists by `update_time` that an earlier
    /// release began are not: they hold a time.
    #[must_use]
    pub fn is_of(&self, order: Order) -> bool {
        match order.key {
            Key::CreateTime | Key::DeleteTime => matches!(self.key, SortKey::Time(_)),
            Key::UpdateTime => matches!(self.key, SortKey::Version(_)),
            Key::FamilyName | Key::GivenName | Key::DisplayName => {
                matches!(self.key, SortKey::Text(_))
            }
        }
    }
}

/// A contact and its sort key.
#[derive(Clone, Debug)]
pub struct ListedContact {
    /// The contact.
    pub contact: Stored,
    /// The folded name, if sorted by a name.
    pub(super) name_key: String,
}

/// A page of contacts.
#[derive(Clone, Debug)]
pub struct Page {
    /// In the order of the selection.
    pub listed: Vec<ListedContact>,
    /// The number of the owner's contacts, without deleted ones; only if
    /// [`Selection::counted`] and if the owner has ever written.
    pub live_count: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct Row {
    #[sqlx(flatten)]
    packed: Packed,
    /// A line for each contact.
    name_keys: Option<String>,
    live_count: Option<i64>,
}

impl ListedContact {
    /// Its position in `order`.
    #[must_use]
    pub fn cursor(&self, order: Order) -> ListCursor {
        let key = match order.key {
            Key::CreateTime => SortKey::Time(self.contact.create_time),
            Key::DeleteTime => SortKey::Time(self.contact.delete_time.unwrap_or_default()),
            Key::UpdateTime => SortKey::Version(self.contact.version),
            Key::FamilyName | Key::GivenName | Key::DisplayName => {
                SortKey::Text(self.name_key.clone())
            }
        };
        ListCursor {
            key,
            id: self.contact.id,
        }
    }
}

/// What to list, after a position `C`.
#[derive(Clone, Debug)]
pub struct Selection<'a, C = ListCursor> {
    /// How to sort.
    pub order: Order,
    /// Which of them.
    pub filter: &'a Filter,
    /// Whether deleted ones are listed.
    pub listed: Listed,
    /// Whether the owner's contacts are counted in the same statement.
    pub counted: bool,
    /// Where to go on.
    pub after: Option<C>,
}

/// So many contacts have at most 4 MiB. To sum up their sizes would cost such a page a
/// quarter more.
pub(super) const UNMEASURED_MAX: i64 = 64;

/// Lists at most `limit` of an owner's contacts. A page of more than 64 ends with the first
/// contact that exceeds [`PAGE_BYTES_MAX`].
pub async fn list(
    db: impl PgExecutor<'_>,
    view: &View,
    selection: &Selection<'_>,
    limit: i64,
) -> Result<Page> {
    let mut query = statement(view, selection, limit);
    let row: Row = query.build_query_as().fetch_one(db).await?;
    let contacts = row.packed.contacts()?;
    let name_keys = row.name_keys.unwrap_or_default();
    let mut name_keys = name_keys.split('\n');
    let listed = contacts.into_iter().map(|contact| {
        Ok(ListedContact {
            contact,
            name_key: name_keys.next().ok_or_else(broken)?.to_owned(),
        })
    });
    Ok(Page {
        listed: listed.collect::<Result<_>>()?,
        live_count: row.live_count,
    })
}

/// The rows of a subquery, each with the size of those before it.
pub(super) const MEASURED: &str = "SELECT *, sum(octet_length(body)) OVER (ROWS UNBOUNDED PRECEDING) \
                        - octet_length(body) AS bytes_before FROM (";

/// The column by which an owner's contacts are sorted, and the name among the columns that
/// are sorted by.
pub(super) fn columns(key: Key) -> (&'static str, &'static str) {
    match key {
        Key::FamilyName => ("family_key", "family_key"),
        Key::GivenName => ("given_key", "given_key"),
        Key::DisplayName => ("display_key", "display_key"),
        Key::CreateTime => ("create_time", "''"),
        // Versions follow the order of writes, and the feed needs their index anyway.
        Key::UpdateTime => ("version", "''"),
        Key::DeleteTime => ("delete_time", "''"),
    }
}

/// The condition on deleted contacts.
pub(super) fn listed_condition(listed: Listed) -> &'static str {
    match listed {
        Listed::Live => " AND delete_time IS NULL",
        Listed::Deleted => " AND delete_time IS NOT NULL",
        Listed::Both => "",
    }
}

/// The statement of a list. It is built at run time, because there are too many combinations
/// of orders and conditions. Values are always bound.
#[must_use]
pub fn statement<'a>(
    view: &View,
    selection: &'a Selection<'a>,
    limit: i64,
) -> QueryBuilder<Postgres> {
    let (column, name_column) = columns(selection.order.key);
    // One contact at most: only the order of the uids makes the planner read their index.
    let column = if selection.filter.names_uid() {
        "uid"
    } else {
        column
    };
    let (direction, beyond) = if selection.order.descending {
        (" DESC", "<")
    } else {
        ("", ">")
    };
    // Runs once per statement, not once per row.
    let count_column = if selection.counted {
        "(SELECT live_count FROM contacts.owner_state WHERE owner_id = $1)"
    } else {
        "NULL::bigint"
    };
    let is_measured = limit > UNMEASURED_MAX;
    let mut query = QueryBuilder::new("SELECT ");
    query
        .push(match selection.listed {
            Listed::Live => LIVE_COLUMNS,
            Listed::Deleted | Listed::Both => COLUMNS,
        })
        .push(format_args!(
            ", string_agg({name_column}, chr(10)) AS name_keys, {count_column} AS live_count \
             FROM ({}SELECT * FROM contacts.contacts WHERE owner_id = ",
            if is_measured { MEASURED } else { "" }
        ))
        .push_bind(view.owner);
    push_visible(&mut query, view, selection.listed);
    query.push(listed_condition(selection.listed));
    push_filter(&mut query, selection.filter, Labels::Of(&view.visible));
    if let Some(ListCursor { key, id }) = selection.after.clone() {
        query.push(format_args!(" AND ({column}, id) {beyond} ("));
        match key {
            SortKey::Text(text) => query.push_bind(text),
            SortKey::Time(time) => query.push_bind(time),
            SortKey::Version(version) => query.push_bind(version),
        };
        query.push(", ").push_bind(id).push(")");
    }
    query.push(format_args!(
        " ORDER BY {column}{direction}, id{direction} LIMIT "
    ));
    query.push_bind(limit).push(") AS page");
    if is_measured {
        query
            .push(") AS measured WHERE bytes_before <= ")
            .push_bind(i64::try_from(PAGE_BYTES_MAX).unwrap_or(i64::MAX));
    }
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A position in a list by `update_time` held a time in earlier releases.
    #[test]
    fn a_time_is_a_position_among_creations_only() {
        let cursor: ListCursor = serde_json::from_str(
            r#"{"key":{"Time":"2026-01-02T03:04:05Z"},"id":"0199f0a6-0000-7000-8000-000000000000"}"#,
        )
        .unwrap();
        let by = |order| cursor.is_of(Order::parse(order).unwrap());

        assert!(by("create_time") && by("create_time desc"));
        assert!(!by("update_time") && !by("update_time desc") && !by("family_name"));
    }
}
