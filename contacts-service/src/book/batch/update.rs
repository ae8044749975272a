//! Batch updates.

use std::collections::HashMap;

use tokio::task::yield_now;
use uuid::Uuid;

use super::{Outcome, Outcomes, check_size};
use crate::book::Book;
use crate::book::change::{ContactUpdate, Updated, size};
use crate::book::photo::PhotoCosts;
use crate::book::write::Write;
use crate::contact::ContactId;
use crate::contact::photo::Photo;
use crate::contact::row::ContactRow;
use crate::contact::stored::Stored;
use crate::error::{Error, Result};
use crate::model::quota::Quota;
use crate::model::share::rights::Rights;
use crate::store::contacts::{self, UidHolder};

/// One request in progress.
struct Item {
    place: usize,
    change: ContactUpdate,
    made: Option<Made>,
}

/// The new state of a contact, and the version that it is based on.
struct Made {
    from: Option<i64>,
    changed: Result<Updated>,
}

/// Rows to be written, and the places of their requests.
#[derive(Default)]
struct Placed {
    rows: Vec<ContactRow>,
    places: Vec<usize>,
}

impl Placed {
    fn push(&mut self, place: usize, row: ContactRow) {
        self.places.push(place);
        self.rows.push(row);
    }

    /// Records the written contacts as results.
    fn done(self, written: Vec<Stored>, rights: &Rights, outcomes: &mut Outcomes) -> Result<()> {
        for (place, contact) in self.places.into_iter().zip(written) {
            outcomes.done(place, rights.encoded(contact)?);
        }
        Ok(())
    }
}

/// The writes of a batch, and the places of their requests.
#[derive(Default)]
struct Writes {
    unchanged: Vec<(usize, Stored)>,
    replaced: Placed,
    bytes_added: i64,
    created: Placed,
    /// The owner's usage after all of these writes.
    used: Quota,
}

impl Item {
    fn has_stale_etag(&self) -> bool {
        let changed = self.made.as_ref().map(|made| &made.changed);
        matches!(changed, Some(Err(Error::EtagMismatch { .. })))
    }

    fn photo(&self) -> Option<&Photo> {
        match &self.made.as_ref()?.changed {
            Ok(Updated::Replaced { photo, .. }) => photo.as_ref(),
            _ => None,
        }
    }
}

impl Book<'_> {
    /// Changes a batch under one version: all contacts, or those that can be changed. With
    /// `validate_only`, nothing is stored.
    pub async fn update_all(
        &self,
        batch: Vec<Result<ContactUpdate>>,
        allow_partial: bool,
        validate_only: bool,
    ) -> Result<Vec<Outcome>> {
        let mut outcomes = Outcomes::new(allow_partial);
        let changes = outcomes.accept(batch, "contact.id", |change| change.id)?;
        let ids: Vec<Uuid> = changes.iter().map(|(_, change)| change.id.0).collect();
        let items = changes.into_iter().map(|(place, change)| Item {
            place,
            change,
            made: None,
        });
        let mut items: Vec<Item> = items.collect();

        // Folding five hundred of the largest contacts takes most of a second, so it is
        // done before the owner's row is locked, and repeated after it only for contacts
        // that another call changed meanwhile.
        let rights = self.rights(&self.db).await?;
        let seen = contacts::get_many(&self.db, self.owner, &ids).await?;
        self.compute(&mut items, seen, &rights).await;
        let mut write = Write::begin(self).await?;
        if *write.rights() != rights {
            for item in &mut items {
                item.made = None;
            }
        }
        let current = write.contacts(&ids).await?;
        self.compute(&mut items, current, write.rights()).await;
        self.skip_repeated(&mut write, &mut items).await?;

        let photos = items.iter().filter_map(Item::photo);
        let costs = PhotoCosts::of(&mut *write, self.owner, photos).await?;
        let quotas = (write.used(), self.quota);
        let mut writes = Writes::of(items, quotas, costs, &mut outcomes)?;
        let uids = writes.new_uids();
        let holders = if uids.is_empty() {
            Vec::new()
        } else {
            contacts::uid_holders(&mut *write, self.owner, &uids).await?
        };
        writes.refuse_new(&holders, write.rights(), self.quota, &mut outcomes)?;
        writes.check_size()?;
        for (place, contact) in writes.unchanged {
            outcomes.done(place, write.encoded(contact)?);
        }
        let (mut replaced, created) = (writes.replaced, writes.created);
        if !replaced.rows.is_empty() || !created.rows.is_empty() {
            let rows = std::mem::take(&mut replaced.rows);
            let after = write.replace_many(rows, writes.bytes_added).await?;
            let new = write.insert(&created.rows).await?;
            replaced.done(after, write.rights(), &mut outcomes)?;
            created.done(new, write.rights(), &mut outcomes)?;
            if !validate_only {
                write.commit().await?;
            }
        }
        Ok(outcomes.into_results())
    }

    /// Applies each change to the current contact, unless it was applied to that version
    /// already. Yields in between, so that other calls can run.
    async fn compute(
        &self,
        items: &mut [Item],
        mut current: HashMap<ContactId, Stored>,
        rights: &Rights,
    ) {
        for item in items {
            let contact = current.remove(&item.change.id);
            let from = contact.as_ref().map(|contact| contact.version);
            if item.made.as_ref().is_some_and(|made| made.from == from) {
                continue;
            }
            let changed = self.apply(item.change.clone(), contact, rights);
            item.made = Some(Made { from, changed });
            yield_now().await;
        }
    }

    /// Leaves contacts unchanged that an earlier call of the same batch has changed; its
    /// response may have been lost.
    async fn skip_repeated(&self, write: &mut Write<'_>, items: &mut [Item]) -> Result<()> {
        let mut stale: HashMap<ContactId, &mut Item> = items
            .iter_mut()
            .filter(|item| item.has_stale_etag())
            .map(|item| (item.change.id, item))
            .collect();
        if stale.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = stale.keys().map(|id| id.0).collect();
        let found = write.contacts(&ids).await?;
        let changes: Vec<_> = found
            .values()
            .filter_map(|current| Some((&stale.get(&current.id)?.change, current)))
            .collect();
        let rights = write.rights().clone();
        let repeated = self.repeated(&mut **write, &rights, &changes).await?;
        for (id, current) in found {
            if repeated.contains(&id)
                && let Some(item) = stale.remove(&id)
                && let Some(current) = write.rights().writable(Some(current))?
            {
                item.made = Some(Made {
                    from: Some(current.version),
                    changed: Ok(Updated::Unchanged(current)),
                });
            }
        }
        Ok(())
    }

    fn apply(
        &self,
        change: ContactUpdate,
        contact: Option<Stored>,
        rights: &Rights,
    ) -> Result<Updated> {
        let (id, is_taken) = (change.id, contact.is_some());
        match change.apply(rights.writable(contact)?, rights, self.now)? {
            // The id is that of a contact that the writer does not see.
            Updated::Created(_) if is_taken => Err(Error::NotFound(id)),
            changed => Ok(changed),
        }
    }
}

