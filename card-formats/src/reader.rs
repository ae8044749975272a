//! Reads a file of any format.

use crate::card::Card;
use crate::csv;
use crate::encoding::Transcoder;
use crate::format::{Format, FormatError, Options};
use crate::jscontact;
use crate::json_lines;
use crate::sniff;
use crate::vcard;

/// Reads the cards of a file that arrives piece by piece.
///
/// Call [`push`](Self::push) with the next piece, then [`next`](Self::next) until it returns
/// `None`; after the last piece call [`finish`](Self::finish), and `next` again. The reader
/// keeps what was pushed until `next` has read it.
pub struct Reader {
    transcoder: Transcoder,
    state: State,
}

enum State {
    /// The beginning of the file, as long as it does not show the format.
    Start(Format, Vec<u8>),
    Reading(Kind),
    Failed(FormatError),
}

/// The reader of a format. To add one: a variant, and an arm in each match.
enum Kind {
    VCard(Box<vcard::Reader>),
    JsContact(jscontact::Reader),
    JsonLines(json_lines::Reader),
    Csv(Box<csv::Reader>),
}

impl Reader {
    /// A reader of a file of this format.
    #[must_use]
    pub fn new(format: Format, options: &Options) -> Self {
        let Options {} = options;
        Self {
            transcoder: Transcoder::default(),
            state: State::Start(format, Vec::new()),
        }
    }

    /// Appends the next bytes of the file.
    pub fn push(&mut self, bytes: &[u8]) {
        self.take(bytes, false);
    }

    /// Marks the end of the file. Nothing can be pushed after it.
    pub fn finish(&mut self) {
        self.take(&[], true);
        if let State::Reading(kind) = &mut self.state {
            match kind {
                Kind::VCard(reader) => reader.finish(),
                Kind::JsContact(reader) => reader.finish(),
                Kind::JsonLines(reader) => reader.finish(),
                Kind::Csv(reader) => reader.finish(),
            }
        }
    }

    /// The next card; `None` if more of the file is needed, or it has ended. An error ends
    /// the file.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator that returned None would be at its end"
    )]
    pub fn next(&mut self) -> Result<Option<Card>, FormatError> {
        let card = match &mut self.state {
            State::Start(..) => None,
            State::Failed(error) => return Err(*error),
            State::Reading(Kind::VCard(reader)) => reader.next()?,
            State::Reading(Kind::JsContact(reader)) => reader.next(),
            State::Reading(Kind::JsonLines(reader)) => reader.next(),
            State::Reading(Kind::Csv(reader)) => reader.next()?,
        };
        let removed = self.transcoder.removed();
        Ok(card.map(|card| Card {
            byte_offset: card.byte_offset + removed,
            ..card
        }))
    }

    /// The name of the property with a card's photo, for a [`Warning`](crate::Warning).
    #[must_use]
    pub fn photo_property(&self) -> &'static str {
        match &self.state {
            State::Reading(Kind::JsContact(_)) => "media",
            State::Reading(Kind::JsonLines(_)) => json_lines::PHOTO_DATA,
            _ => "PHOTO",
        }
    }

    fn take(&mut self, bytes: &[u8], last: bool) {
        match &mut self.state {
            State::Failed(_) => {}
            State::Reading(kind) => {
                let out = match kind {
                    Kind::VCard(reader) => reader.buffer(),
                    Kind::JsContact(reader) => reader.buffer(),
                    Kind::JsonLines(reader) => reader.buffer(),
                    Kind::Csv(reader) => reader.buffer(),
                };
                self.transcoder.push(bytes, last, out);
            }
            State::Start(format, start) => {
                self.transcoder.push(bytes, last, start);
                if start.len() >= sniff::ENOUGH || last {
                    self.state = match begin(format, start) {
                        Ok(kind) => State::Reading(kind),
                        Err(error) => State::Failed(error),
                    };
                }
            }
        }
    }
}

/// The reader of the format that the beginning of the file shows.
fn begin(format: &Format, start: &[u8]) -> Result<Kind, FormatError> {
    sniff::refuse_archives(start)?;
    let format = match format {
        Format::Auto => sniff::format(start)?,
        named => named.clone(),
    };
    match format {
        Format::Auto | Format::VCard => {
            let mut reader = Box::<vcard::Reader>::default();
            reader.buffer().extend_from_slice(start);
            Ok(Kind::VCard(reader))
        }
        Format::JsonLines => {
            let mut reader = json_lines::Reader::default();
            reader.buffer().extend_from_slice(start);
            Ok(Kind::JsonLines(reader))
        }
        Format::GoogleCsv => Ok(table(csv::Kind::Google, start)),
        Format::OutlookCsv => Ok(table(csv::Kind::Outlook, start)),
        Format::MappedCsv(columns) => Ok(table(csv::Kind::Mapped(columns), start)),
        Format::JsContact if !jscontact::may_begin_with(start) => {
            Err(FormatError::Unknown("JSContact"))
        }
        Format::JsContact => {
            let mut reader = jscontact::Reader::default();
            reader.buffer().extend_from_slice(start);
            Ok(Kind::JsContact(reader))
        }
    }
}

fn table(kind: csv::Kind, start: &[u8]) -> Kind {
    Kind::Csv(Box::new(csv::Reader::new(kind, start)))
}
