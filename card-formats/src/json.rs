//! JSON whose objects keep the order of their members.

use std::collections::HashMap;
use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Number;

/// The members of an object.
pub(crate) type Members = Vec<(String, Json)>;

/// A value. Two objects are equal if they have the same members, in any order.
#[derive(Clone, Debug)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Json>),
    Object(Members),
}

impl Json {
    /// The member of an object.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        let member = self.members().iter().find(|(key, _)| key == name);
        member.map(|(_, value)| value)
    }

    /// The members of an object; none of anything else.
    pub(crate) fn members(&self) -> &[(String, Self)] {
        match self {
            Self::Object(members) => members,
            _ => &[],
        }
    }

    /// The text of a string.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a member; empty if there is none.
    pub(crate) fn text_of(&self, name: &str) -> &str {
        self.get(name).and_then(Self::text).unwrap_or_default()
    }

    /// A member that is a number without a fraction.
    pub(crate) fn number_of(&self, name: &str) -> Option<i64> {
        match self.get(name)? {
            Self::Number(number) => number.as_i64(),
            _ => None,
        }
    }

    /// Whether a member is true.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Self::Bool(true)))
    }

    /// An object with one member.
    pub(crate) fn object(name: &str, value: impl Into<Self>) -> Self {
        Self::Object(vec![(name.to_owned(), value.into())])
    }

    /// An object in which all of these are true.
    pub(crate) fn set<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let names = names.into_iter();
        Self::Object(
            names
                .map(|name| (name.to_owned(), Self::Bool(true)))
                .collect(),
        )
    }

    /// Appends a member to an object.
    pub(crate) fn push(&mut self, name: &str, value: impl Into<Self>) {
        if let Self::Object(members) = self {
            members.push((name.to_owned(), value.into()));
        }
    }

    /// Appends a member with a text, unless that is empty.
    pub(crate) fn push_text(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.push(name, text);
        }
    }
}

impl Default for Json {
    /// An object without members.
    fn default() -> Self {
        Self::Object(Vec::new())
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<i32> for Json {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl From<bool> for Json {
    fn from(is: bool) -> Self {
        Self::Bool(is)
    }
}

impl From<Members> for Json {
    fn from(members: Members) -> Self {
        Self::Object(members)
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(one), Self::Bool(other)) => one == other,
            (Self::Number(one), Self::Number(other)) => one == other,
            (Self::String(one), Self::String(other)) => one == other,
            (Self::Array(one), Self::Array(other)) => one == other,
            (Self::Object(one), Self::Object(other)) => {
                one.len() == other.len() && (one == other || sorted(one) == sorted(other))
            }
            _ => false,
        }
    }
}

fn sorted(members: &Members) -> Vec<&(String, Json)> {
    let mut members: Vec<_> = members.iter().collect();
    members.sort_by_key(|(name, _)| name);
    members
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Nothing in it can fail: all keys are texts.
        f.write_str(&serde_json::to_string(self).unwrap_or_default())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(is) => serializer.serialize_bool(*is),
            Self::Number(number) => number.serialize(serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(elements) => {
                let mut array = serializer.serialize_seq(Some(elements.len()))?;
                for element in elements {
                    array.serialize_element(element)?;
                }
                array.end()
            }
            Self::Object(members) => {
                let mut object = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    object.serialize_entry(name, value)?;
                }
                object.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, is: bool) -> Result<Json, E> {
        Ok(Json::Bool(is))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(Number::from_f64(number).map_or(Json::Null, Json::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Json, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = array.next_element()? {
            elements.push(element);
        }
        Ok(Json::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = object.next_entry()? {
            members.push(member);
        }
        last_of_each(&mut members);
        Ok(Json::Object(members))
    }
}

/// Keeps the last of several members with one name, which RFC 7493 forbids: most programs do,
/// so it is the one that the author of a file has seen.
fn last_of_each(members: &mut Members) {
    let names = members.iter().map(|(name, _)| name.as_str());
    let places: HashMap<&str, usize> = names.zip(0..).collect();
    if places.len() == members.len() {
        return;
    }
    let is_last = members.iter().zip(0..);
    let is_last = is_last.map(|((name, _), at)| places[name.as_str()] == at);
    let mut is_last = is_last.collect::<Vec<_>>().into_iter();
    members.retain(|_| is_last.next().unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_is_read_is_written_in_its_order() {
        for text in [
            "{\"b\":1,\"a\":[null,true,-2,1.5,18446744073709551615,\"\\n\\u0001ü\"],\"\":{}}",
            "[]",
            "\"\"",
        ] {
            assert_eq!(parse(text).to_string(), text);
        }
    }

    #[test]
    fn the_last_of_several_members_with_one_name_counts() {
        let text = "{\"a\":1,\"b\":2,\"a\":{\"x\":1,\"x\":2},\"c\":3,\"b\":4}";
        assert_eq!(parse(text).to_string(), "{\"a\":{\"x\":2},\"c\":3,\"b\":4}");
    }

    #[test]
    fn members_are_equal_in_any_order() {
        assert_eq!(parse("{\"a\":1,\"b\":[2]}"), parse("{\"b\":[2],\"a\":1}"));
        for other in [
            "{\"a\":1}",
            "{\"a\":2,\"b\":[2]}",
            "{\"a\":1,\"b\":[]}",
            "[]",
        ] {
            assert_ne!(parse("{\"a\":1,\"b\":[2]}"), parse(other));
        }
    }
}
