//! Candidates of a search: the index selects them, Rust ranks them.

use chassis::database::pool::Pool;
use chassis::user_id::UserId;
use futures_util::TryStreamExt;
use futures_util::stream::BoxStream;

use crate::contact::ContactId;
use crate::error::{Error, Result};
use crate::model::query::{Query, letter_swaps, like_pattern};
use crate::model::share::rights::View;

/// A contact that may match a query.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its identity.
    pub id: ContactId,
    /// The key of family and given name.
    pub family_key: String,
    /// Whether it is a favourite.
    pub starred: bool,
    /// Its folded lines.
    pub search_text: String,
}

/// Contacts that may contain every word of the query, or its digits.
#[must_use]
pub fn matching<'a>(db: &'a Pool, view: &View, query: &Query) -> BoxStream<'a, Result<Candidate>> {
    let words = query.indexed_words();
    match words.iter().max_by_key(|word| word.len()) {
        Some(longest) => indexed(db, view, longest, &words, query.digits.as_deref()),
        None => unindexed(db, view, query),
    }
}

fn indexed<'a>(
    db: &'a Pool,
    view: &View,
    longest: &str,
    words: &[String],
    digits: Option<&str>,
) -> BoxStream<'a, Result<Candidate>> {
    let patterns: Vec<String> = words.iter().map(|word| like_pattern(word)).collect();
    let stream = sqlx::query_as!(
        Candidate,
        r#"
        SELECT id AS "id: ContactId", family_key, starred, search_text
        FROM contacts.contacts
        WHERE owner_id = $1 AND delete_time IS NULL
          AND ($5::text[] IS NULL OR label_keys && $5)
          AND ((search_text LIKE $2 AND search_text LIKE ALL($3)) OR search_text LIKE $4)
        "#,
        view.owner as UserId,
        like_pattern(longest),
        &patterns,
        digits.map(|digits| like_pattern(last_digits(digits))) as Option<String>,
        view.visible.keys() as Option<Vec<String>>,
    )
    .fetch(db);
    Box::pin(stream.map_err(Error::from))
}

/// The last digits of a number, with which the index finds it, because most numbers of a
/// book have the same first digits. The ranking compares all.
fn last_digits(digits: &str) -> &str {
    const LAST: usize = 7;
    &digits[digits.len().saturating_sub(LAST)..]
}

/// For words that are not in the index. Not LIKE, which would use the index anyway.
fn unindexed<'a>(db: &'a Pool, view: &View, query: &Query) -> BoxStream<'a, Result<Candidate>> {
    let stream = sqlx::query_as!(
        Candidate,
        r#"
        SELECT id AS "id: ContactId", family_key, starred, search_text
        FROM contacts.contacts
        WHERE owner_id = $1 AND delete_time IS NULL
          AND ($4::text[] IS NULL OR label_keys && $4)
          AND (strpos(search_text, $2) > 0 OR strpos(search_text, $3) > 0)
        "#,
        view.owner as UserId,
        query
            .words
            .iter()
            .map(|word| &word.text)
            .max_by_key(|word| word.len()),
        query.digits,
        view.visible.keys() as Option<Vec<String>>,
    )
    .fetch(db);
    Box::pin(stream.map_err(Error::from))
}

/// The longest word in which two neighbours may be swapped; longer ones keep enough
/// trigrams.
const SWAPPED_CHARS_MAX: usize = 8;

/// Contacts that contain a word similar to this one.
pub fn similar<'a>(db: &'a Pool, view: &View, word: &str) -> BoxStream<'a, Result<Candidate>> {
    let short = word.chars().count() <= SWAPPED_CHARS_MAX;
    let swapped = if short {
        letter_swaps(word)
    } else {
        Vec::new()
    };
    let swapped: Vec<String> = swapped.iter().map(|word| like_pattern(word)).collect();
    // Not OR: the index supports each half, but the planner may not use it for both.
    let stream = sqlx::query_as!(
        Candidate,
        r#"
        SELECT id AS "id!: ContactId", family_key AS "family_key!", starred AS "starred!",
               search_text AS "search_text!"
        FROM contacts.contacts
        WHERE owner_id = $1 AND delete_time IS NULL AND search_text LIKE ANY($3)
          AND ($4::text[] IS NULL OR label_keys && $4)
        UNION ALL
        SELECT id, family_key, starred, search_text
        FROM contacts.contacts
        WHERE owner_id = $1 AND delete_time IS NULL AND search_text %> $2
          AND search_text NOT LIKE ALL($3) AND ($4::text[] IS NULL OR label_keys && $4)
        "#,
        view.owner as UserId,
        word,
        &swapped,
        view.visible.keys() as Option<Vec<String>>,
    )
    .fetch(db);
    Box::pin(stream.map_err(Error::from))
}
