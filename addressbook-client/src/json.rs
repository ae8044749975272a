//! Messages as the JSON of protocol buffers.

use prost::Message;
use prost_reflect::{DynamicMessage, SerializeOptions};
use serde_json::Value;

use crate::error::Error;
use crate::methods::POOL;

/// A message as JSON, as in `grpcurl`. `name` is its full name, such as
/// `addressbook.contacts.v1.Contact`.
///
/// # Panics
///
/// If there is no message of this name, or `message` is another one.
#[must_use]
#[expect(
    clippy::expect_used,
    reason = "the name is a literal, and the message was just encoded"
)]
pub fn to_json(name: &str, message: &impl Message) -> Value {
    let descriptor = POOL.get_message_by_name(name).expect("a known message");
    let bytes = message.encode_to_vec();
    let message = DynamicMessage::decode(descriptor, &*bytes).expect("the message of this name");
    let options = SerializeOptions::new();
    message
        .serialize_with_options(serde_json::value::Serializer, &options)
        .expect("every message has a JSON form")
}

/// The message of a JSON value.
///
/// # Errors
///
/// [`Kind::Invalid`](crate::Kind::Invalid) if a member is not a field, or has another type.
///
/// # Panics
///
/// If there is no message of this name.
#[expect(clippy::expect_used, reason = "the name is a literal")]
pub fn from_json<T: Message + Default>(name: &str, value: Value) -> Result<T, Error> {
    let descriptor = POOL.get_message_by_name(name).expect("a known message");
    let message = DynamicMessage::deserialize(descriptor, value).map_err(Error::invalid)?;
    message.transcode_to().map_err(Error::invalid)
}

#[cfg(test)]
mod tests {
    use proto::contacts::v1::Contact;
    use serde_json::json;

    use super::*;

    const CONTACT: &str = "addressbook.contacts.v1.Contact";

    #[test]
    fn a_contact_survives_both_ways() {
        let text = json!({"givenName": "Ada", "birthday": {"month": 12, "day": 10}});

        let contact: Contact = from_json(CONTACT, text.clone()).unwrap();

        assert_eq!(contact.given_name, "Ada");
        assert_eq!(to_json(CONTACT, &contact), text);
    }

    #[test]
    fn an_unknown_member_is_refused() {
        let error = from_json::<Contact>(CONTACT, json!({"given": "Ada"})).unwrap_err();

        assert!(error.to_string().contains("given"), "{error}");
    }
}
