//! New contacts: one, or a batch of them.

use std::collections::HashSet;

use bytes::Bytes;
use chassis::sha256::sha256;
use chrono::{DateTime, TimeDelta, Utc};
use prost::Message;
use proto::contacts::server::BatchCreateContactsResponse;
use proto::contacts::v1::ContactChange;
use tokio::task::yield_now;

use crate::book::Book;
use crate::book::batch::Outcomes;
use crate::book::change::size;
use crate::contact::ContactId;
use crate::contact::body::Body;
use crate::contact::keys::Keys;
use crate::contact::stored::Stored;
use crate::error::{Error, Result};
use crate::model::quota::Quota;
use crate::model::share::rights::Rights;
use crate::store::changes::Stamp;
use crate::store::insertion::Under;
use crate::store::requests::Answered;
use crate::store::{contacts, insertion, labels, owners, parts, requests};

/// How long the response to a call with a `request_id` is stored.
pub const ANSWERS_KEPT: TimeDelta = TimeDelta::hours(24);

/// The number of attempts of a batch while other calls take its uids or quota.
const TRIES: usize = 5;

/// A new contact.
#[derive(Clone, Debug)]
pub struct New {
    /// The vCard UID; generated if missing.
    pub uid: Option<String>,
    /// Its body.
    pub body: Body,
}

/// A repeatable call.
#[derive(Clone, Debug)]
pub struct Repeatable {
    /// The request id.
    pub request_id: String,
    /// SHA-256 of the request.
    pub hash: [u8; 32],
}

/// Options of a creation.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Whether a repeat returns the first response.
    pub repeatable: Option<Repeatable>,
    /// Whether everything is done except storing.
    pub validate_only: bool,
}

/// Contacts to insert.
type Rows = Vec<(Stored, Keys)>;

impl New {
    /// The row, without its version.
    pub(crate) fn row(&self, id: ContactId, now: DateTime<Utc>) -> (Stored, Keys) {
        let uid = self.uid.clone();
        let contact = Stored {
            id,
            uid: uid.unwrap_or_else(|| format!("urn:uuid:{id}")),
            version: 0,
            create_time: now,
            update_time: now,
            delete_time: None,
            merged_into: None,
            body: self.body.encode(),
        };
        (contact, Keys::of(&self.body))
    }
}

