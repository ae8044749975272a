//! New contacts: one, or a batch of them.

use std::collections::HashSet;

use bytes::Bytes;
use chassis::sha256::sha256;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::yield_now;

use crate::book::Book;
use crate::book::batch::{Outcome, Outcomes};
use crate::book::change::size;
use crate::book::photo::PhotoCosts;
use crate::book::write::Write;
use crate::contact::ContactId;
use crate::contact::body::Body;
use crate::contact::keys::Keys;
use crate::contact::photo::Photo;
use crate::contact::row::ContactRow;
use crate::contact::stored::Stored;
use crate::error::{Error, Result};
use crate::model::quota::Quota;
use crate::model::share::rights::Rights;
use crate::store::contacts::UidHolder;
use crate::store::insertion::InsertVersion;
use crate::store::requests::StoredResponse;
use crate::store::{contacts, insertion, owners, parts, requests};

/// How long the response to a call with a `request_id` is stored.
pub const RESPONSES_KEPT: TimeDelta = TimeDelta::hours(24);

/// The number of attempts of a batch while other calls take its uids or quota.
const TRIES: usize = 5;

/// A new contact.
#[derive(Clone, Debug)]
pub struct NewContact {
    /// The vCard UID; made when there is none.
    pub uid: Option<String>,
    /// Its body.
    pub body: Body,
    /// The photo that the body names.
    pub photo: Option<Photo>,
}

/// A repeatable call.
#[derive(Clone, Debug)]
pub struct Repeatable {
    /// The request id.
    pub request_id: String,
    /// SHA-256 of the request.
    pub hash: [u8; 32],
}

/// Options of a call that creates contacts.
#[derive(Clone, Debug)]
pub struct CreateOptions {
    /// Whether a repeat returns the first response.
    pub repeatable: Option<Repeatable>,
    /// Whether everything is done except storing.
    pub validate_only: bool,
}

impl NewContact {
    /// The row to store, complete except for its version.
    pub(crate) fn row(&self, id: ContactId, now: DateTime<Utc>) -> ContactRow {
        let uid = self.uid.clone();
        let contact = Stored {
            id,
            uid: uid.unwrap_or_else(|| default_uid(id)),
            version: 0,
            create_time: now,
            update_time: now,
            delete_time: None,
            delete_version: None,
            merged_into: None,
            body: self.body.encode(),
        };
        ContactRow {
            contact,
            keys: Keys::of(&self.body),
            photo: self.photo.clone(),
        }
    }
}

/// The uid of a contact that was created without one.
pub(super) fn default_uid(id: ContactId) -> String {
    format!("urn:uuid:{id}")
}

