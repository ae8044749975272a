//! The query of a call by GET (protocol reference, "Unary-Get-Request").

use base64::Engine;
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use tonic::Status;

use crate::refusal::malformed;
use crate::text::URL;

/// The query of a call by GET.
#[derive(Default)]
pub(crate) struct Query {
    pub(crate) message: Option<Bytes>,
    pub(crate) compression: Option<Vec<u8>>,
}

impl Query {
    pub(crate) fn of(query: &str) -> Result<Self, Status> {
        let refuse = |text: &str| Err(malformed(text));
        if value(query, "connect").is_some_and(|version| version != b"v1") {
            return refuse("the query's connect must be v1");
        }
        let Some(message) = value(query, "message") else {
            return refuse("the query has no message");
        };
        let message = match value(query, "base64").as_deref() {
            Some(b"1") => URL.decode(message),
            None | Some(b"" | b"0") => Ok(message),
            Some(_) => return refuse("the query's base64 must be 1"),
        };
        let Ok(message) = message else {
            return refuse("the query's message is not base64 of the alphabet for URLs");
        };
        Ok(Self {
            message: Some(message.into()),
            compression: value(query, "compression"),
        })
    }
}

/// The first value of this name. It can be any bytes: a message need not be text.
pub(crate) fn value(query: &str, name: &str) -> Option<Vec<u8>> {
    let mut pairs = query.split('&');
    let value = pairs.find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    // A plus is a space, as in forms.
    Some(percent_decode_str(&value.replace('+', " ")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_has_its_message_as_text_or_base64() {
        let message = |query| Query::of(query).ok()?.message;
        assert_eq!(message("message=%7B%7D&encoding=json").unwrap(), "{}");
        assert_eq!(message("base64=1&message=e30&connect=v1").unwrap(), "{}");
        assert_eq!(message("base64=1&message=-_8=").unwrap(), &[0xfb, 0xff][..]);
        for query in [
            "",
            "message=!&base64=1",
            "message=&connect=v2",
            "message=&base64=2",
        ] {
            assert_eq!(message(query), None, "{query}");
        }
    }

    #[test]
    fn a_value_can_be_any_bytes() {
        assert_eq!(
            value("a=1&message=%08%80%01", "message").unwrap(),
            [8, 128, 1]
        );
        assert_eq!(value("message=a+b%2Bc%", "message").unwrap(), b"a b+c%");
        assert_eq!(value("messages=1&m=2&message", "message"), None);
    }
}
