//! Which of an owner's contacts a caller sees, and how much of them.
//!
//! A recipient sees what a contact was at the acceptance of the share and later. So every
//! share has a version of the owner after which its recipient sees the contacts.

use chassis::sha256::sha256;
use chassis::user_id::UserId;
use uuid::Uuid;

use crate::contact::body::Body;
use crate::contact::identity::label_key;
use crate::contact::stored::{Stored, label_keys};
use crate::error::{Result, ShareError};
use crate::model::label::LabelId;
use crate::model::revision::State;

/// The rights of one share.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Whether it allows writing.
    pub is_editor: bool,
    /// The label; all contacts if `None`.
    pub label: Option<SharedLabel>,
    /// The version of the owner at which it was accepted.
    pub since: i64,
}

/// Some of an owner's contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visible {
    /// The version after which all contacts are seen; `None` if only those with some labels
    /// are.
    all_since: Option<i64>,
    /// The labels whose contacts are seen, each once, by id.
    labels: Vec<SharedLabel>,
}

/// A label whose contacts are shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedLabel {
    /// Its identity.
    pub id: LabelId,
    /// Its name, folded.
    pub key: String,
    /// The version after which its contacts are seen.
    pub since: i64,
    /// The version since which it has this name. What had the name before may have had
    /// another label.
    pub named: i64,
}

/// Which deleted contacts are seen: those that were deleted after these versions.
#[derive(Clone, Debug)]
pub struct VisibleTrash {
    /// That of all contacts; the greatest possible one if only those with labels are seen.
    pub since: i64,
    /// The labels, folded.
    pub label_keys: Vec<String>,
    /// Those of the labels.
    pub label_since: Vec<i64>,
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

impl Visible {
    /// All contacts, as their owner sees them.
    #[must_use]
    pub fn all() -> Self {
        Self {
            all_since: Some(0),
            labels: Vec::new(),
        }
    }

    /// No contact.
    #[must_use]
    pub fn none() -> Self {
        Self {
            all_since: None,
            labels: Vec::new(),
        }
    }

    /// What these shares show together.
    pub(super) fn of<'a>(grants: impl Iterator<Item = &'a Grant>) -> Self {
        let mut visible = Self::none();
        for grant in grants {
            match &grant.label {
                None => {
                    let since = visible.all_since.unwrap_or(i64::MAX);
                    visible.all_since = Some(since.min(grant.since));
                }
                Some(label) => visible.labels.push(label.clone()),
            }
        }
        visible
            .labels
            .sort_unstable_by_key(|label| (label.id.0, label.since));
        visible.labels.dedup_by_key(|label| label.id);
        visible
    }

    /// Whether every contact that is not deleted is seen, with all of its labels.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.all_since.is_some()
    }

    /// Whether there is nothing to see.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.all_since.is_none() && self.labels.is_empty()
    }

    /// Whether what is seen depends on the names of labels.
    #[must_use]
    pub fn depends_on_names(&self) -> bool {
        !self.labels.is_empty()
    }

    /// The folded names of the labels; `None` means all contacts.
    #[must_use]
    pub fn keys(&self) -> Option<Vec<String>> {
        let keys = self.labels.iter().map(|label| label.key.clone());
        (!self.is_all()).then(|| keys.collect())
    }

    /// The labels; `None` means all.
    #[must_use]
    pub fn label_ids(&self) -> Option<Vec<Uuid>> {
        let ids = self.labels.iter().map(|label| label.id.0);
        (!self.is_all()).then(|| ids.collect())
    }

    /// Whether any contact was seen before this version.
    #[must_use]
    pub fn is_since_before(&self, version: i64) -> bool {
        let of_labels = self.labels.iter().map(|label| label.since);
        let mut since = self.all_since.into_iter().chain(of_labels);
        since.any(|since| since < version)
    }

    /// The deleted contacts that are seen.
    #[must_use]
    pub fn trash(&self) -> VisibleTrash {
        VisibleTrash {
            since: self.all_since.unwrap_or(i64::MAX),
            label_keys: self.labels.iter().map(|label| label.key.clone()).collect(),
            label_since: self.labels.iter().map(|label| label.since).collect(),
        }
    }

    /// Whether the label is seen.
    #[must_use]
    pub fn has_label(&self, id: LabelId) -> bool {
        self.is_all() || self.labels.iter().any(|label| label.id == id)
    }

    /// Whether the label with this folded name is seen.
    #[must_use]
    pub fn has_label_key(&self, key: &str) -> bool {
        self.is_all() || self.labels.iter().any(|label| label.key == key)
    }

    /// Whether a contact is seen in its current state.
    pub fn includes(&self, contact: &Stored) -> Result<bool> {
        if self.all_since.is_some_and(|since| covers(since, contact)) {
            return Ok(true);
        }
        let mut labels = self.labels.iter();
        if labels.len() == 0 {
            return Ok(false);
        }
        let keys = label_keys(&contact.body)?;
        Ok(labels.any(|label| covers(label.since, contact) && keys.contains(&label.key)))
    }

    /// A contact in its current state as it is seen; `None` if it is not.
    pub fn show(&self, contact: Stored) -> Result<Option<Stored>> {
        self.show_state(contact, State::Current)
    }

    /// A current or earlier state of a contact as it is seen, without the labels that are
    /// not. `None` if the caller could not have read it as the current one at any time since
    /// the acceptance.
    pub fn show_state(&self, contact: Stored, state: State) -> Result<Option<Stored>> {
        let is_seen = |since, named| covers(since, &contact) && state.lasted_after(named);
        if self.all_since.is_some_and(|since| is_seen(since, since)) {
            return Ok(Some(contact));
        }
        let seen = self.labels.iter();
        let seen = seen.filter(|label| is_seen(label.since, label.since.max(label.named)));
        let seen: Vec<&str> = seen.map(|label| &*label.key).collect();
        let has = |key: &String| seen.contains(&&**key);
        if seen.is_empty() {
            return Ok(None);
        }
        let keys = label_keys(&contact.body)?;
        if !keys.iter().any(has) {
            return Ok(None);
        }
        if keys.iter().all(has) {
            return Ok(Some(contact));
        }
        let hide = |labels: &mut Vec<String>| labels.retain(|label| has(&label_key(label)));
        let body = Body::decode(&contact.body)?.relabel("labels", hide)?;
        Ok(Some(Stored {
            body: body.encode(),
            ..contact
        }))
    }

    /// A hash of the labels' ids, independent of their names; `None` for all contacts.
    #[must_use]
    pub fn labels_hash(&self) -> Option<Uuid> {
        let ids: Vec<u8> = self
            .label_ids()?
            .iter()
            .flat_map(|id| *id.as_bytes())
            .collect();
        Uuid::from_slice(&sha256(&ids)[..16]).ok()
    }
}

/// Whether a contact is seen by whoever sees contacts after a version: a deleted one only if
/// it was deleted after it.
fn covers(since: i64, contact: &Stored) -> bool {
    contact.delete_time.is_none() || contact.delete_version.unwrap_or(contact.version) > since
}

impl View {
    /// All contacts of an owner.
    #[must_use]
    pub fn whole(owner: UserId) -> Self {
        Self {
            owner,
            reader: owner,
            visible: Visible::all(),
        }
    }

    /// Refuses a view of labels only.
    pub fn ensure_all(&self) -> Result<()> {
        if self.visible.is_all() {
            Ok(())
        } else {
            Err(ShareError::OfLabel.into())
        }
    }
}
