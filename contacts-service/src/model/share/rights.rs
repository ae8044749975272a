//! What a caller may read and write of an owner's contacts.

use bytes::Bytes;

use crate::contact::ContactId;
use crate::contact::body::Body;
use crate::contact::identity::label_key;
use crate::contact::keys::Keys;
use crate::contact::stored::{Stored, label_keys, labels};
use crate::error::{Error, Result, ShareError};
use crate::model::share::visible::{Grant, Visible};

/// A caller's rights to an owner's contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// The contacts that the caller can see.
    pub seen: Visible,
    /// The contacts that the caller can write.
    pub written: Visible,
}

impl Rights {
    /// The rights of an owner.
    #[must_use]
    pub fn all() -> Self {
        Self {
            seen: Visible::all(),
            written: Visible::all(),
        }
    }

    /// The rights of somebody who can neither see nor write any contact.
    #[must_use]
    pub fn none() -> Self {
        Self {
            seen: Visible::none(),
            written: Visible::none(),
        }
    }

    /// The id of a contact for whoever may see every contact.
    #[must_use]
    pub fn known(&self, id: ContactId) -> Option<ContactId> {
        self.seen.is_all().then_some(id)
    }

    /// The combined rights of shares. Fails if there is no share.
    pub fn of(grants: &[Grant]) -> Result<Self> {
        if grants.is_empty() {
            return Err(ShareError::NotFound.into());
        }
        Ok(Self {
            seen: Visible::of(grants.iter()),
            written: Visible::of(grants.iter().filter(|grant| grant.is_editor)),
        })
    }

    /// Refuses a caller without any write access.
    pub fn ensure_any(&self) -> Result<()> {
        if self.written.is_none() {
            return Err(ShareError::ReadOnly.into());
        }
        Ok(())
    }

    /// Refuses a caller without write access to all contacts.
    pub fn ensure_all(&self) -> Result<()> {
        self.ensure_any()?;
        if self.written.is_all() {
            Ok(())
        } else {
            Err(ShareError::OfLabel.into())
        }
    }

    /// A contact to be written, if it exists; an unreadable one counts as missing.
    pub fn writable(&self, contact: Option<Stored>) -> Result<Option<Stored>> {
        let Some(contact) = contact else {
            return Ok(None);
        };
        if self.written.includes(&contact)? {
            return Ok(Some(contact));
        }
        if self.seen.includes(&contact)? {
            return Err(ShareError::ReadOnly.into());
        }
        Ok(None)
    }

    /// Whether the caller has seen contacts change at this version.
    #[must_use]
    pub fn has_seen(&self, version: i64) -> bool {
        self.seen.is_since_before(version)
    }

    /// The encoded message of a written contact, as the writer sees it.
    pub fn encoded(&self, contact: Stored) -> Result<Bytes> {
        let shown = self.seen.show(contact)?;
        Ok(shown.map(Stored::encoded).unwrap_or_default())
    }

    /// Refuses a new contact without a label that the writer may give it, or with another
    /// one.
    pub fn ensure_creatable(&self, keys: &Keys) -> Result<()> {
        self.ensure_allowed(&[], &keys.labels)
    }

    /// Refuses a write to a contact by which it would leave the writable part, or get or lose
    /// a label that the writer sees and may not change.
    pub fn ensure_labels_kept(&self, before: &Stored, keys: &Keys) -> Result<()> {
        if self.written.is_all() {
            return Ok(());
        }
        let seen = |mut keys: Vec<String>| {
            keys.retain(|key| self.seen.has_label_key(key));
            keys
        };
        let before = seen(label_keys(&before.body)?);
        self.ensure_allowed(&before, &seen(keys.labels.clone()))
    }

    /// Removes the labels that the writer does not see.
    pub fn hide(&self, labels: &mut Vec<String>) {
        if !self.seen.is_all() {
            labels.retain(|label| self.seen.has_label_key(&label_key(label)));
        }
    }

    /// The labels that a contact with the labels `before` gets by a writer who wrote `wanted`:
    /// those that the writer does not see stay. Refuses labels that the writer may not change;
    /// naming one that is not seen counts as adding it.
    pub fn relabel(&self, before: &[String], wanted: Vec<String>) -> Result<Vec<String>> {
        if self.written.is_all() {
            return Ok(wanted);
        }
        let keys = |labels: &[String]| -> Vec<String> {
            labels.iter().map(|label| label_key(label)).collect()
        };
        let mut seen = before.to_vec();
        self.hide(&mut seen);
        self.ensure_allowed(&keys(&seen), &keys(&wanted))?;
        Ok(self.with_hidden(before, wanted))
    }

