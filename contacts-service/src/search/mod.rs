//! Searching: the best candidates of a query, a page at a time.

pub mod rank;

use std::collections::{BinaryHeap, HashMap, HashSet};

use chassis::database::pool::Pool;
use chassis::paging::fitting;
use futures_util::TryStreamExt;
use futures_util::stream::BoxStream;
use proto::contacts::v1::MatchTier;

use self::rank::{Match, Rank, exact, fuzzy};
use crate::contact::ContactId;
use crate::contact::stored::Stored;
use crate::error::Result;
use crate::model::query::Query;
use crate::model::share::rights::View;
use crate::store::contacts;
use crate::store::search::{self as store, Candidate};

/// Where a search goes on: after a rank, among exact or among fuzzy matches.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct SearchCursor {
    rank: Rank,
    fuzzy: bool,
}

/// A page of contacts that match a query.
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

/// A candidate that matches. Compared by rank alone, which holds its id.
struct Ranked {
    rank: Rank,
    matched: Match,
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.rank == other.rank
    }
}

impl Eq for Ranked {}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank.cmp(&other.rank)
    }
}

/// Finds at most `size` contacts, the best first, after `cursor`.
pub async fn search(
    db: &Pool,
    view: &View,
    query: &Query,
    cursor: Option<SearchCursor>,
    size: usize,
) -> Result<SearchPage> {
    let after = cursor.as_ref().map(|cursor| &cursor.rank);
    let in_fuzzy = cursor.as_ref().is_some_and(|cursor| cursor.fuzzy);
    let mut ranked = Vec::new();
    if !in_fuzzy {
        let candidates = store::matching(db, view, query);
        ranked = best(candidates, query, exact, after, size + 1, |_| false).await?;
    }
    // Typing errors are forgiven only where what was typed fills no page.
    let few = after.is_none() && ranked.len() < size;
    if (in_fuzzy || few)
        && let Some(word) = query.fuzzy_word()
    {
        let shown: HashSet<ContactId> = ranked.iter().map(|one| one.rank.id).collect();
        let after = after.filter(|_| in_fuzzy);
        let room = size + 1 - ranked.len();
        let similar = store::similar(db, view, &word);
        let known = |candidate: &Candidate| {
            shown.contains(&candidate.id) || exact(query, &candidate.search_text).is_some()
        };
        ranked.extend(best(similar, query, fuzzy, after, room, known).await?);
    }

    let mut contacts = contacts_of(db, view, &ranked).await?;
    let bytes = |one: &Ranked| {
        let contact = contacts.get(&one.rank.id);
        contact.map_or(0, |contact| contact.body.len())
    };
    let shown = fitting(ranked.iter().map(bytes), size).min(ranked.len());
    let next = ranked.get(shown).map(|next| SearchCursor {
        rank: ranked[shown - 1].rank.clone(),
        fuzzy: next.matched.tier == MatchTier::Fuzzy,
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

/// The `count` best candidates after `after`, the best first. However many
/// candidates there are, only that many are kept.
async fn best(
    mut candidates: BoxStream<'_, Result<Candidate>>,
    query: &Query,
    compare: impl Fn(&Query, &str) -> Option<Match>,
    after: Option<&Rank>,
    count: usize,
    known: impl Fn(&Candidate) -> bool,
) -> Result<Vec<Ranked>> {
    let mut best: BinaryHeap<Ranked> = BinaryHeap::with_capacity(count + 1);
    while let Some(candidate) = candidates.try_next().await? {
        let Some(matched) = compare(query, &candidate.search_text) else {
            continue;
        };
        if known(&candidate) {
            continue;
        }
        let rank = Rank {
            tier: matched.tier.into(),
            plain: !candidate.starred,
            weight: matched.weight.into(),
            family_key: candidate.family_key,
            id: candidate.id,
        };
        if after.is_some_and(|after| rank <= *after) {
            continue;
        }
        best.push(Ranked { rank, matched });
        if best.len() > count {
            best.pop();
        }
    }
    Ok(best.into_sorted_vec())
}

/// The contacts that were ranked, as far as they are still seen.
async fn contacts_of(
    db: &Pool,
    view: &View,
    ranked: &[Ranked],
) -> Result<HashMap<ContactId, Stored>> {
    let ids: Vec<_> = ranked.iter().map(|one| one.rank.id.0).collect();
    let mut contacts = contacts::get_many(db, view.owner, &ids).await?;
    for id in ids.into_iter().map(ContactId) {
        if let Some(contact) = contacts.get(&id)
            && !view.visible.includes(&contact.body)?
        {
            contacts.remove(&id);
        }
    }
    Ok(contacts)
}
