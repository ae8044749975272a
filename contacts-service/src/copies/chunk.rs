//! A part of a copy: some contacts in flat buffers, sorted by id.

use uuid::Uuid;

use super::words::{self, Letters};
use crate::contact::ContactId;
use crate::store::copies::Line;

/// The most contacts of a chunk: a write copies as many.
const ROWS_MAX: usize = 256;
/// When a chunk is loaded, it is full with this many bytes of search texts; writes may
/// double it.
const BYTES_MAX: usize = 64 * 1024;

/// Contacts with ids between those of the chunks before and after it.
#[derive(Debug)]
pub struct Chunk {
    /// The search texts.
    text: Box<str>,
    /// The sort key and the label keys of each contact.
    keys: Box<str>,
    rows: Box<[Row]>,
    /// The words of the texts.
    words: Box<[Letters]>,
}

/// Where the data of a contact ends in each buffer.
#[derive(Clone, Copy, Debug)]
struct Row {
    id: Uuid,
    text_end: u32,
    family_end: u32,
    keys_end: u32,
    starred: bool,
}

/// A contact of a chunk.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Its id.
    pub id: ContactId,
    /// The key of family and given name.
    pub family_key: &'a str,
    /// Whether it is a favourite.
    pub starred: bool,
    /// The keys of its labels, each followed by a line break.
    labels: &'a str,
    /// Its folded lines.
    pub search_text: &'a str,
}

impl Entry<'_> {
    /// Whether it has one of these labels.
    #[must_use]
    pub fn has_any(&self, keys: &[String]) -> bool {
        let mut labels = self.labels.split_terminator('\n');
        labels.any(|label| keys.iter().any(|key| key == label))
    }
}

impl Chunk {
    /// The number of contacts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The memory that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.text.len()
            + self.keys.len()
            + size_of_val(&*self.rows)
            + size_of_val(&*self.words)
    }

    /// The search texts of all contacts.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The words of the search texts, in their order.
    #[must_use]
    pub fn words(&self) -> &[Letters] {
        &self.words
    }

    /// The position of the contact's search text in [`Chunk::text`].
    #[must_use]
    pub fn text_start(&self, row: usize) -> usize {
        row.checked_sub(1)
            .map_or(0, |before| self.rows[before].text_end as usize)
    }

    /// The contact whose search text includes this position.
    #[must_use]
    pub fn row_at(&self, place: usize) -> usize {
        self.rows
            .partition_point(|row| row.text_end as usize <= place)
    }

    /// The contact in this row.
    #[must_use]
    pub fn entry(&self, row: usize) -> Entry<'_> {
        let keys_start = row
            .checked_sub(1)
            .map_or(0, |before| self.rows[before].keys_end as usize);
        let text_start = self.text_start(row);
        let row = &self.rows[row];
        let (family_end, keys_end) = (row.family_end as usize, row.keys_end as usize);
        Entry {
            id: ContactId(row.id),
            family_key: &self.keys[keys_start..family_end],
            starred: row.starred,
            labels: &self.keys[family_end..keys_end],
            search_text: &self.text[text_start..row.text_end as usize],
        }
    }

    /// The contacts, by id.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        (0..self.len()).map(|row| self.entry(row))
    }

    /// The lowest id.
    pub(super) fn first_id(&self) -> Option<ContactId> {
        self.rows.first().map(|row| ContactId(row.id))
    }
}

/// A chunk in the making.
#[derive(Debug)]
pub(super) struct Builder {
    text: String,
    keys: String,
    rows: Vec<Row>,
    words: Vec<Letters>,
    /// What fills it.
    rows_max: usize,
    bytes_max: usize,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            text: String::new(),
            keys: String::new(),
            rows: Vec::new(),
            words: Vec::new(),
            rows_max: ROWS_MAX,
            bytes_max: BYTES_MAX,
        }
    }
}

impl Builder {
    /// Adds a contact with a higher id than those before.
    pub(super) fn add(&mut self, entry: Entry<'_>) {
        let start = self.text.len();
        self.text.push_str(entry.search_text);
        words::add(&mut self.words, &self.text, start);
        self.keys.push_str(entry.family_key);
        let family_end = position(self.keys.len());
        self.keys.push_str(entry.labels);
        self.rows.push(Row {
            id: entry.id.0,
            text_end: position(self.text.len()),
            family_end,
            keys_end: position(self.keys.len()),
            starred: entry.starred,
        });
    }

    /// Makes even parts of what does not fit one chunk, so that the next write to one of
    /// them finds room.
    pub(super) fn makes_room<'a>(&mut self, chunk: &Chunk, new: impl Iterator<Item = &'a Line>) {
        let (mut rows, mut bytes) = (self.rows.len() + chunk.len(), self.text.len());
        bytes += chunk.text.len();
        for line in new {
            rows += 1;
            bytes += line.search_text.len();
        }
        let parts = rows.div_ceil(ROWS_MAX).max(bytes.div_ceil(2 * BYTES_MAX));
        self.rows_max = rows.div_ceil(parts.max(1));
        self.bytes_max = bytes.div_ceil(parts.max(1));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= self.rows_max || self.text.len() >= self.bytes_max
    }

    /// Whether it has less than a quarter of what fits.
    pub(super) fn is_small(&self) -> bool {
        self.rows.len() < ROWS_MAX / 4 && self.text.len() < BYTES_MAX / 4
    }

    /// The chunk; `None` without contacts. Afterwards the next one begins.
    pub(super) fn finish(&mut self) -> Option<Chunk> {
        let next = Self {
            rows_max: self.rows_max,
            bytes_max: self.bytes_max,
            ..Self::default()
        };
        let done = std::mem::replace(self, next);
        (!done.rows.is_empty()).then(|| Chunk {
            text: done.text.into(),
            keys: done.keys.into(),
            rows: done.rows.into(),
            words: done.words.into(),
        })
    }
}

impl Line {
    /// As a part of a chunk.
    pub(super) fn entry(&self) -> Entry<'_> {
        Entry {
            id: self.id,
            family_key: &self.family_key,
            starred: self.starred,
            labels: &self.labels,
            search_text: &self.search_text,
        }
    }
}

/// A position in a chunk, which is far smaller than 4 GiB.
fn position(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
