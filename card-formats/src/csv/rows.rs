//! The rows of a table, whatever their lines end with.

use csv_core::{ReadRecordResult, ReaderBuilder};
use memchr::{memchr_iter, memchr2, memchr2_iter};

use crate::limits;

/// How often a file is read again from the line after a quote that is never closed, before
/// rows of several lines may have few bytes only. Each time needs as long as a row of the
/// most bytes.
const RETRIES: u32 = 64;
/// The bytes of a row of several lines, after so many such quotes.
const SHORT_ROW_BYTES: usize = 4 * 1024;

/// Collects the bytes of a file, and returns them as rows. It keeps at most what was pushed
/// last and one row.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is about another of the file, the row and the line"
)]
pub(super) struct Rows {
    parser: csv_core::Reader,
    separator: u8,
    /// How many columns the first row has; 0 before it.
    columns: usize,
    buffer: Vec<u8>,
    /// Where the row begins in the buffer.
    start: usize,
    /// How much of the row is parsed.
    parsed: usize,
    /// Where the row begins in the file.
    offset: u64,
    line: u64,
    is_after_cr: bool,
    text: Vec<u8>,
    text_len: usize,
    ends: Vec<usize>,
    ends_len: usize,
    has_too_many: bool,
    /// The row was returned as too large, and the rest of it means nothing.
    is_skipping: bool,
    /// The row before was cut at the end of its first line.
    is_resumed: bool,
    retries: u32,
    is_finished: bool,
}

/// One row.
pub(super) struct Row {
    /// What is between the separators, without the quotes.
    pub(super) fields: Result<Vec<Vec<u8>>, Bad>,
    /// The beginning of the row as it is in the file.
    pub(super) excerpt: Vec<u8>,
    /// The number of its first line, from 1.
    pub(super) line: u64,
    /// Where it begins in the file.
    pub(super) offset: u64,
    /// It may be the rest of a row that cannot be read.
    pub(super) is_resumed: bool,
    /// Its last quote is not closed.
    pub(super) is_open: bool,
}

/// Why a row cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bad {
    TooLarge,
    TooManyColumns,
    OpenQuote,
}

impl Rows {
    pub(super) fn new(separator: u8) -> Self {
        Self {
            parser: ReaderBuilder::new().delimiter(separator).build(),
            separator,
            columns: 0,
            buffer: Vec::new(),
            start: 0,
            parsed: 0,
            offset: 0,
            line: 1,
            is_after_cr: false,
            text: vec![0; 1024],
            text_len: 0,
            ends: vec![0; 64],
            ends_len: 0,
            has_too_many: false,
            is_skipping: false,
            is_resumed: false,
            retries: RETRIES,
            is_finished: false,
        }
    }

