//! One import.

use std::collections::HashSet;
use std::sync::Arc;

use card_formats::{Entry, Format, Options, Parsed, Reader, Warning};
use chassis::clock::Clock;
use chassis::database::pool::Pool;
use chassis::sha256::sha256;
use chassis::user_id::UserId;
use prost::Message;
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use uuid::Uuid;

use super::error::ImportError;
use super::groups::Groups;
use super::{Counts, Event, Outcome, Place, Row};
use crate::book::Book;
use crate::book::import::{Card, OnConflict};
use crate::contact::body::{clear_parsed, parse_uid};
use crate::contact::phone::DefaultRegion;
use crate::contact::photo::Photo;
use crate::error::{Error, Result};
use crate::model::quota::Quota;
use crate::photo::check;
use crate::slots::Slot;
use crate::watch::hub::Hub;

/// The most contacts that are stored at a time, and their bytes.
const PART: usize = 500;
const PART_BYTES: usize = 1024 * 1024;

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

/// An import in progress.
pub struct Session {
    tools: Tools,
    owner: UserId,
    writer: UserId,
    settings: Settings,
    reader: Reader,
    groups: Groups,
    /// The cards of the next part.
    part: Vec<(Place, Card)>,
    part_bytes: usize,
    part_uids: HashSet<String>,
    counts: Counts,
    rows: u64,
    bytes: u64,
    events: Vec<Event>,
    _slot: Slot,
}

impl Session {
    /// Begins an import into the address book of `owner` by `writer`.
    #[must_use]
    pub fn new(
        tools: Tools,
        (owner, writer): (UserId, UserId),
        settings: Settings,
        slot: Slot,
    ) -> Self {
        Self {
            tools,
            owner,
            writer,
            reader: Reader::new(settings.format.clone(), &Options::default()),
            settings,
            groups: Groups::default(),
            part: Vec::new(),
            part_bytes: 0,
            part_uids: HashSet::new(),
            counts: Counts::default(),
            rows: 0,
            bytes: 0,
            events: Vec::new(),
            _slot: slot,
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

    /// Stores the next part of what was pushed; `None` if more of the file is needed.
    pub async fn step(&mut self) -> Result<Option<Vec<Event>>> {
        while self.part.len() < PART && self.part_bytes < PART_BYTES && self.events.len() < PART {
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
                        self.report(place, Outcome::Failed(ImportError::from(problem).into()));
                    }
                }
                Err(problem) => self.report(place, Outcome::Failed(problem.into())),
            }
            yield_now().await;
        }
        self.store().await?;
        Ok(Some(self.take_events()))
    }

    /// Stores the last part, and gives labels to the members of groups.
    pub async fn end(&mut self) -> Result<Vec<Event>> {
        self.store().await?;
        for group in self.groups.take() {
            let members = self.groups.members(&group);
            let outcome = if self.settings.validate_only {
                Ok(Outcome::Updated(None))
            } else {
                self.book().give_label(&group.name, &members).await
            };
            self.report(group.place, outcome.unwrap_or_else(Outcome::Failed));
        }
        let mut events = self.take_events();
        events.push(Event::Summary(self.counts));
        Ok(events)
    }

    fn take_events(&mut self) -> Vec<Event> {
        let mut events = std::mem::take(&mut self.events);
        events.push(Event::Progress {
            rows: self.rows,
            bytes: self.bytes,
        });
        events
    }

    fn book(&self) -> Book<'_> {
        let Tools {
            db,
            hub,
            clock,
            quota,
            ..
        } = &self.tools;
        let (db, now) = (db.clone(), clock.now());
        Book::new(db, self.owner, self.writer, now, *quota, hub)
    }

    /// Adds a card to the next part, which is stored first if it has a card with this uid.
    async fn add(&mut self, mut place: Place, parsed: Parsed) -> Result<()> {
        let Parsed { mut contact, photo } = parsed;
        if contact.delete_time.is_some() {
            self.report(place, Outcome::Failed(ImportError::Deleted.into()));
            return Ok(());
        }
        let uid = match parse_uid("contact.uid", &contact.uid) {
            Ok(uid) => uid,
            Err(error) => {
                self.report(place, Outcome::Failed(error));
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
        if !self.part_uids.insert(uid.clone()) {
            self.store().await?;
            self.part_uids.insert(uid);
        }
        self.part_bytes += card.contact.encoded_len();
        self.part_bytes += card.photo.as_ref().map_or(0, |photo| photo.bytes.len());
        self.part.push((place, card));
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

    /// Stores the cards of a part.
    async fn store(&mut self) -> Result<()> {
        self.part_uids.clear();
        self.part_bytes = 0;
        let (places, cards): (Vec<Place>, Vec<Card>) =
            std::mem::take(&mut self.part).into_iter().unzip();
        if cards.is_empty() {
            return Ok(());
        }
        let uids: Vec<Option<String>> = cards.iter().map(|card| card.uid.clone()).collect();
        let Settings {
            on_conflict,
            region,
            validate_only,
            ..
        } = self.settings;
        let outcomes = self
            .book()
            .import(cards, on_conflict, region, validate_only)
            .await?;
        let mut full = None;
        for ((place, uid), outcome) in places.into_iter().zip(uids).zip(outcomes) {
            if let (Some(uid), Some(id)) = (uid, outcome.contact()) {
                self.groups.know(&uid, id);
            }
            match outcome {
                Outcome::Failed(error @ Error::QuotaExceeded(_)) => full = full.or(Some(error)),
                outcome => self.report(place, outcome),
            }
        }
        full.map_or(Ok(()), Err)
    }

    /// Counts a card, and reports it if it is not stored as it is in the file.
    fn report(&mut self, place: Place, outcome: Outcome) {
        self.counts.add(&outcome);
        let is_as_it_is = !matches!(outcome, Outcome::Failed(_) | Outcome::Skipped(_));
        if !is_as_it_is || !place.warnings.is_empty() {
            self.events.push(Event::Row(Row { place, outcome }));
        }
    }

    /// What happened before an error.
    pub fn so_far(&mut self) -> Vec<Event> {
        self.take_events()
    }
}

/// An id for an import that has none: it differs from all others.
#[must_use]
pub fn any_id() -> String {
    Uuid::new_v4().to_string()
}
