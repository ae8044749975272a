//! `FindDuplicates`: which two contacts are suggested as one person, and which are not.

use proto::contacts::v1::{Contact, DuplicateReason};

use crate::app::App;
use crate::owner::Owner;
use crate::sample::{ada, date, email, named, phone};

pub fn with_email(contact: Contact, address: &str) -> Contact {
    Contact {
        emails: vec![email(address)],
        ..contact
    }
}

pub fn with_phone(contact: Contact, number: &str) -> Contact {
    Contact {
        phones: vec![phone(number)],
        ..contact
    }
}

pub fn born(contact: Contact, year: i32, month: i32, day: i32) -> Contact {
    Contact {
        birthday: Some(date(year, month, day)),
        ..contact
    }
}

/// The score and the reasons of these two, the owner's only contacts.
pub async fn judged(owner: &Owner, a: Contact, b: Contact) -> Option<(f64, Vec<DuplicateReason>)> {
    let stored = owner.has_all([a, b]).await;
    let groups = owner.duplicates(0).await;
    for contact in &stored {
        owner.delete(&contact.id).await.unwrap();
    }
    let [group] = &*groups else {
        assert!(groups.is_empty());
        return None;
    };
    assert_eq!(group.contacts, stored);
    Some((group.score, group.reasons().collect()))
}

/// A contact with a given name and perhaps a family name.
fn person(name: &str) -> Contact {
    let (given, family) = name.split_once(' ').unwrap_or((name, ""));
    named(given, family)
}

#[tokio::test]
async fn a_company_s_number_and_what_is_typed_instead_of_a_value_make_no_group() {
    let app = App::start().await;
    let owner = app.owner();
    let bob = || named("Bob", "Babbage");
    for (one, other) in [
        ("+1 202 555 0173 ext. 12", "+1 202 555 0173 ext. 13"),
        ("+1 202 555 0173 ext. 12", "+1 202 555 0173"),
        ("+1 202 555 0173;ext=1", "+1 202 555 0173 x2"),
        ("0000000000", "0000000000"),
        ("000-000-0000", "0000000000"),
        ("1234567890", "123 456 7890"),
        ("123456789", "123456789"),
        ("+1 111 111 1111", "+1 111 111 1111"),
        ("99999", "99999"),
    ] {
        let pair = (with_phone(ada(), one), with_phone(bob(), other));
        assert_eq!(judged(&owner, pair.0, pair.1).await, None, "{one} {other}");
    }
    for (one, other) in [
        ("jose@example.com", "josé@example.com"),
        ("none@none.com", "none@none.com"),
        ("noreply@example.com", "noreply@example.com"),
        ("No-Reply@example.com", "no-reply@example.com"),
        ("x@x.xx", "x@x.xx"),
        ("ada@nowhere.invalid", "ada@nowhere.invalid"),
        ("unknown@example.com", "unknown@example.com"),
    ] {
        let pair = (with_email(ada(), one), with_email(bob(), other));
        assert_eq!(judged(&owner, pair.0, pair.1).await, None, "{one} {other}");
    }
    for name in [
        "Unknown",
        "?",
        "???",
        "No Name",
        "N/A",
        "- -",
        "Unbekannt",
        "…",
    ] {
        let pair = (named(name, ""), named(name, ""));
        assert_eq!(judged(&owner, pair.0, pair.1).await, None, "{name}");
    }
}

#[tokio::test]
async fn one_extension_of_one_number_is_shared() {
    let app = App::start().await;
    let owner = app.owner();
    let one = with_phone(ada(), "+1 202 555 0173 ext. 12");
    let other = with_phone(named("A", "L"), "+1 202-555-0173 x12");
    let (_, reasons) = judged(&owner, one, other).await.unwrap();
    assert_eq!(reasons, [DuplicateReason::SamePhone]);
}

#[tokio::test]
async fn names_in_another_order_or_spelling_are_similar() {
    let app = App::start().await;
    let owner = app.owner();
    for ((given, family), (other_given, other_family)) in [
        (("Ada", "Lovelace"), ("Lovelace", "Ada")),
        (("明", "山田"), ("山田", "明")),
        (("Hans Peter", "Müller"), ("Müller", "Hans Peter")),
        (("Jörg", "Müller"), ("Joerg", "Mueller")),
        (("Hans", "Mueller"), ("Hans", "Muller")),
        (("Mehmet", "Öztürk"), ("Oeztuerk", "Mehmet")),
        (("Søren", "Ågård"), ("Soeren", "Aagaard")),
        (("José", "Núñez"), ("Jose", "Nunez")),
        (("Łukasz", "Żak"), ("Lukasz", "Zak")),
        (("Sinéad", "O'Brien"), ("sinead", "O Brien")),
        (("Anne-Marie", "Weiß"), ("Anne Marie", "Weiss")),
    ] {
        let pair = (named(given, family), named(other_given, other_family));
        let (_, reasons) = judged(&owner, pair.0, pair.1).await.unwrap();
        assert_eq!(reasons, [DuplicateReason::SimilarName], "{given} {family}");
    }
}

#[tokio::test]
async fn a_typing_error_is_forgiven_where_the_date_of_birth_is_the_same() {
    let app = App::start().await;
    let owner = app.owner();
    let on_one_day =
        |one: Contact, other: Contact| (born(one, 1990, 5, 17), born(other, 1990, 5, 17));
    for (one, other) in [
        ("Ada Lovelace", "Ada Lovelase"),
        ("Ada Lovelace", "Adda Lovelace"),
        ("Ada Lovelace", "Dad Lovelace"),
        ("Stephen Hawking", "Stefen Hawking"),
        ("Katharina Schmidt", "Katarina Schmidt"),
        ("Wisława Szymborska", "Wislawa Szymborksa"),
        ("Александр Пушкин", "Алекcандр Пушкин"),
        ("山田 花子太郎丸", "山田 花子太朗丸"),
        ("Madonna", "Madona"),
    ] {
        let (a, b) = on_one_day(person(one), person(other));
        let (_, reasons) = judged(&owner, a, b).await.expect(one);
        let expected = [DuplicateReason::SimilarName, DuplicateReason::SameBirthday];
        assert_eq!(reasons, expected, "{one} {other}");
        let (a, b) = (
            born(person(one), 1990, 5, 17),
            born(person(other), 1990, 5, 18),
        );
        assert_eq!(judged(&owner, a, b).await, None, "{one} {other}");
        let (a, b) = (born(person(one), 0, 5, 17), born(person(other), 0, 5, 17));
        assert_eq!(
            judged(&owner, a, b).await,
            None,
            "{one} {other}, of no year"
        );
    }
    for (one, twin) in [
        ("Anna Müller", "Bernd Müller"),
        ("Kim Lee", "Lee Park"),
        ("Ada", "Alf"),
    ] {
        let (a, b) = on_one_day(person(one), person(twin));
        assert_eq!(judged(&owner, a, b).await, None, "{one} {twin}");
    }
}