    /// The bytes that are kept, to append to them.
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        self.buffer.drain(..self.start);
        self.start = 0;
        &mut self.buffer
    }

    pub(super) fn finish(&mut self) {
        self.is_finished = true;
    }

    /// Sets how many columns a row should have.
    pub(super) fn expect(&mut self, columns: usize) {
        self.columns = columns;
    }

    /// The next row; `None` if more of the file is needed. Empty lines are not rows.
    pub(super) fn next(&mut self) -> Option<Row> {
        loop {
            if self.parsed == 0 && !self.is_skipping {
                while matches!(self.buffer.get(self.start), Some(b'\r' | b'\n')) {
                    self.advance(1);
                }
            }
            if self.start + self.parsed < self.buffer.len() {
                let from = self.start + self.parsed;
                let (result, read) = self.parse(from);
                self.parsed += read;
                let has_ended = matches!(result, ReadRecordResult::Record);
                if self.is_skipping {
                    self.is_skipping = !has_ended;
                    self.forget();
                } else if self.parsed > limits::ROW_BYTES {
                    return Some(self.too_large(has_ended));
                } else if has_ended {
                    let several = self.are_several().then(|| self.cut(Bad::OpenQuote));
                    return several.flatten().or_else(|| Some(self.take(false)));
                } else if self.retries == 0
                    && self.parsed > SHORT_ROW_BYTES
                    && let Some(row) = self.cut(Bad::OpenQuote)
                {
                    return Some(row);
                }
                continue;
            }
            if !self.is_finished {
                return None;
            }
            if self.is_skipping || self.parsed == 0 {
                self.is_skipping = false;
                return None;
            }
            return Some(self.last());
        }
    }

    /// Parses on, as far as a row may go; if there is not enough room for the result, makes
    /// more.
    fn parse(&mut self, from: usize) -> (ReadRecordResult, usize) {
        let most = if self.retries == 0 {
            SHORT_ROW_BYTES
        } else {
            limits::ROW_BYTES
        };
        let to = self.buffer.len().min(from + most + 1);
        let (result, read, written, ends) = self.parser.read_record(
            &self.buffer[from..to],
            &mut self.text[self.text_len..],
            &mut self.ends[self.ends_len..],
        );
        self.room(&result, written, ends);
        (result, read)
    }

    fn room(&mut self, result: &ReadRecordResult, written: usize, ends: usize) {
        self.text_len += written;
        self.ends_len += ends;
        match result {
            ReadRecordResult::OutputFull if self.is_skipping => self.text_len = 0,
            ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
            ReadRecordResult::OutputEndsFull if self.ends.len() > limits::COLUMNS => {
                self.has_too_many = true;
                self.ends_len = 0;
            }
            ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
            _ => {}
        }
    }

    /// The row that ends the file without an end of its line.
    fn last(&mut self) -> Row {
        // In a quoted field, the end of a line does not end the row.
        let mut is_open = true;
        let mut end: &[u8] = b"\n";
        loop {
            let (result, _, written, ends) = self.parser.read_record(
                end,
                &mut self.text[self.text_len..],
                &mut self.ends[self.ends_len..],
            );
            self.room(&result, written, ends);
            match result {
                ReadRecordResult::Record => {
                    is_open &= end.is_empty();
                    break;
                }
                ReadRecordResult::InputEmpty => end = b"",
                ReadRecordResult::End => break,
                _ => {}
            }
        }
        if is_open && let Some(row) = self.cut(Bad::OpenQuote) {
            return row;
        }
        self.take(is_open)
    }

    /// The row that was parsed.
    fn take(&mut self, is_open: bool) -> Row {
        let fields = if self.has_too_many || self.ends_len > limits::COLUMNS {
            Err(Bad::TooManyColumns)
        } else {
            let mut from = 0;
            let fields = self.ends[..self.ends_len].iter().map(|end| {
                let field = self.text[from..*end].to_vec();
                from = *end;
                field
            });
            Ok(fields.collect())
        };
        let row = Row {
            is_open,
            ..self.row(self.parsed, fields)
        };
        self.is_resumed = false;
        self.forget();
        row
    }

    /// Whether what was parsed as a row is more than one: the quote that opens in its first
    /// line is closed by a stray one in another line, so text follows it, and between them is
    /// a whole row.
    fn are_several(&self) -> bool {
        let row = &self.buffer[self.start..self.start + self.parsed];
        let mut lines = row.split(|byte| b"\r\n".contains(byte));
        let second = lines.by_ref().skip(1).find(|line| !line.is_empty());
        let columns = second.map(|line| 1 + memchr_iter(self.separator, line).count());
        columns == Some(self.columns) && has_text_after_quote(row, self.separator)
    }

    fn row(&self, len: usize, fields: Result<Vec<Vec<u8>>, Bad>) -> Row {
        let row = &self.buffer[self.start..self.start + len];
        Row {
            fields,
            excerpt: row[..row.len().min(limits::EXCERPT)].to_vec(),
            line: self.line,
            offset: self.offset,
            is_resumed: self.is_resumed,
            is_open: false,
        }
    }

    /// Refuses the row, and skips what follows of it.
    fn too_large(&mut self, has_ended: bool) -> Row {
        if let Some(row) = self.cut(Bad::TooLarge) {
            return row;
        }
        let row = self.row(self.parsed, Err(Bad::TooLarge));
        self.is_skipping = !has_ended;
        self.forget();
        row
    }

    /// Refuses the first line of the row, and reads on after it, because a quote that is
    /// never closed would cost the rest of the file.
    fn cut(&mut self, bad: Bad) -> Option<Row> {
        let row = &self.buffer[self.start..self.start + self.parsed.min(limits::ROW_BYTES)];
        let end = memchr2(b'\r', b'\n', row)?;
        self.retries = self.retries.saturating_sub(1);
        let row = self.row(end, Err(bad));
        self.advance(end);
        self.forget_parsed();
        self.parser.reset();
        // Its first bytes would be searched for the mark of UTF-8.
        let _ = self
            .parser
            .read_record(b"\n", &mut self.text, &mut self.ends);
        self.is_resumed = true;
        Some(row)
    }

    /// Forgets what was parsed.
    fn forget(&mut self) {
        self.advance(self.parsed);
        self.forget_parsed();
    }

    fn forget_parsed(&mut self) {
        self.parsed = 0;
        if !self.is_skipping {
            self.text_len = 0;
            self.ends_len = 0;
            self.has_too_many = false;
        }
    }

    fn advance(&mut self, count: usize) {
        let bytes = &self.buffer[self.start..self.start + count];
        for at in memchr2_iter(b'\r', b'\n', bytes) {
            let is_after_cr = match at.checked_sub(1) {
                Some(before) => bytes[before] == b'\r',
                None => self.is_after_cr,
            };
            self.line += u64::from(bytes[at] == b'\r' || !is_after_cr);
        }
        if let Some(last) = bytes.last() {
            self.is_after_cr = *last == b'\r';
        }
        self.start += count;
        self.offset += count as u64;
    }
}

