//! Batch deletions.

use uuid::Uuid;

use super::{Outcome, Outcomes, check_size};
use crate::book::Book;
use crate::book::change::Deletion;
use crate::book::write::Write;
use crate::error::Result;

impl Book<'_> {
    /// Deletes a batch under one version: all contacts, or those that can be deleted.
    pub async fn delete_all(
        &self,
        batch: Vec<Result<Deletion>>,
        allow_partial: bool,
    ) -> Result<Vec<Outcome>> {
        let mut outcomes = Outcomes::new(allow_partial);
        let deletions = outcomes.accept(batch, "id", |deletion| deletion.id)?;
        let ids: Vec<Uuid> = deletions
            .iter()
            .map(|(_, deletion)| deletion.id.0)
            .collect();

        let mut write = Write::begin(self).await?;
        let mut current = write.contacts(&ids).await?;
        let (mut live, mut places, mut done) = (Vec::new(), Vec::new(), Vec::new());
        for (place, deletion) in deletions {
            let contact = match write.rights().writable(current.remove(&deletion.id)) {
                Ok(contact) => contact,
                Err(error) => {
                    outcomes.refuse(place, error)?;
                    continue;
                }
            };
            match (deletion.deletes(contact.as_ref()), contact) {
                (Err(error), _) => outcomes.refuse(place, error)?,
                (Ok(true), Some(contact)) => {
                    live.push(contact);
                    places.push(place);
                }
                (Ok(_), Some(gone)) => done.push((place, gone)),
                (Ok(_), None) => {}
            }
        }
        let unchanged = done.iter().map(|(_, contact)| contact);
        let sizes = live
            .iter()
            .chain(unchanged)
            .map(|contact| contact.body.len());
        check_size("requests", sizes.collect::<Vec<_>>().into_iter())?;
        let writes = !live.is_empty();
        if writes {
            let deleted = write.delete(live).await?;
            done.extend(places.into_iter().zip(deleted));
        }
        for (place, contact) in done {
            outcomes.done(place, write.encoded(contact)?);
        }
        if writes {
            write.commit().await?;
        }
        Ok(outcomes.into_results())
    }
}
