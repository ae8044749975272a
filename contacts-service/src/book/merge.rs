//! Merges contacts, and undoes merges.

use std::collections::BTreeMap;

use bytes::Bytes;
use chassis::database::pool::Connection;
use prost::Message;
use proto::contacts::v1::{Contact, ContactChange};
use uuid::Uuid;

use crate::book::Book;
use crate::book::change::check_etag;
use crate::book::creation::CreateOptions;
use crate::book::write::Write;
use crate::contact::ContactId;
use crate::contact::body::Body;
use crate::contact::keys::Keys;
use crate::contact::merge::absorb;
use crate::contact::phone::DefaultRegion;
use crate::contact::photo::PhotoHash;
use crate::contact::stored::Stored;
use crate::error::{Error, Result};
use crate::model::merge::{OTHERS_MAX, UNDONE_WITHIN};
use crate::store::merges::MergeRecord;
use crate::store::{changes, merges, revisions};

/// The contacts to merge.
#[derive(Clone, Debug)]
pub struct Merge {
    /// The contact that is kept.
    pub primary: ContactId,
    /// The contacts to merge into it, without duplicates.
    pub others: Vec<ContactId>,
    /// The required etags.
    pub etags: BTreeMap<ContactId, String>,
    /// Whether a repeat returns the first response, and whether only to validate.
    pub options: CreateOptions,
}

/// The result of a merge.
pub struct MergedContact {
    /// The encoded message of the primary contact after the merge, as the writer sees it.
    pub contact: Bytes,
    /// The id with which the merge can be undone; `None` if it was only validated.
    pub merge_id: Option<Uuid>,
}

impl Merge {
    /// Refuses a merge of no contacts, of too many, or of the same one twice.
    pub fn check_others(primary: ContactId, others: &[ContactId]) -> Result<()> {
        if !(1..=OTHERS_MAX).contains(&others.len()) {
            let problem = format!("must have 1 to {OTHERS_MAX} elements");
            return Err(Error::invalid("FIELD_INVALID", "other_ids", problem));
        }
        let twice = |at: &usize| others[*at] == primary || others[..*at].contains(&others[*at]);
        match (0..others.len()).find(twice) {
            None => Ok(()),
            Some(at) => {
                let field = format!("other_ids[{at}]");
                Err(Error::invalid("FIELD_INVALID", field, "is named twice"))
            }
        }
    }
}

