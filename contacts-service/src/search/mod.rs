//! Searching: the best matches of a query, a page at a time.

#[cfg(test)]
mod every_script;
mod fuzzy;
mod place;
pub mod rank;
mod scan;
mod similarity;

use std::collections::HashMap;
use std::sync::Arc;

use chassis::database::pool::Pool;
use chassis::paging::fitting;
use chassis::user_id::UserId;
use proto::contacts::v1::MatchTier;
use uuid::Uuid;

use self::fuzzy::Similar;
use self::rank::{Match, Rank};
use self::scan::{After, Best, Ranked, Seen};
use crate::contact::ContactId;
use crate::contact::stored::Stored;
use crate::copies::{Contacts, Copies};
use crate::error::Result;
use crate::model::filter::Filter;
use crate::model::query::Query;
use crate::model::share::visible::View;
use crate::store::{contacts, filter as selection};

/// Where a search goes on: after a rank.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct SearchCursor {
    rank: Rank,
    /// The owner of the contact; `None` in a position of an earlier release, which searched
    /// one address book.
    #[serde(default)]
    owner: Option<UserId>,
}

impl SearchCursor {
    /// Where the search goes on among an owner's contacts. Contacts of several owners with
    /// the same rank, and so the same id, follow each other by owner.
    fn among(&self, owner: UserId) -> After<'_> {
        After {
            rank: &self.rank,
            is_included: self.owner.is_some_and(|passed| owner.0 > passed.0),
        }
    }
}

/// A search passes through the contacts for one kind of match after the other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// As typed.
    Exact,
    /// In other spellings of names.
    Spelled,
    /// With typing errors.
    Similar,
}

impl Pass {
    const ALL: [Self; 3] = [Self::Exact, Self::Spelled, Self::Similar];

    /// The pass that found a match of this rank.
    fn of(rank: &Rank) -> Self {
        match MatchTier::try_from(rank.tier) {
            Ok(MatchTier::Spelling) => Self::Spelled,
            Ok(MatchTier::Fuzzy) => Self::Similar,
            _ => Self::Exact,
        }
    }
}

/// A page of contacts that match a query.
#[derive(Default)]
pub struct SearchPage {
    /// The best first.
    pub hits: Vec<Hit>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<SearchCursor>,
}

/// A contact that matches a query.
pub struct Hit {
    /// The owner.
    pub owner: UserId,
    /// The contact.
    pub contact: Stored,
    /// How it matches.
    pub matched: Match,
}

/// One address book of a search.
struct Searched<'a> {
    view: &'a View,
    query: &'a Query,
    source: Contacts,
    seen: Seen,
}

impl Searched<'_> {
    /// The best matches of one kind.
    async fn best(&self, pass: Pass, after: Option<After<'_>>, room: usize) -> Result<Vec<Ranked>> {
        let (query, source) = (self.query, &self.source);
        let mut best = Best::new(query, &self.seen, after, room);
        match pass {
            Pass::Exact => source.each(|chunk| best.add_exact(chunk)).await?,
            Pass::Spelled => source.each(|chunk| best.add_spelled(chunk)).await?,
            Pass::Similar => {
                if let Some(similar) = Similar::to(query) {
                    source.each(|chunk| best.add_fuzzy(chunk, &similar)).await?;
                }
            }
        }
        Ok(best.into_sorted())
    }
}

