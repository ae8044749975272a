//! The body of a contact: what its owner wrote.

use card_formats::display_name;
use chassis::text;
use prost::Message;
use proto::contacts::v1::{Contact, PhotoInfo};

use super::check::Check;
use super::limits;
use super::phone::{DefaultRegion, parse_number};
use crate::error::{Error, Invalid, Result};

/// A valid contact, according to its message's comments: text in NFC, phones parsed, the
/// display name computed, and no fields that the store has separately (ids, versions,
/// times).
///
/// It wraps the message itself, because the stored bytes are the message's, and a second
/// type with thirty fields would be a copy.
#[derive(Clone, Debug, PartialEq)]
pub struct Body(Contact);

impl Body {
    /// Accepts a contact, or returns everything that is wrong with it. Output-only fields
    /// and the uid are dropped; phones keep an `e164` that is set.
    pub fn parse(mut contact: Contact, region: DefaultRegion) -> Result<Self> {
        contact.photo = None;
        Self::edited(contact, region)
    }

    /// The same for a stored contact that was edited, which keeps its photo.
    pub fn edited(mut contact: Contact, region: DefaultRegion) -> Result<Self> {
        clear_kept_beside(&mut contact);
        let problems = Check::contact(&mut contact);
        if !problems.is_empty() {
            return Err(Invalid::many("FIELD_INVALID", problems).into());
        }
        for phone in &mut contact.phones {
            parse_number(phone, region);
        }
        contact.display_name = display_name(&contact);
        if contact.display_name.is_empty() {
            return Err(Error::invalid(
                "CONTACT_EMPTY",
                "contact",
                "must have a name, a nickname, an organization, an e-mail or a phone",
            ));
        }
        if contact.encoded_len() > limits::BODY_BYTES {
            return Err(Error::invalid(
                "CONTACT_TOO_LARGE",
                "contact",
                "must have at most 64 KiB",
            ));
        }
        Ok(Self(contact))
    }

    /// Decodes a stored body, which was validated when it was written.
    pub fn decode(stored: &[u8]) -> Result<Self> {
        Ok(Self(Contact::decode(stored)?))
    }

    /// Edits the labels; the rest is not validated again. An error names the request's
    /// field `field`.
    pub fn relabel(mut self, field: &str, edit: impl FnOnce(&mut Vec<String>)) -> Result<Self> {
        edit(&mut self.0.labels);
        if self.0.labels.len() > limits::ITEMS {
            let problem = "is a contact that already has 100 labels";
            return Err(Error::invalid("FIELD_INVALID", field, problem));
        }
        if self.0.encoded_len() > limits::BODY_BYTES {
            let problem = "makes a contact larger than 64 KiB";
            return Err(Error::invalid("CONTACT_TOO_LARGE", field, problem));
        }
        Ok(self)
    }

    /// Names another photo, or none.
    pub fn with_photo(mut self, photo: Option<PhotoInfo>) -> Result<Self> {
        self.0.photo = photo;
        if self.0.encoded_len() > limits::BODY_BYTES {
            let problem = "leaves no room for the metadata of a photo within its 64 KiB";
            return Err(Error::invalid("CONTACT_TOO_LARGE", "contact", problem));
        }
        Ok(self)
    }

    /// The stored bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.0.encode_to_vec()
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &Contact {
        &self.0
    }
}

/// A vCard UID from a request; `None` if it is to be generated.
pub fn parse_uid(field: &str, text: &str) -> Result<Option<String>> {
    let uid = text::single_line(text, limits::UID)
        .map_err(|problem| Error::invalid("FIELD_INVALID", field, problem))?;
    Ok(Some(uid).filter(|uid| !uid.is_empty()))
}

/// Clears the output-only fields of phones.
pub fn clear_parsed(contact: &mut Contact) {
    for phone in &mut contact.phones {
        phone.e164.clear();
        phone.extension.clear();
    }
}

fn clear_kept_beside(contact: &mut Contact) {
    contact.id.clear();
    contact.uid.clear();
    contact.etag.clear();
    contact.version = 0;
    contact.create_time = None;
    contact.update_time = None;
    contact.delete_time = None;
    contact.expire_time = None;
    contact.merged_into.clear();
    contact.owner_id.clear();
}
