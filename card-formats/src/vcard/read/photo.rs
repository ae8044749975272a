//! Photos.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::{Build, Taken};
use crate::card::Photo;
use crate::limits;
use crate::photo::image_type;
use crate::vcard::property::Property;

/// Many programs omit the padding, or leave bits in it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

impl Build {
    /// A photo in the card. One that is elsewhere is kept as a raw property.
    pub(super) fn take_photo(&mut self, property: &Property) -> Taken {
        let value = property.value.replace("\\,", ",").replace("\\;", ";");
        let (media_type, text) = if let Some(rest) = data_uri(&value) {
            rest
        } else if property.has_encoding(&["B", "BASE64"]) {
            let kind = property.types().find_map(|kind| image_type(&kind));
            let kind = kind.or_else(|| image_type(property.parameter("MEDIATYPE")?));
            (kind, value.as_str())
        } else {
            // What was kept of one without its bytes is kept.
            let is_nothing = value.trim().is_empty() && !property.has_others_than(&[]);
            return if is_nothing { Taken::Whole } else { Taken::Not };
        };
        if self.photo.is_some() {
            return Taken::Not;
        }
        match photo(media_type, text) {
            Ok(photo) => self.photo = photo,
            Err(problem) => self.warn(property, problem),
        }
        if self.photo.is_some() && property.has_others_than(&["MEDIATYPE"]) {
            self.keep(property, &without_data(property));
        }
        Taken::Whole
    }
}

/// What a photo says beside its bytes, such as which part of it is shown.
fn without_data(property: &Property) -> String {
    let known = ["TYPE", "ENCODING", "VALUE", "MEDIATYPE", "CHARSET"];
    let parameters = property.parameters.iter();
    let others = parameters.filter(|parameter| !known.contains(&parameter.name.as_str()));
    let others: String = others.fold(String::new(), |mut text, parameter| {
        text.push(';');
        text.push_str(&parameter.to_string());
        text
    });
    format!("PHOTO{others}:")
}

/// A photo in base64; `None` if it has no bytes. An error says why it is dropped.
pub(crate) fn photo(media_type: Option<&str>, text: &str) -> Result<Option<Photo>, &'static str> {
    let media_type = media_type.unwrap_or_default().to_owned();
    let text: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    match BASE64.decode(text) {
        Ok(data) if data.is_empty() => Ok(None),
        Ok(data) if data.len() <= limits::PHOTO_BYTES => Ok(Some(Photo { media_type, data })),
        Ok(_) => Err("was dropped: it has more than 2 MiB"),
        Err(_) => Err("was dropped: it is not base64"),
    }
}

/// The media type, if it is one of a photo, and the base64 of a URI with data (RFC 2397).
pub(crate) fn data_uri(value: &str) -> Option<(Option<&'static str>, &str)> {
    let (scheme, rest) = value.split_at_checked(5)?;
    if !scheme.eq_ignore_ascii_case("data:") {
        return None;
    }
    let (head, data) = rest.split_once(',')?;
    let media_type = head.strip_suffix(";base64")?;
    let media_type = media_type.split(';').next().unwrap_or_default();
    Some((image_type(media_type), data))
}
