//! One property of a vCard: its group, name, parameters and value.

use std::borrow::Cow;
use std::fmt;

use encoding_rs::{Encoding, UTF_8};

use super::text::{escape_breaks, one_kind_of_break, quoted_printable, split};
use crate::limits;

/// The parameter with a label of Samsung.
pub(crate) const CUSTOM: &str = "X-CUSTOM";

/// A property, decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Property {
    /// In lower case; empty without a group.
    pub(crate) group: String,
    /// In upper case.
    pub(crate) name: String,
    pub(crate) parameters: Vec<Parameter>,
    /// With its escapes.
    pub(crate) value: String,
    /// The whole property as it is in the file, on one line. If it was in another encoding
    /// than UTF-8, it does not say so any longer.
    pub(crate) raw: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parameter {
    /// In upper case.
    pub(crate) name: String,
    pub(crate) values: Vec<String>,
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = self.values.iter().map(|value| parameter_value(value));
        let values: Vec<String> = values.collect();
        write!(f, "{}={}", self.name, values.join(","))
    }
}

/// The value of a parameter, as it is in a property.
pub(crate) fn parameter_value(text: &str) -> String {
    // The escapes of RFC 6868.
    let value = text
        .replace('^', "^^")
        .replace('"', "^'")
        .replace('\n', "^n");
    if value.contains([',', ';', ':']) {
        format!("\"{value}\"")
    } else {
        value
    }
}

impl Property {
    /// Parses a line; `None` if it is not a property. `guess` is the encoding of texts that
    /// do not say theirs and are not UTF-8.
    pub(crate) fn parse(line: &[u8], guess: &'static Encoding) -> Option<Self> {
        let (head, value) = line.split_at_checked(colon(line)?)?;
        let value = &value[1..];
        if head.len() > limits::PARAMETERS_BYTES {
            return None;
        }
        // A raw property has no control characters: it says the same with spaces.
        let head = without_controls(decode(head, guess));
        let mut parts = split_unquoted(&head, ';');
        let full_name = parts.remove(0).trim();
        let (group, name) = match full_name.rsplit_once('.') {
            Some((group, name)) => (group, name),
            None => ("", full_name),
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ' ');
        if name.is_empty() || !name.chars().all(is_name) || group.contains(char::is_control) {
            return None;
        }
        let mut property = Self {
            group: group.to_lowercase(),
            name: name.to_ascii_uppercase(),
            parameters: parts.iter().filter_map(|part| parameter(part)).collect(),
            ..Self::default()
        };
        let charset = property.parameter("CHARSET");
        let charset = charset.and_then(|label| Encoding::for_label(label.as_bytes()));
        let read = |bytes: &[u8]| match charset {
            Some(encoding) if encoding != UTF_8 => {
                encoding.decode_without_bom_handling(bytes).0.into_owned()
            }
            _ => decode(bytes, guess).into_owned(),
        };
        if property.has_encoding(&["QUOTED-PRINTABLE", "Q"]) {
            // At the end, it would continue in the next line.
            let end = value.iter().rposition(|byte| *byte != b'=');
            let value = &value[..end.map_or(0, |end| end + 1)];
            let bytes = quoted_printable(value);
            property.value = one_kind_of_break(&read(&bytes));
            let says_charset = charset.is_some_and(|encoding| encoding != UTF_8);
            let is_clear = says_charset || str::from_utf8(&bytes).is_ok();
            property.raw = if is_clear && value.is_ascii() {
                format!("{head}:{}", without_controls(decode(value, guess)))
            } else {
                // What was guessed once is not guessed again, and a text that is encoded
                // only in part would now have two encodings.
                let value = escape_breaks(&property.value);
                let head = without_encoding(&head);
                format!("{head}:{}", without_controls(value.into()))
            };
        } else {
            property.value = without_controls(read(value).into()).into_owned();
            let head = match charset {
                Some(_) => Cow::Owned(without_charset(&head)),
                None => head,
            };
            property.raw = format!("{head}:{}", property.value);
        }
        Some(property)
    }

    /// The first value of a parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let mut parameters = self.parameters.iter();
        let parameter = parameters.find(|parameter| parameter.name == name)?;
        parameter.values.first().map(String::as_str)
    }

    /// The values of all parameters TYPE, in lower case.
    pub(crate) fn types(&self) -> impl Iterator<Item = String> {
        let parameters = self.parameters.iter();
        let types = parameters.filter(|parameter| parameter.name == "TYPE");
        types.flat_map(|parameter| parameter.values.iter().map(|value| value.to_lowercase()))
    }

    /// Whether the value is encoded in one of these ways.
    pub(crate) fn has_encoding(&self, names: &[&str]) -> bool {
        let encoding = self.parameter("ENCODING");
        encoding.is_some_and(|is| names.iter().any(|name| is.eq_ignore_ascii_case(name)))
    }

    /// Whether the value is of this type.
    pub(crate) fn is_value(&self, name: &str) -> bool {
        self.parameter("VALUE")
            .is_some_and(|value| value.eq_ignore_ascii_case(name))
    }

    /// Whether it is the preferred one of its kind.
    pub(crate) fn is_preferred(&self) -> bool {
        self.types().any(|kind| kind == "pref") || self.parameter("PREF") == Some("1")
    }

    /// Whether it has a parameter that the model of a contact does not express.
    pub(crate) fn has_others_than(&self, known: &[&str]) -> bool {
        self.parameters.iter().any(|parameter| {
            !known.contains(&parameter.name.as_str())
                && match parameter.name.as_str() {
                    "TYPE" | "ENCODING" | "CHARSET" | "VALUE" | CUSTOM => false,
                    "PREF" => parameter.values != ["1"],
                    _ => true,
                }
        })
    }

    /// The components of a structured value, with their escapes.
    pub(crate) fn components(&self) -> Vec<&str> {
        split(&self.value, ';')
    }
}