impl Book<'_> {
    /// Creates a contact.
    pub async fn create(&self, new: &New, terms: &Terms) -> Result<Bytes> {
        let rows = vec![new.row(ContactId::generate(), self.now)];
        // Checked before the book is searched, so that nothing about other contacts is
        // revealed.
        self.rights(&self.db).await?.ensure_kept(&[], &rows[0].1)?;
        let the_one = |mut contacts: Vec<Bytes>| contacts.pop().unwrap_or_default();
        self.insert_on(terms, &rows, the_one).await
    }

    /// Creates a batch under one version: all contacts, or those that can be created.
    pub async fn create_all(
        &self,
        batch: Vec<Result<New>>,
        allow_partial: bool,
        terms: &Terms,
    ) -> Result<BatchCreateContactsResponse> {
        let rights = self.rights(&self.db).await?;
        let outcomes = Outcomes::new(allow_partial);
        let mut batch = Batch::sort_out(batch, outcomes, &rights, self.now).await?;
        for _ in 0..TRIES {
            let answer = |contacts| batch.answer(contacts).encode_to_vec().into();
            let refused = match self.insert_on(terms, &batch.rows, answer).await {
                Ok(answer) => return Ok(BatchCreateContactsResponse::decode(answer)?),
                Err(error) => error,
            };
            match refused {
                Error::UidTaken { .. } => {
                    let uids: Vec<&str> = batch.uids().collect();
                    let taken = contacts::taken_uids(&self.db, self.owner, &uids).await?;
                    batch.refuse_uids(&taken)?;
                }
                Error::QuotaExceeded(_) if allow_partial => {
                    let used = owners::used(&self.db, self.owner).await?;
                    batch.refuse_beyond(self.quota, used)?;
                }
                error => return Err(error),
            }
        }
        Err(Error::uid_taken("requests"))
    }

    /// Stores contacts and builds the response, once per request id.
    async fn insert_on(
        &self,
        terms: &Terms,
        rows: &Rows,
        answer: impl FnOnce(Vec<Bytes>) -> Bytes,
    ) -> Result<Bytes> {
        let Some(call) = &terms.repeatable else {
            let labelled = rows.iter().any(|(_, keys)| !keys.new_labels.is_empty());
            let is_one_part = parts(rows).nth(1).is_none();
            if !terms.validate_only && !labelled && is_one_part && !self.is_shared() {
                // One statement is sufficient.
                let _turn = self.db.turn(self.owner.0).await?;
                let version = self.insert_rows(&self.db, rows, Under::NextVersion).await?;
                return Ok(answer(encoded(rows, version)));
            }
            let mut tx = self.open().await?;
            let contacts = self.insert(&mut tx, rows, Under::NextVersion).await?;
            if !terms.validate_only {
                tx.commit().await?;
            }
            return Ok(answer(contacts));
        };
        let created = self.insert_once(call, rows, answer).await;
        self.first_answer(call, created).await
    }

    /// The response of this call, or of an earlier one.
    pub(crate) async fn first_answer(
        &self,
        call: &Repeatable,
        made: Result<Option<Bytes>>,
    ) -> Result<Bytes> {
        if let Ok(Some(answer)) = made {
            return Ok(answer);
        }
        // An earlier response takes precedence over any error now.
        let since = self.now - ANSWERS_KEPT;
        let request_id = self.request_id(call);
        let answered = requests::find(&self.db, self.owner, &request_id, since).await?;
        match (answered, made) {
            (Some(answered), _) => repeated(call, answered),
            (None, Err(error)) => Err(error),
            (None, Ok(_)) => Err(sqlx::Error::RowNotFound.into()),
        }
    }

    /// `None` if the call is a repeat.
    async fn insert_once(
        &self,
        call: &Repeatable,
        rows: &Rows,
        answer: impl FnOnce(Vec<Bytes>) -> Bytes,
    ) -> Result<Option<Bytes>> {
        let mut tx = self.open().await?;
        let answer = answer(self.insert(&mut tx, rows, Under::NextVersion).await?);
        if !self.remember(&mut tx, call, &answer).await? {
            return Ok(None);
        }
        tx.commit().await?;
        Ok(Some(answer))
    }

    /// Stores the response to a call; false if the call is a repeat, and the transaction
    /// must not be committed.
    pub(crate) async fn remember(
        &self,
        tx: &mut sqlx::PgConnection,
        call: &Repeatable,
        answer: &Bytes,
    ) -> Result<bool> {
        let answered = Answered {
            body_hash: call.hash.to_vec(),
            response: answer.to_vec(),
        };
        let since = self.now - ANSWERS_KEPT;
        let (owner, request_id) = (self.owner, self.request_id(call));
        requests::insert(tx, owner, &request_id, &answered, since, self.now).await
    }

    /// The key of the stored call: each writer has request ids of its own, and all are
    /// deleted with the owner.
    fn request_id(&self, call: &Repeatable) -> String {
        if self.is_shared() {
            let of_writer = [self.writer.0.as_bytes(), call.request_id.as_bytes()].concat();
            hex::encode(sha256(&of_writer))
        } else {
            call.request_id.clone()
        }
    }

    /// Stores the rows and their new labels; returns them as messages.
    pub(crate) async fn insert(
        &self,
        db: &mut sqlx::PgConnection,
        rows: &[(Stored, Keys)],
        under: Under,
    ) -> Result<Vec<Bytes>> {
        let mut parts = parts(rows);
        let Some(first) = parts.next() else {
            return Ok(Vec::new());
        };
        let version = self.insert_rows(&mut *db, first, under).await?;
        for part in parts {
            self.insert_rows(&mut *db, part, Under::VersionTaken)
                .await?;
        }
        // The owner's row is locked by now.
        let rights = self.rights(&mut *db).await?;
        rows.iter()
            .try_for_each(|(_, keys)| rights.ensure_kept(&[], keys))?;
        let stamp = Stamp {
            version,
            time: self.now,
            change: ContactChange::Created,
        };
        let keys = rows.iter().map(|(_, keys)| keys);
        labels::ensure(db, self.owner, stamp, keys).await?;
        Ok(encoded(rows, version))
    }

    /// Returns their version.
    async fn insert_rows(
        &self,
        db: impl sqlx::PgExecutor<'_>,
        rows: &[(Stored, Keys)],
        under: Under,
    ) -> Result<i64> {
        insertion::insert(db, self.owner, rows, self.quota, self.now, under).await
    }
}