impl Book<'_> {
    /// Stores a new contact.
    pub async fn create(&self, new: &NewContact, options: &CreateOptions) -> Result<Bytes> {
        let rows = vec![new.row(ContactId::generate(), self.now)];
        // Checked before the uid is looked up, so that a refusal reveals nothing about
        // other contacts.
        self.rights(&self.db)
            .await?
            .ensure_creatable(&rows[0].keys)?;
        let the_one = |mut contacts: Vec<Bytes>| contacts.pop().unwrap_or_default();
        self.insert_with(options, &rows, the_one).await
    }

    /// Stores a batch under one version: all of it, or what can be stored. Returns the
    /// response that `answer` encodes, or the first response if the call is a repeat.
    pub async fn create_all(
        &self,
        batch: Vec<Result<NewContact>>,
        allow_partial: bool,
        options: &CreateOptions,
        answer: impl Fn(Vec<Outcome>) -> Bytes,
    ) -> Result<Bytes> {
        let rights = self.rights(&self.db).await?;
        let outcomes = Outcomes::new(allow_partial);
        let mut batch = Batch::accept(batch, outcomes, &rights, self.now).await?;
        for _ in 0..TRIES {
            let Batch { rows, outcomes } = &mut batch;
            let answer = |contacts: Vec<Bytes>| {
                for (place, contact) in outcomes.pending().into_iter().zip(contacts) {
                    outcomes.done(place, contact);
                }
                answer(outcomes.take())
            };
            let refused = match self.insert_with(options, rows, answer).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            match refused {
                Error::UidTaken { .. } => {
                    let uids: Vec<&str> = batch.uids().collect();
                    let holders = contacts::uid_holders(&self.db, self.owner, &uids).await?;
                    batch.refuse_uids(&holders, &rights)?;
                }
                Error::QuotaExceeded(_) if allow_partial => {
                    let used = owners::used(&self.db, self.owner).await?;
                    let photos = batch.rows.iter().filter_map(|row| row.photo.as_ref());
                    let costs = PhotoCosts::of(&self.db, self.owner, photos).await?;
                    batch.refuse_beyond(self.quota, used, costs)?;
                }
                error => return Err(error),
            }
        }
        let field = "requests".to_owned();
        Err(Error::UidTaken {
            field,
            holder: None,
        })
    }

    /// Stores contacts and builds the response, once per request id.
    async fn insert_with(
        &self,
        options: &CreateOptions,
        rows: &[ContactRow],
        answer: impl FnOnce(Vec<Bytes>) -> Bytes,
    ) -> Result<Bytes> {
        let is_plain = options.repeatable.is_none() && !options.validate_only;
        if is_plain && rows.is_empty() {
            return Ok(answer(Vec::new()));
        }
        let labelled = rows.iter().any(|row| !row.keys.new_labels.is_empty());
        let pictured = rows.iter().any(|row| row.photo.is_some());
        let is_one_part = parts::split(rows, |row| row.contact.body.len())
            .nth(1)
            .is_none();
        if is_plain && !labelled && !pictured && is_one_part && !self.is_shared() {
            match self.insert_alone(rows).await {
                // A deleted contact may have it, which gives it up.
                Err(Error::UidTaken { .. }) => {}
                inserted => return Ok(answer(inserted?)),
            }
        }
        self.write_with(options, async |write| {
            let contacts = write.insert(rows).await?.into_iter();
            let contacts = contacts.map(|contact| write.encoded(contact));
            Ok(answer(contacts.collect::<Result<_>>()?))
        })
        .await
    }

    /// Stores contacts of a caller's own address book in one statement, which also takes
    /// the version.
    async fn insert_alone(&self, rows: &[ContactRow]) -> Result<Vec<Bytes>> {
        let _turn = self.db.turn(self.owner.0).await?;
        let (db, next) = (&self.db, InsertVersion::Next);
        let (owner, quota, now) = (self.owner, self.quota, self.now);
        let inserted = insertion::insert(db, owner, owner, rows, quota, now, next).await;
        // Also after a database error: the contacts may be stored although the response
        // was lost.
        if matches!(inserted, Ok(_) | Err(Error::Database(_))) {
            self.hub.report_write(self.owner);
        }
        let version = inserted?;
        let contacts = rows.iter().map(|row| {
            let contact = row.contact.clone();
            Stored { version, ..contact }.encoded()
        });
        Ok(contacts.collect())
    }

    /// Runs a write and returns its response, or the first response if the call is a
    /// repeat.
    pub(super) async fn write_with(
        &self,
        options: &CreateOptions,
        work: impl AsyncFnOnce(&mut Write<'_>) -> Result<Bytes>,
    ) -> Result<Bytes> {
        let Some(call) = &options.repeatable else {
            let mut write = Write::begin(self).await?;
            let answer = work(&mut write).await?;
            if !options.validate_only {
                write.commit().await?;
            }
            return Ok(answer);
        };
        let made = self.write_once(call, work).await;
        if let Ok(Some(answer)) = made {
            return Ok(answer);
        }
        // A stored response is returned even if the same write would be refused now.
        let since = self.now - RESPONSES_KEPT;
        let request_id = self.request_id(call);
        let stored = requests::find(&self.db, self.owner, &request_id, since).await?;
        match (stored, made) {
            (Some(stored), _) => repeated(call, stored),
            (None, Err(error)) => Err(error),
            (None, Ok(_)) => Err(sqlx::Error::RowNotFound.into()),
        }
    }

    /// Runs a write and stores its response; `None` if the call was answered before.
    async fn write_once(
        &self,
        call: &Repeatable,
        work: impl AsyncFnOnce(&mut Write<'_>) -> Result<Bytes>,
    ) -> Result<Option<Bytes>> {
        let mut write = Write::begin(self).await?;
        let answer = work(&mut write).await?;
        let stored = StoredResponse {
            body_hash: call.hash.to_vec(),
            response: answer.to_vec(),
        };
        let (since, request_id) = (self.now - RESPONSES_KEPT, self.request_id(call));
        let (owner, now) = (self.owner, self.now);
        if !requests::insert(&mut write, owner, &request_id, &stored, since, now).await? {
            return Ok(None);
        }
        write.commit().await?;
        Ok(Some(answer))
    }

    /// The key of the stored response. It contains the writer, so that each has request
    /// ids of its own; the response belongs to the owner, and is deleted with it.
    fn request_id(&self, call: &Repeatable) -> String {
        if self.is_shared() {
            let of_writer = [self.writer.0.as_bytes(), call.request_id.as_bytes()].concat();
            hex::encode(sha256(&of_writer))
        } else {
            call.request_id.clone()
        }
    }
}

fn repeated(call: &Repeatable, stored: StoredResponse) -> Result<Bytes> {
    if stored.body_hash != call.hash {
        return Err(Error::invalid(
            "REQUEST_ID_REUSED",
            "request_id",
            "was used for a different call",
        ));
    }
    Ok(stored.response.into())
}

/// A batch in progress: the contacts to store, and the refused requests.
struct Batch {
    /// The contacts that were not refused, in the order of their requests.
    rows: Vec<ContactRow>,
    outcomes: Outcomes,
}

impl Batch {
    /// Refuses invalid contacts. Yields in between, because folding takes time.
    async fn accept(
        batch: Vec<Result<NewContact>>,
        mut outcomes: Outcomes,
        rights: &Rights,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let (mut rows, mut uids) = (Vec::new(), HashSet::new());
        for new in batch {
            let place = outcomes.next();
            let new = match new {
                Ok(NewContact { uid: Some(uid), .. }) if !uids.insert(uid.clone()) => {
                    Err(Error::uid_taken(None))
                }
                new => new,
            };
            let row = new.and_then(|new| {
                let row = new.row(ContactId::generate(), now);
                rights.ensure_creatable(&row.keys)?;
                Ok(row)
            });
            match row {
                Ok(row) => rows.push(row),
                Err(error) => outcomes.refuse(place, error)?,
            }
            yield_now().await;
        }
        Ok(Self { rows, outcomes })
    }

    fn uids(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().map(|row| row.contact.uid.as_str())
    }

    /// Refuses contacts with the uid of a live one.
    fn refuse_uids(&mut self, holders: &[UidHolder], rights: &Rights) -> Result<()> {
        self.refuse(|ContactRow { contact, .. }| {
            let mut live = holders.iter().filter(|holder| !holder.is_deleted);
            let holder = live.find(|holder| holder.uid == contact.uid)?;
            Some(Error::uid_taken(rights.known(holder.id)))
        })
    }

    /// Refuses contacts beyond the quota.
    fn refuse_beyond(
        &mut self,
        quota: Quota,
        mut used: Quota,
        mut costs: PhotoCosts,
    ) -> Result<()> {
        self.refuse(|row| {
            let photo = row.photo.as_ref();
            let bytes = size(&row.contact.body) + costs.bytes(photo);
            if let Err(exceeded) = used.add(1, bytes, quota) {
                return Some(exceeded.into());
            }
            if let Some(photo) = photo {
                costs.add(photo);
            }
            None
        })
    }

    fn refuse(&mut self, mut why: impl FnMut(&ContactRow) -> Option<Error>) -> Result<()> {
        let rows = std::mem::take(&mut self.rows);
        let places = self.outcomes.pending();
        for (row, place) in rows.into_iter().zip(places) {
            match why(&row) {
                Some(error) => self.outcomes.refuse(place, error)?,
                None => self.rows.push(row),
            }
        }
        Ok(())
    }
}
