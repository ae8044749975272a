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
use proto::contacts::v1::MatchTier;
use uuid::Uuid;

use self::fuzzy::Similar;
use self::rank::{Match, Rank};
use self::scan::{Best, Ranked, Seen};
use crate::contact::ContactId;
use crate::contact::stored::Stored;
use crate::copies::Copies;
use crate::error::Result;
use crate::model::filter::Filter;
use crate::model::query::Query;
use crate::model::share::visible::View;
use crate::store::{contacts, filter as selection};

/// Where a search goes on: after a rank.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct SearchCursor {
    rank: Rank,
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
    /// The contact.
    pub contact: Stored,
    /// How it matches.
    pub matched: Match,
}

/// Finds at most `size` contacts that a filter selects, the best first, after `cursor`.
pub async fn search(
    db: &Pool,
    copies: &Arc<Copies>,
    view: &View,
    query: &Query,
    filter: &Filter,
    cursor: Option<SearchCursor>,
    size: usize,
) -> Result<SearchPage> {
    let source = copies.contacts(db, view.owner).await?;
    let seen = Seen {
        labels: view.visible.keys(),
        ids: selected_ids(db, view, filter).await?,
    };
    // Of a share of labels, the others are hidden.
    let shown = if view.visible.is_all() {
        Some(query.clone())
    } else {
        query.clone().without_labels()
    };
    let Some(query) = &shown else {
        return Ok(SearchPage::default());
    };
    let after = cursor.as_ref().map(|cursor| &cursor.rank);
    let first = after.map_or(Pass::Exact, Pass::of);
    let mut ranked = Vec::new();
    // Whatever the size of a page, the passes follow each other, so that the results do not
    // depend on it.
    for pass in Pass::ALL.into_iter().skip_while(|pass| *pass != first) {
        let room = (size + 1).saturating_sub(ranked.len());
        if room == 0 {
            break;
        }
        let after = after.filter(|_| pass == first);
        let mut best = Best::new(query, &seen, after, room);
        match (pass, Similar::to(query)) {
            (Pass::Exact, _) => source.each(|chunk| best.add_exact(chunk)).await?,
            (Pass::Spelled, _) => source.each(|chunk| best.add_spelled(chunk)).await?,
            (Pass::Similar, Some(similar)) => {
                source.each(|chunk| best.add_fuzzy(chunk, &similar)).await?;
            }
            (Pass::Similar, None) => {}
        }
        ranked.extend(best.into_sorted());
    }

    let mut contacts = contacts_of(db, view, &ranked).await?;
    let bytes = |one: &Ranked| {
        let contact = contacts.get(&one.rank.id);
        contact.map_or(0, |contact| contact.body.len())
    };
    let shown = fitting(ranked.iter().map(bytes), size).min(ranked.len());
    let next = ranked.get(shown).map(|_| SearchCursor {
        rank: ranked[shown - 1].rank.clone(),
    });
    ranked.truncate(shown);
    // A contact that was removed meanwhile is skipped.
    let hits = ranked.into_iter().filter_map(|one| {
        let contact = contacts.remove(&one.rank.id)?;
        let matched = one.matched;
        Some(Hit { contact, matched })
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
    view: &View,
    ranked: &[Ranked],
) -> Result<HashMap<ContactId, Stored>> {
    let ids: Vec<_> = ranked.iter().map(|one| one.rank.id.0).collect();
    let found = contacts::get_many(db, view.owner, &ids).await?;
    let mut contacts = HashMap::new();
    for (id, contact) in found {
        if let Some(contact) = view.visible.show(contact)? {
            contacts.insert(id, contact);
        }
    }
    Ok(contacts)
}
