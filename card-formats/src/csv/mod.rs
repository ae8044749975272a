//! Tables of contacts: those of Google, of Outlook, and others with a map of their columns.
//!
//! A column that is not known becomes a custom field of its name. A table holds neither
//! photos nor raw properties.

mod build;
mod columns;
mod dates;
mod field;
mod items;
mod names;
mod rows;
mod write;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::Encoding;

use crate::card::{Card, Entry, Parsed, Problem, Warning};
use crate::format::{Column, Format, FormatError};
use crate::limits;
use crate::vcard::text::one_line;
use columns::Slot;
use rows::{Bad, Row, Rows};

pub(crate) use write::{Table, contact, header};

/// How many bytes of a file show its separator and its encoding.
const START: usize = 8 * 1024;

/// Whether a column of a table can be this field: a path such as `emails[0].address`.
#[must_use]
pub fn is_column_field(path: &str) -> bool {
    field::of_path(path).is_some()
}

/// Whose table it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Google,
    Outlook,
    Mapped(Vec<Column>),
}

pub(crate) struct Reader {
    kind: Kind,
    rows: Rows,
    /// Of the whole file, because one row has too little text to recognize an encoding by.
    detector: EncodingDetector,
    slots: Option<Vec<Slot>>,
    index: u64,
    is_resumed: bool,
    failed: Option<FormatError>,
}

impl Reader {
    /// A reader of a file that begins with these bytes.
    pub(crate) fn new(kind: Kind, start: &[u8]) -> Self {
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
        detector.feed(&start[..start.len().min(START)], false);
        let mut rows = Rows::new(separator(start));
        rows.buffer().extend_from_slice(start);
        Self {
            kind,
            rows,
            detector,
            slots: None,
            index: 0,
            is_resumed: false,
            failed: None,
        }
    }

    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        self.rows.buffer()
    }

    pub(crate) fn finish(&mut self) {
        self.rows.finish();
    }

    pub(crate) fn next(&mut self) -> Result<Option<Card>, FormatError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        while let Some(row) = self.rows.next() {
            match self.row(row) {
                Ok(Some(card)) => return Ok(Some(card)),
                Ok(None) => {}
                Err(error) => {
                    self.failed = Some(error);
                    return Err(error);
                }
            }
        }
        Ok(None)
    }

    fn row(&mut self, row: Row) -> Result<Option<Card>, FormatError> {
        let Some(slots) = self.slots.take() else {
            let names = self.names(row)?;
            if !is_mark(&names) {
                self.rows.expect(names.len());
                self.slots = Some(columns::slots(&self.kind, &names)?);
            }
            return Ok(None);
        };
        let card = self.card(row, &slots);
        self.slots = Some(slots);
        Ok(card)
    }

    /// The names of the columns.
    fn names(&mut self, row: Row) -> Result<Vec<String>, FormatError> {
        let fields = row.fields.map_err(|bad| match bad {
            Bad::TooLarge => FormatError::Unknown("a table: its first row has more than 1 MiB"),
            Bad::TooManyColumns => FormatError::Unknown("a table of at most 1,000 columns"),
            Bad::OpenQuote => FormatError::Unknown("a table: its first row has an open quote"),
        })?;
        let (names, _) = self.decode(&fields);
        Ok(names)
    }

    /// The card of a row; `None` if the row is empty.
    fn card(&mut self, row: Row, slots: &[Slot]) -> Option<Card> {
        let mut warnings = Vec::new();
        let mut warn = |text: String| {
            let property = String::new();
            warnings.push(Warning { property, text });
        };
        self.is_resumed |= row.is_resumed;
        let outcome = match row.fields {
            Err(bad) => Err(problem(bad)),
            Ok(fields) if self.is_resumed && fields.len() < slots.len() => Err(Problem::Malformed(
                "it is the rest of a row that cannot be read".into(),
            )),
            Ok(fields) => {
                self.is_resumed = false;
                let (cells, guess) = self.decode(&fields);
                if cells.iter().all(|cell| one_line(cell).is_empty()) {
                    return None;
                }
                if let Some(guess) = guess {
                    let name = guess.name();
                    warn(format!("it is not in UTF-8, and was read as {name}"));
                }
                if row.is_open {
                    warn("its last quote is not closed".into());
                }
                let (contact, more) = build::contact(slots, &cells);
                warnings.extend(more);
                warnings.truncate(limits::WARNINGS);
                contact.map(|contact| {
                    let photo = None;
                    Entry::Contact(Box::new(Parsed { contact, photo }))
                })
            }
        };
        let index = self.index;
        self.index += 1;
        let excerpt = String::from_utf8_lossy(&row.excerpt);
        Some(Card {
            index,
            line: row.line,
            byte_offset: row.offset,
            excerpt: excerpt.replace(char::is_control, " "),
            outcome,
            warnings,
        })
    }

    /// The texts of a row, and their encoding if it is not UTF-8.
    fn decode(&mut self, fields: &[Vec<u8>]) -> (Vec<String>, Option<&'static Encoding>) {
        let mut is_foreign = false;
        for field in fields {
            if std::str::from_utf8(field).is_err() {
                self.detector.feed(field, false);
                is_foreign = true;
            }
        }
        let guess = is_foreign.then(|| self.detector.guess(None, Utf8Detection::Deny));
        let texts = fields
            .iter()
            .map(|field| match (guess, std::str::from_utf8(field)) {
                (_, Ok(text)) => text.to_owned(),
                (Some(guess), Err(_)) => guess.decode_without_bom_handling(field).0.into_owned(),
                (None, Err(_)) => String::from_utf8_lossy(field).into_owned(),
            });
        (texts.collect(), guess)
    }
}

