//! Finds the cards in a file of JSON, whether they are in an array, on a line each, or
//! simply follow each other.

use memchr::memchr3;

use crate::card::Problem;
use crate::limits;

/// How deep the values of a card may be nested. Those of RFC 9553 need 6 levels.
const DEPTH: usize = 32;
/// The values of a card: a group has one for each member.
const VALUES: usize = limits::MEMBERS + 10_000;

/// What is wrong with anything else than a card.
const NO_OBJECT: &str = "it is not an object";

/// An object of the file.
pub(super) struct Found {
    /// The number of its first line, from 1.
    pub(super) line: u64,
    /// Where it begins in the file.
    pub(super) offset: u64,
    /// All of it; its beginning if there is a problem.
    pub(super) bytes: Vec<u8>,
    pub(super) problem: Option<Problem>,
}

/// Takes the bytes of a file. It keeps at most what was pushed last and one card.
#[derive(Default)]
pub(super) struct Splitter {
    buffer: Vec<u8>,
    /// Up to here the buffer is understood.
    at: usize,
    /// Where the buffer begins in the file.
    offset: u64,
    /// The line ends so far.
    lines: u64,
    /// Whether the line has had nothing but spaces so far.
    is_blank: bool,
    card: Option<Open>,
    /// How many arrays are open outside of cards; one in a good file.
    arrays: usize,
    /// Whether what is outside of cards was reported.
    is_stray: bool,
    is_finished: bool,
}

/// A card whose end is not found yet.
struct Open {
    /// Where it begins in the buffer; if there is a problem, what it begins with.
    start: Result<usize, Vec<u8>>,
    line: u64,
    offset: u64,
    problem: Option<Problem>,
    /// The brackets that are open, the first ones.
    brackets: Vec<u8>,
    /// How many more are open.
    deeper: usize,
    values: usize,
    /// The last byte that is neither a space nor in a string.
    last: u8,
    is_in_string: bool,
    is_escaped: bool,
}

