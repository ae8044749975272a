//! What an export reads: first which contacts, and then each as it was then.

use sqlx::{PgExecutor, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::contact::ContactId;
use crate::error::Result;
use crate::model::filter::{Filter, Listed};
use crate::model::share::visible::View;
use crate::store::filter::{Labels, push_filter, push_visible};
use crate::store::list::listed_condition;
use crate::store::packed::{broken, numbers};

/// A contact at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selected {
    /// Its id.
    pub id: ContactId,
    /// Its version.
    pub version: i64,
    /// The size of its body, in bytes.
    pub size: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    ids: Option<Vec<u8>>,
    versions: Option<Vec<u8>>,
    sizes: Option<Vec<u8>>,
}

/// The contacts that a filter selects at this moment, by id.
pub async fn select(
    db: impl PgExecutor<'_>,
    view: &View,
    filter: &Filter,
    listed: Listed,
) -> Result<Vec<Selected>> {
    let mut query = select_statement(view, filter, listed);
    let row: Row = query.build_query_as().fetch_one(db).await?;
    let ids = row.ids.unwrap_or_default();
    let (ids, _) = ids.as_chunks();
    let mut versions = numbers(row.versions.as_deref());
    let mut sizes = numbers(row.sizes.as_deref());
    let selected = ids.iter().map(|id| {
        Ok(Selected {
            id: ContactId(Uuid::from_bytes(*id)),
            version: versions.next().ok_or_else(broken)?,
            size: sizes.next().ok_or_else(broken)?,
        })
    });
    selected.collect()
}

/// The statement of [`select`].
#[must_use]
pub fn select_statement(view: &View, filter: &Filter, listed: Listed) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new(
        "SELECT string_agg(uuid_send(id), '') AS ids, \
                string_agg(int8send(version), '') AS versions, \
                string_agg(int8send(size), '') AS sizes \
         FROM (SELECT id, version, octet_length(body)::bigint AS size \
               FROM contacts.contacts WHERE owner_id = ",
    );
    query.push_bind(view.owner).push(listed_condition(listed));
    push_visible(&mut query, view, listed);
    push_filter(&mut query, filter, Labels::Of(&view.visible));
    // One contact at most: only the order of the uids makes the planner read their index.
    let column = if filter.names_uid() { "uid" } else { "id" };
    query.push(format_args!(" ORDER BY {column}) AS selected"));
    query
}
