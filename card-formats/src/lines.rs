//! The lines of a file, whatever they end with.

use memchr::memchr2;

/// Collects the bytes of a file, and returns them as lines. It keeps at most what was pushed
/// last and one line, of which a limit says how long it may be.
pub(crate) struct Lines {
    buffer: Vec<u8>,
    /// Where the next line begins in the buffer.
    start: usize,
    /// Up to here there is no end of a line.
    scanned: usize,
    /// Where the buffer begins in the file.
    offset: u64,
    number: u64,
    bytes_max: usize,
    is_too_long: bool,
    /// Where a line over the limit began.
    began: u64,
    is_finished: bool,
}

/// One line without its end.
pub(crate) struct Line<'a> {
    /// Empty if the line is too long.
    pub(crate) bytes: &'a [u8],
    /// From 1.
    pub(crate) number: u64,
    /// Where it begins in the file.
    pub(crate) offset: u64,
    pub(crate) is_too_long: bool,
}

impl Lines {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            scanned: 0,
            offset: 0,
            number: 0,
            bytes_max,
            is_too_long: false,
            began: 0,
            is_finished: false,
        }
    }

    /// The bytes that are kept, to append to them.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        self.discard(self.start);
        &mut self.buffer
    }

    /// After this, the last line needs no end.
    pub(crate) fn finish(&mut self) {
        self.is_finished = true;
    }

    /// The next line; `None` if more of the file is needed.
    pub(crate) fn next(&mut self) -> Option<Line<'_>> {
        let found = memchr2(b'\r', b'\n', &self.buffer[self.scanned..]).map(|at| at + self.scanned);
        let (end, after) = match found {
            Some(end) => (end, self.after(end)?),
            None if self.is_finished && self.start < self.buffer.len() => {
                (self.buffer.len(), self.buffer.len())
            }
            None if self.is_finished && self.is_too_long => (self.buffer.len(), self.buffer.len()),
            None => {
                self.scanned = self.buffer.len();
                self.forget();
                return None;
            }
        };
        self.number += 1;
        let (start, was) = (self.start, self.is_too_long);
        self.start = after;
        self.scanned = after;
        self.is_too_long = false;
        let is_too_long = was || end - start > self.bytes_max;
        let begins = self.offset + start as u64;
        Some(Line {
            bytes: if is_too_long {
                &[]
            } else {
                &self.buffer[start..end]
            },
            number: self.number,
            offset: if was { self.began } else { begins },
            is_too_long,
        })
    }

    /// Where the line after an end begins: CR, LF, CR LF and CR CR LF are one end each.
    /// `None` if only the next bytes show it.
    fn after(&mut self, end: usize) -> Option<usize> {
        let rest = &self.buffer[end..];
        match rest {
            [b'\r', b'\n', ..] => Some(end + 2),
            [b'\r', b'\r', b'\n', ..] => Some(end + 3),
            [b'\r'] | [b'\r', b'\r'] if !self.is_finished => {
                self.scanned = end;
                None
            }
            _ => Some(end + 1),
        }
    }

    /// Forgets a line that is too long already.
    fn forget(&mut self) {
        if self.buffer.len() - self.start > self.bytes_max {
            if !self.is_too_long {
                self.began = self.offset + self.start as u64;
            }
            self.is_too_long = true;
            self.discard(self.buffer.len());
        } else if self.is_too_long {
            self.discard(self.buffer.len());
        }
    }

    fn discard(&mut self, count: usize) {
        self.offset += count as u64;
        self.buffer.drain(..count);
        self.scanned = self.scanned.saturating_sub(count);
        self.start = self.start.saturating_sub(count);
    }
}
