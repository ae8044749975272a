//! Pages of the contacts of several owners, in one order.
//!
//! Each owner's contacts are read in the order of an index, as many as the page has room
//! for, and then merged. Contacts of different owners can have the same id, so the owner
//! is the last part of every order.

use chassis::paging::PAGE_BYTES_MAX;
use chassis::user_id::UserId;
use sqlx::{PgExecutor, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::contact::ContactId;
use crate::error::Result;
use crate::model::filter::Listed;
use crate::model::order::{Key, Order};
use crate::model::share::books::Books;
use crate::model::share::visible::View;
use crate::store::filter::{Labels, push_filter, push_visible_of_books};
use crate::store::list::{
    ListCursor, ListedContact, MEASURED, Selection, SortKey, UNMEASURED_MAX, columns,
    listed_condition,
};
use crate::store::packed::{COLUMNS, LIVE_COLUMNS, Packed, broken};

/// The position in a list.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub enum AllCursor {
    /// After a contact of this owner.
    After(ListCursor, UserId),
    /// After the last contact shown of each owner. The versions of different owners cannot
    /// be compared.
    AfterEach(Vec<Position>),
}

/// The position in one owner's contacts: after a version and an id.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Position(UserId, i64, ContactId);

impl AllCursor {
    /// Whether it is a position in `order`.
    #[must_use]
    pub fn is_of(&self, order: Order) -> bool {
        match self {
            Self::After(cursor, _) => order.key != Key::UpdateTime && cursor.is_of(order),
            Self::AfterEach(_) => order.key == Key::UpdateTime,
        }
    }

    /// The position after these contacts of a page that began at `before`; `None` if there
    /// are none.
    #[must_use]
    pub fn after(
        shown: &[OwnedContact],
        books: &Books,
        selection: &Selection<'_, Self>,
    ) -> Option<Self> {
        let (order, last) = (selection.order, shown.last()?);
        if order.key != Key::UpdateTime {
            return Some(Self::After(last.listed.cursor(order), last.owner));
        }
        let mut positions = positions(books, selection);
        for shown in shown {
            let contact = &shown.listed.contact;
            if let Some(position) = positions.iter_mut().find(|one| one.0 == shown.owner) {
                (position.1, position.2) = (contact.version, contact.id);
            }
        }
        Some(Self::AfterEach(positions))
    }
}

/// Where each owner's contacts go on. An owner without a position in a list that has begun
/// began to share since; its contacts are not listed, because some have been passed already.
fn positions(books: &Books, selection: &Selection<'_, AllCursor>) -> Vec<Position> {
    let (version, id) = if selection.order.descending {
        (i64::MAX, Uuid::max())
    } else {
        (0, Uuid::nil())
    };
    let owners = books.views().iter().map(|view| view.owner);
    match &selection.after {
        Some(AllCursor::AfterEach(known)) => {
            let known = known.iter().copied();
            known
                .filter(|one| books.of_owner(one.0).is_some())
                .collect()
        }
        _ => owners
            .map(|owner| Position(owner, version, ContactId(id)))
            .collect(),
    }
}

/// A contact and its owner.
#[derive(Clone, Debug)]
pub struct OwnedContact {
    /// The owner.
    pub owner: UserId,
    /// The contact.
    pub listed: ListedContact,
}

/// A page of contacts.
#[derive(Clone, Debug)]
pub struct AllPage {
    /// In the order of the selection.
    pub contacts: Vec<OwnedContact>,
    /// The number of the owners' contacts, without deleted ones; only if
    /// [`Selection::counted`] and if one of them has ever written.
    pub live_count: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct Row {
    #[sqlx(flatten)]
    packed: Packed,
    owners: Option<Vec<u8>>,
    /// A line for each contact.
    name_keys: Option<String>,
    live_count: Option<i64>,
}

/// Lists at most `limit` contacts of all owners. A page of more than 64 ends with the first
/// contact that exceeds [`PAGE_BYTES_MAX`].
pub async fn list(
    db: impl PgExecutor<'_>,
    books: &Books,
    selection: &Selection<'_, AllCursor>,
    limit: i64,
) -> Result<AllPage> {
    let mut query = statement(books, selection, limit);
    let row: Row = query.build_query_as().fetch_one(db).await?;
    let contacts = row.packed.contacts()?;
    let owners = row.owners.unwrap_or_default();
    let (mut owners, name_keys) = (
        owners.as_chunks().0.iter(),
        row.name_keys.unwrap_or_default(),
    );
    let mut name_keys = name_keys.split('\n');
    let contacts = contacts.into_iter().map(|contact| {
        let owner = owners.next().ok_or_else(broken)?;
        let name_key = name_keys.next().ok_or_else(broken)?.to_owned();
        Ok(OwnedContact {
            owner: UserId(Uuid::from_bytes(*owner)),
            listed: ListedContact { contact, name_key },
        })
    });
    Ok(AllPage {
        contacts: contacts.collect::<Result<_>>()?,
        live_count: row.live_count,
    })
}

/// The statement of a list, which is the same however many owners there are. It is built at
/// run time, as that of [`super::list`]. Values are always bound.
#[must_use]
pub fn statement<'a>(
    books: &Books,
    selection: &'a Selection<'a, AllCursor>,
    limit: i64,
) -> QueryBuilder<Postgres> {
    let (column, name_column) = columns(selection.order.key);
    let (direction, _) = direction(selection.order);
    let mut query = QueryBuilder::new("WITH ");
    push_books(&mut query, books, selection);
    query
        .push(" SELECT ")
        .push(match selection.listed {
            Listed::Live => LIVE_COLUMNS,
            Listed::Deleted | Listed::Both => COLUMNS,
        })
        .push(format_args!(
            ", string_agg(uuid_send(owner_id), '') AS owners, \
             string_agg({name_column}, chr(10)) AS name_keys, "
        ));
    if selection.counted {
        // Runs once per statement, not once per row.
        let owners: Vec<Uuid> = books.views().iter().map(|view| view.owner.0).collect();
        query
            .push("(SELECT sum(live_count)::bigint FROM contacts.owner_state WHERE owner_id = ANY(")
            .push_bind(owners)
            .push("::uuid[]))");
    } else {
        query.push("NULL::bigint");
    }
    let is_measured = limit > UNMEASURED_MAX;
    query.push(format_args!(
        " AS live_count FROM ({}SELECT one.* FROM books AS book CROSS JOIN LATERAL (",
        if is_measured { MEASURED } else { "" }
    ));
    push_book(&mut query, selection, limit);
    // Where the writes of an owner overlap, their times need not follow their order. So each
    // counts as made no earlier than those before it.
    query.push(if selection.order.key == Key::UpdateTime {
        format!(
            ") AS one ORDER BY merge_time{direction}, owner_id{direction}, version{direction}, \
             id{direction} LIMIT "
        )
    } else {
        format!(") AS one ORDER BY {column}{direction}, id{direction}, owner_id{direction} LIMIT ")
    });
    query.push_bind(limit).push(") AS page");
    if is_measured {
        query
            .push(") AS measured WHERE bytes_before <= ")
            .push_bind(i64::try_from(PAGE_BYTES_MAX).unwrap_or(i64::MAX));
    }
    query
}