impl Splitter {
    /// The bytes that are kept, to append to them.
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        let count = match &mut self.card {
            Some(Open {
                start: Ok(start), ..
            }) => std::mem::take(start),
            _ => self.at,
        };
        self.buffer.drain(..count);
        self.at -= count;
        self.offset += count as u64;
        &mut self.buffer
    }

    pub(super) fn finish(&mut self) {
        self.is_finished = true;
    }

    /// The next card; `None` if more of the file is needed.
    pub(super) fn next(&mut self) -> Option<Found> {
        while let Some(byte) = self.buffer.get(self.at).copied() {
            let found = match &mut self.card {
                Some(card) if card.is_in_string => {
                    self.skip_string(byte);
                    None
                }
                Some(_) => self.inside(byte),
                None => self.outside(byte),
            };
            if found.is_some() {
                return found;
            }
            if let Some(card) = &mut self.card {
                card.limit(self.at, &self.buffer);
            }
        }
        if !self.is_finished {
            return None;
        }
        if let Some(card) = &mut self.card {
            card.refuse(malformed("the file ends before it does"), &self.buffer);
            return self.close();
        }
        if std::mem::take(&mut self.arrays) > 0 {
            return Some(self.stray("the file ends before its array does: cards may be missing"));
        }
        None
    }

    fn outside(&mut self, byte: u8) -> Option<Found> {
        self.advance(byte);
        match byte {
            b'{' => {
                self.is_stray = false;
                self.open();
                None
            }
            b'[' if self.arrays == 0 || self.is_stray => {
                self.arrays += 1;
                None
            }
            b']' if self.arrays > 0 => {
                self.arrays -= 1;
                None
            }
            // The comma between cards, and the mark of UTF-8 where files were put together.
            b',' | b' ' | b'\t' | b'\r' | b'\n' | 0xef | 0xbb | 0xbf => None,
            _ if self.is_stray => None,
            _ => {
                self.is_stray = true;
                self.arrays += usize::from(byte == b'[');
                Some(self.stray(NO_OBJECT))
            }
        }
    }

    fn inside(&mut self, byte: u8) -> Option<Found> {
        let card = self.card.as_mut()?;
        if byte == b'{' && self.is_blank && !card.expects_object() {
            card.refuse(
                malformed("it is not closed before the next one"),
                &self.buffer,
            );
            return self.close();
        }
        self.advance(byte);
        let card = self.card.as_mut()?;
        match byte {
            b'{' | b'[' => {
                card.deepen(byte);
                card.values += 1;
            }
            b',' => card.values += 1,
            b'"' => card.is_in_string = true,
            b'}' | b']' => {
                if !card.rise(byte) {
                    card.refuse(malformed("its brackets do not match"), &self.buffer);
                }
                if card.brackets.is_empty() {
                    if byte == b']' {
                        // The end of the array: the card has none of its own.
                        self.arrays = self.arrays.saturating_sub(1);
                    }
                    return self.close();
                }
            }
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            card.last = byte;
        }
        None
    }

    /// Skips what is left of a string.
    fn skip_string(&mut self, byte: u8) {
        let Some(card) = &mut self.card else { return };
        if std::mem::take(&mut card.is_escaped) && byte != b'\n' {
            self.at += 1;
            return;
        }
        let rest = &self.buffer[self.at..];
        let Some(end) = memchr3(b'"', b'\\', b'\n', rest) else {
            self.at = self.buffer.len();
            return;
        };
        self.at += end;
        match rest[end] {
            b'"' => card.is_in_string = false,
            b'\\' => card.is_escaped = true,
            _ => {
                // The end of the line, which `inside` counts.
                card.is_in_string = false;
                card.refuse(malformed("it has a text with a line break"), &self.buffer);
                return;
            }
        }
        self.at += 1;
    }

    /// Takes a byte outside of strings.
    fn advance(&mut self, byte: u8) {
        self.at += 1;
        match byte {
            b'\n' => {
                self.lines += 1;
                self.is_blank = true;
            }
            byte => self.is_blank &= byte.is_ascii_whitespace(),
        }
    }

    /// Begins a card with the byte before.
    fn open(&mut self) {
        let start = self.at - 1;
        self.card = Some(Open {
            start: Ok(start),
            line: self.lines + 1,
            offset: self.offset + start as u64,
            problem: None,
            brackets: vec![b'{'],
            deeper: 0,
            values: 0,
            last: b'{',
            is_in_string: false,
            is_escaped: false,
        });
    }

    /// Ends a card with the byte before.
    fn close(&mut self) -> Option<Found> {
        let card = self.card.take()?;
        Some(Found {
            line: card.line,
            offset: card.offset,
            bytes: match card.start {
                Ok(start) => self.buffer[start..self.at].to_vec(),
                Err(beginning) => beginning,
            },
            problem: card.problem,
        })
    }

    /// Something outside of cards, with the byte before.
    fn stray(&self, why: &str) -> Found {
        Found {
            line: self.lines + 1,
            offset: (self.offset + self.at as u64).saturating_sub(1),
            bytes: Vec::new(),
            problem: Some(malformed(why)),
        }
    }
}

impl Open {
    /// Keeps nothing of the card but what is wrong with it, and its beginning.
    fn refuse(&mut self, problem: Problem, buffer: &[u8]) {
        self.problem.get_or_insert(problem);
        if let Ok(start) = self.start {
            let rest = &buffer[start..];
            self.start = Err(rest[..rest.len().min(limits::EXCERPT)].to_vec());
        }
    }

    /// Refuses the card if it is over a limit; it ends at `at` so far.
    fn limit(&mut self, at: usize, buffer: &[u8]) {
        let problem = match self.start {
            Ok(start) if at - start > limits::CARD_BYTES => Problem::TooLarge,
            Ok(_) if self.deeper > 0 => Problem::TooDeep,
            Ok(_) if self.values > VALUES => Problem::TooManyProperties,
            _ => return,
        };
        self.refuse(problem, buffer);
    }

    /// Takes an opening bracket.
    fn deepen(&mut self, bracket: u8) {
        if self.brackets.len() < DEPTH {
            self.brackets.push(bracket);
        } else {
            self.deeper += 1;
        }
    }

    /// Takes a closing bracket. Returns whether it is that of the last opening one.
    fn rise(&mut self, bracket: u8) -> bool {
        if self.deeper > 0 {
            self.deeper -= 1;
            return true;
        }
        let opening = if bracket == b'}' { b'{' } else { b'[' };
        self.brackets.pop() == Some(opening)
    }

    /// Whether an object may begin here. Too deep in a card it may be the next one.
    fn expects_object(&self) -> bool {
        match self.brackets.last() {
            _ if self.deeper > 0 => false,
            Some(b'[') => matches!(self.last, b'[' | b','),
            _ => self.last == b':',
        }
    }
}

fn malformed(why: &str) -> Problem {
    Problem::Malformed(why.to_owned())
}
