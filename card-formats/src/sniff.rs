//! What a file is, by its beginning.

use memchr::memmem;

use crate::csv;
use crate::format::{Format, FormatError};
use crate::jscontact;

/// How many bytes suffice to recognize a format.
pub(crate) const ENOUGH: usize = 8 * 1024;

/// Refuses a file that is not text, whichever format it is said to be.
pub(crate) fn refuse_archives(start: &[u8]) -> Result<(), FormatError> {
    let archives: [(&[u8], &str); 6] = [
        (b"PK\x03\x04", "zip archive"),
        (b"PK\x05\x06", "zip archive"),
        (b"\x1f\x8b", "gzip archive"),
        (b"BZh", "bzip2 archive"),
        (b"7z\xbc\xaf\x27\x1c", "7z archive"),
        (b"\xfd7zXZ\0", "xz archive"),
    ];
    match archives.iter().find(|(mark, _)| start.starts_with(mark)) {
        Some((_, name)) => Err(FormatError::Archive(name)),
        None => Ok(()),
    }
}

/// Recognizes a format by the first bytes of a file in an encoding of ASCII.
pub(crate) fn format(start: &[u8]) -> Result<Format, FormatError> {
    let text = start.trim_ascii_start();
    let begins =
        |word: &[u8]| text.len() >= word.len() && text[..word.len()].eq_ignore_ascii_case(word);
    if begins(b"BEGIN:VCARD") {
        return Ok(Format::VCard);
    }
    if begins(b"[") && jscontact::may_begin_with(text) {
        return Ok(Format::JsContact);
    }
    if begins(b"{") {
        // Each object of JSContact has its type, and no field of a contact is called so.
        let is_typed = memmem::find(text, b"\"@type\"").is_some();
        return Ok(if is_typed {
            Format::JsContact
        } else {
            Format::JsonLines
        });
    }
    csv::recognize(start).ok_or(FormatError::Unknown(
        "a vCard file, a table with a known header, JSContact, or JSON lines",
    ))
}
