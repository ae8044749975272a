//! Field masks of contacts (AIP-157, AIP-161).

use bytes::Bytes;
use prost::Message;
use prost_types::FieldMask;
use proto::contacts::v1::Contact;
use uuid::Uuid;

use super::stored::{Stored, with_owner};
use crate::error::{Error, Result};

macro_rules! writable_fields {
    ($($field:ident),* $(,)?) => {
        /// The writable fields, in the message's order.
        pub const WRITABLE: &[&str] = &[$(stringify!($field)),*];

        /// Moves one writable field; false if there is none with this name.
        fn take(field: &str, from: &mut Contact, to: &mut Contact) -> bool {
            match field {
                $(stringify!($field) => to.$field = std::mem::take(&mut from.$field),)*
                _ => return false,
            }
            true
        }

        /// The writable fields that are not empty.
        fn populated(contact: &Contact) -> Vec<&'static str> {
            let empty = Contact::default();
            let mut fields = Vec::new();
            $(if contact.$field != empty.$field { fields.push(stringify!($field)); })*
            fields
        }
    };
}

writable_fields!(
    name_prefix,
    given_name,
    middle_name,
    family_name,
    name_suffix,
    nickname,
    phonetic_given_name,
    phonetic_family_name,
    emails,
    phones,
    addresses,
    urls,
    organizations,
    events,
    relations,
    impps,
    birthday,
    notes,
    custom_fields,
    labels,
    starred,
    raw_properties,
    formatted_name,
    date_of_death,
);

/// The fields of a response.
#[derive(Clone, Debug)]
pub struct ReadMask(Option<Vec<String>>);

impl ReadMask {
    /// Parses a mask; without one, or with `*`, it means all fields.
    pub fn parse(mask: Option<&FieldMask>) -> Result<Self> {
        let Some(mask) = mask.filter(|mask| !mask.paths.iter().any(|path| path == "*")) else {
            return Ok(Self(None));
        };
        let mut fields = Vec::new();
        for path in &mask.paths {
            if !WRITABLE.contains(&path.as_str()) && !is_output_only(path) {
                return Err(unknown("READ_MASK_INVALID", "read_mask", path));
            }
            // Without duplicates, because a field is moved out of the full contact.
            if !fields.contains(path) {
                fields.push(path.clone());
            }
        }
        Ok(Self(Some(fields).filter(|fields| !fields.is_empty())))
    }

    /// The encoded message of a contact, with `id`, `etag` and the fields of the
    /// mask.
    pub fn encoded(&self, contact: Stored) -> Result<Bytes> {
        match &self.0 {
            None => Ok(contact.encoded()),
            Some(paths) => Ok(Self::pick(paths, contact.message()?).encode_to_vec().into()),
        }
    }

    /// The same with the owner of the contact, which is always returned.
    pub fn encoded_of(&self, owner: Uuid, contact: Stored) -> Result<Bytes> {
        Ok(with_owner(self.encoded(contact)?, owner))
    }

    fn pick(paths: &[String], mut full: Contact) -> Contact {
        let mut picked = Contact::default();
        for path in paths {
            match path.as_str() {
                "uid" => picked.uid.clone_from(&full.uid),
                "version" => picked.version = full.version,
                "create_time" => picked.create_time = full.create_time,
                "update_time" => picked.update_time = full.update_time,
                "delete_time" => picked.delete_time = full.delete_time,
                "expire_time" => picked.expire_time = full.expire_time,
                "merged_into" => picked.merged_into.clone_from(&full.merged_into),
                "display_name" => picked.display_name.clone_from(&full.display_name),
                "photo" => picked.photo.clone_from(&full.photo),
                field => {
                    take(field, &mut full, &mut picked);
                }
            }
        }
        picked.id = full.id;
        picked.etag = full.etag;
        picked
    }
}

fn is_output_only(path: &str) -> bool {
    matches!(
        path,
        "id" | "uid"
            | "etag"
            | "version"
            | "create_time"
            | "update_time"
            | "delete_time"
            | "expire_time"
            | "merged_into"
            | "display_name"
            | "photo"
            | "owner_id"
    )
}

/// The fields of an update.
#[derive(Clone, Debug)]
pub struct UpdateMask(Vec<String>);

