//! Our own format: a contact in the JSON of protocol buffers on each line.

use std::fmt::Display;
use std::ops::Range;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use memchr::memchr2;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};
use proto::contacts::v1::Contact;
use serde_json::{Map, Value};

use crate::card::{Card, Entry, Parsed, Photo, Problem};
use crate::limits;
use crate::lines::Lines;
use crate::photo::image_type;

/// The bytes of a line without its photo: a contact of 64 KiB, of which JSON may write each
/// byte as six.
const JSON_BYTES: usize = 400 * 1024;

/// The member with the bytes of the photo; all others are those of `Contact`.
pub(crate) const PHOTO_DATA: &str = "photoData";

static CONTACT: LazyLock<Option<MessageDescriptor>> = LazyLock::new(|| {
    let pool = DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).ok()?;
    pool.get_message_by_name("addressbook.contacts.v1.Contact")
});

pub(crate) struct Reader {
    lines: Lines,
    index: u64,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            lines: Lines::new(limits::CARD_BYTES),
            index: 0,
        }
    }
}

impl Reader {
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        self.lines.buffer()
    }

    pub(crate) fn finish(&mut self) {
        self.lines.finish();
    }

    pub(crate) fn next(&mut self) -> Option<Card> {
        loop {
            let line = self.lines.next()?;
            if !line.is_too_long && line.bytes.trim_ascii().is_empty() {
                continue;
            }
            let outcome = if line.is_too_long {
                Err(Problem::TooLarge)
            } else {
                parse(line.bytes).map(|parsed| Entry::Contact(Box::new(parsed)))
            };
            let index = self.index;
            self.index += 1;
            return Some(Card {
                index,
                line: line.number,
                byte_offset: line.offset,
                excerpt: excerpt(line.bytes),
                outcome,
                warnings: Vec::new(),
            });
        }
    }
}

fn excerpt(line: &[u8]) -> String {
    let start = &line[..line.len().min(limits::EXCERPT)];
    let text = String::from_utf8_lossy(start);
    text.chars().filter(|c| !c.is_control()).collect()
}

fn parse(line: &[u8]) -> Result<Parsed, Problem> {
    let malformed = |error: &dyn Display| Problem::Malformed(error.to_string());
    let (json, data) = match photo_data(line) {
        Some(Member { whole, value }) => (
            [&line[..whole.start], &line[whole.end..]].concat(),
            Some(
                STANDARD
                    .decode(&line[value])
                    .map_err(|error| malformed(&error))?,
            ),
        ),
        None => (line.to_vec(), None),
    };
    if json.len() > JSON_BYTES {
        return Err(Problem::TooLarge);
    }
    let Some(descriptor) = CONTACT.clone() else {
        return Err(Problem::Malformed("contacts are not described".into()));
    };
    let mut json = serde_json::Deserializer::from_slice(&json);
    let message = DynamicMessage::deserialize(descriptor, &mut json);
    let message = message.map_err(|error| malformed(&error))?;
    json.end().map_err(|error| malformed(&error))?;
    let contact: Contact = message.transcode_to().map_err(|error| malformed(&error))?;
    let info = contact.photo.as_ref();
    let media_type = info.and_then(|info| image_type(&info.media_type));
    let photo = data.map(|data| Photo {
        media_type: media_type.unwrap_or_default().to_owned(),
        data,
    });
    Ok(Parsed { contact, photo })
}

/// Where a member of an object is.
struct Member {
    /// With its name, and the comma before or after it.
    whole: Range<usize>,
    /// Between the quotes.
    value: Range<usize>,
}

/// Finds the photo, so that nothing else of a line is larger than a contact. A line that is
/// not JSON has none, or what is left is not JSON either.
fn photo_data(line: &[u8]) -> Option<Member> {
    const NAME: &[u8] = b"photoData";
    let mut depth = 0;
    let mut at = 0;
    // Of an object, where the comma before the present member is.
    let mut comma = None;
    while at < line.len() {
        match line[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b',' if depth == 1 => comma = Some(at),
            b'"' => {
                let end = string_end(line, at)?;
                let after = skip_spaces(line, end);
                if depth == 1 && &line[at + 1..end - 1] == NAME && line.get(after) == Some(&b':') {
                    let from = skip_spaces(line, after + 1);
                    if line.get(from) != Some(&b'"') {
                        return None;
                    }
                    let to = string_end(line, from)?;
                    let next = skip_spaces(line, to);
                    let whole = match comma {
                        Some(comma) => comma..to,
                        None if line.get(next) == Some(&b',') => at..next + 1,
                        None => at..to,
                    };
                    let value = from + 1..to - 1;
                    return Some(Member { whole, value });
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Where the string that begins at `start` has ended.
fn string_end(line: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        at += memchr2(b'"', b'\\', line.get(at..)?)?;
        if line[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

fn skip_spaces(line: &[u8], at: usize) -> usize {
    let spaces = line[at..]
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace());
    at + spaces.count()
}

/// Appends a contact and the end of its line.
pub(crate) fn write(contact: &Contact, photo: Option<&Photo>, out: &mut Vec<u8>) {
    let mut value = Value::Object(Map::new());
    if let Some(descriptor) = CONTACT.clone()
        && let Ok(message) = DynamicMessage::decode(descriptor, contact.encode_to_vec().as_slice())
        && let Ok(members) = message.serialize_with_options(
            serde_json::value::Serializer,
            &SerializeOptions::new().skip_default_fields(true),
        )
    {
        value = members;
    }
    if let (Some(photo), Value::Object(members)) = (photo, &mut value) {
        members.insert(
            PHOTO_DATA.into(),
            Value::String(STANDARD.encode(&photo.data)),
        );
    }
    // Nothing in it can fail: all keys are texts, and it is written to memory.
    let _ = serde_json::to_writer(&mut *out, &value);
    out.push(b'\n');
}