    /// An earlier body of a contact, as the writer sees it, with the labels of its current
    /// body that the writer does not see.
    pub fn with_hidden_labels(&self, earlier: Vec<u8>, current: &[u8]) -> Result<Vec<u8>> {
        if self.seen.is_all() {
            return Ok(earlier);
        }
        let before = labels(current)?;
        let body = Body::decode(&earlier)?.relabel("revision_id", |labels| {
            *labels = self.with_hidden(&before, std::mem::take(labels));
        })?;
        Ok(body.encode())
    }

    /// The labels `wanted`, and those of `before` that the writer does not see, at their
    /// places.
    fn with_hidden(&self, before: &[String], wanted: Vec<String>) -> Vec<String> {
        let mut wanted = wanted.into_iter();
        let mut all = Vec::new();
        for label in before {
            if self.seen.has_label_key(&label_key(label)) {
                all.extend(wanted.next());
            } else {
                all.push(label.clone());
            }
        }
        all.extend(wanted);
        all
    }

    /// Refuses a write between these labels, folded.
    fn ensure_allowed(&self, before: &[String], after: &[String]) -> Result<()> {
        let written = &self.written;
        if written.is_all() {
            return Ok(());
        }
        let bad = |reason, problem| Err(Error::invalid(reason, "contact.labels", problem));
        if !after.iter().any(|key| written.has_label_key(key)) {
            let problem = "must have a label that is shared with you for editing";
            return bad("SHARE_LABEL_REQUIRED", problem);
        }
        let added = after.iter().filter(|key| !before.contains(key));
        let removed = before.iter().filter(|key| !after.contains(key));
        if added.chain(removed).all(|key| written.has_label_key(key)) {
            Ok(())
        } else {
            let problem = "can gain and lose only labels that are shared with you for editing";
            bad("SHARE_LABEL_READ_ONLY", problem)
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::label::LabelId;
    use crate::model::share::visible::SharedLabel;

    fn reader(label: Option<u128>) -> Grant {
        Grant {
            is_editor: false,
            label: label.map(|number| SharedLabel {
                id: LabelId(Uuid::from_u128(number)),
                key: format!("label {number}"),
                since: 1,
                named: 1,
            }),
            since: 1,
        }
    }

    fn editor(label: Option<u128>) -> Grant {
        Grant {
            is_editor: true,
            ..reader(label)
        }
    }

    fn keys(visible: &Visible) -> Vec<String> {
        visible.keys().unwrap_or_else(|| vec!["all".into()])
    }

    #[test]
    fn shares_of_one_owner_add_up() {
        let rights = Rights::of(&[reader(Some(2)), editor(Some(1)), reader(Some(1))]);
        let rights = rights.unwrap();
        assert_eq!(keys(&rights.seen), ["label 1", "label 2"]);
        assert_eq!(keys(&rights.written), ["label 1"]);

        let rights = Rights::of(&[editor(Some(1)), reader(None)]).unwrap();
        assert_eq!(keys(&rights.seen), ["all"]);
        assert_eq!(keys(&rights.written), ["label 1"]);
        assert!(Rights::of(&[editor(None)]).unwrap().ensure_all().is_ok());
    }

    #[test]
    fn a_reader_cannot_write() {
        let rights = Rights::of(&[reader(None)]).unwrap();
        assert!(rights.ensure_any().is_err());
        assert!(Rights::of(&[]).is_err());
    }

    #[test]
    fn labels_that_a_writer_does_not_see_stay_at_their_places() {
        let rights = Rights::of(&[editor(Some(1)), editor(Some(2))]).unwrap();
        let labels = |labels: &[&str]| -> Vec<String> {
            labels.iter().map(|&label| label.to_owned()).collect()
        };
        let before = labels(&["Work", "Label 1", "Home", "Label 2"]);
        for (wanted, expected) in [
            (
                &["Label 1", "Label 2"][..],
                &["Work", "Label 1", "Home", "Label 2"][..],
            ),
            (&["LABEL 2"], &["Work", "LABEL 2", "Home"]),
            (
                &["Label 2", "Label 1"],
                &["Work", "Label 2", "Home", "Label 1"],
            ),
        ] {
            assert_eq!(
                rights.relabel(&before, labels(wanted)).unwrap(),
                labels(expected)
            );
        }
        for wanted in [
            &["Label 1", "Work"][..],
            &["Label 1", "New"],
            &["Work"],
            &[],
        ] {
            assert!(
                rights.relabel(&before, labels(wanted)).is_err(),
                "{wanted:?}"
            );
        }
    }
}
