//! One import.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;

use card_formats::{Entry, Format, Options, Parsed, Reader, Warning};
use chassis::clock::Clock;
use chassis::database::pool::Pool;
use chassis::sha256::sha256;
use chassis::trace::Trace;
use chassis::user_id::UserId;
use prost::Message;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, yield_now};
use uuid::Uuid;

use super::error::ImportError;
use super::groups::Groups;
use super::part::{Part, Storing};
use super::{Counts, Event, Outcome, Place, Row};
use crate::book::Book;
use crate::book::import::{Card, OnConflict};
use crate::contact::body::{clear_parsed, parse_uid};
use crate::contact::phone::DefaultRegion;
use crate::contact::photo::Photo;
use crate::error::{Error, Result};
use crate::model::quota::Quota;
use crate::photo::check;
use crate::watch::hub::Hub;

/// The parts that are stored at a time: the writes of one owner wait for each other.
const AT_ONCE: usize = 2;

/// How a file is imported.
#[derive(Debug)]
pub struct Settings {
    /// Its format.
    pub format: Format,
    /// What happens to cards with the uid of a contact.
    pub on_conflict: OnConflict,
    /// Whether nothing is stored.
    pub validate_only: bool,
    /// The country of national numbers.
    pub region: DefaultRegion,
    /// What the uids of cards without one are made of.
    pub import_id: String,
    /// The labels of each contact.
    pub labels: Vec<String>,
}

/// What an import needs of the service.
pub struct Tools {
    /// The database.
    pub db: Pool,
    /// The watchers.
    pub hub: Arc<Hub>,
    /// The clock.
    pub clock: Clock,
    /// The quota of one owner.
    pub quota: Quota,
    /// Permits for checks of photos.
    pub photo_checks: Arc<Semaphore>,
}

/// An import in progress. While a part is written, the next one is made ready, and the one
/// after it is read.
pub struct Session {
    tools: Arc<Tools>,
    owner: UserId,
    writer: UserId,
    settings: Settings,
    reader: Reader,
    groups: Groups,
    part: Part,
    storing: VecDeque<Storing>,
    counts: Counts,
    /// The cards that were read, and those of them that were dealt with.
    rows: u64,
    rows_done: u64,
    bytes: u64,
    events: Vec<Event>,
}

impl Session {
    /// Begins an import into the address book of `owner` by `writer`.
    #[must_use]
    pub fn new(tools: Tools, (owner, writer): (UserId, UserId), settings: Settings) -> Self {
        Self {
            tools: Arc::new(tools),
            owner,
            writer,
            reader: Reader::new(settings.format.clone(), &Options::default()),
            settings,
            groups: Groups::default(),
            part: Part::default(),
            storing: VecDeque::new(),
            counts: Counts::default(),
            rows: 0,
            rows_done: 0,
            bytes: 0,
            events: Vec::new(),
        }
    }