impl Writes {
    fn of(
        items: Vec<Item>,
        (used, quota): (Quota, Quota),
        mut costs: PhotoCosts,
        outcomes: &mut Outcomes,
    ) -> Result<Self> {
        let mut writes = Self {
            used,
            ..Self::default()
        };
        for Item { place, made, .. } in items {
            let Some(Made { changed, .. }) = made else {
                continue;
            };
            match changed {
                Ok(Updated::Unchanged(contact)) => writes.unchanged.push((place, contact)),
                Ok(Updated::Replaced {
                    before,
                    body,
                    keys,
                    photo,
                }) => {
                    let bytes_added = size(&body) - size(&before.body);
                    let of_photo = costs.bytes(photo.as_ref());
                    if let Err(exceeded) = writes.used.add(0, bytes_added + of_photo, quota) {
                        outcomes.refuse(place, exceeded.into())?;
                        continue;
                    }
                    if let Some(photo) = &photo {
                        costs.add(photo);
                    }
                    let contact = Stored { body, ..before };
                    let row = ContactRow {
                        contact,
                        keys,
                        photo,
                    };
                    writes.replaced.push(place, row);
                    writes.bytes_added += bytes_added;
                }
                Ok(Updated::Created(row)) => writes.created.push(place, row),
                Err(error) => outcomes.refuse(place, error)?,
            }
        }
        Ok(writes)
    }

    fn new_uids(&self) -> Vec<&str> {
        let new = self.created.rows.iter();
        new.map(|row| row.contact.uid.as_str()).collect()
    }

    /// Refuses new contacts whose uids are taken, or that exceed the quota.
    fn refuse_new(
        &mut self,
        holders: &[UidHolder],
        rights: &Rights,
        quota: Quota,
        outcomes: &mut Outcomes,
    ) -> Result<()> {
        let live = holders.iter().filter(|holder| !holder.is_deleted);
        let live = live.map(|holder| (holder.uid.clone(), rights.known(holder.id)));
        let mut uids: HashMap<String, Option<ContactId>> = live.collect();
        let Placed { rows, places } = std::mem::take(&mut self.created);
        for (place, row) in places.into_iter().zip(rows) {
            let uid = row.contact.uid.clone();
            if let Some(holder) = uids.get(&uid) {
                outcomes.refuse(place, Error::uid_taken(*holder))?;
                continue;
            }
            uids.insert(uid, None);
            if let Err(exceeded) = self.used.add(1, size(&row.contact.body), quota) {
                outcomes.refuse(place, exceeded.into())?;
            } else {
                self.created.push(place, row);
            }
        }
        Ok(())
    }

    fn check_size(&self) -> Result<()> {
        let unchanged = self.unchanged.iter().map(|(_, contact)| contact);
        let written = self.replaced.rows.iter().chain(&self.created.rows);
        let written = written.map(|row| &row.contact);
        let sizes: Vec<usize> = unchanged
            .chain(written)
            .map(|contact| contact.body.len())
            .collect();
        check_size("requests", sizes.into_iter())
    }
}
