//! Pages of contacts in an order.

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, Postgres, QueryBuilder, Row};

use crate::contact::ContactId;
use crate::contact::stored::Stored;
use crate::error::Result;
use crate::model::filter::Condition;
use crate::model::order::{Key, Order};
use crate::model::share::rights::View;
use crate::store::row::{AFTER_STORED, STORED, stored};

/// The sort key of the last contact returned.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub enum SortKey {
    /// A folded name.
    Text(String),
    /// A time.
    Time(DateTime<Utc>),
}

/// The position in a list.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct ListCursor {
    /// The key of the last contact shown.
    pub key: SortKey,
    /// Its id.
    pub id: ContactId,
}

/// A contact and its sort key.
#[derive(Clone, Debug)]
pub struct ListedContact {
    /// The contact.
    pub contact: Stored,
    /// The folded name, if sorted by a name.
    name_key: String,
    /// The number of the owner's contacts, without deleted ones; only if
    /// [`Selection::counted`].
    pub live_count: Option<i64>,
}

impl ListedContact {
    /// Its position in `order`.
    #[must_use]
    pub fn cursor(&self, order: Order) -> ListCursor {
        let key = match order.key {
            Key::CreateTime => SortKey::Time(self.contact.create_time),
            Key::UpdateTime => SortKey::Time(self.contact.update_time),
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

/// What to list.
#[derive(Clone, Debug)]
pub struct Selection<'a> {
    /// How to sort.
    pub order: Order,
    /// The conditions.
    pub conditions: &'a [Condition],
    /// Whether deleted ones are listed, too.
    pub show_deleted: bool,
    /// Whether the owner's contacts are counted in the same statement.
    pub counted: bool,
    /// Where to go on.
    pub after: Option<ListCursor>,
}

/// Lists an owner's contacts.
pub async fn list(
    db: impl PgExecutor<'_>,
    view: &View,
    selection: &Selection<'_>,
    limit: i64,
) -> Result<Vec<ListedContact>> {
    let mut query = statement(view, selection, limit);
    let rows = query.build().fetch_all(db).await?;
    let listed = rows.iter().map(|row| {
        Ok(ListedContact {
            contact: stored(row)?,
            name_key: row.try_get(AFTER_STORED)?,
            live_count: row.try_get(AFTER_STORED + 1)?,
        })
    });
    listed.collect()
}

/// The only statement that is built at run time, because there are too many combinations
/// of orders and conditions. Values are always bound.
fn statement<'a>(view: &View, selection: &'a Selection<'a>, limit: i64) -> QueryBuilder<Postgres> {
    let (column, name_column) = match selection.order.key {
        Key::FamilyName => ("family_key", "family_key"),
        Key::GivenName => ("given_key", "given_key"),
        Key::DisplayName => ("display_key", "display_key"),
        Key::CreateTime => ("create_time", "''::text"),
        Key::UpdateTime => ("update_time", "''::text"),
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
    let mut query = QueryBuilder::new("SELECT ");
    query
        .push(STORED)
        .push(", ")
        .push(name_column)
        .push(", ")
        .push(count_column)
        .push(" FROM contacts.contacts WHERE owner_id = ");
    query.push_bind(view.owner);
    if let Some(keys) = view.visible.keys() {
        query.push(" AND label_keys && ").push_bind(keys);
    }
    if !selection.show_deleted {
        query.push(" AND delete_time IS NULL");
    }
    for condition in selection.conditions {
        push_condition(&mut query, condition);
    }
    if let Some(ListCursor { key, id }) = selection.after.clone() {
        query.push(format_args!(" AND ({column}, id) {beyond} ("));
        match key {
            SortKey::Text(text) => query.push_bind(text),
            SortKey::Time(time) => query.push_bind(time),
        };
        query.push(", ").push_bind(id).push(")");
    }
    query.push(format_args!(
        " ORDER BY {column}{direction}, id{direction} LIMIT "
    ));
    query.push_bind(limit);
    query
}

fn push_condition(query: &mut QueryBuilder<Postgres>, condition: &Condition) {
    match condition {
        Condition::Label(label) => query
            .push(" AND label_keys @> ARRAY[")
            .push_bind(label.clone())
            .push("]"),
        Condition::Starred(starred) => query.push(" AND starred = ").push_bind(*starred),
        Condition::Email(email) => query
            .push(" AND email_keys @> ARRAY[")
            .push_bind(email.clone())
            .push("]"),
        Condition::Phone(digits) => query
            .push(" AND phone_keys @> ARRAY[")
            .push_bind(digits.clone())
            .push("]"),
        Condition::Organization(name) => query
            .push(" AND strpos(organization_key, ")
            .push_bind(name.clone())
            .push(") > 0"),
        Condition::HasBirthday => query.push(" AND birth_md IS NOT NULL"),
    };
}
