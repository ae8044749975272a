//! What an address book must contain: the acknowledged state of each contact, and writes
//! whose outcome is unknown until the end.
//!
//! A contact is known by its tag, its nickname, which no write changes. Every write gives it
//! other notes.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use proto::contacts::v1::Contact;

/// The part of a contact that writes change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) notes: String,
    pub(super) starred: bool,
    pub(super) labels: BTreeSet<String>,
    pub(super) deleted: bool,
}

impl From<&Contact> for Image {
    fn from(contact: &Contact) -> Self {
        Self {
            notes: contact.notes.clone(),
            starred: contact.starred,
            labels: contact.labels.iter().cloned().collect(),
            deleted: contact.delete_time.is_some(),
        }
    }
}

/// The acknowledged state of a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) id: String,
    /// Empty if the last write did not return it.
    pub(super) etag: String,
    /// The lowest version that it can have.
    pub(super) version: i64,
    pub(super) image: Image,
    /// An attempt without an etag may still arrive, so nothing more is written.
    pub(super) is_frozen: bool,
}

impl From<&Contact> for Known {
    fn from(contact: &Contact) -> Self {
        Self {
            id: contact.id.clone(),
            etag: contact.etag.clone(),
            version: contact.version,
            image: contact.into(),
            is_frozen: false,
        }
    }
}

impl Known {
    /// Why a stored contact is not this one.
    fn difference(&self, stored: &Contact) -> Option<String> {
        let image = Image::from(stored);
        if image != self.image {
            return Some(format!("is {image:?} instead of {:?}", self.image));
        }
        if !self.etag.is_empty() && stored.etag != self.etag {
            return Some("was written by nobody: its etag is another one".to_owned());
        }
        (stored.version < self.version)
            .then(|| format!("has version {} after {}", stored.version, self.version))
    }
}

/// One contact of a write whose outcome is unknown.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) tag: String,
    /// `None` if the write creates the contact.
    pub(super) before: Option<Known>,
    /// `None` if the write leaves a state that is not predicted.
    pub(super) after: Option<Image>,
}

impl Part {
    fn is_undone(&self, stored: Option<&Contact>) -> bool {
        match (&self.before, stored) {
            (None, None) => true,
            (Some(before), Some(stored)) => before.difference(stored).is_none(),
            _ => false,
        }
    }

    fn is_done(&self, stored: Option<&Contact>) -> bool {
        let Some(stored) = stored else {
            return false;
        };
        let is_written = self
            .before
            .as_ref()
            .is_none_or(|before| stored.version > before.version);
        let is_expected = self
            .after
            .as_ref()
            .is_none_or(|after| *after == Image::from(stored));
        is_written && is_expected
    }
}

/// A write whose outcome is unknown: all of its parts happened, or none.
#[derive(Clone, Debug)]
pub(super) struct Doubt {
    pub(super) call: &'static str,
    pub(super) parts: Vec<Part>,
}

/// A wrong contact.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) tag: String,
    pub(super) text: String,
}

/// One address book.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) known: BTreeMap<String, Known>,
    pub(super) doubts: Vec<Doubt>,
}

impl Book {
    /// The tags of some contacts that can be written, deleted or not.
    pub(super) fn some(&self, rng: &mut Rng, count: usize, deleted: bool) -> Vec<String> {
        let can_be = |known: &Known| known.image.deleted == deleted && !known.is_frozen;
        let tags = self.known.iter().filter(|(_, known)| can_be(known));
        rng.choose_multiple(tags.map(|(tag, _)| tag.clone()), count)
    }

    /// Stores what a write or a read returned.
    pub(super) fn learn(&mut self, contact: &Contact) {
        self.known.insert(contact.nickname.clone(), contact.into());
    }

    /// The write may or may not have happened; its contacts are not written again.
    pub(super) fn doubt(&mut self, call: &'static str, parts: Vec<Part>) {
        for part in &parts {
            self.known.remove(&part.tag);
        }
        self.doubts.push(Doubt { call, parts });
    }

