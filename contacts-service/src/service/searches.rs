//! Search: pages of the best candidates of a query.

use std::collections::{BinaryHeap, HashMap, HashSet};

use chassis::database::pool::Pool;
use chassis::page_token::Sealer;
use chassis::paging::{Pages, Paging, Sizes, fitting};
use futures_util::TryStreamExt;
use futures_util::stream::BoxStream;
use proto::contacts::server::{SearchContactsResponse, SearchResult};
use proto::contacts::v1::{MatchTier, SearchContactsRequest};

use crate::contact::ContactId;
use crate::contact::stored::Stored;
use crate::error::Result;
use crate::model::share::rights::View;
use crate::search::query::Query;
use crate::search::rank::{Match, Rank, exact, fuzzy};
use crate::store::contacts;
use crate::store::search::{Candidate, holding, resembling};

const SIZES: Sizes = Sizes {
    default: 20,
    max: 100,
};

/// The position of a search: after a rank, among exact or fuzzy matches.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct Position {
    rank: Rank,
    fuzzy: bool,
}

/// A matching candidate. Compared by rank only, which contains its id.
struct Hit {
    rank: Rank,
    found: Match,
}

impl PartialEq for Hit {
    fn eq(&self, other: &Self) -> bool {
        self.rank == other.rank
    }
}

impl Eq for Hit {}

impl PartialOrd for Hit {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Hit {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank.cmp(&other.rank)
    }
}

/// A page of a query's results.
pub(super) async fn search(
    db: &Pool,
    sealer: &Sealer,
    view: &View,
    mut request: SearchContactsRequest,
) -> Result<SearchContactsResponse> {
    let paging = Paging::take(&mut request.page_size, &mut request.page_token);
    let pages = Pages::new(
        sealer,
        "SearchContacts",
        view.owner,
        &request,
        paging,
        SIZES,
    )?;
    let size = pages.size();
    let query = Query::parse(&request.query, &request.fields)?;
    let position: Option<Position> = pages.cursor()?;

    let after = position.as_ref().map(|position| &position.rank);
    let in_fuzzy = position.as_ref().is_some_and(|position| position.fuzzy);
    let mut hits = Vec::new();
    if !in_fuzzy {
        hits = best(
            holding(db, view, &query),
            &query,
            exact,
            after,
            size + 1,
            |_| false,
        )
        .await?;
    }
    // Typing errors are tolerated only if exact matches do not fill a page.
    let few = after.is_none() && hits.len() < size;
    if (in_fuzzy || few)
        && let Some(word) = query.forgiven_word()
    {
        let shown: HashSet<ContactId> = hits.iter().map(|hit| hit.rank.id).collect();
        let behind = after.filter(|_| in_fuzzy);
        let room = size + 1 - hits.len();
        let similar = resembling(db, view, &word);
        let known = |candidate: &Candidate| {
            shown.contains(&candidate.id) || exact(&query, &candidate.search_text).is_some()
        };
        let more = best(similar, &query, fuzzy, behind, room, known).await?;
        hits.extend(more);
    }

    let mut stored = stored(db, view, &hits).await?;
    let bytes = |hit: &Hit| {
        stored
            .get(&hit.rank.id)
            .map_or(0, |stored| stored.body.len())
    };
    let shown = fitting(hits.iter().map(bytes), size).min(hits.len());
    let next = hits.get(shown).map(|next| Position {
        rank: hits[shown - 1].rank.clone(),
        fuzzy: next.found.tier == MatchTier::Fuzzy,
    });
    hits.truncate(shown);
    Ok(SearchContactsResponse {
        next_page_token: next.map_or_else(String::new, |next| pages.token(&next)),
        results: results(&mut stored, hits),
    })
}

/// The `count` best candidates after `after`, the best first. Only that many are kept in
/// memory.
async fn best(
    mut candidates: BoxStream<'_, Result<Candidate>>,
    query: &Query,
    compare: impl Fn(&Query, &str) -> Option<Match>,
    after: Option<&Rank>,
    count: usize,
    known: impl Fn(&Candidate) -> bool,
) -> Result<Vec<Hit>> {
    let mut best: BinaryHeap<Hit> = BinaryHeap::with_capacity(count + 1);
    while let Some(candidate) = candidates.try_next().await? {
        let Some(found) = compare(query, &candidate.search_text) else {
            continue;
        };
        if known(&candidate) {
            continue;
        }
        let rank = Rank {
            tier: found.tier.into(),
            plain: !candidate.starred,
            weight: found.weight.into(),
            family_key: candidate.family_key,
            id: candidate.id,
        };
        if after.is_some_and(|after| rank <= *after) {
            continue;
        }
        best.push(Hit { rank, found });
        if best.len() > count {
            best.pop();
        }
    }
    Ok(best.into_sorted_vec())
}

/// The contacts of the hits, by id, if they are still visible.
async fn stored(db: &Pool, view: &View, hits: &[Hit]) -> Result<HashMap<ContactId, Stored>> {
    let ids: Vec<_> = hits.iter().map(|hit| hit.rank.id.0).collect();
    let mut stored = contacts::get_many(db, view.owner, &ids).await?;
    for id in &ids {
        let id = ContactId(*id);
        if let Some(contact) = stored.get(&id)
            && !view.part.holds(&contact.body)?
        {
            stored.remove(&id);
        }
    }
    Ok(stored)
}

/// The results for the hits, without those deleted meanwhile.
fn results(stored: &mut HashMap<ContactId, Stored>, hits: Vec<Hit>) -> Vec<SearchResult> {
    let shown = hits.into_iter().filter_map(|hit| {
        Some(SearchResult {
            contact: stored.remove(&hit.rank.id)?.encoded(),
            match_tier: hit.found.tier.into(),
            matched_fields: hit.found.fields.into_iter().map(Into::into).collect(),
        })
    });
    shown.collect()
}