/// Where the value begins: the first colon that is not in quotes. If a quote is not closed,
/// the first colon of all.
pub(super) fn colon(line: &[u8]) -> Option<usize> {
    let mut is_quoted = false;
    for (at, byte) in line.iter().enumerate() {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b':' if !is_quoted => return Some(at),
            _ => {}
        }
    }
    line.iter().position(|byte| *byte == b':')
}

/// Text in UTF-8, else in the encoding that is guessed.
pub(crate) fn decode<'a>(bytes: &'a [u8], guess: &'static Encoding) -> Cow<'a, str> {
    match str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => guess.decode_without_bom_handling(bytes).0,
    }
}

fn without_controls(text: Cow<'_, str>) -> Cow<'_, str> {
    let is_wrong = |c: char| c.is_control() && c != '\t';
    if text.contains(is_wrong) {
        text.replace(is_wrong, " ").into()
    } else {
        text
    }
}

fn split_unquoted(text: &str, separator: char) -> Vec<&str> {
    let mut is_quoted = false;
    text.split(|c| {
        is_quoted ^= c == '"';
        c == separator && !is_quoted
    })
    .collect()
}

fn parameter(text: &str) -> Option<Parameter> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    if let Some(label) = custom_label(text) {
        let name = CUSTOM.to_owned();
        return Some(Parameter {
            name,
            values: vec![label],
        });
    }
    let (name, values) = match text.split_once('=') {
        Some((name, values)) => (name.trim().to_ascii_uppercase(), values),
        None => (bare_name(text).to_owned(), text),
    };
    let unquoted = |value: &str| without_carets(&value.trim().replace('"', ""));
    // A list of types may be in quotes as a whole.
    let values = if name == "TYPE" {
        values.split(',').map(unquoted).collect()
    } else {
        split_unquoted(values, ',')
            .into_iter()
            .map(unquoted)
            .collect()
    };
    Some(Parameter { name, values })
}

/// Resolves the escapes of RFC 6868.
fn without_carets(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let escaped = match chars.peek().filter(|_| c == '^') {
            Some('n') => '\n',
            Some('\'') => '"',
            Some('^') => '^',
            _ => {
                out.push(c);
                continue;
            }
        };
        out.push(escaped);
        chars.next();
    }
    out
}

/// A label of Samsung: `X-CUSTOM(Cabin)`, or
/// `X-CUSTOM(CHARSET=UTF-8,ENCODING=QUOTED-PRINTABLE,=C3=84)`.
fn custom_label(text: &str) -> Option<String> {
    let inner = text.strip_prefix("X-CUSTOM(")?.strip_suffix(')')?;
    let mut parts = inner.rsplitn(3, ',');
    let label = parts.next()?;
    match parts.next() {
        Some("ENCODING=QUOTED-PRINTABLE") => {
            let label = quoted_printable(label.as_bytes());
            Some(String::from_utf8_lossy(&label).into_owned())
        }
        _ => Some(inner.to_owned()),
    }
}

/// In 2.1, parameters may be values only.
fn bare_name(value: &str) -> &'static str {
    match value.to_ascii_uppercase().as_str() {
        "QUOTED-PRINTABLE" | "BASE64" | "8BIT" | "7BIT" | "B" | "Q" => "ENCODING",
        "INLINE" | "URL" | "URI" | "CID" | "CONTENT-ID" => "VALUE",
        _ => "TYPE",
    }
}

fn without_encoding(head: &str) -> String {
    without(head, |name, value| {
        name == "CHARSET" || (name == "ENCODING" && ["QUOTED-PRINTABLE", "Q"].contains(&value))
    })
}

fn without_charset(head: &str) -> String {
    without(head, |name, _| name == "CHARSET")
}

/// The name of a property and those parameters that are not left off.
fn without(head: &str, is_left_off: impl Fn(&str, &str) -> bool) -> String {
    let mut parts = split_unquoted(head, ';').into_iter();
    let name = parts.next().unwrap_or_default();
    let others = parts.filter(|part| {
        let part = part.to_ascii_uppercase();
        let (name, value) = part.split_once('=').unwrap_or((bare_name(&part), &part));
        !is_left_off(name.trim(), value.trim())
    });
    let parts: Vec<&str> = std::iter::once(name).chain(others).collect();
    parts.join(";")
}
