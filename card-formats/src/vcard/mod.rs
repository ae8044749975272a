//! vCard 2.1, 3.0 (RFC 2426) and 4.0 (RFC 6350).
//!
//! Lines are unfolded as bytes, because programs fold inside characters, and each property
//! may have its own encoding. Every property is parsed by the same rules, whichever version
//! its card is of: programs mix them.

pub(crate) mod date;
mod labels;
pub(crate) mod property;
pub(crate) mod read;
mod split;
pub(crate) mod text;
mod write;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::Encoding;

use crate::card::{Card, Entry, Parsed, Problem, Warning};
use crate::format::FormatError;
use crate::limits;
use crate::lines::Lines;
use property::Property;
use read::Build;
use split::{Found, RawCard, Splitter};

pub(crate) use write::write;

/// The version of a vCard that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VCardVersion {
    /// RFC 2426, which every program reads.
    V3,
    /// RFC 6350.
    V4,
}

pub(crate) struct Reader {
    lines: Lines,
    splitter: Splitter,
    /// Of the whole file, because one card has too little text to recognize an encoding by.
    detector: EncodingDetector,
    index: u64,
    has_cards: bool,
    has_strays: bool,
    is_finished: bool,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            lines: Lines::new(limits::CARD_BYTES),
            splitter: Splitter::default(),
            detector: EncodingDetector::new(Iso2022JpDetection::Deny),
            index: 0,
            has_cards: false,
            has_strays: false,
            is_finished: false,
        }
    }
}

impl Reader {
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        self.lines.buffer()
    }

    pub(crate) fn finish(&mut self) {
        self.lines.finish();
        self.is_finished = true;
    }

    pub(crate) fn next(&mut self) -> Result<Option<Card>, FormatError> {
        while let Some(line) = self.lines.next() {
            match self.splitter.take(&line) {
                Found::Nothing => {}
                Found::Card(card) => return Ok(Some(self.card(&card))),
                // Before the first card it may be another format.
                Found::Stray { .. } if !self.has_cards => self.has_strays = true,
                Found::Stray { line, offset } => return Ok(Some(self.stray(line, offset))),
            }
        }
        if !self.is_finished {
            return Ok(None);
        }
        if let Some(card) = self.splitter.cut() {
            return Ok(Some(self.card(&card)));
        }
        if self.has_strays && !self.has_cards {
            return Err(FormatError::Unknown("a vCard file"));
        }
        Ok(None)
    }

    fn stray(&mut self, line: u64, byte_offset: u64) -> Card {
        let index = self.index;
        self.index += 1;
        Card {
            index,
            line,
            byte_offset,
            excerpt: String::new(),
            outcome: Err(Problem::Malformed("the text is outside of a card".into())),
            warnings: Vec::new(),
        }
    }

    fn card(&mut self, raw: &RawCard) -> Card {
        self.has_cards = true;
        let index = self.index;
        self.index += 1;
        let mut warnings = Vec::new();
        let mut warn = |property: &str, text: String| {
            let property = property.to_owned();
            warnings.push(Warning { property, text });
        };
        let guess = self.guess(&raw.properties);
        if let Some(guess) = guess {
            warn(
                "",
                format!("it is not in UTF-8, and was read as {}", guess.name()),
            );
        }
        if raw.lacks_end {
            warn("END", "is missing".into());
        }
        if raw.has_stray_lines {
            warn(
                "",
                "lines that are not properties were appended to the one before".into(),
            );
        }
        let guess = guess.unwrap_or(encoding_rs::WINDOWS_1252);
        let mut properties = Vec::with_capacity(raw.properties.len());
        for line in &raw.properties {
            match Property::parse(line, guess) {
                Some(property) => properties.push(property),
                None => warn(
                    "",
                    format!("{:?} was dropped: it is not a property", shown(line, guess)),
                ),
            }
        }
        warnings.truncate(limits::WARNINGS);
        let outcome = match &raw.problem {
            Some(problem) => Err(problem.clone()),
            None => entry(&properties, &mut warnings),
        };
        Card {
            index,
            line: raw.line,
            byte_offset: raw.offset,
            excerpt: excerpt(&properties),
            outcome,
            warnings,
        }
    }

    /// The encoding of texts that do not say theirs, if there are any that are not UTF-8.
    fn guess(&mut self, lines: &[Vec<u8>]) -> Option<&'static Encoding> {
        let mut is_foreign = false;
        for line in lines.iter().filter(|line| str::from_utf8(line).is_err()) {
            let head = line.split(|byte| *byte == b':').next().unwrap_or_default();
            let head = head.to_ascii_uppercase();
            if !head.windows(8).any(|part| part == b"CHARSET=") {
                self.detector.feed(line, false);
                is_foreign = true;
            }
        }
        is_foreign.then(|| self.detector.guess(None, Utf8Detection::Deny))
    }
}

fn entry(properties: &[Property], warnings: &mut Vec<Warning>) -> Result<Entry, Problem> {
    let mut build = Build::of(properties);
    if let Some(group) = build.group() {
        return Ok(Entry::Group(group?));
    }
    let (parsed, own) = build.finish(properties);
    warnings.extend(own);
    if parsed == Parsed::default() {
        return Err(Problem::Empty);
    }
    Ok(Entry::Contact(Box::new(parsed)))
}

fn shown(line: &[u8], guess: &'static Encoding) -> String {
    let start = &line[..line.len().min(limits::EXCERPT)];
    text::one_line(&property::decode(start, guess))
}

/// The beginning of a card, without what all cards have.
fn excerpt(properties: &[Property]) -> String {
    let mut excerpt = String::new();
    for property in properties {
        if matches!(property.name.as_str(), "VERSION" | "PRODID" | "PHOTO") {
            continue;
        }
        if !excerpt.is_empty() {
            excerpt.push_str(" | ");
        }
        excerpt.extend(
            property
                .raw
                .chars()
                .filter(|c| !c.is_control())
                .take(limits::EXCERPT),
        );
        if text::cut(&mut excerpt, limits::EXCERPT) {
            break;
        }
    }
    excerpt
}
