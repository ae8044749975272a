//! The encodings of files.

use encoding_rs::{Decoder, UTF_16BE, UTF_16LE};

/// Turns a file in UTF-16 into UTF-8, and passes on the bytes of any other. Those may be in
/// any encoding, because in a vCard each property may have its own.
#[derive(Default)]
pub(crate) struct Transcoder {
    state: State,
    /// The bytes of a mark at the beginning that was removed.
    removed: u64,
}

#[derive(Default)]
enum State {
    /// The first bytes, as long as they do not suffice.
    #[default]
    Start,
    First(Vec<u8>),
    Bytes,
    Utf16(Box<Decoder>),
}

/// How many bytes show what a file is encoded in.
const FIRST: usize = 4;

impl Transcoder {
    /// How many bytes before the first one that was passed on are missing.
    pub(crate) fn removed(&self) -> u64 {
        self.removed
    }

    /// Appends what the next bytes of a file mean; `last` after them the file ends.
    pub(crate) fn push(&mut self, bytes: &[u8], last: bool, out: &mut Vec<u8>) {
        let mut first = match &mut self.state {
            State::Start => Vec::new(),
            State::First(first) => std::mem::take(first),
            State::Bytes => return out.extend_from_slice(bytes),
            State::Utf16(decoder) => return decode(decoder, bytes, last, out),
        };
        first.extend_from_slice(bytes);
        if first.len() < FIRST && !last {
            self.state = State::First(first);
            return;
        }
        let encoding = match *first.as_slice() {
            [0xff, 0xfe, ..] => Some(UTF_16LE),
            [0xfe, 0xff, ..] => Some(UTF_16BE),
            // Without a mark, the zeros of ASCII show the order of the bytes.
            [a, 0, b, 0, ..] if a != 0 && b != 0 => Some(UTF_16LE),
            [0, a, 0, b, ..] if a != 0 && b != 0 => Some(UTF_16BE),
            _ => None,
        };
        if let Some(encoding) = encoding {
            let mut decoder = Box::new(encoding.new_decoder_with_bom_removal());
            decode(&mut decoder, &first, last, out);
            self.state = State::Utf16(decoder);
        } else {
            let rest = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&first);
            self.removed = (first.len() - rest.len()) as u64;
            out.extend_from_slice(rest);
            self.state = State::Bytes;
        }
    }
}

fn decode(decoder: &mut Decoder, bytes: &[u8], last: bool, out: &mut Vec<u8>) {
    let mut text = String::new();
    let room = decoder.max_utf8_buffer_length(bytes.len());
    text.reserve(room.unwrap_or(bytes.len() * 3 + 16));
    let _ = decoder.decode_to_string(bytes, &mut text, last);
    out.extend_from_slice(text.as_bytes());
}