    /// Takes the next bytes of the file. [`Self::step`] must be called next.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.reader.push(bytes);
    }

    /// Takes the end of the file.
    pub fn finish(&mut self) {
        self.reader.finish();
    }

    /// Reads the next part of what was pushed, and begins to store it. Returns what became of
    /// an earlier part; `None` if more of the file is needed.
    pub async fn step(&mut self) -> Result<Option<Vec<Event>>> {
        while !self.part.is_full() {
            let Some(card) = self.reader.next().map_err(ImportError::from)? else {
                return Ok(None);
            };
            self.rows += 1;
            let place = Place {
                index: card.index,
                line: card.line,
                byte_offset: card.byte_offset,
                excerpt: card.excerpt,
                warnings: card.warnings.iter().map(Warning::to_string).collect(),
            };
            match card.outcome.map_err(ImportError::from) {
                Ok(Entry::Contact(parsed)) => self.add(place, *parsed).await?,
                Ok(Entry::Group(group)) => {
                    if let Err(problem) = self.groups.add(place.clone(), group) {
                        self.refuse(place, ImportError::from(problem));
                    }
                }
                Err(problem) => self.refuse(place, problem),
            }
            yield_now().await;
        }
        self.store().await?;
        Ok(Some(std::mem::take(&mut self.events)))
    }

    /// Waits until the oldest part that is being stored is stored, for ever if none is.
    pub async fn stored(&mut self) -> Result<Vec<Event>> {
        if self.storing.is_empty() {
            pending::<()>().await;
        }
        self.finish_oldest().await?;
        Ok(std::mem::take(&mut self.events))
    }

    /// Stores the last part, and gives labels to the members of groups.
    pub async fn end(&mut self) -> Result<Vec<Event>> {
        self.store().await?;
        self.finish_all().await?;
        for group in self.groups.take() {
            let members = self.groups.members(&group);
            let outcome = if self.settings.validate_only {
                Ok(Outcome::Updated(None))
            } else {
                let book = self.tools.book(self.owner, self.writer);
                book.give_label(&group.name, &members).await
            };
            self.report(Row {
                place: group.place,
                outcome: outcome.unwrap_or_else(Outcome::Failed),
            });
        }
        let mut events = std::mem::take(&mut self.events);
        events.push(Event::Summary(self.counts));
        Ok(events)
    }

    /// A card that is not stored.
    fn refuse(&mut self, place: Place, problem: impl Into<Error>) {
        let outcome = Outcome::Failed(problem.into());
        self.part.others.push(Row { place, outcome });
    }

    /// Adds a card to the next part, which is stored first if it has a card with this uid.
    async fn add(&mut self, mut place: Place, parsed: Parsed) -> Result<()> {
        let Parsed { mut contact, photo } = parsed;
        if contact.delete_time.is_some() {
            self.refuse(place, ImportError::Deleted);
            return Ok(());
        }
        let uid = match parse_uid("contact.uid", &contact.uid) {
            Ok(uid) => uid,
            Err(error) => {
                self.refuse(place, error);
                return Ok(());
            }
        };
        let photo = self.checked(photo, &mut place).await;
        clear_parsed(&mut contact);
        contact.labels.extend(self.settings.labels.iter().cloned());
        let card = Card {
            made_uid: self.made_uid(place.index),
            uid,
            contact,
            photo,
        };
        let uid = card.target_uid(self.settings.on_conflict).to_owned();
        if self.part.uids.contains(&uid) {
            self.store().await?;
        }
        if self.storing.iter().any(|part| part.targets.contains(&uid)) {
            self.finish_all().await?;
        }
        let part = &mut self.part;
        part.uids.insert(uid);
        part.bytes += card.contact.encoded_len();
        part.bytes += card.photo.as_ref().map_or(0, |photo| photo.bytes.len());
        part.places.push(place);
        part.cards.push(card);
        Ok(())
    }

    /// The photo of a card as it is stored. One that is refused costs only itself.
    async fn checked(
        &self,
        photo: Option<card_formats::Photo>,
        place: &mut Place,
    ) -> Option<Photo> {
        let file = photo?.data.into();
        match check(file, &self.tools.photo_checks).await {
            Ok(photo) => Some(photo),
            Err(problem) => {
                let warning = Warning {
                    property: self.reader.photo_property().to_owned(),
                    text: format!("was dropped, because it {problem}"),
                };
                place.warnings.push(warning.to_string());
                None
            }
        }
    }

    /// The uid of a card without one: a second import of the same file makes the same.
    fn made_uid(&self, index: u64) -> String {
        let parts = [
            self.owner.0.as_bytes().as_slice(),
            self.writer.0.as_bytes(),
            &index.to_be_bytes(),
            self.settings.import_id.as_bytes(),
        ];
        let hash = sha256(&parts.concat());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        format!(
            "urn:uuid:{}",
            uuid::Builder::from_custom_bytes(bytes).into_uuid()
        )
    }

    /// Begins to store the part that was read.
    async fn store(&mut self) -> Result<()> {
        if self.part.is_empty() {
            return Ok(());
        }
        while self.storing.len() >= AT_ONCE {
            self.finish_oldest().await?;
        }
        let Part {
            places,
            cards,
            uids: targets,
            others,
            ..
        } = std::mem::take(&mut self.part);
        let Settings {
            on_conflict,
            region,
            validate_only,
            ..
        } = self.settings;
        let (tools, owner, writer) = (Arc::clone(&self.tools), self.owner, self.writer);
        let uids = cards.iter().map(|card| card.uid.clone()).collect();
        // Ends with this import.
        let mut outcomes = JoinSet::new();
        outcomes.spawn(Trace::current().run(async move {
            let book = tools.book(owner, writer);
            book.import(cards, on_conflict, region, validate_only).await
        }));
        self.storing.push_back(Storing {
            places,
            uids,
            targets,
            others,
            rows: self.rows,
            outcomes,
        });
        Ok(())
    }

    /// Waits until all parts are stored.
    async fn finish_all(&mut self) -> Result<()> {
        while !self.storing.is_empty() {
            self.finish_oldest().await?;
        }
        Ok(())
    }

    /// Waits until the oldest part is stored, and reports what became of it. Can be
    /// cancelled.
    async fn finish_oldest(&mut self) -> Result<()> {
        let Some(oldest) = self.storing.front_mut() else {
            return Ok(());
        };
        let outcomes = oldest.outcomes.join_next().await;
        let Some(storing) = self.storing.pop_front() else {
            return Ok(());
        };
        self.rows_done = storing.rows;
        let outcomes = match outcomes {
            Some(Ok(outcomes)) => outcomes?,
            // It has panicked.
            _ => return Err(sqlx::Error::WorkerCrashed.into()),
        };
        let (mut rows, mut full) = (storing.others, None);
        for ((place, uid), outcome) in storing.places.into_iter().zip(storing.uids).zip(outcomes) {
            if let (Some(uid), Some(id)) = (uid, outcome.contact()) {
                self.groups.know(&uid, id);
            }
            match outcome {
                Outcome::Failed(error @ Error::QuotaExceeded(_)) => full = full.or(Some(error)),
                outcome => rows.push(Row { place, outcome }),
            }
        }
        rows.sort_by_key(|row| row.place.index);
        for row in rows {
            self.report(row);
        }
        self.events.push(Event::Progress {
            rows: self.rows_done,
            bytes: self.bytes,
        });
        full.map_or(Ok(()), Err)
    }

    /// Counts a card, and reports it if it is not stored as it is in the file.
    fn report(&mut self, row: Row) {
        self.counts.add(&row.outcome);
        let is_as_it_is = !matches!(row.outcome, Outcome::Failed(_) | Outcome::Skipped(_));
        if !is_as_it_is || !row.place.warnings.is_empty() {
            self.events.push(Event::Row(row));
        }
    }

    /// What happened before an error.
    pub async fn so_far(&mut self) -> Vec<Event> {
        while !self.storing.is_empty() {
            // Another error would hide the first one.
            let _ = self.finish_oldest().await;
        }
        std::mem::take(&mut self.events)
    }
}

impl Tools {
    fn book(&self, owner: UserId, writer: UserId) -> Book<'_> {
        let now = self.clock.now();
        Book::new(self.db.clone(), owner, writer, now, self.quota, &self.hub)
    }
}

/// An id for an import that has none: it differs from all others.
#[must_use]
pub fn any_id() -> String {
    Uuid::new_v4().to_string()
}
