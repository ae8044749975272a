//! Rewrites the contacts of a label.

use proto::contacts::v1::ContactChange;

use crate::book::change::size;
use crate::book::write::Write;
use crate::contact::body::Body;
use crate::contact::identity::label_key;
use crate::contact::labels::spell;
use crate::contact::row::ContactRow;
use crate::contact::search_text::label_lines;
use crate::contact::stored::Stored;
use crate::error::{LabelError, Result};
use crate::model::label::Label;
use crate::model::stamp::Stamp;
use crate::store::labels;
use crate::store::members::{self, Relabelled};

/// The maximum number of contacts of a label that one call rewrites, because other writes
/// of the owner wait meanwhile.
const MEMBERS_MAX: usize = 10_000;
/// The number of contacts in memory at a time, of up to 64 KiB each.
const AT_A_TIME: usize = 250;

/// Whether `label` is a spelling of the label with this key.
fn is(label: &str, key: &str) -> bool {
    label_key(label) == key
}

/// Removes a label, in any spelling.
pub(super) fn take_off(labels: &mut Vec<String>, key: &str) {
    labels.retain(|label| !is(label, key));
}

/// Writes a label as `name`, once.
pub(super) fn respell(labels: &mut Vec<String>, key: &str, name: &str) {
    let mut is_there = false;
    labels.retain_mut(|label| {
        if !is(label, key) {
            return true;
        }
        name.clone_into(label);
        !std::mem::replace(&mut is_there, true)
    });
}

/// Adds a label; an existing one keeps its spelling.
pub(super) fn put_on(labels: &mut Vec<String>, label: &Label) {
    if !labels.iter().any(|other| is(other, &label.name_key)) {
        labels.push(label.name.clone());
    }
}

/// The contact with its labels edited; `None` if nothing changes.
pub(super) fn relabelled(
    contact: &Stored,
    field: &str,
    edit: impl FnOnce(&mut Vec<String>),
) -> Result<Option<Relabelled>> {
    let body = Body::decode(&contact.body)?.relabel(field, edit)?;
    let encoded = body.encode();
    if encoded == contact.body {
        return Ok(None);
    }
    let labels = &body.message().labels;
    Ok(Some(Relabelled {
        id: contact.id,
        bytes_added: size(&encoded) - size(&contact.body),
        body: encoded,
        label_keys: labels.iter().map(|label| label_key(label)).collect(),
        label_lines: label_lines(labels),
    }))
}

impl Write<'_> {
    /// Creates the labels that the owner lacks, and spells those that are new to a contact
    /// as they are stored. Returns the number of bytes added.
    pub(super) async fn spell_labels(
        &mut self,
        stamp: Stamp,
        rows: &mut [ContactRow],
    ) -> Result<i64> {
        let owner = self.owner();
        let keys = rows.iter().map(|row| &row.keys);
        let names = labels::ensure(self, owner, stamp, keys).await?;
        let differs = |label: &String| {
            names
                .get(&label_key(label))
                .is_some_and(|name| name != label)
        };
        let mut bytes_added = 0;
        for row in rows {
            if !row.keys.new_labels.iter().any(differs) {
                continue;
            }
            let body = Body::decode(&row.contact.body)?;
            let body = body.relabel("contact.labels", |labels| spell(labels, &names))?;
            let encoded = body.encode();
            bytes_added += size(&encoded) - size(&row.contact.body);
            row.contact.body = encoded;
        }
        Ok(bytes_added)
    }

    /// Edits the labels of every contact that has the label. Deleted contacts are
    /// included, because they can be undeleted.
    pub(super) async fn relabel_all(
        &mut self,
        label: &Label,
        field: &str,
        edit: impl Fn(&mut Vec<String>),
    ) -> Result<()> {
        let limit = i64::try_from(MEMBERS_MAX + 1).unwrap_or(i64::MAX);
        let owner = self.owner();
        let ids = members::ids(&mut **self, owner, &label.name_key, limit).await?;
        if ids.len() > MEMBERS_MAX {
            return Err(LabelError::TooLarge { limit: MEMBERS_MAX }.into());
        }
        let mut bytes_added = 0;
        for ids in ids.chunks(AT_A_TIME) {
            let mut changed = Vec::new();
            for contact in self.contacts(ids).await?.values() {
                changed.extend(relabelled(contact, field, &edit)?);
            }
            bytes_added += self.relabel(&changed).await?;
        }
        self.check_quota(0, bytes_added)
    }

    /// Stores contacts with edited labels; returns the number of bytes added.
    pub(super) async fn relabel(&mut self, contacts: &[Relabelled]) -> Result<i64> {
        let (owner, stamp) = (self.owner(), self.stamp(ContactChange::Updated));
        let bytes_added = contacts.iter().map(|contact| contact.bytes_added).sum();
        members::relabel(self, owner, stamp, contacts, bytes_added).await?;
        Ok(bytes_added)
    }
}
