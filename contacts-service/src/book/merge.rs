//! Merges contacts, and undoes merges.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use chrono::TimeDelta;
use prost::Message;
use proto::contacts::server::MergeContactsResponse;
use proto::contacts::v1::{Contact, ContactChange};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::book::Book;
use crate::book::change::{check_etag, size};
use crate::book::creation::{Repeatable, Terms};
use crate::contact::ContactId;
use crate::contact::body::Body;
use crate::contact::keys::Keys;
use crate::contact::merge::absorb;
use crate::contact::phone::DefaultRegion;
use crate::contact::stored::Stored;
use crate::error::{Error, Result};
use crate::store::merges::Merged;
use crate::store::{changes, contacts, merges, revisions};

/// The maximum number of contacts that are merged into one at a time.
pub const OTHERS_MAX: usize = 20;

/// How long a merge can be undone; then the merged contacts are purged.
pub const UNDONE_WITHIN: TimeDelta = TimeDelta::days(30);

/// The contacts to merge.
#[derive(Clone, Debug)]
pub struct Merge {
    /// The contact that is kept.
    pub primary: ContactId,
    /// The contacts to merge into it, without duplicates.
    pub others: Vec<ContactId>,
    /// The required etags.
    pub etags: BTreeMap<ContactId, String>,
    /// Options: repeatable, validate only.
    pub terms: Terms,
}

impl Merge {
    /// Refuses no, too many, or repeated contacts.
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
    /// Merges contacts, once per request id.
    pub async fn merge(&self, merge: &Merge) -> Result<MergeContactsResponse> {
        if let Some(call) = &merge.terms.repeatable {
            let merged = self.merge_once(call, merge).await;
            let answer = self.first_answer(call, merged).await?;
            return Ok(MergeContactsResponse::decode(answer)?);
        }
        let mut tx = self.open().await?;
        let mut answer = self.merge_in(&mut tx, merge).await?;
        if merge.terms.validate_only {
            // Rolled back at its end.
            answer.merge_id.clear();
        } else {
            tx.commit().await?;
        }
        Ok(answer)
    }

    /// `None` if the call is a repeat.
    async fn merge_once(&self, call: &Repeatable, merge: &Merge) -> Result<Option<Bytes>> {
        let mut tx = self.open().await?;
        let answer = self.merge_in(&mut tx, merge).await?.encode_to_vec().into();
        if !self.remember(&mut tx, call, &answer).await? {
            return Ok(None);
        }
        tx.commit().await?;
        Ok(Some(answer))
    }

    async fn merge_in(
        &self,
        tx: &mut PgConnection,
        merge: &Merge,
    ) -> Result<MergeContactsResponse> {
        let (taken, rights) = self.take(tx).await?;
        let mut found = self.find(tx, merge.primary, &merge.others).await?;
        let mut live = |id: &ContactId| {
            let contact = rights.open(found.remove(id))?;
            let contact = contact.filter(|contact| contact.delete_time.is_none());
            let contact = contact.ok_or(Error::NotFound(*id))?;
            check_etag(&contact, merge.etags.get(id).map_or("", String::as_str))?;
            Ok(contact)
        };
        let primary = live(&merge.primary)?;
        let others = merge.others.iter().map(live);
        let others = others.collect::<Result<Vec<Stored>>>()?;

        let body = together(&primary, &others)?;
        let keys = Keys::of(&body);
        rights.ensure_kept(&rights.before(Some(&primary))?, &keys)?;
        let encoded = body.encode();
        let bytes_added = size(&encoded) - size(&primary.body);
        self.check_quota(taken, 0, bytes_added)?;
        let done = Merged {
            id: Uuid::now_v7(),
            version: taken.version,
            primary: primary.id,
            primary_version: primary.version,
            others: merge.others.iter().map(|id| id.0).collect(),
        };
        let stamp = self.stamp(taken, ContactChange::Merged);
        let contact = Stored {
            body: encoded,
            ..stamp.on(primary)
        };
        let row = (contact, keys);
        changes::replace(tx, self.owner, stamp, &row, 0, bytes_added).await?;
        changes::set_merged_into(tx, self.owner, stamp, &done.others, done.primary).await?;
        merges::insert(tx, self.owner, &done, self.now).await?;
        Ok(MergeContactsResponse {
            contact: row.0.encoded(),
            merge_id: done.id.to_string(),
        })
    }

