//! JSContact (RFC 9553).
//!
//! A file is an array of cards, or cards that follow each other, as on a line each. The
//! writer writes an array with a card on each line.
//!
//! A property of a card that is not as the writer would write it is kept in
//! `raw_properties`, as the property JSPROP of RFC 9555. The writer returns its parts as they
//! were, as long as they say what the contact says. Raw properties of vCards are in
//! `vCardProps`, as RFC 9555 has it. Our own members have the prefix `addressbook.dev:`.

mod address;
mod dates;
mod kept;
mod labels;
mod list;
mod name;
mod people;
mod reach;
mod read;
mod split;
mod vcard_props;
mod write;

use crate::card::{Card, Problem};
use crate::json::Json;
use crate::limits;
use split::{Found, Splitter};

pub(crate) use write::write;

/// Whether a file that begins with these bytes can be one.
pub(crate) fn may_begin_with(start: &[u8]) -> bool {
    let mut tokens = start.iter().filter(|byte| !byte.is_ascii_whitespace());
    match tokens.next() {
        Some(b'[') => matches!(tokens.next(), None | Some(b'{' | b']')),
        first => matches!(first, None | Some(b'{')),
    }
}

#[derive(Default)]
pub(crate) struct Reader {
    splitter: Splitter,
    index: u64,
}

impl Reader {
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        self.splitter.buffer()
    }

    pub(crate) fn finish(&mut self) {
        self.splitter.finish();
    }

    pub(crate) fn next(&mut self) -> Option<Card> {
        let found = self.splitter.next()?;
        let mut warnings = Vec::new();
        let outcome = match &found.problem {
            Some(problem) => Err(problem.clone()),
            None => parse(&found).and_then(|card| read::entry(card, &mut warnings)),
        };
        let index = self.index;
        self.index += 1;
        Some(Card {
            index,
            line: found.line,
            byte_offset: found.offset,
            excerpt: excerpt(&found.bytes),
            outcome,
            warnings,
        })
    }
}

fn parse(found: &Found) -> Result<Json, Problem> {
    serde_json::from_slice(&found.bytes).map_err(|error| Problem::Malformed(error.to_string()))
}

/// The beginning of a card on one line, without what all cards begin with.
fn excerpt(card: &[u8]) -> String {
    let start = &card[..card.len().min(limits::EXCERPT)];
    let text = String::from_utf8_lossy(start);
    let lines = text.split_whitespace().collect::<Vec<_>>().join(" ");
    lines.replace(char::is_control, "")
}
