//! The types of photos.

/// What programs call the types, and their names in the registry of IANA.
const TYPES: [(&str, &str); 15] = [
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("pjpeg", "image/jpeg"),
    ("png", "image/png"),
    ("x-png", "image/png"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("avif", "image/avif"),
    ("heic", "image/heic"),
    ("heif", "image/heif"),
    ("bmp", "image/bmp"),
    ("tiff", "image/tiff"),
    ("tif", "image/tiff"),
    ("svg+xml", "image/svg+xml"),
    ("svg", "image/svg+xml"),
];

/// The media type that a text names, such as "JPEG" or "image/jpeg"; `None` if it is not one
/// of a photo.
pub(crate) fn image_type(text: &str) -> Option<&'static str> {
    let text = text.trim().to_ascii_lowercase();
    let name = text.strip_prefix("image/").unwrap_or(&text);
    let found = TYPES.iter().find(|(known, _)| *known == name);
    found.map(|(_, media_type)| *media_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_many_names() {
        for name in ["JPEG", "jpg", "image/jpeg", " IMAGE/JPG "] {
            assert_eq!(image_type(name), Some("image/jpeg"), "{name}");
        }
        for (_, media_type) in TYPES {
            assert_eq!(image_type(media_type), Some(media_type));
        }
        for name in ["", "home", "image/", "application/jpeg"] {
            assert_eq!(image_type(name), None, "{name}");
        }
    }
}