fn parts(rows: &[(Stored, Keys)]) -> impl Iterator<Item = &[(Stored, Keys)]> {
    parts::of(rows, |(contact, _)| contact.body.len())
}

fn encoded(rows: &[(Stored, Keys)], version: i64) -> Vec<Bytes> {
    let contacts = rows.iter().map(|(contact, _)| {
        let contact = contact.clone();
        Stored { version, ..contact }.encoded()
    });
    contacts.collect()
}

fn repeated(call: &Repeatable, answered: Answered) -> Result<Bytes> {
    if answered.body_hash != call.hash {
        return Err(Error::invalid(
            "REQUEST_ID_REUSED",
            "request_id",
            "was used for a different call",
        ));
    }
    Ok(answered.response.into())
}

/// A batch in progress: the contacts to store, and the refused requests.
struct Batch {
    rows: Rows,
    /// The place of each row in the batch.
    places: Vec<usize>,
    outcomes: Outcomes,
}

impl Batch {
    /// Refuses invalid contacts. Yields in between, because folding takes time.
    async fn sort_out(
        batch: Vec<Result<New>>,
        mut outcomes: Outcomes,
        rights: &Rights,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let (mut rows, mut places, mut uids) = (Vec::new(), Vec::new(), HashSet::new());
        for new in batch {
            let place = outcomes.next();
            let new = match new {
                Ok(New { uid: Some(uid), .. }) if !uids.insert(uid.clone()) => {
                    Err(Error::uid_taken("contact.uid"))
                }
                new => new,
            };
            let row = new.and_then(|new| {
                let row = new.row(ContactId::generate(), now);
                rights.ensure_kept(&[], &row.1)?;
                Ok(row)
            });
            match row {
                Ok(row) => {
                    rows.push(row);
                    places.push(place);
                }
                Err(error) => outcomes.refuse(place, error)?,
            }
            yield_now().await;
        }
        Ok(Self {
            rows,
            places,
            outcomes,
        })
    }

    fn uids(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().map(|(contact, _)| contact.uid.as_str())
    }

    fn refuse_uids(&mut self, taken: &[String]) -> Result<()> {
        let is_taken = |uid: &str| taken.iter().any(|taken| taken == uid);
        let taken: Vec<bool> = self.uids().map(is_taken).collect();
        let error = || Error::uid_taken("contact.uid");
        self.refuse(|row, _| taken[row].then(error))
    }

    /// Refuses contacts beyond the quota.
    fn refuse_beyond(&mut self, quota: Quota, mut used: Quota) -> Result<()> {
        self.refuse(|_, contact| {
            let added = used.add(1, size(&contact.body), quota);
            added.err().map(Error::from)
        })
    }

    fn refuse(&mut self, mut why: impl FnMut(usize, &Stored) -> Option<Error>) -> Result<()> {
        let (rows, places) = (
            std::mem::take(&mut self.rows),
            std::mem::take(&mut self.places),
        );
        for (row, (contact, place)) in rows.into_iter().zip(places).enumerate() {
            if let Some(error) = why(row, &contact.0) {
                self.outcomes.refuse(place, error)?;
            } else {
                self.rows.push(contact);
                self.places.push(place);
            }
        }
        Ok(())
    }

    fn answer(&self, contacts: Vec<Bytes>) -> BatchCreateContactsResponse {
        let mut outcomes = self.outcomes.clone();
        for (place, contact) in self.places.iter().zip(contacts) {
            outcomes.done(*place, contact);
        }
        BatchCreateContactsResponse {
            results: outcomes.into_results(),
        }
    }
}
