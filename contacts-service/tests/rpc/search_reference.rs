//! Searching as a scan in PostgreSQL: `pg_trgm` selects candidates, and each of them is
//! ranked.

use contacts_service::contact::ContactId;
use contacts_service::model::query::{Query, letter_swaps};
use contacts_service::search::rank::{Match, exact, fuzzy, spelled};
use sqlx::{Executor, PgConnection};
use uuid::Uuid;

/// The longest word in which swapped neighbours are searched.
const SWAPPED_CHARS_MAX: usize = 8;

type Row = (Uuid, String, bool, String);
/// The id of a contact, with what is reported of its match.
pub type Hit = (String, i32, Vec<i32>);

/// Makes the extension available on this connection.
pub async fn prepare(db: &mut PgConnection) {
    db.execute(
        "CREATE EXTENSION IF NOT EXISTS pg_trgm; SET pg_trgm.word_similarity_threshold = 0.3",
    )
    .await
    .unwrap();
}

/// Every result of a query, of the contacts with one of `labels`.
pub async fn found(
    db: &mut PgConnection,
    owner: Uuid,
    labels: Option<&[String]>,
    query: &Query,
) -> Vec<Hit> {
    let all = all(db, owner, labels).await;
    let mut hits = ranked(&all, |text| exact(query, text));
    hits.extend(ranked(&all, |text| match exact(query, text) {
        Some(_) => None,
        None => spelled(query, text),
    }));
    let Some(word) = query.fuzzy_word() else {
        return hits;
    };
    let similar = resembling(db, owner, labels, &word).await;
    let is_found = |text: &str| {
        exact(query, text)
            .or_else(|| spelled(query, text))
            .is_some()
    };
    hits.extend(ranked(&similar, |text| {
        fuzzy(query, text).filter(|_| !is_found(text))
    }));
    hits
}

fn ranked(rows: &[Row], compare: impl Fn(&str) -> Option<Match>) -> Vec<Hit> {
    let mut matches: Vec<_> = rows
        .iter()
        .filter_map(|(id, family_key, starred, text)| {
            let found = compare(text)?;
            let (tier, weight) = (i32::from(found.tier), found.weight.place());
            let rank = (tier, !starred, weight, family_key, ContactId(*id));
            Some((rank, found))
        })
        .collect();
    matches.sort_by_key(|(rank, _)| *rank);
    let hits = matches.into_iter().map(|((tier, .., id), found)| {
        let fields = found.fields.into_iter().map(i32::from);
        (id.to_string(), tier, fields.collect())
    });
    hits.collect()
}

async fn all(db: &mut PgConnection, owner: Uuid, labels: Option<&[String]>) -> Vec<Row> {
    sqlx::query_as(
        "SELECT id, family_key, starred, search_text
         FROM contacts.contacts
         WHERE owner_id = $1 AND delete_time IS NULL AND ($2::text[] IS NULL OR label_keys && $2)",
    )
    .bind(owner)
    .bind(labels)
    .fetch_all(db)
    .await
    .unwrap()
}

/// The contacts that contain a word similar to this one.
async fn resembling(
    db: &mut PgConnection,
    owner: Uuid,
    labels: Option<&[String]>,
    word: &str,
) -> Vec<Row> {
    let is_short = word.chars().count() <= SWAPPED_CHARS_MAX;
    let swapped = if is_short {
        letter_swaps(word)
    } else {
        Vec::new()
    };
    let swapped: Vec<String> = swapped.iter().map(|word| containing(word)).collect();
    sqlx::query_as(
        "SELECT id, family_key, starred, search_text
         FROM contacts.contacts
         WHERE owner_id = $1 AND delete_time IS NULL AND ($2::text[] IS NULL OR label_keys && $2)
           AND (search_text LIKE ANY($3) OR search_text %> $4)",
    )
    .bind(owner)
    .bind(labels)
    .bind(swapped)
    .bind(word)
    .fetch_all(db)
    .await
    .unwrap()
}

/// A LIKE pattern for texts that contain `text` literally.
fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
