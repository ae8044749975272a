//! What a column contains.

use super::names;

/// A list of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum List {
    Email,
    Phone,
    Address,
    Url,
    Organization,
    Event,
    Relation,
    Impp,
    Custom,
}

/// A part of an element of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// What makes it an element: an address, a number, a street, a name, a date or a text.
    Value,
    Label,
    Extended,
    City,
    Region,
    PostalCode,
    Country,
    CountryCode,
    Department,
    Title,
    Service,
    /// An address as it is on a letter.
    Formatted,
    Primary,
}

/// What a contact has one of, or what is one cell of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum One {
    Prefix,
    Given,
    Middle,
    Family,
    Suffix,
    Nickname,
    PhoneticGiven,
    PhoneticFamily,
    Formatted,
    Birthday,
    Death,
    Notes,
    /// The names of labels between `:::`, `;` or, if a map says so, commas.
    Groups,
    Categories,
    Labels,
    Starred,
    Uid,
}

/// What a column contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    One(One),
    /// A part of one element of a list, or of several between `:::`.
    Item(List, usize, Part),
}

/// The elements from here on have numbers; those before have names, such as "Home Phone".
pub(super) const NUMBERED: usize = 1000;

/// The field of a column with this name, and whether its name is not English.
pub(super) fn of_header(header: &str) -> Option<(Field, bool)> {
    let name = fold(header);
    if let Some(field) = numbered(&name) {
        return Some((field, false));
    }
    names::field(&name)
}

/// A name of a column, to compare it.
pub(super) fn fold(name: &str) -> String {
    let name = name
        .to_lowercase()
        .replace(['\u{2019}', '\u{2bc}', '`'], "'");
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A column of Google, such as "phone 1 - value".
fn numbered(name: &str) -> Option<Field> {
    let (item, part) = name.rsplit_once(" - ")?;
    let (list, number) = item.rsplit_once(' ')?;
    let list = match list {
        "e-mail" | "email" => List::Email,
        "phone" => List::Phone,
        "address" => List::Address,
        "website" => List::Url,
        "organization" => List::Organization,
        "event" => List::Event,
        "relation" => List::Relation,
        "im" => List::Impp,
        "custom field" => List::Custom,
        _ => return None,
    };
    let part = match (list, part) {
        (List::Organization, "type") => return None,
        (_, "type" | "label") => Part::Label,
        (List::Address, "street") | (List::Organization, "name") => Part::Value,
        (List::Address, "extended address" | "po box") => Part::Extended,
        (List::Address, "city") => Part::City,
        (List::Address, "region") => Part::Region,
        (List::Address, "postal code") => Part::PostalCode,
        (List::Address, "country") => Part::Country,
        (List::Address, "country code") => Part::CountryCode,
        (List::Address, "formatted") => Part::Formatted,
        (List::Organization, "title") => Part::Title,
        (List::Organization, "department") => Part::Department,
        (List::Impp, "service") => Part::Service,
        (List::Address | List::Organization, _) => return None,
        (_, "value") => Part::Value,
        _ => return None,
    };
    let number: u16 = number.parse().ok()?;
    Some(Field::Item(list, NUMBERED + usize::from(number), part))
}

/// The field of a path, such as `emails[0].address`.
pub(super) fn of_path(path: &str) -> Option<Field> {
    let one = match path {
        "name_prefix" => Some(One::Prefix),
        "given_name" => Some(One::Given),
        "middle_name" => Some(One::Middle),
        "family_name" => Some(One::Family),
        "name_suffix" => Some(One::Suffix),
        "nickname" => Some(One::Nickname),
        "phonetic_given_name" => Some(One::PhoneticGiven),
        "phonetic_family_name" => Some(One::PhoneticFamily),
        "formatted_name" | "display_name" => Some(One::Formatted),
        "birthday" => Some(One::Birthday),
        "date_of_death" => Some(One::Death),
        "notes" => Some(One::Notes),
        "labels" => Some(One::Labels),
        "starred" => Some(One::Starred),
        "uid" => Some(One::Uid),
        _ => None,
    };
    if let Some(one) = one {
        return Some(Field::One(one));
    }
    let (list, rest) = path.split_once('[')?;
    let (index, part) = rest.split_once("].")?;
    let index: u16 = index.parse().ok()?;
    let (list, part) = match (list, part) {
        ("emails", "address") => (List::Email, Part::Value),
        ("emails", "primary") => (List::Email, Part::Primary),
        ("phones", "number") => (List::Phone, Part::Value),
        ("phones", "primary") => (List::Phone, Part::Primary),
        ("addresses", "street") => (List::Address, Part::Value),
        ("addresses", "extended") => (List::Address, Part::Extended),
        ("addresses", "city") => (List::Address, Part::City),
        ("addresses", "region") => (List::Address, Part::Region),
        ("addresses", "postal_code") => (List::Address, Part::PostalCode),
        ("addresses", "country") => (List::Address, Part::Country),
        ("addresses", "country_code") => (List::Address, Part::CountryCode),
        ("urls", "url") => (List::Url, Part::Value),
        ("organizations", "name") => (List::Organization, Part::Value),
        ("organizations", "department") => (List::Organization, Part::Department),
        ("organizations", "title") => (List::Organization, Part::Title),
        ("events", "date") => (List::Event, Part::Value),
        ("relations", "name") => (List::Relation, Part::Value),
        ("impps", "uri") => (List::Impp, Part::Value),
        ("emails", "label") => (List::Email, Part::Label),
        ("phones", "label") => (List::Phone, Part::Label),
        ("addresses", "label") => (List::Address, Part::Label),
        ("urls", "label") => (List::Url, Part::Label),
        ("events", "label") => (List::Event, Part::Label),
        ("relations", "label") => (List::Relation, Part::Label),
        ("impps", "label") => (List::Impp, Part::Label),
        _ => return None,
    };
    Some(Field::Item(list, NUMBERED + usize::from(index), part))
}
