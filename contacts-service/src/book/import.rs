//! The cards of an import.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use chassis::paging::fitting;
use prost::Message;
use proto::contacts::v1::Contact;
use tokio::task::yield_now;
use uuid::Uuid;

use crate::book::Book;
use crate::book::batch;
use crate::book::change::ContactUpdate;
use crate::book::creation::{CreateOptions, NewContact};
use crate::contact::body::Body;
use crate::contact::mask::UpdateMask;
use crate::contact::merge::absorb;
use crate::contact::phone::DefaultRegion;
use crate::contact::photo::Photo;
use crate::contact::stored::Stored;
use crate::contact::{ContactId, etag};
use crate::error::{Error, Result};
use crate::store::contacts::{self, UidHolder};

/// The number of attempts to merge into a contact that others change meanwhile.
const TRIES: usize = 3;

/// What happens to a card with the uid of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnConflict {
    /// The contact stays as it is.
    Skip,
    /// What the card says replaces what the contact says.
    Update,
    /// The card is merged into the contact.
    Merge,
    /// The card becomes another contact.
    Duplicate,
}

/// What became of a card.
#[derive(Debug)]
pub enum Outcome {
    /// It is a new contact; `None` if it was only validated.
    Created(Option<ContactId>),
    /// It has changed a contact.
    Updated(Option<ContactId>),
    /// There is a contact with its uid, which was to be kept.
    Skipped(Option<ContactId>),
    /// The contact with its uid says the same.
    Unchanged(Option<ContactId>),
    /// It was refused.
    Failed(Error),
}

impl Outcome {
    /// The contact, if there is one that the caller may know.
    #[must_use]
    pub fn contact(&self) -> Option<ContactId> {
        match self {
            Self::Created(id) | Self::Updated(id) | Self::Skipped(id) | Self::Unchanged(id) => *id,
            Self::Failed(_) => None,
        }
    }
}

/// A card of a file.
#[derive(Clone, Debug)]
pub struct Card {
    /// Its own uid.
    pub uid: Option<String>,
    /// The uid that is made of its place in the file.
    pub made_uid: String,
    /// What it says.
    pub contact: Contact,
    /// Its photo.
    pub photo: Option<Photo>,
}

impl Card {
    /// The uid of the contact that it becomes.
    #[must_use]
    pub fn target_uid(&self, on_conflict: OnConflict) -> &str {
        match &self.uid {
            Some(uid) if on_conflict != OnConflict::Duplicate => uid,
            _ => &self.made_uid,
        }
    }
}

/// The parts of a written contact that an import reports.
#[derive(Clone, PartialEq, Eq, prost::Message)]
struct Written {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(int64, tag = "4")]
    version: i64,
}

impl Written {
    fn id(&self) -> Option<ContactId> {
        ContactId::parse("id", &self.id).ok()
    }
}

/// The cards of a part, sorted by what happens to them.
#[derive(Default)]
struct Sorted {
    new: Vec<(usize, Card)>,
    known: Vec<(usize, ContactId, Card)>,
}

