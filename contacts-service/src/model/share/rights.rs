//! What a caller may see, and may write, of an owner's contacts.

use chassis::sha256::sha256;
use chassis::user_id::UserId;
use uuid::Uuid;

use crate::contact::keys::Keys;
use crate::contact::stored::{Stored, label_keys};
use crate::error::{Error, Result, ShareError};
use crate::model::label::LabelId;

/// Some of an owner's contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of them.
    All,
    /// Those with one of these labels.
    Of(Vec<SharedLabel>),
}

/// A label whose contacts are shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedLabel {
    /// Its identity.
    pub id: LabelId,
    /// Its name, folded.
    pub key: String,
}

/// What one share gives.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Whether it may be written.
    pub is_editor: bool,
    /// The label; all contacts where there is none.
    pub label: Option<SharedLabel>,
}

/// The contacts that a caller reads.
#[derive(Clone, Debug)]
pub struct View {
    /// Whose they are.
    pub owner: UserId,
    /// Who reads.
    pub reader: UserId,
    /// Which of them.
    pub part: Part,
}

/// What a caller may do with an owner's contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// What is seen.
    pub seen: Part,
    /// What is written.
    pub written: Part,
}

impl Part {
    /// The folded names of the labels; none stands for all contacts.
    #[must_use]
    pub fn keys(&self) -> Option<Vec<String>> {
        match self {
            Self::All => None,
            Self::Of(labels) => Some(labels.iter().map(|label| label.key.clone()).collect()),
        }
    }

    /// The labels; none stands for all contacts.
    #[must_use]
    pub fn label_ids(&self) -> Option<Vec<Uuid>> {
        match self {
            Self::All => None,
            Self::Of(labels) => Some(labels.iter().map(|label| label.id.0).collect()),
        }
    }

    /// Whether a contact with this stored body is one of them.
    pub fn holds(&self, body: &[u8]) -> Result<bool> {
        match self {
            Self::All => Ok(true),
            Self::Of(_) => Ok(self.holds_any(&label_keys(body)?)),
        }
    }

    /// Whether a contact with these labels is one of them.
    fn holds_any(&self, label_keys: &[String]) -> bool {
        match self {
            Self::All => true,
            Self::Of(labels) => labels.iter().any(|label| label_keys.contains(&label.key)),
        }
    }

    /// Whether the label is one of those that make them.
    #[must_use]
    pub fn shows(&self, label: LabelId) -> bool {
        match self {
            Self::All => true,
            Self::Of(labels) => labels.iter().any(|shared| shared.id == label),
        }
    }

    /// The same for the same labels, whatever their names; none for all.
    #[must_use]
    pub fn mark(&self) -> Option<Uuid> {
        let Self::Of(labels) = self else { return None };
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
        Self::Of(labels)
    }
}

impl View {
    /// All contacts of an owner.
    #[must_use]
    pub fn whole(owner: UserId) -> Self {
        Self {
            owner,
            reader: owner,
            part: Part::All,
        }
    }

    /// Refuses where only labels are seen.
    pub fn ensure_all(&self) -> Result<()> {
        match self.part {
            Part::All => Ok(()),
            Part::Of(_) => Err(ShareError::OfLabel.into()),
        }
    }
}

impl Rights {
    /// Those of an owner.
    #[must_use]
    pub fn all() -> Self {
        Self {
            seen: Part::All,
            written: Part::All,
        }
    }

    /// What shares give together; nothing where there are none.
    pub fn of(grants: &[Grant]) -> Result<Self> {
        if grants.is_empty() {
            return Err(ShareError::NotFound.into());
        }
        Ok(Self {
            seen: Part::of(grants, |_| true),
            written: Part::of(grants, |grant| grant.is_editor),
        })
    }

    /// Refuses whoever may write nothing.
    pub fn ensure_some(&self) -> Result<()> {
        match &self.written {
            Part::Of(labels) if labels.is_empty() => Err(ShareError::ReadOnly.into()),
            _ => Ok(()),
        }
    }

    /// Refuses whoever may not write everything.
    pub fn ensure_all(&self) -> Result<()> {
        self.ensure_some()?;
        match self.written {
            Part::All => Ok(()),
            Part::Of(_) => Err(ShareError::OfLabel.into()),
        }
    }

    /// A contact that is to be written, if it is there: one that is not seen is
    /// missing, whatever a call makes of that.
    pub fn open(&self, contact: Option<Stored>) -> Result<Option<Stored>> {
        let Some(contact) = contact else {
            return Ok(None);
        };
        if self.written.holds(&contact.body)? {
            return Ok(Some(contact));
        }
        if self.seen.holds(&contact.body)? {
            return Err(ShareError::ReadOnly.into());
        }
        Ok(None)
    }

    /// The labels of a contact before a write, for [`Rights::ensure_kept`]; a new one
    /// has none.
    pub fn before(&self, contact: Option<&Stored>) -> Result<Vec<String>> {
        match (&self.written, contact) {
            (Part::Of(_), Some(contact)) => label_keys(&contact.body),
            _ => Ok(Vec::new()),
        }
    }

    /// Refuses to make a contact of these keys from one with those labels: it would
    /// leave what is written, or get or lose a label that is not for the writer to
    /// give.
    pub fn ensure_kept(&self, before: &[String], keys: &Keys) -> Result<()> {
        let Part::Of(written) = &self.written else {
            return Ok(());
        };
        let bad = |reason, problem| Err(Error::invalid(reason, "contact.labels", problem));
        if !self.written.holds_any(&keys.labels) {
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

    fn keys(part: &Part) -> Vec<String> {
        part.keys().unwrap_or_else(|| vec!["all".into()])
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
    fn whoever_reads_writes_nothing() {
        let rights = Rights::of(&[reader(None)]).unwrap();
        assert!(rights.ensure_some().is_err());
        assert!(Rights::of(&[]).is_err());
    }
}
