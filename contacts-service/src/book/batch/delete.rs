//! Batch deletions.

use std::collections::HashMap;

use proto::contacts::server::BatchContactResult;
use proto::contacts::v1::ContactChange;
use uuid::Uuid;

use super::{Outcomes, check_size};
use crate::book::Book;
use crate::book::change::Deletion;
use crate::contact::ContactId;
use crate::contact::stored::Stored;
use crate::error::Result;
use crate::store::{changes, contacts};

impl Book<'_> {
    /// Deletes a batch under one version: all contacts, or those that can be deleted.
    pub async fn delete_all(
        &self,
        batch: Vec<Result<Deletion>>,
        allow_partial: bool,
    ) -> Result<Vec<BatchContactResult>> {
        let mut outcomes = Outcomes::new(allow_partial);
        let deletions = outcomes.sort_out(batch, "id", |deletion| deletion.id)?;
        let ids: Vec<Uuid> = deletions
            .iter()
            .map(|(_, deletion)| deletion.id.0)
            .collect();

        let (mut tx, taken, rights) = self.begin().await?;
        let stamp = self.stamp(taken, ContactChange::Deleted);
        let current = contacts::get_many(&mut *tx, self.owner, &ids).await?;
        let mut current: HashMap<ContactId, Stored> = current
            .into_iter()
            .map(|contact| (contact.id, contact))
            .collect();
        let (mut dying, mut done) = (Vec::new(), Vec::new());
        for (place, deletion) in deletions {
            let contact = match rights.open(current.remove(&deletion.id)) {
                Ok(contact) => contact,
                Err(error) => {
                    outcomes.refuse(place, error)?;
                    continue;
                }
            };
            match (deletion.deletes(contact.as_ref()), contact) {
                (Err(error), _) => outcomes.refuse(place, error)?,
                (Ok(true), Some(live)) => {
                    dying.push(live.id.0);
                    done.push((place, self.deleted(live, stamp)));
                }
                (Ok(_), Some(gone)) => done.push((place, gone)),
                (Ok(_), None) => {}
            }
        }
        check_size(
            "requests",
            done.iter().map(|(_, contact)| contact.body.len()),
        )?;
        if !dying.is_empty() {
            let deleted = Some(self.now);
            changes::set_delete_time(&mut tx, self.owner, stamp, &dying, deleted).await?;
            tx.commit().await?;
        }
        for (place, contact) in done {
            outcomes.done(place, contact.encoded());
        }
        Ok(outcomes.into_results())
    }
}