impl Book<'_> {
    /// Stores cards whose uids differ: the new ones under one version, and the changed ones
    /// under others. With `validate_only`, nothing is stored.
    pub async fn import(
        &self,
        cards: Vec<Card>,
        on_conflict: OnConflict,
        region: DefaultRegion,
        validate_only: bool,
    ) -> Result<Vec<Outcome>> {
        let rights = self.rights(&self.db).await?;
        let uids: Vec<&str> = cards
            .iter()
            .map(|card| card.target_uid(on_conflict))
            .collect();
        let holders = contacts::uid_holders(&self.db, self.owner, &uids).await?;
        let holders: HashMap<String, UidHolder> = holders
            .into_iter()
            .map(|holder| (holder.uid.clone(), holder))
            .collect();

        let mut sorted = Sorted::default();
        let mut outcomes: Vec<Option<Outcome>> = Vec::with_capacity(cards.len());
        for (place, card) in cards.into_iter().enumerate() {
            let target = card.target_uid(on_conflict);
            let outcome = match holders.get(target) {
                // An earlier run of this import stored it, and since then it may have been
                // changed or deleted.
                Some(holder) if target == card.made_uid => {
                    Some(Outcome::Unchanged(rights.known(holder.id)))
                }
                Some(holder) if !holder.is_deleted && on_conflict == OnConflict::Skip => {
                    Some(Outcome::Skipped(rights.known(holder.id)))
                }
                Some(holder) if !holder.is_deleted => {
                    sorted.known.push((place, holder.id, card));
                    None
                }
                _ => {
                    sorted.new.push((place, card));
                    None
                }
            };
            outcomes.push(outcome);
        }
        let created = self
            .import_new(sorted.new, on_conflict, region, validate_only)
            .await?;
        let is_merge = on_conflict == OnConflict::Merge;
        let updated = self
            .import_known(sorted.known, is_merge, region, validate_only)
            .await?;
        for (place, outcome) in created.into_iter().chain(updated) {
            outcomes[place] = Some(outcome);
        }
        Ok(outcomes.into_iter().flatten().collect())
    }

    async fn import_new(
        &self,
        cards: Vec<(usize, Card)>,
        on_conflict: OnConflict,
        region: DefaultRegion,
        validate_only: bool,
    ) -> Result<Vec<(usize, Outcome)>> {
        let (mut places, mut new) = (Vec::new(), Vec::new());
        for (place, card) in cards {
            let uid = card.target_uid(on_conflict).to_owned();
            places.push(place);
            new.push(new_contact(uid, card, region));
            yield_now().await;
        }
        if new.is_empty() {
            return Ok(Vec::new());
        }
        let options = CreateOptions {
            repeatable: None,
            validate_only,
        };
        let results = Mutex::new(Vec::new());
        let keep = |outcomes| {
            *results.lock().unwrap_or_else(PoisonError::into_inner) = outcomes;
            Bytes::new()
        };
        self.create_all(new, true, &options, keep).await?;
        let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        let outcomes = results.into_iter().map(|result| match result {
            batch::Outcome::Done(_) if validate_only => Ok(Outcome::Created(None)),
            batch::Outcome::Done(contact) => Ok(Outcome::Created(Written::decode(contact)?.id())),
            batch::Outcome::Nothing => Ok(Outcome::Created(None)),
            batch::Outcome::Refused(error) => Ok(Outcome::Failed(error)),
        });
        let outcomes = outcomes.collect::<Result<Vec<_>>>()?;
        Ok(places.into_iter().zip(outcomes).collect())
    }

    /// Changes contacts. One that is changed by others meanwhile is tried again.
    async fn import_known(
        &self,
        mut cards: Vec<(usize, ContactId, Card)>,
        is_merge: bool,
        region: DefaultRegion,
        validate_only: bool,
    ) -> Result<Vec<(usize, Outcome)>> {
        let mut outcomes = Vec::new();
        for attempt in 1..=TRIES {
            let ids: Vec<Uuid> = cards.iter().map(|(_, id, _)| id.0).collect();
            let seen = contacts::get_many(&self.db, self.owner, &ids).await?;
            let mut rest = cards.as_slice();
            let mut again = Vec::new();
            while !rest.is_empty() {
                let sizes = rest.iter().map(|(_, id, card)| {
                    // What a contact has at most after the change.
                    let before = seen.get(id).map_or(0, |contact| contact.body.len());
                    before + card.contact.encoded_len()
                });
                let (part, after) = rest.split_at(fitting(sizes, rest.len()).max(1));
                rest = after;
                let changes = part
                    .iter()
                    .map(|(_, id, card)| change(*id, card, seen.get(id), is_merge, region));
                let results = self
                    .update_all(changes.collect(), true, validate_only)
                    .await?;
                for (item, result) in part.iter().zip(results) {
                    let before = seen.get(&item.1).map(|contact| contact.version);
                    match result {
                        batch::Outcome::Refused(Error::EtagMismatch { .. }) if attempt < TRIES => {
                            again.push(item.clone());
                        }
                        batch::Outcome::Refused(error) => {
                            outcomes.push((item.0, Outcome::Failed(error)));
                        }
                        batch::Outcome::Done(contact) => {
                            let contact = Written::decode(contact)?;
                            let is_unchanged = before == Some(contact.version);
                            outcomes.push((
                                item.0,
                                match contact.id() {
                                    id if is_unchanged => Outcome::Unchanged(id),
                                    id => Outcome::Updated(id),
                                },
                            ));
                        }
                        batch::Outcome::Nothing => {
                            outcomes.push((item.0, Outcome::Unchanged(None)));
                        }
                    }
                }
            }
            cards = again;
            if cards.is_empty() {
                break;
            }
        }
        Ok(outcomes)
    }

    /// Gives a label to the members of a group.
    pub async fn give_label(&self, label: &str, members: &[ContactId]) -> Result<Outcome> {
        let mut outcome = Outcome::Unchanged(None);
        for part in members.chunks(batch::REQUESTS_MAX) {
            let ids: Vec<Uuid> = part.iter().map(|id| id.0).collect();
            let seen = contacts::get_many(&self.db, self.owner, &ids).await?;
            let mut changes = Vec::new();
            for (id, contact) in &seen {
                let mut patch = Contact {
                    labels: Contact::decode(contact.body.as_slice())?.labels,
                    ..Contact::default()
                };
                patch.labels.push(label.to_owned());
                changes.push(update(
                    *id,
                    patch,
                    etag(contact.version),
                    DefaultRegion::NONE,
                ));
            }
            let mut rest = changes;
            while !rest.is_empty() {
                // The response of a batch has its contacts.
                let sizes = rest.iter().map(|change| {
                    let size = change.as_ref().ok().and_then(|change| seen.get(&change.id));
                    size.map_or(0, |contact| contact.body.len() + label.len() + 8)
                });
                let sizes: Vec<usize> = sizes.collect();
                let count = sizes.len();
                let after = rest.split_off(fitting(sizes.into_iter(), count).max(1));
                for result in self.update_all(rest, true, false).await? {
                    match result {
                        batch::Outcome::Refused(error) => return Err(error),
                        batch::Outcome::Done(contact) => {
                            let contact = Written::decode(contact)?;
                            let before = contact.id().and_then(|id| seen.get(&id));
                            if before.is_none_or(|before| before.version != contact.version) {
                                outcome = Outcome::Updated(None);
                            }
                        }
                        batch::Outcome::Nothing => {}
                    }
                }
                rest = after;
            }
        }
        Ok(outcome)
    }
}