/// Whether text follows a quote that closes a field.
fn has_text_after_quote(row: &[u8], separator: u8) -> bool {
    let mut bytes = row.iter().copied().peekable();
    let (mut is_start, mut is_quoted) = (true, false);
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' if is_quoted => match bytes.peek() {
                Some(b'"') => drop(bytes.next()),
                Some(next) if ![separator, b'\r', b'\n'].contains(next) => return true,
                _ => is_quoted = false,
            },
            b'"' if is_start => is_quoted = true,
            _ => {}
        }
        is_start = !is_quoted && byte == separator;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes that are kept.
    fn kept(rows: &Rows) -> usize {
        rows.buffer.capacity() + rows.text.capacity() + rows.ends.capacity() * size_of::<usize>()
    }

    #[test]
    fn what_is_kept_does_not_grow_with_the_file() {
        for piece in ["x", "\"\"", "x\n", ",", "\n", "\",\"", "\"\n", "\r"] {
            let mut rows = Rows::new(b',');
            rows.buffer().extend_from_slice(b"a,\"");
            let piece = piece.repeat(1 << 17);
            for _ in 0..12 {
                rows.buffer().extend_from_slice(piece.as_bytes());
                while rows.next().is_some() {}
                assert!(kept(&rows) < 8 * limits::ROW_BYTES, "{piece:.4}");
            }
        }
    }

    #[test]
    fn a_row_knows_its_line_and_where_it_begins() {
        let text = b"a\r\n\r\nb,\"c\r\nd\"\re\n\nf";
        for size in 1..=text.len() {
            let mut rows = Rows::new(b',');
            let mut places = Vec::new();
            for piece in text.chunks(size) {
                rows.buffer().extend_from_slice(piece);
                while let Some(row) = rows.next() {
                    places.push((row.line, row.offset));
                }
            }
            rows.finish();
            while let Some(row) = rows.next() {
                places.push((row.line, row.offset));
            }
            assert_eq!(places, [(1, 0), (3, 5), (5, 14), (7, 17)], "{size}");
        }
    }
}
