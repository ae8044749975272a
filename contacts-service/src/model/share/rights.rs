//! What a caller may read and write of an owner's contacts.

use chassis::sha256::sha256;
use chassis::user_id::UserId;
use uuid::Uuid;

use crate::contact::ContactId;
use crate::contact::keys::Keys;
use crate::contact::stored::{Stored, label_keys};
use crate::error::{Error, Result, ShareError};
use crate::model::label::LabelId;

/// Some of an owner's contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Visible {
    /// All of them.
    All,
    /// Those with one of these labels.
    Labels(Vec<SharedLabel>),
}

/// A label whose contacts are shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedLabel {
    /// Its identity.
    pub id: LabelId,
    /// Its name, folded.
    pub key: String,
}

/// The rights of one share.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Whether it allows writing.
    pub is_editor: bool,
    /// The label; all contacts if `None`.
    pub label: Option<SharedLabel>,
}

/// The contacts that a caller reads.
#[derive(Clone, Debug)]
pub struct View {
    /// The owner.
    pub owner: UserId,
    /// The reader.
    pub reader: UserId,
    /// Which of them.
    pub visible: Visible,
}

/// A caller's rights to an owner's contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// The contacts that the caller can see.
    pub seen: Visible,
    /// The contacts that the caller can write.
    pub written: Visible,
}

impl Visible {
    /// The folded names of the labels; `None` means all contacts.
    #[must_use]
    pub fn keys(&self) -> Option<Vec<String>> {
        match self {
            Self::All => None,
            Self::Labels(labels) => Some(labels.iter().map(|label| label.key.clone()).collect()),
        }
    }

    /// The labels; `None` means all contacts.
    #[must_use]
    pub fn label_ids(&self) -> Option<Vec<Uuid>> {
        match self {
            Self::All => None,
            Self::Labels(labels) => Some(labels.iter().map(|label| label.id.0).collect()),
        }
    }

    /// Whether it includes a contact with this stored body.
    pub fn includes(&self, body: &[u8]) -> Result<bool> {
        match self {
            Self::All => Ok(true),
            Self::Labels(_) => Ok(self.includes_any(&label_keys(body)?)),
        }
    }

    /// Whether it includes a contact with these labels.
    fn includes_any(&self, label_keys: &[String]) -> bool {
        match self {
            Self::All => true,
            Self::Labels(labels) => labels.iter().any(|label| label_keys.contains(&label.key)),
        }
    }

    /// Whether the label is one of its labels.
    #[must_use]
    pub fn has_label(&self, label: LabelId) -> bool {
        match self {
            Self::All => true,
            Self::Labels(labels) => labels.iter().any(|shared| shared.id == label),
        }
    }

    /// A hash of the labels' ids, independent of their names; `None` for all contacts.
    #[must_use]
    pub fn labels_hash(&self) -> Option<Uuid> {
        let Self::Labels(labels) = self else {
            return None;
        };
        let ids: Vec<u8> = labels
            .iter()
            .flat_map(|label| *label.id.0.as_bytes())
            .collect();
        Uuid::from_slice(&sha256(&ids)[..16]).ok()
    }

    fn of(grants: &[Grant], counts: impl Fn(&Grant) -> bool) -> Self {
        let mut labels = Vec::new();
        for grant in grants.iter().filter(|grant| counts(grant)) {
            match &grant.label {
                None => return Self::All,
                Some(label) => labels.push(label.clone()),
            }
        }
        labels.sort_unstable_by_key(|label: &SharedLabel| label.id.0);
        labels.dedup();
        Self::Labels(labels)
    }
}

impl View {
    /// All contacts of an owner.
    #[must_use]
    pub fn whole(owner: UserId) -> Self {
        Self {
            owner,
            reader: owner,
            visible: Visible::All,
        }
    }

    /// Refuses a view of labels only.
    pub fn ensure_all(&self) -> Result<()> {
        match self.visible {
            Visible::All => Ok(()),
            Visible::Labels(_) => Err(ShareError::OfLabel.into()),
        }
    }
}

impl Rights {
    /// The rights of an owner.
    #[must_use]
    pub fn all() -> Self {
        Self {
            seen: Visible::All,
            written: Visible::All,
        }
    }

    /// The rights of somebody who can neither see nor write any contact.
    #[must_use]
    pub fn none() -> Self {
        Self {
            seen: Visible::Labels(Vec::new()),
            written: Visible::Labels(Vec::new()),
        }
    }

    /// The id of a contact for whoever may see every contact.
    #[must_use]
    pub fn known(&self, id: ContactId) -> Option<ContactId> {
        (self.seen == Visible::All).then_some(id)
    }

    /// The combined rights of shares. Fails if there is no share.
    pub fn of(grants: &[Grant]) -> Result<Self> {
        if grants.is_empty() {
            return Err(ShareError::NotFound.into());
        }
        Ok(Self {
            seen: Visible::of(grants, |_| true),
            written: Visible::of(grants, |grant| grant.is_editor),
        })
    }

    /// Refuses a caller without any write access.
    pub fn ensure_any(&self) -> Result<()> {
        match &self.written {
            Visible::Labels(labels) if labels.is_empty() => Err(ShareError::ReadOnly.into()),
            _ => Ok(()),
        }
    }

    /// Refuses a caller without write access to all contacts.
    pub fn ensure_all(&self) -> Result<()> {
        self.ensure_any()?;
        match self.written {
            Visible::All => Ok(()),
            Visible::Labels(_) => Err(ShareError::OfLabel.into()),
        }
    }

    /// A contact to be written, if it exists; an unreadable one counts as missing.
    pub fn writable(&self, contact: Option<Stored>) -> Result<Option<Stored>> {
        let Some(contact) = contact else {
            return Ok(None);
        };
        if self.written.includes(&contact.body)? {
            return Ok(Some(contact));
        }
        if self.seen.includes(&contact.body)? {
            return Err(ShareError::ReadOnly.into());
        }
        Ok(None)
    }

    /// The labels of a contact before a write, for [`Rights::ensure_labels_allowed`]; none for a
    /// new one.
    pub fn labels_before(&self, contact: Option<&Stored>) -> Result<Vec<String>> {
        match (&self.written, contact) {
            (Visible::Labels(_), Some(contact)) => label_keys(&contact.body),
            _ => Ok(Vec::new()),
        }
    }

    /// Refuses a write from the previous labels to these keys, if the contact would leave
    /// the writable part, or get or lose a label that the writer may not change.
    pub fn ensure_labels_allowed(&self, before: &[String], keys: &Keys) -> Result<()> {
        let Visible::Labels(written) = &self.written else {
            return Ok(());
        };
        let bad = |reason, problem| Err(Error::invalid(reason, "contact.labels", problem));
        if !self.written.includes_any(&keys.labels) {
            let problem = "must have a label that is shared with you for editing";
            return bad("SHARE_LABEL_REQUIRED", problem);
        }
        let is_given = |key: &&String| written.iter().any(|label| label.key == **key);
        let added = keys.labels.iter().filter(|key| !before.contains(key));
        let removed = before.iter().filter(|key| !keys.labels.contains(key));
        if added.chain(removed).all(|key| is_given(&key)) {
            Ok(())
        } else {
            let problem = "can gain and lose only labels that are shared with you for editing";
            bad("SHARE_LABEL_READ_ONLY", problem)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(label: Option<u128>) -> Grant {
        Grant {
            is_editor: false,
            label: label.map(|number| SharedLabel {
                id: LabelId(Uuid::from_u128(number)),
                key: format!("label {number}"),
            }),
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
}