impl Book<'_> {
    /// Merges contacts. Returns the response that `answer` encodes, or the first response
    /// if the call is a repeat.
    pub async fn merge(
        &self,
        merge: &Merge,
        answer: impl FnOnce(MergedContact) -> Bytes,
    ) -> Result<Bytes> {
        self.write_with(&merge.options, async |write| {
            Ok(answer(self.merge_in(write, merge).await?))
        })
        .await
    }

    async fn merge_in(&self, write: &mut Write<'_>, merge: &Merge) -> Result<MergedContact> {
        let mut found = write.contacts(&ids(merge.primary, &merge.others)).await?;
        let mut live = |id: &ContactId| {
            let contact = write.rights().writable(found.remove(id))?;
            let contact = contact.filter(|contact| contact.delete_time.is_none());
            let contact = contact.ok_or(Error::NotFound(*id))?;
            check_etag(&contact, merge.etags.get(id).map_or("", String::as_str))?;
            Ok(contact)
        };
        let primary = live(&merge.primary)?;
        let others = merge.others.iter().map(live);
        let others = others.collect::<Result<Vec<Stored>>>()?;

        let body = together(&primary, &others)?;
        let done = MergeRecord {
            id: Uuid::now_v7(),
            version: write.version(),
            primary: primary.id,
            primary_version: primary.version,
            others: merge.others.iter().map(|id| id.0).collect(),
        };
        let change = ContactChange::Merged;
        let (encoded, keys) = (body.encode(), Keys::of(&body));
        if let Some(taken) = PhotoHash::of_body(&encoded)? {
            write.refer_to_photos(&[(primary.id, taken)]).await?;
        }
        let contact = write.replace(change, primary, encoded, keys).await?;
        let (owner, stamp) = (self.owner, write.stamp(change));
        changes::set_merged_into(write, owner, stamp, &done.others, done.primary).await?;
        merges::insert(write, owner, &done, self.now).await?;
        Ok(MergedContact {
            contact: write.encoded(contact)?,
            merge_id: (!merge.options.validate_only).then_some(done.id),
        })
    }

    /// Restores the contacts of a merge, the primary one first.
    pub async fn unmerge(&self, id: Uuid) -> Result<Vec<Bytes>> {
        let mut write = Write::begin(self).await?;
        let since = self.now - UNDONE_WITHIN;
        let merged = merges::remove(&mut *write, self.owner, id, since).await?;
        let merged = merged.ok_or(Error::MergeNotFound)?;
        if !write.rights().has_seen(merged.version) {
            return Err(Error::MergeNotFound);
        }
        let others: Vec<ContactId> = merged.others.iter().map(|id| ContactId(*id)).collect();
        let mut found = write.contacts(&ids(merged.primary, &others)).await?;
        let primary = write.rights().writable(found.remove(&merged.primary))?;
        let (primary, body) = self.untouched_primary(&mut write, &merged, primary).await?;
        let untouched = |id: &ContactId| {
            let contact = write.rights().writable(found.remove(id))?;
            let contact = contact.filter(|contact| contact.version == merged.version);
            contact.ok_or(Error::MergeChanged(*id))
        };
        let others = others
            .iter()
            .map(untouched)
            .collect::<Result<Vec<Stored>>>()?;
        let (change, keys) = (ContactChange::Unmerged, Keys::of(&Body::decode(&body)?));
        let primary = write.replace(change, primary, body, keys).await?;
        let others = write.revive(change, others).await?;
        let contacts = [primary].into_iter().chain(others);
        let contacts = contacts.map(|contact| write.encoded(contact));
        let contacts = contacts.collect::<Result<_>>()?;
        write.commit().await?;
        Ok(contacts)
    }

    /// Returns the primary contact of a merge and its body before the merge. Fails unless
    /// its current body is the result of the merge; changes that were undone do not
    /// matter.
    async fn untouched_primary(
        &self,
        tx: &mut Connection,
        merged: &MergeRecord,
        primary: Option<Stored>,
    ) -> Result<(Stored, Vec<u8>)> {
        let changed = || Error::MergeChanged(merged.primary);
        let primary = primary.filter(|contact| contact.delete_time.is_none());
        let primary = primary.ok_or_else(changed)?;
        let id = merged.primary;
        if primary.version != merged.version {
            let made = revisions::body(&mut *tx, self.owner, id, merged.version).await?;
            if made.as_ref() != Some(&primary.body) {
                return Err(changed());
            }
        }
        let version = merged.primary_version;
        let before = revisions::body(tx, self.owner, id, version).await?;
        // It was not stored if the owner's revisions had too many bytes.
        let before = before.ok_or(Error::RevisionNotFound { id, version })?;
        Ok((primary, before))
    }
}

fn ids(primary: ContactId, others: &[ContactId]) -> Vec<Uuid> {
    let ids = [&primary].into_iter().chain(others);
    ids.map(|id| id.0).collect()
}

/// The body of the primary contact with the data of the others.
fn together(primary: &Stored, others: &[Stored]) -> Result<Body> {
    let mut contact = Contact::decode(&*primary.body)?;
    for other in others {
        absorb(&mut contact, Contact::decode(&*other.body)?);
    }
    Body::edited(contact, DefaultRegion::NONE).map_err(|error| match error {
        Error::Invalid(invalid) => Error::MergeTooLarge(invalid),
        error => error,
    })
}