impl UpdateMask {
    /// Parses a mask: `*` means all writable fields, no mask the populated ones.
    pub fn parse(mask: Option<&FieldMask>, contact: &Contact) -> Result<Self> {
        let paths = mask.map_or(&[][..], |mask| &mask.paths);
        if paths.is_empty() {
            let fields = populated(contact).into_iter();
            return Ok(Self(fields.map(str::to_owned).collect()));
        }
        if paths.iter().any(|path| path == "*") {
            return Ok(Self(
                WRITABLE.iter().map(|field| (*field).to_owned()).collect(),
            ));
        }
        let mut fields = Vec::new();
        for path in paths {
            if is_output_only(path) || fields.contains(path) {
                continue;
            }
            if !WRITABLE.contains(&path.as_str()) {
                return Err(unknown("UPDATE_MASK_INVALID", "update_mask", path));
            }
            fields.push(path.clone());
        }
        Ok(Self(fields))
    }

    /// Whether it names this field.
    #[must_use]
    pub fn names(&self, field: &str) -> bool {
        self.0.iter().any(|named| named == field)
    }

    /// Writes the fields of the mask over those of `current`.
    pub fn apply(&self, mut patch: Contact, current: &mut Contact) {
        for field in &self.0 {
            take(field, &mut patch, current);
        }
    }
}

/// The error for a mask's path that is not a field.
pub(crate) fn unknown(reason: &'static str, field: &str, path: &str) -> Error {
    let path: String = path.chars().take(50).collect();
    Error::invalid(reason, field, format!("{path:?} is not a field"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(paths: &[&str]) -> FieldMask {
        FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }
    }

    fn ada() -> Contact {
        Contact {
            id: "1".into(),
            etag: "\"1\"".into(),
            given_name: "Ada".into(),
            notes: "maths".into(),
            display_name: "Ada".into(),
            starred: true,
            ..Contact::default()
        }
    }

    #[test]
    fn every_field_of_the_message_is_writable_or_output_only() {
        let set = field_names();
        for field in &set {
            let known = WRITABLE.contains(&field.as_str()) || is_output_only(field);
            assert!(known, "{field} is in neither list");
        }
        assert_eq!(set.len(), 36);
    }

    /// The names of Contact's fields, read from the descriptor set.
    fn field_names() -> Vec<String> {
        let set = prost_types::FileDescriptorSet::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
        let messages = set.file.iter().flat_map(|file| &file.message_type);
        let contact = messages
            .into_iter()
            .find(|message| message.name() == "Contact");
        let fields = contact.unwrap().field.iter();
        fields.map(|field| field.name().to_owned()).collect()
    }

    #[test]
    fn a_read_mask_leaves_what_it_names() {
        let mask = ReadMask::parse(Some(&mask(&["notes", "notes", "display_name"]))).unwrap();
        let picked = ReadMask::pick(&mask.0.unwrap(), ada());
        assert_eq!((&*picked.notes, &*picked.display_name), ("maths", "Ada"));
        assert_eq!((&*picked.id, &*picked.etag), ("1", "\"1\""));
        assert_eq!((&*picked.given_name, picked.starred), ("", false));
    }

    #[test]
    fn no_update_mask_means_the_populated_fields() {
        let mut current = ada();
        let patch = Contact {
            nickname: "Countess".into(),
            ..Contact::default()
        };
        UpdateMask::parse(None, &patch)
            .unwrap()
            .apply(patch, &mut current);
        assert_eq!((&*current.nickname, &*current.notes), ("Countess", "maths"));
    }

    #[test]
    fn a_field_named_and_left_empty_is_cleared() {
        let mut current = ada();
        let update = UpdateMask::parse(Some(&mask(&["notes"])), &Contact::default()).unwrap();
        update.apply(Contact::default(), &mut current);
        assert_eq!((&*current.notes, &*current.given_name), ("", "Ada"));
    }

    #[test]
    fn a_star_replaces_everything() {
        let mut current = ada();
        let patch = Contact {
            family_name: "Lovelace".into(),
            ..Contact::default()
        };
        let update = UpdateMask::parse(Some(&mask(&["*"])), &patch).unwrap();
        update.apply(patch, &mut current);
        assert_eq!((&*current.given_name, current.starred), ("", false));
    }

    #[test]
    fn a_path_that_is_not_a_field_is_refused() {
        for path in ["given", "emails.address", "Notes", ""] {
            assert!(ReadMask::parse(Some(&mask(&[path]))).is_err(), "{path}");
            assert!(
                UpdateMask::parse(Some(&mask(&[path])), &ada()).is_err(),
                "{path}"
            );
        }
    }
}