fn new_contact(uid: String, card: Card, region: DefaultRegion) -> Result<NewContact> {
    let info = card.photo.as_ref().map(Photo::info);
    Ok(NewContact {
        uid: Some(uid),
        body: Body::parse(card.contact, region)?.with_photo(info)?,
        photo: card.photo,
    })
}

/// The change that a card makes to the contact with its uid.
fn change(
    id: ContactId,
    card: &Card,
    current: Option<&Stored>,
    is_merge: bool,
    region: DefaultRegion,
) -> Result<ContactUpdate> {
    let Some(current) = current else {
        return Err(Error::NotFound(id));
    };
    let before = Contact::decode(current.body.as_slice())?;
    if !is_merge {
        let mut patch = card.contact.clone();
        if !before.labels.is_empty() && !patch.labels.is_empty() {
            // A file of another program lacks the labels that were given here.
            patch.labels.splice(0..0, before.labels);
        }
        let change = update(id, patch, String::new(), region)?;
        return Ok(ContactUpdate {
            photo: card.photo.clone(),
            ..change
        });
    }
    // Only what the card adds is written, so a second merge adds nothing.
    let known = Body::parse(card.contact.clone(), region)?;
    let mut merged = before;
    let photo = card.photo.clone().filter(|_| merged.photo.is_none());
    absorb(&mut merged, known.message().clone());
    let change = update(id, merged, etag(current.version), region)?;
    Ok(ContactUpdate { photo, ..change })
}

fn update(
    id: ContactId,
    patch: Contact,
    etag: String,
    region: DefaultRegion,
) -> Result<ContactUpdate> {
    Ok(ContactUpdate {
        id,
        mask: UpdateMask::parse(None, &patch)?,
        patch,
        uid: None,
        region,
        etag,
        allow_missing: false,
        photo: None,
    })
}
