//! Cards with about as many parts as a card may have. A reader that compares each with all
//! others needs minutes for them.

#![allow(clippy::unwrap_used, reason = "a test should panic where it fails")]

mod reading;

use card_formats::{Entry, ExportFormat, Parsed, limits};
use proto::contacts::v1::Contact;
use reading::{card_of, contacts, written};
use serde_json::{Map, Value, json};

const MANY: usize = 14_000;

/// A member of a card for each number.
fn members(of: impl Fn(usize) -> (String, Value)) -> Value {
    (0..MANY).map(of).collect::<Map<_, _>>().into()
}

/// A card with these members.
fn card(members: &Value) -> Value {
    let mut card = json!({"@type": "Card", "name": {"full": "Ada"}});
    let all = card.as_object_mut().unwrap();
    all.extend(members.as_object().unwrap().clone());
    card
}

fn contact(card: &Value) -> Contact {
    contacts(&[card_of(&card.to_string())]).remove(0)
}

#[test]
fn of_very_many_related_people_the_first_ones_are_read() {
    let person = |at: usize| (format!("Person {at:05}"), json!({}));
    let labels = members(|at| (format!("example.com:{at:05}"), true.into()));
    let own: Vec<Value> = (0..MANY)
        .map(|at| json!({"name": at.to_string()}))
        .collect();
    for (members, first) in [
        (json!({"relatedTo": members(person)}), "Person 00000"),
        (json!({"relatedTo": {"Bob": {"relation": labels}}}), "Bob"),
        (json!({"addressbook.dev:relations": own}), "0"),
        (
            json!({"addressbook.dev:relations": own, "relatedTo": members(person)}),
            "0",
        ),
    ] {
        let relations = contact(&card(&members)).relations;

        assert_eq!(relations.len(), limits::ITEMS);
        assert_eq!(relations[0].name, first);
    }
}

#[test]
fn related_people_who_are_kept_are_written() {
    let uid = |at: usize| (format!("uid:{at}"), json!({}));
    let kept: Map<_, _> = (0..1000).map(uid).collect();
    let card = card(&json!({"relatedTo": kept}));
    let contact = contact(&card);
    assert_eq!(contact.raw_properties.len(), 1);

    let file = written(
        ExportFormat::JsContact,
        &[Parsed {
            contact,
            photo: None,
        }],
    );

    let again: Value = serde_json::from_slice(&file).unwrap();
    assert_eq!(again[0]["relatedTo"], card["relatedTo"]);
}

#[test]
fn a_property_of_very_many_parameters_is_dropped_with_a_warning() {
    let parameters = members(|at| (format!("x-{at}"), "value".into()));
    let values: Vec<String> = (0..MANY).map(|at| format!("value {at}")).collect();
    for parameters in [parameters, json!({"x": values})] {
        let element = json!(["x-foo", parameters, "unknown", "bar"]);
        let card = card(&json!({"vCardProps": [element]}));

        let card = card_of(&card.to_string());

        assert_eq!(card.warnings[0].property, "vCardProps");
        let Ok(Entry::Contact(parsed)) = card.outcome else {
            panic!("{card:?}");
        };
        assert_eq!(parsed.contact.raw_properties, [""; 0]);
    }
}
