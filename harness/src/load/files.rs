//! Files of contacts, which are imported and exported.

use card_formats::{ExportFormat, VCardVersion, Writer};
use proto::contacts::v1::import_contacts_request::Part;
use proto::contacts::v1::{ImportContactsRequest, ImportHeader};

use crate::clock;
use crate::seed::plain;

/// The size of the pieces in which a file is sent.
const PIECE_BYTES: usize = 64 * 1024;

/// A file of vCards of so many people.
pub(super) fn cards(count: u32) -> Vec<u8> {
    let (mut file, today) = (Vec::new(), clock::today());
    let mut writer = Writer::new(ExportFormat::VCard(VCardVersion::V3));
    writer.header(&mut file);
    for number in 0..count {
        writer.contact(&plain(number, today), None, &mut file);
    }
    writer.end(&mut file);
    file
}

/// The messages of an import of a file.
pub(super) fn import(file: &[u8]) -> Vec<ImportContactsRequest> {
    let parts = file
        .chunks(PIECE_BYTES)
        .map(|piece| Part::Chunk(piece.to_vec()));
    let header = Part::Header(ImportHeader::default());
    let parts = std::iter::once(header).chain(parts);
    parts
        .map(|part| ImportContactsRequest { part: Some(part) })
        .collect()
}
