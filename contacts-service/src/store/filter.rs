//! Filters as conditions of a statement. Values are always bound.

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::contact::search_text::code;
use crate::error::Result;
use crate::model::filter::{Comparison, Condition, Filter, Listed, Part, Time};
use crate::model::share::visible::{View, Visible};
use crate::store::packed::broken;

type Builder = QueryBuilder<Postgres>;

/// The ids of the contacts that a filter selects, without deleted ones, sorted.
pub async fn ids(db: impl PgExecutor<'_>, view: &View, filter: &Filter) -> Result<Vec<Uuid>> {
    let mut query = ids_statement(view, filter);
    let packed: Option<Vec<u8>> = query.build_query_scalar().fetch_one(db).await?;
    let packed = packed.unwrap_or_default();
    let (ids, rest) = packed.as_chunks();
    if !rest.is_empty() {
        return Err(broken());
    }
    Ok(ids.iter().map(|id| Uuid::from_bytes(*id)).collect())
}

/// The statement of [`ids`].
#[must_use]
pub fn ids_statement(view: &View, filter: &Filter) -> Builder {
    let mut query = Builder::new(
        "SELECT string_agg(uuid_send(id), '')
         FROM (SELECT id FROM contacts.contacts WHERE owner_id = ",
    );
    query.push_bind(view.owner).push(" AND delete_time IS NULL");
    push_visible(&mut query, view, Listed::Live);
    push_filter(&mut query, filter, Labels::Of(&view.visible));
    // One contact at most: only the order of the uids makes the planner read their index.
    let column = if filter.names_uid() { "uid" } else { "id" };
    query.push(format_args!(" ORDER BY {column}) AS selected"));
    query
}

/// Leaves the contacts that the caller may see: of the deleted ones, those that were deleted
/// since the acceptance of a share.
pub(super) fn push_visible(query: &mut Builder, view: &View, listed: Listed) {
    if let Some(keys) = view.visible.keys() {
        query.push(" AND label_keys && ").push_bind(keys);
    }
    if listed == Listed::Live || view.owner == view.reader {
        return;
    }
    let trash = view.visible.trash();
    query
        .push(" AND (delete_time IS NULL OR COALESCE(delete_version, version) > ")
        .push_bind(trash.since)
        .push(" OR EXISTS (SELECT FROM unnest(")
        .push_bind(trash.label_keys)
        .push(", ")
        .push_bind(trash.label_since)
        .push(
            ") AS shared (key, since) WHERE label_keys @> ARRAY[key] \
             AND COALESCE(delete_version, version) > since))",
        );
}

/// The same for the books of [`super::list_all`].
pub(super) fn push_visible_of_books(query: &mut Builder, listed: Listed) {
    query.push(" AND (book.labels IS NULL OR label_keys && book.labels)");
    if listed == Listed::Live {
        return;
    }
    query.push(
        " AND (delete_time IS NULL OR COALESCE(delete_version, version) > book.since \
         OR EXISTS (SELECT FROM unnest(book.trash_labels, book.trash_since) AS shared (key, since) \
         WHERE label_keys @> ARRAY[key] AND COALESCE(delete_version, version) > shared.since))",
    );
}

/// The labels that a filter may name.
#[derive(Clone, Copy)]
pub(super) enum Labels<'a> {
    /// Those that a caller sees.
    Of(&'a Visible),
    /// Those of the row `book`.
    OfBook,
}

impl Labels<'_> {
    /// Whether this label looks like one that no contact has.
    fn hide(self, key: &String) -> bool {
        match self {
            Self::Of(visible) => visible.keys().is_some_and(|keys| !keys.contains(key)),
            Self::OfBook => false,
        }
    }
}

/// Leaves the contacts that a filter selects.
pub(super) fn push_filter(query: &mut Builder, filter: &Filter, labels: Labels<'_>) {
    // Each on its own, so that the planner finds the index of one of them.
    for part in filter.parts() {
        query.push(" AND ");
        push(query, part, labels);
    }
}

fn push(query: &mut Builder, filter: &Filter, labels: Labels<'_>) {
    match filter {
        Filter::All(parts) => push_joined(query, parts, " AND ", labels),
        Filter::Any(parts) => push_joined(query, parts, " OR ", labels),
        Filter::Not(part) => {
            query.push("NOT (");
            push(query, part, labels);
            query.push(")");
        }
        Filter::Is(condition) => push_condition(query, condition, labels),
    }
}

fn push_joined(query: &mut Builder, parts: &[Filter], join: &str, labels: Labels<'_>) {
    for (number, part) in parts.iter().enumerate() {
        query.push(if number == 0 { "(" } else { join });
        push(query, part, labels);
    }
    query.push(")");
}

/// No condition is NULL for any contact, so that what does not meet it meets NOT.
fn push_condition(query: &mut Builder, condition: &Condition, labels: Labels<'_>) {
    match condition {
        Condition::Label(key) if labels.hide(key) => query.push("FALSE"),
        Condition::Label(key) => {
            if matches!(labels, Labels::OfBook) {
                query.push("(book.labels IS NULL OR book.labels @> ARRAY[");
                query.push_bind(key.clone()).push("]) AND ");
            }
            query.push("label_keys @> ARRAY[");
            query.push_bind(key.clone()).push("]")
        }
        Condition::Starred(starred) => query.push("starred = ").push_bind(*starred),
        Condition::Email(keys) => query.push("email_keys && ").push_bind(keys.clone()),
        Condition::Phone(keys) => query.push("phone_keys && ").push_bind(keys.clone()),
        Condition::Organization(name) => query
            .push("strpos(organization_key, ")
            .push_bind(name.clone())
            .push(") > 0"),
        // A range, because `=` with the order of uids could be read by any index.
        Condition::Uid(uid) => query
            .push("(uid >= ")
            .push_bind(uid.clone())
            .push(" AND uid <= ")
            .push_bind(uid.clone())
            .push(")"),
        Condition::Has(part) => push_has(query, *part),
        Condition::Time(time, comparison, other) => push_time(query, *time, *comparison, *other),
    };
}

fn push_has(query: &mut Builder, part: Part) -> &mut Builder {
    match part {
        Part::Birthday => query.push("birth_md IS NOT NULL"),
        Part::Label => query.push("label_keys <> '{}'"),
        Part::Email => query.push("email_keys <> '{}'"),
        Part::Photo => query.push(
            "EXISTS (SELECT FROM contacts.photo_uses AS used
             WHERE used.owner_id = contacts.owner_id AND contact_id = contacts.id AND position(
                 convert_to('\"' || encode(hash, 'hex') || '\"', 'UTF8') IN contacts.body
             ) > 0)",
        ),
        Part::Searched(field) => query
            .push("strpos(search_text, ")
            .push_bind(format!("\n{}", code(field)))
            .push(") > 0"),
    }
}

fn push_time(
    query: &mut Builder,
    time: Time,
    comparison: Comparison,
    other: DateTime<Utc>,
) -> &mut Builder {
    let operator = match comparison {
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Equal => "=",
        Comparison::GreaterOrEqual => ">=",
        Comparison::Greater => ">",
    };
    let time = match time {
        Time::Create => "(create_time",
        Time::Update => "(update_time",
        Time::Delete => "(delete_time IS NOT NULL AND delete_time",
    };
    query
        .push(format_args!("{time} {operator} "))
        .push_bind(other)
        .push(")")
}