    /// A write of these contacts, each with what it becomes.
    pub(super) fn parts(
        &self,
        after: impl IntoIterator<Item = (String, Option<Image>)>,
    ) -> Vec<Part> {
        let part = |(tag, after): (String, Option<Image>)| Part {
            before: self.known.get(&tag).cloned(),
            tag,
            after,
        };
        after.into_iter().map(part).collect()
    }

    /// Compares one stored contact with what is known of it.
    pub(super) fn difference(&self, stored: &Contact) -> Option<String> {
        let known = self.known.get(&stored.nickname)?;
        known.difference(stored)
    }

    /// Compares with all that is stored, and settles the doubts.
    pub(super) fn compare(&self, stored: &[Contact]) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        let mut report = |tag: &str, text: String| {
            wrong.push(Wrong {
                tag: tag.to_owned(),
                text,
            });
        };
        let mut rows: BTreeMap<&str, &Contact> = BTreeMap::new();
        for contact in stored {
            if rows.insert(&contact.nickname, contact).is_some() {
                report(&contact.nickname, "is stored twice".to_owned());
            }
        }
        for (tag, known) in &self.known {
            match rows.remove(tag.as_str()) {
                None => report(tag, "was acknowledged and is missing".to_owned()),
                Some(row) => {
                    if let Some(text) = known.difference(row) {
                        report(tag, text);
                    }
                }
            }
        }
        for Doubt { call, parts } in &self.doubts {
            let row = |part: &Part| rows.get(part.tag.as_str()).copied();
            let is_undone = parts.iter().all(|part| part.is_undone(row(part)));
            let is_done = parts.iter().all(|part| part.is_done(row(part)));
            if let Some(first) = parts.first()
                && !is_undone
                && !is_done
            {
                report(&first.tag, format!("{call} happened by half: {parts:?}"));
            }
            for part in parts {
                rows.remove(part.tag.as_str());
            }
        }
        for tag in rows.into_keys() {
            report(tag, "is stored, and nobody wrote it".to_owned());
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(tag: &str, notes: &str, version: i64) -> Contact {
        Contact {
            nickname: tag.into(),
            notes: notes.into(),
            etag: format!("etag-{version}"),
            version,
            ..Contact::default()
        }
    }

    fn texts(book: &Book, rows: &[Contact]) -> Vec<String> {
        let wrong = book.compare(rows).into_iter();
        wrong.map(|wrong| wrong.text).collect()
    }

    #[test]
    fn a_lost_stale_double_or_foreign_contact_is_found() {
        let mut book = Book::default();
        let (old, new) = (stored("a", "x", 1), stored("a", "y", 2));
        book.learn(&new);

        assert_eq!(texts(&book, std::slice::from_ref(&new)), [""; 0]);
        assert_eq!(texts(&book, &[]), ["was acknowledged and is missing"]);
        assert!(texts(&book, std::slice::from_ref(&old))[0].contains("instead of"));
        assert_eq!(
            texts(&book, &[new.clone(), new.clone()]),
            ["is stored twice"]
        );
        let foreign = stored("b", "x", 3);
        assert_eq!(
            texts(&book, &[new, foreign]),
            ["is stored, and nobody wrote it"]
        );
    }

    #[test]
    fn a_doubtful_write_happened_as_a_whole_or_not_at_all() {
        let mut book = Book::default();
        book.learn(&stored("a", "x", 1));
        book.learn(&stored("b", "x", 1));
        let after = Image {
            notes: "y".into(),
            ..Image::default()
        };
        let after = ["a", "b"].map(|tag| (tag.to_owned(), Some(after.clone())));
        let parts = book.parts(after);
        book.doubt("BatchUpdateContacts", parts);

        let rows = |first: &str, second: &str| {
            let version = |notes: &str| if notes == "x" { 1 } else { 2 };
            [
                stored("a", first, version(first)),
                stored("b", second, version(second)),
            ]
        };
        assert_eq!(texts(&book, &rows("x", "x")), [""; 0]);
        assert_eq!(texts(&book, &rows("y", "y")), [""; 0]);
        assert!(texts(&book, &rows("y", "x"))[0].contains("by half"));
        assert!(texts(&book, &rows("z", "z"))[0].contains("by half"));
    }
}
