//! Candidates of a search: the index narrows, the ranking is done in Rust.

use chassis::pool::Pool;
use chassis::user_id::UserId;
use futures_util::TryStreamExt;
use futures_util::stream::BoxStream;

use crate::contact::ContactId;
use crate::error::{Error, Result};
use crate::search::query::{Query, containing};

/// A live contact that may answer a query.
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

/// Contacts that hold every word of the query somewhere, or its digits.
pub fn holding<'a>(db: &'a Pool, owner: UserId, query: &Query) -> BoxStream<'a, Result<Candidate>> {
    let patterns: Vec<String> = query.words.iter().map(|word| containing(word)).collect();
    let stream = sqlx::query_as!(
        Candidate,
        r#"
        SELECT id AS "id: ContactId", family_key, starred, search_text
        FROM contacts.contacts
        WHERE owner_id = $1 AND delete_time IS NULL
          AND ((search_text LIKE $2 AND search_text LIKE ALL($3)) OR search_text LIKE $4)
        "#,
        owner as UserId,
        containing(query.longest_word()),
        &patterns,
        query.digits.as_deref().map(containing) as Option<String>,
    )
    .fetch(db);
    Box::pin(stream.map_err(Error::from))
}

/// The longest word of which two neighbours may be swapped: longer ones keep
/// enough trigrams.
const SWAPPED_CHARS_MAX: usize = 8;

/// Contacts that hold something like the longest word of the query.
pub fn resembling<'a>(
    db: &'a Pool,
    owner: UserId,
    query: &Query,
) -> BoxStream<'a, Result<Candidate>> {
    let short = query.longest_word().chars().count() <= SWAPPED_CHARS_MAX;
    let swapped = if short { query.swapped() } else { Vec::new() };
    let swapped: Vec<String> = swapped.iter().map(|word| containing(word)).collect();
    let stream = sqlx::query_as!(
        Candidate,
        r#"
        SELECT id AS "id: ContactId", family_key, starred, search_text
        FROM contacts.contacts
        WHERE owner_id = $1 AND delete_time IS NULL
          AND (search_text LIKE ANY($3) OR search_text %> $2)
        "#,
        owner as UserId,
        query.longest_word(),
        &swapped,
    )
    .fetch(db);
    Box::pin(stream.map_err(Error::from))
}
