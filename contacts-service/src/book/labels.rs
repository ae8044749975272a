//! Writes to labels. Writes to contacts create missing labels (`store/labels.rs`).

use proto::contacts::v1::ContactChange;
use uuid::Uuid;

use crate::book::Book;
use crate::book::label_members::{put_on, relabelled, respell, take_off};
use crate::book::write::Write;
use crate::contact::{ContactId, earlier, etag};
use crate::error::{Error, LabelError, Result};
use crate::model::label::{Label, LabelId, LabelName};
use crate::store::{labels, members, shares, tombstones};

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
        let mut write = Write::begin(self).await?;
        write.rights().ensure_all()?;
        if let Some(other) = labels::by_name(&mut *write, self.owner, &name.key).await? {
            return Err(LabelError::Taken(other.id).into());
        }
        let label = Label {
            id: LabelId::generate(),
            name_key: name.key.clone(),
            name: name.name.clone(),
            version: write.version(),
            create_time: self.now,
            update_time: self.now,
        };
        labels::insert(&mut write, self.owner, std::slice::from_ref(&label)).await?;
        if !validate_only {
            write.commit().await?;
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
        let mut write = Write::begin(self).await?;
        write.rights().ensure_all()?;
        let label = labels::get(&mut *write, self.owner, id).await?;
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
            && let Some(other) = labels::by_name(&mut *write, self.owner, &name.key).await?
        {
            return Err(LabelError::Taken(other.id).into());
        }
        let stamp = write.stamp(ContactChange::Updated);
        labels::rename(&mut write, self.owner, stamp, id, &name).await?;
        let edit = |labels: &mut Vec<String>| respell(labels, &label.name_key, &name.name);
        write.relabel_all(&label, "label.name", edit).await?;
        write.commit().await?;
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
        let mut write = Write::begin(self).await?;
        write.rights().ensure_all()?;
        let label = match labels::get(&mut *write, self.owner, id).await? {
            Some(label) => label,
            None if allow_missing => return Ok(()),
            None => return Err(LabelError::NotFound(id).into()),
        };
        check_etag(&label, expected)?;
        labels::delete(&mut write, self.owner, id).await?;
        let version = write.version();
        tombstones::bury_label(&mut *write, self.owner, id, version, self.now).await?;
        shares::delete_of_label(&mut *write, self.owner, id).await?;
        let edit = |labels: &mut Vec<String>| take_off(labels, &label.name_key);
        write.relabel_all(&label, "id", edit).await?;
        write.commit().await?;
        Ok(())
    }

    /// Adds a label to contacts, and removes it from others; none may be deleted.
    pub async fn modify_members(&self, id: LabelId, membership: &Membership) -> Result<Label> {
        let (add, remove) = (&membership.add, &membership.remove);
        let ids: Vec<Uuid> = add.iter().chain(remove).map(|id| id.0).collect();
        let mut write = Write::begin(self).await?;
        write.rights().ensure_all()?;
        let label = labels::get(&mut *write, self.owner, id).await?;
        let label = label.ok_or(LabelError::NotFound(id))?;
        let mut found = write.contacts(&ids).await?;
        found.retain(|_, contact| contact.delete_time.is_none());
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
            let bytes_added = write.relabel(&changed).await?;
            write.check_quota(0, bytes_added)?;
            write.commit().await?;
        }
        Ok(label)
    }

    /// How many live contacts have a label.
    pub async fn member_count(&self, label: &Label) -> Result<i64> {
        members::count(&self.db, self.owner, label).await
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