fn direction(order: Order) -> (&'static str, &'static str) {
    if order.descending {
        (" DESC", "<")
    } else {
        ("", ">")
    }
}

/// The owners: what is seen of each one's contacts, and where they go on.
fn push_books(
    query: &mut QueryBuilder<Postgres>,
    books: &Books,
    selection: &Selection<'_, AllCursor>,
) {
    let positions = positions(books, selection);
    let views: Vec<&View> = (positions.iter())
        .filter_map(|position| books.of_owner(position.0))
        .collect();
    let trash: Vec<_> = views.iter().map(|view| view.visible.trash()).collect();
    // Arrays of arrays would have to be of one length; no label has a line break.
    let labels = views
        .iter()
        .map(|view| Some(view.visible.keys()?.join("\n")));
    let trash_labels = trash.iter().map(|trash| trash.label_keys.join("\n"));
    let trash_since = trash.iter().map(|trash| {
        let since = trash.label_since.iter().map(i64::to_string);
        since.collect::<Vec<_>>().join("\n")
    });
    query
        .push(
            "books AS MATERIALIZED (SELECT owner, string_to_array(labels, chr(10)) AS labels, \
             since, string_to_array(trash_labels, chr(10)) AS trash_labels, \
             string_to_array(trash_since, chr(10))::bigint[] AS trash_since, \
             after_version, after_id FROM unnest(",
        )
        .push_bind(views.iter().map(|view| view.owner.0).collect::<Vec<_>>())
        .push("::uuid[], ")
        .push_bind(labels.collect::<Vec<Option<String>>>())
        .push("::text[], ")
        .push_bind(trash.iter().map(|trash| trash.since).collect::<Vec<_>>())
        .push("::bigint[], ")
        .push_bind(trash_labels.collect::<Vec<_>>())
        .push("::text[], ")
        .push_bind(trash_since.collect::<Vec<_>>())
        .push("::text[], ")
        .push_bind(
            positions
                .iter()
                .map(|position| position.1)
                .collect::<Vec<_>>(),
        )
        .push("::bigint[], ")
        .push_bind(
            positions
                .iter()
                .map(|position| position.2.0)
                .collect::<Vec<_>>(),
        )
        .push(
            "::uuid[]) AS given (owner, labels, since, trash_labels, trash_since, \
             after_version, after_id))",
        );
}

/// The first contacts of one owner.
fn push_book<'a>(
    query: &mut QueryBuilder<Postgres>,
    selection: &'a Selection<'a, AllCursor>,
    limit: i64,
) {
    let (column, _) = columns(selection.order.key);
    let (direction, beyond) = direction(selection.order);
    let by_version = selection.order.key == Key::UpdateTime;
    if by_version {
        let furthest = if selection.order.descending {
            "min"
        } else {
            "max"
        };
        query.push(format_args!(
            "SELECT *, {furthest}(update_time) OVER (ROWS UNBOUNDED PRECEDING) AS merge_time FROM ("
        ));
    }
    query.push("SELECT * FROM contacts.contacts WHERE owner_id = book.owner");
    push_visible_of_books(query, selection.listed);
    query.push(listed_condition(selection.listed));
    push_filter(query, selection.filter, Labels::OfBook);
    match &selection.after {
        _ if by_version => {
            query.push(format_args!(
                " AND (version, id) {beyond} (book.after_version, book.after_id)"
            ));
        }
        Some(AllCursor::After(ListCursor { key, id }, owner)) => {
            query.push(format_args!(" AND ({column}, id, owner_id) {beyond} ("));
            match key.clone() {
                SortKey::Text(text) => query.push_bind(text),
                SortKey::Time(time) => query.push_bind(time),
                SortKey::Version(version) => query.push_bind(version),
            };
            query.push(", ").push_bind(*id).push(", ").push_bind(*owner);
            query.push(")");
        }
        Some(AllCursor::AfterEach(_)) | None => {}
    }
    // One contact at most: only the order of the uids makes the planner read their index.
    let column = if selection.filter.names_uid() {
        "uid"
    } else {
        column
    };
    query.push(format_args!(
        " ORDER BY {column}{direction}, id{direction} LIMIT "
    ));
    query.push_bind(limit);
    if by_version {
        query.push(") AS own");
    }
}
