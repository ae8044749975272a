//! Writes a file of any format.

use proto::contacts::v1::Contact;

use crate::card::Photo;
use crate::csv::{self, Table};
use crate::jscontact;
use crate::json_lines;
use crate::vcard::{self, VCardVersion};

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// One vCard for each contact.
    VCard(VCardVersion),
    /// See [`Format::JsContact`](crate::Format::JsContact); an array, with a card on each line.
    JsContact,
    /// See [`Format::JsonLines`](crate::Format::JsonLines).
    JsonLines,
    /// See [`Format::GoogleCsv`](crate::Format::GoogleCsv); with the header since 2024.
    GoogleCsv,
    /// See [`Format::OutlookCsv`](crate::Format::OutlookCsv); with an English header.
    OutlookCsv,
}

/// Writes contacts. To add a format: an arm in each match.
pub struct Writer {
    format: ExportFormat,
    has_contacts: bool,
}

impl Writer {
    /// A writer of a file of this format.
    #[must_use]
    pub fn new(format: ExportFormat) -> Self {
        Self {
            format,
            has_contacts: false,
        }
    }

    /// Appends what is before the first contact.
    pub fn header(&mut self, out: &mut Vec<u8>) {
        match self.format {
            ExportFormat::VCard(_) | ExportFormat::JsonLines => {}
            ExportFormat::JsContact => out.extend_from_slice(b"["),
            ExportFormat::GoogleCsv => csv::header(Table::Google, out),
            ExportFormat::OutlookCsv => csv::header(Table::Outlook, out),
        }
    }

    /// Appends one contact.
    pub fn contact(&mut self, contact: &Contact, photo: Option<&Photo>, out: &mut Vec<u8>) {
        match self.format {
            ExportFormat::VCard(version) => vcard::write(version, contact, photo, out),
            ExportFormat::JsContact => {
                let before: &[u8] = if self.has_contacts { b",\n" } else { b"\n" };
                out.extend_from_slice(before);
                jscontact::write(contact, photo, out);
            }
            ExportFormat::JsonLines => json_lines::write(contact, photo, out),
            ExportFormat::GoogleCsv => csv::contact(Table::Google, contact, out),
            ExportFormat::OutlookCsv => csv::contact(Table::Outlook, contact, out),
        }
        self.has_contacts = true;
    }

    /// Appends what is after the last contact.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        match self.format {
            ExportFormat::JsContact => out.extend_from_slice(b"\n]\n"),
            ExportFormat::VCard(_)
            | ExportFormat::JsonLines
            | ExportFormat::GoogleCsv
            | ExportFormat::OutlookCsv => {}
        }
    }
}
