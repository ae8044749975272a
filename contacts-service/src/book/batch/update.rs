//! Batch updates.

use std::collections::{HashMap, HashSet};

use tokio::task::yield_now;
use uuid::Uuid;

use super::{Outcome, Outcomes, check_size};
use crate::book::Book;
use crate::book::change::{Change, Changed, size};
use crate::book::write::Write;
use crate::contact::ContactId;
use crate::contact::keys::Keys;
use crate::contact::stored::Stored;
use crate::error::{Error, Result};
use crate::model::quota::Quota;
use crate::model::share::rights::Rights;
use crate::store::contacts;

/// One request in progress.
struct Item {
    place: usize,
    change: Change,
    made: Option<Made>,
}

/// The new state of a contact, and the version that it is based on.
struct Made {
    from: Option<i64>,
    changed: Result<Changed>,
}

/// The writes of a batch, and the places of their requests.
#[derive(Default)]
struct Writes {
    same: Vec<(usize, Stored)>,
    rows: Vec<(Stored, Keys)>,
    row_places: Vec<usize>,
    bytes_added: i64,
    new: Vec<(Stored, Keys)>,
    new_places: Vec<usize>,
    /// The owner's usage with all of the above.
    used: Quota,
}

impl Item {
    fn has_stale_etag(&self) -> bool {
        let changed = self.made.as_ref().map(|made| &made.changed);
        matches!(changed, Some(Err(Error::EtagMismatch { .. })))
    }
}

impl Book<'_> {
    /// Changes a batch under one version: all contacts, or those that can be changed.
    pub async fn update_all(
        &self,
        batch: Vec<Result<Change>>,
        allow_partial: bool,
    ) -> Result<Vec<Outcome>> {
        let mut outcomes = Outcomes::new(allow_partial);
        let changes = outcomes.sort_out(batch, "contact.id", |change| change.id)?;
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
        self.work_out(&mut items, seen, &rights).await;
        let mut write = Write::begin(self).await?;
        if *write.rights() != rights {
            for item in &mut items {
                item.made = None;
            }
        }
        let current = write.contacts(&ids).await?;
        self.work_out(&mut items, current, write.rights()).await;
        self.pass_repeated(&mut write, &mut items).await?;

        let mut writes = Writes::of(items, write.used(), self.quota, &mut outcomes)?;
        let uids = writes.new_uids();
        let uids_taken = if uids.is_empty() {
            Vec::new()
        } else {
            contacts::taken_uids(&mut *write, self.owner, &uids).await?
        };
        writes.refuse_new(&uids_taken, self.quota, &mut outcomes)?;
        writes.check_size()?;
        if writes.rows.is_empty() && writes.new.is_empty() {
            writes.answer(Vec::new(), Vec::new(), &mut outcomes);
        } else {
            let rows = std::mem::take(&mut writes.rows);
            let replaced = write.replace_many(rows, writes.bytes_added).await?;
            let new = write.insert(&writes.new).await?;
            write.commit().await?;
            writes.answer(replaced, new, &mut outcomes);
        }
        Ok(outcomes.into_results())
    }

    /// Applies each change to what there is, where that was not done before. Lets
    /// other calls go on in between.
    async fn work_out(
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

    /// Leaves contacts as they are that were changed by an earlier call of the same batch,
    /// whose answer may have been lost.
    async fn pass_repeated(&self, write: &mut Write<'_>, items: &mut [Item]) -> Result<()> {
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
        let repeated = self.repeated(&mut **write, &changes).await?;
        for (id, current) in found {
            if repeated.contains(&id)
                && let Some(item) = stale.remove(&id)
                && let Some(current) = write.rights().open(Some(current))?
            {
                item.made = Some(Made {
                    from: Some(current.version),
                    changed: Ok(Changed::Not(current)),
                });
            }
        }
        Ok(())
    }

    fn apply(&self, change: Change, contact: Option<Stored>, rights: &Rights) -> Result<Changed> {
        let contact = rights.open(contact)?;
        let before = rights.before(contact.as_ref())?;
        let changed = change.apply(contact, self.now)?;
        match &changed {
            Changed::Into { keys, .. } | Changed::New((_, keys)) => {
                rights.ensure_kept(&before, keys)?;
            }
            Changed::Not(_) => {}
        }
        Ok(changed)
    }
}

impl Writes {
    fn of(items: Vec<Item>, used: Quota, quota: Quota, outcomes: &mut Outcomes) -> Result<Self> {
        let mut writes = Self {
            used,
            ..Self::default()
        };
        for Item { place, made, .. } in items {
            let Some(Made { changed, .. }) = made else {
                continue;
            };
            match changed {
                Ok(Changed::Not(contact)) => writes.same.push((place, contact)),
                Ok(Changed::Into { before, body, keys }) => {
                    let bytes_added = size(&body) - size(&before.body);
                    if let Err(full) = writes.used.add(0, bytes_added, quota) {
                        outcomes.refuse(place, full.into())?;
                        continue;
                    }
                    writes.rows.push((Stored { body, ..before }, keys));
                    writes.row_places.push(place);
                    writes.bytes_added += bytes_added;
                }
                Ok(Changed::New(row)) => {
                    writes.new.push(row);
                    writes.new_places.push(place);
                }
                Err(error) => outcomes.refuse(place, error)?,
            }
        }
        Ok(writes)
    }

    fn new_uids(&self) -> Vec<&str> {
        let new = self.new.iter();
        new.map(|(contact, _)| contact.uid.as_str()).collect()
    }

    /// Refuses new contacts whose uids are taken, or that exceed the quota.
    fn refuse_new(
        &mut self,
        taken_uids: &[String],
        quota: Quota,
        outcomes: &mut Outcomes,
    ) -> Result<()> {
        let mut uids: HashSet<String> = taken_uids.iter().cloned().collect();
        let (new, places) = (
            std::mem::take(&mut self.new),
            std::mem::take(&mut self.new_places),
        );
        for (row, place) in new.into_iter().zip(places) {
            if !uids.insert(row.0.uid.clone()) {
                outcomes.refuse(place, Error::uid_taken("contact.uid"))?;
            } else if let Err(full) = self.used.add(1, size(&row.0.body), quota) {
                outcomes.refuse(place, full.into())?;
            } else {
                self.new.push(row);
                self.new_places.push(place);
            }
        }
        Ok(())
    }

    fn check_size(&self) -> Result<()> {
        let same = self.same.iter().map(|(_, contact)| contact);
        let written = self
            .rows
            .iter()
            .chain(&self.new)
            .map(|(contact, _)| contact);
        let sizes: Vec<usize> = same
            .chain(written)
            .map(|contact| contact.body.len())
            .collect();
        check_size("requests", sizes.into_iter())
    }

    /// Notes what became of each request, given the contacts that were replaced and made.
    fn answer(self, replaced: Vec<Stored>, new: Vec<Stored>, outcomes: &mut Outcomes) {
        for (place, contact) in self.same {
            outcomes.done(place, contact.encoded());
        }
        for (place, contact) in self.row_places.into_iter().zip(replaced) {
            outcomes.done(place, contact.encoded());
        }
        for (place, contact) in self.new_places.into_iter().zip(new) {
            outcomes.done(place, contact.encoded());
        }
    }
}