/// Finds at most `size` contacts of these owners that a filter selects, the best first, after
/// `cursor`.
pub async fn search(
    db: &Pool,
    copies: &Arc<Copies>,
    views: &[View],
    query: &Query,
    filter: &Filter,
    cursor: Option<SearchCursor>,
    size: usize,
) -> Result<SearchPage> {
    let is_partial = |view: &View| !view.visible.is_all();
    // Of a share of labels, the others are hidden.
    let partial = if views.iter().any(is_partial) {
        query.clone().without_labels()
    } else {
        None
    };
    let mut books = Vec::with_capacity(views.len());
    for view in views {
        let source = copies.contacts(db, view.owner).await?;
        let seen = Seen {
            labels: view.visible.keys(),
            ids: selected_ids(db, view, filter).await?,
        };
        let query = if is_partial(view) {
            partial.as_ref()
        } else {
            Some(query)
        };
        books.extend(query.map(|query| Searched {
            view,
            query,
            source,
            seen,
        }));
    }
    let first = (cursor.as_ref()).map_or(Pass::Exact, |cursor| Pass::of(&cursor.rank));
    let mut ranked: Vec<(Ranked, UserId)> = Vec::new();
    // Whatever the size of a page, the passes follow each other, so that the results do not
    // depend on it.
    for pass in Pass::ALL.into_iter().skip_while(|pass| *pass != first) {
        let room = (size + 1).saturating_sub(ranked.len());
        if room == 0 {
            break;
        }
        let mut best = Vec::new();
        for book in &books {
            let owner = book.view.owner;
            let after = cursor.as_ref().filter(|_| pass == first);
            let after = after.map(|cursor| cursor.among(owner));
            let found = book.best(pass, after, room).await?.into_iter();
            best.extend(found.map(|one| (one, owner)));
        }
        // One owner's are sorted already.
        if books.len() > 1 {
            best.sort_by(|(one, owner), (other, next)| {
                one.cmp(other).then_with(|| owner.0.cmp(&next.0))
            });
            best.truncate(room);
        }
        ranked.extend(best);
    }
    page(db, &books, ranked, size).await
}

/// The page that begins with these contacts.
async fn page(
    db: &Pool,
    books: &[Searched<'_>],
    mut ranked: Vec<(Ranked, UserId)>,
    size: usize,
) -> Result<SearchPage> {
    let mut contacts = contacts_of(db, books, &ranked).await?;
    let bytes = |(one, owner): &(Ranked, UserId)| {
        let contact = contacts.get(&(*owner, one.rank.id));
        contact.map_or(0, |contact| contact.body.len())
    };
    let shown = fitting(ranked.iter().map(bytes), size).min(ranked.len());
    let next = ranked.get(shown).map(|_| {
        let (last, owner) = &ranked[shown - 1];
        SearchCursor {
            rank: last.rank.clone(),
            owner: Some(*owner),
        }
    });
    ranked.truncate(shown);
    // A contact that was removed meanwhile is skipped.
    let hits = ranked.into_iter().filter_map(|(one, owner)| {
        let contact = contacts.remove(&(owner, one.rank.id))?;
        let matched = one.matched;
        Some(Hit {
            owner,
            contact,
            matched,
        })
    });
    Ok(SearchPage {
        hits: hits.collect(),
        next,
    })
}

/// The contacts that a filter selects, by id; `None` if it selects all. They are asked for
/// before the search, because what is found must not depend on the size of a page.
async fn selected_ids(db: &Pool, view: &View, filter: &Filter) -> Result<Option<Vec<Uuid>>> {
    if filter.is_empty() {
        return Ok(None);
    }
    selection::ids(db, view, filter).await.map(Some)
}

/// The contacts that were ranked, as they are seen; without those that no longer are.
async fn contacts_of(
    db: &Pool,
    books: &[Searched<'_>],
    ranked: &[(Ranked, UserId)],
) -> Result<HashMap<(UserId, ContactId), Stored>> {
    let mut contacts = HashMap::new();
    for Searched { view, .. } in books {
        let owned = ranked.iter().filter(|(_, owner)| *owner == view.owner);
        let ids: Vec<Uuid> = owned.map(|(one, _)| one.rank.id.0).collect();
        if ids.is_empty() {
            continue;
        }
        for (id, contact) in contacts::get_many(db, view.owner, &ids).await? {
            if let Some(contact) = view.visible.show(contact)? {
                contacts.insert((view.owner, id), contact);
            }
        }
    }
    Ok(contacts)
}