fn problem(bad: Bad) -> Problem {
    match bad {
        Bad::TooLarge => Problem::Malformed("it has more than 1 MiB".into()),
        Bad::TooManyColumns => Problem::Malformed("it has more than 1,000 columns".into()),
        Bad::OpenQuote => Problem::Malformed("a quote is not closed".into()),
    }
}

/// Whether the row only names the separator, which Excel writes before the header.
fn is_mark(names: &[String]) -> bool {
    let after = names
        .first()
        .and_then(|name| name.to_ascii_lowercase().strip_prefix("sep=").map(str::len));
    after.is_some_and(|len| len <= 1) && names.len() <= 2
}

/// What the beginning of a file is a table of, if it is one.
pub(crate) fn recognize(start: &[u8]) -> Option<Format> {
    let mut reader = Reader::new(Kind::Outlook, start);
    reader.finish();
    for _ in 0..2 {
        let row = reader.rows.next()?;
        let names = reader.names(row).ok()?;
        if !is_mark(&names) {
            return columns::recognize(&names).map(|kind| match kind {
                Kind::Google => Format::GoogleCsv,
                Kind::Outlook => Format::OutlookCsv,
                Kind::Mapped(columns) => Format::MappedCsv(columns),
            });
        }
    }
    None
}

/// The separator of which the first row has the most.
fn separator(start: &[u8]) -> u8 {
    const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];
    let text = start.trim_ascii_start();
    if let Some(mark) = text.get(..5)
        && mark[..4].eq_ignore_ascii_case(b"sep=")
        && (SEPARATORS.contains(&mark[4]) || mark[4] == b'|')
    {
        return mark[4];
    }
    let mut counts = [0_usize; 3];
    let mut is_quoted = false;
    for byte in &text[..text.len().min(START)] {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\r' | b'\n' if !is_quoted => break,
            _ if is_quoted => {}
            byte => {
                if let Some(at) = SEPARATORS.iter().position(|is| is == byte) {
                    counts[at] += 1;
                }
            }
        }
    }
    let most = (0..3).rev().max_by_key(|at| counts[*at]).unwrap_or(0);
    SEPARATORS[most]
}
