//! Writes to labels. Writes to contacts create missing labels (`store/labels.rs`).

use std::collections::HashMap;

use proto::contacts::v1::ContactChange;
use uuid::Uuid;

use crate::book::Book;
use crate::book::label_members::{put_on, relabelled, respell, take_off};
use crate::contact::{ContactId, earlier, etag};
use crate::error::{Error, LabelError, Result};
use crate::model::label::{Label, LabelId, LabelName};
use crate::store::{contacts, labels, shares};

/// The contacts that get and lose a label.
#[derive(Clone, Debug)]
pub struct Membership {
    /// The contacts that get it.
    pub add: Vec<ContactId>,
    /// The contacts that lose it; none of them is in `add`.
    pub remove: Vec<ContactId>,
}

impl Book<'_> {
    /// Creates a label; with `validate_only`, only validates.
    pub async fn create_label(&self, name: &LabelName, validate_only: bool) -> Result<Label> {
        let (mut tx, taken, rights) = self.begin().await?;
        rights.ensure_all()?;
        if let Some(other) = labels::named(&mut *tx, self.owner, &name.key).await? {
            return Err(LabelError::Taken(other.id).into());
        }
        let label = Label {
            id: LabelId::generate(),
            name_key: name.key.clone(),
            name: name.name.clone(),
            version: taken.version,
            create_time: self.now,
            update_time: self.now,
        };
        labels::insert(&mut tx, self.owner, std::slice::from_ref(&label)).await?;
        if !validate_only {
            tx.commit().await?;
        }
        Ok(label)
    }

    /// Renames a label, also in its contacts; without a new name nothing is written.
    pub async fn rename_label(
        &self,
        id: LabelId,
        name: Option<LabelName>,
        expected: &str,
    ) -> Result<Label> {
        let (mut tx, taken, rights) = self.begin().await?;
        rights.ensure_all()?;
        let label = labels::get(&mut *tx, self.owner, id).await?;
        let label = label.ok_or(LabelError::NotFound(id))?;
        let is_so_named = name.as_ref().is_some_and(|name| name.name == label.name);
        let wished = name.filter(|_| !is_so_named);
        // A repeat after a lost response has the previous etag.
        if !(is_so_named && earlier(expected, label.version).is_some()) {
            check_etag(&label, expected)?;
        }
        let Some(name) = wished else {
            return Ok(label);
        };
        if name.key != label.name_key
            && let Some(other) = labels::named(&mut *tx, self.owner, &name.key).await?
        {
            return Err(LabelError::Taken(other.id).into());
        }
        let stamp = self.stamp(taken, ContactChange::Updated);
        labels::rename(&mut tx, self.owner, stamp, id, &name).await?;
        let edit = |labels: &mut Vec<String>| respell(labels, &label.name_key, &name.name);
        self.relabel_all(&mut tx, taken, &label, "label.name", edit)
            .await?;
        tx.commit().await?;
        Ok(Label {
            name_key: name.key,
            name: name.name,
            version: stamp.version,
            update_time: stamp.time,
            ..label
        })
    }

    /// Deletes a label, and removes it from its contacts.
    pub async fn delete_label(
        &self,
        id: LabelId,
        expected: &str,
        allow_missing: bool,
    ) -> Result<()> {
        let (mut tx, taken, rights) = self.begin().await?;
        rights.ensure_all()?;
        let label = match labels::get(&mut *tx, self.owner, id).await? {
            Some(label) => label,
            None if allow_missing => return Ok(()),
            None => return Err(LabelError::NotFound(id).into()),
        };
        check_etag(&label, expected)?;
        labels::delete(&mut tx, self.owner, id).await?;
        shares::delete_of_label(&mut *tx, self.owner, id).await?;
        let edit = |labels: &mut Vec<String>| take_off(labels, &label.name_key);
        self.relabel_all(&mut tx, taken, &label, "id", edit).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Adds a label to contacts, and removes it from others; none may be deleted.
    pub async fn modify_members(&self, id: LabelId, membership: &Membership) -> Result<Label> {
        let (add, remove) = (&membership.add, &membership.remove);
        let ids: Vec<Uuid> = add.iter().chain(remove).map(|id| id.0).collect();
        let (mut tx, taken, rights) = self.begin().await?;
        rights.ensure_all()?;
        let label = labels::get(&mut *tx, self.owner, id).await?;
        let label = label.ok_or(LabelError::NotFound(id))?;
        let found = contacts::get_many(&mut *tx, self.owner, &ids).await?;
        let mut found: HashMap<ContactId, _> = found
            .into_iter()
            .filter(|contact| contact.delete_time.is_none())
            .map(|contact| (contact.id, contact))
            .collect();
        let mut changed = Vec::new();
        for (number, id) in add.iter().enumerate() {
            let contact = found.remove(id).ok_or(Error::NotFound(*id))?;
            let field = format!("add_ids[{number}]");
            let edit = |labels: &mut Vec<String>| put_on(labels, &label);
            changed.extend(relabelled(&contact, &field, edit)?);
        }
        for id in remove {
            let contact = found.remove(id).ok_or(Error::NotFound(*id))?;
            let edit = |labels: &mut Vec<String>| take_off(labels, &label.name_key);
            changed.extend(relabelled(&contact, "remove_ids", edit)?);
        }
        if !changed.is_empty() {
            let bytes_added = self.store_relabelled(&mut tx, taken, &changed).await?;
            self.check_quota(taken, 0, bytes_added)?;
            tx.commit().await?;
        }
        Ok(label)
    }
}

fn check_etag(label: &Label, expected: &str) -> Result<()> {
    let current = etag(label.version);
    if expected.is_empty() || expected == current {
        Ok(())
    } else {
        Err(Error::EtagMismatch {
            id: label.id.0,
            current,
        })
    }
}