    /// Restores the contacts of a merge, the primary one first.
    pub async fn unmerge(&self, id: Uuid) -> Result<Vec<Bytes>> {
        let (mut tx, taken, rights) = self.begin().await?;
        let since = self.now - UNDONE_WITHIN;
        let merged = merges::remove(&mut *tx, self.owner, id, since).await?;
        let merged = merged.ok_or(Error::MergeNotFound)?;
        let ids: Vec<ContactId> = merged.others.iter().map(|id| ContactId(*id)).collect();
        let mut found = self.find(&mut tx, merged.primary, &ids).await?;
        let primary = rights.open(found.remove(&merged.primary))?;
        let primary = self.untouched_primary(&mut tx, &merged, primary);
        let (primary, before) = primary.await?;
        let untouched = |id: &ContactId| {
            let contact = rights.open(found.remove(id))?;
            let contact = contact.filter(|contact| contact.version == merged.version);
            contact.ok_or(Error::MergeChanged(*id))
        };
        let others = ids.iter().map(untouched).collect::<Result<Vec<Stored>>>()?;
        let stamp = self.stamp(taken, ContactChange::Unmerged);
        let keys = Keys::of(&Body::decode(&before)?);
        rights.ensure_kept(&rights.before(Some(&primary))?, &keys)?;
        let bytes_added = size(&before) - size(&primary.body);
        let live_added = i64::try_from(others.len()).unwrap_or(i64::MAX);
        self.check_quota(taken, live_added, bytes_added)?;
        let contact = Stored {
            body: before,
            ..stamp.on(primary)
        };
        let row = (contact, keys);
        changes::replace(&mut tx, self.owner, stamp, &row, 0, bytes_added).await?;
        changes::set_delete_time(&mut tx, self.owner, stamp, &merged.others, None).await?;
        tx.commit().await?;
        let others = others.into_iter().map(|other| Self::revived(other, stamp));
        let contacts = [row.0].into_iter().chain(others);
        Ok(contacts.map(Stored::encoded).collect())
    }

    /// The primary contact of a merge and its previous body, if its body is still the
    /// merge's result; changes that were changed back do not matter.
    async fn untouched_primary(
        &self,
        tx: &mut PgConnection,
        merged: &Merged,
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
        let before = revisions::body(tx, self.owner, id, merged.primary_version).await?;
        Ok((primary, before.ok_or_else(changed)?))
    }

    /// The existing contacts, deleted or not.
    async fn find(
        &self,
        tx: &mut PgConnection,
        primary: ContactId,
        others: &[ContactId],
    ) -> Result<HashMap<ContactId, Stored>> {
        let ids: Vec<Uuid> = [&primary]
            .into_iter()
            .chain(others)
            .map(|id| id.0)
            .collect();
        let contacts = contacts::get_many(tx, self.owner, &ids).await?;
        let contacts = contacts.into_iter().map(|contact| (contact.id, contact));
        Ok(contacts.collect())
    }
}

/// The merged contact.
fn together(primary: &Stored, others: &[Stored]) -> Result<Body> {
    let mut contact = Contact::decode(&*primary.body)?;
    for other in others {
        absorb(&mut contact, Contact::decode(&*other.body)?);
    }
    Body::parse(contact, DefaultRegion::NONE).map_err(|error| match error {
        Error::Invalid(invalid) => Error::MergeTooLarge(invalid),
        error => error,
    })
}
