//! Writes tables of Google and of Outlook.
//!
//! What their own columns cannot hold is in columns that these programs ignore and our
//! reader knows. A table does not hold photos, raw properties, a label of a contact with
//! `:::` or with the name of a group of Google's such as `* friends`,
//! a label of an element that begins with `* ` or has a capital as in "Home", and, for
//! Outlook, the order of phones, addresses, urls and relations.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use proto::contacts::v1::{Contact, PostalAddress};

use super::build::{ESCAPED, SEPARATOR};
use super::field::{self, Field, List, NUMBERED, One, Part};
use super::items::{fixed_label, to_google};
use super::names;
use crate::vcard::date::date_text;

/// Whose table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    Google,
    Outlook,
}

type Columns = Vec<(String, Field)>;
/// Of one element of a list, the texts that are not empty.
type Texts = BTreeMap<Part, String>;

const GOOGLE: [&str; 16] = [
    "First Name",
    "Middle Name",
    "Last Name",
    "Phonetic First Name",
    "Phonetic Last Name",
    "Name Prefix",
    "Name Suffix",
    "Nickname",
    "Organization Name",
    "Organization Title",
    "Organization Department",
    "Birthday",
    "Notes",
    "Labels",
    "Full Name",
    "Date of Death",
];
const OURS: [&str; 3] = ["Phonetic First Name", "Phonetic Last Name", "Labels"];
/// Of each list, how many elements have columns of their own; the last columns hold all
/// others, too.
const LISTS: [(&str, usize, &[&str]); 9] = [
    ("E-mail", 4, &["Label", "Value"]),
    ("Phone", 6, &["Label", "Value"]),
    (
        "Address",
        3,
        &[
            "Label",
            "Street",
            "Extended Address",
            "City",
            "Region",
            "Postal Code",
            "Country",
            "Country Code",
        ],
    ),
    ("Relation", 3, &["Label", "Value"]),
    ("Website", 3, &["Label", "Value"]),
    ("Event", 3, &["Label", "Value"]),
    ("Organization", 2, &["Name", "Title", "Department"]),
    ("IM", 2, &["Label", "Value"]),
    ("Custom Field", 6, &["Label", "Value"]),
];

fn named(name: &str) -> Option<(String, Field)> {
    let (field, _) = field::of_header(name)?;
    Some((name.to_owned(), field))
}

fn numbered() -> impl Iterator<Item = (String, Field)> {
    LISTS.iter().flat_map(|(list, count, parts)| {
        (1..=*count).flat_map(move |number| {
            let names = parts
                .iter()
                .map(move |part| format!("{list} {number} - {part}"));
            names.filter_map(|name| named(&name))
        })
    })
}

static GOOGLE_COLUMNS: LazyLock<Columns> = LazyLock::new(|| {
    let fixed = GOOGLE.iter().chain(&["Uid"]).filter_map(|name| named(name));
    fixed.chain(numbered()).collect()
});

static OUTLOOK_COLUMNS: LazyLock<Columns> = LazyLock::new(|| {
    let ours = OURS.iter().filter_map(|name| named(name));
    names::outlook()
        .into_iter()
        .chain(ours)
        .chain(numbered())
        .collect()
});

fn columns(table: Table) -> &'static Columns {
    match table {
        Table::Google => &GOOGLE_COLUMNS,
        Table::Outlook => &OUTLOOK_COLUMNS,
    }
}

/// Appends the first row.
pub(crate) fn header(table: Table, out: &mut Vec<u8>) {
    if table == Table::Outlook {
        // Without it, Outlook reads another encoding.
        out.extend_from_slice("\u{feff}".as_bytes());
    }
    row(columns(table).iter().map(|(name, _)| name.as_str()), out);
}

/// Appends the row of a contact.
pub(crate) fn contact(table: Table, contact: &Contact, out: &mut Vec<u8>) {
    let columns = columns(table);
    let mut cells = ones(table, contact);
    for list in [
        List::Email,
        List::Phone,
        List::Address,
        List::Url,
        List::Organization,
        List::Event,
        List::Relation,
        List::Impp,
        List::Custom,
    ] {
        place(list, elements(contact, list), columns, &mut cells);
    }
    // The second and third line of a street have columns of their own, but need none.
    let cells: Vec<String> = columns
        .iter()
        .map(|(_, field)| cells.remove(field).unwrap_or_default())
        .collect();
    row(cells.iter().map(String::as_str), out);
}

fn row<'a>(cells: impl Iterator<Item = &'a str>, out: &mut Vec<u8>) {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let is_quoted = cell.contains([',', ';', '\t', '"', '\r', '\n']) || cell.trim() != cell;
        if is_quoted {
            out.push(b'"');
            out.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
            out.push(b'"');
        } else {
            out.extend_from_slice(cell.as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n");
}

fn ones(table: Table, contact: &Contact) -> BTreeMap<Field, String> {
    let mut labels = contact.labels.clone();
    let mut categories = String::new();
    if table == Table::Google {
        labels.push("* myContacts".into());
        labels.extend(contact.starred.then(|| "* starred".into()));
    } else if !labels.iter().any(|label| label.contains(';')) {
        categories = labels.join(";");
        labels.clear();
    }
    let starred = if contact.starred { "true" } else { "" };
    let date = |date: Option<_>| date.map(date_text).unwrap_or_default();
    let cells = [
        (One::Prefix, contact.name_prefix.clone()),
        (One::Given, contact.given_name.clone()),
        (One::Middle, contact.middle_name.clone()),
        (One::Family, contact.family_name.clone()),
        (One::Suffix, contact.name_suffix.clone()),
        (One::Nickname, contact.nickname.clone()),
        (One::PhoneticGiven, contact.phonetic_given_name.clone()),
        (One::PhoneticFamily, contact.phonetic_family_name.clone()),
        (One::Formatted, contact.formatted_name.clone()),
        (One::Notes, contact.notes.clone()),
        (One::Uid, contact.uid.clone()),
        (One::Birthday, date(contact.birthday)),
        (One::Death, date(contact.date_of_death)),
        (One::Categories, categories),
        (One::Groups, labels.join(&format!(" {SEPARATOR} "))),
        (One::Starred, starred.to_owned()),
    ];
    cells
        .into_iter()
        .map(|(one, text)| (Field::One(one), text))
        .collect()
}

/// The elements of a list, with labels as Google writes them.
fn elements(contact: &Contact, list: List) -> Vec<Texts> {
    match list {
        List::Email => all(&contact.emails, |email| {
            primary(&email.address, &email.label, email.primary)
        }),
        List::Phone => all(&contact.phones, |phone| {
            primary(&phone.number, &phone.label, phone.primary)
        }),
        List::Url => all(&contact.urls, |url| labelled(&url.url, &url.label)),
        List::Event => all(&contact.events, |event| {
            let date = event.date.map(date_text).unwrap_or_default();
            labelled(&date, &event.label)
        }),
        List::Relation => all(&contact.relations, |relation| {
            labelled(&relation.name, &relation.label)
        }),
        List::Impp => all(&contact.impps, |impp| labelled(&impp.uri, &impp.label)),
        List::Custom => {
            let mut fields: Vec<_> = contact.custom_fields.iter().collect();
            fields.sort();
            all(&fields, |(name, text)| {
                vec![
                    (Part::Value, (*text).clone()),
                    (Part::Label, (*name).clone()),
                ]
            })
        }
        List::Organization => all(&contact.organizations, |organization| {
            vec![
                (Part::Value, organization.name.clone()),
                (Part::Department, organization.department.clone()),
                (Part::Title, organization.title.clone()),
            ]
        }),
        List::Address => all(&contact.addresses, address),
    }
}

/// A text with its part of an element.
type Text = (Part, String);

fn all<T>(list: &[T], texts: impl Fn(&T) -> Vec<Text>) -> Vec<Texts> {
    let full = |element| {
        let texts = texts(element).into_iter();
        texts
            .filter(|(_, text)| !text.is_empty())
            .map(|(part, text)| (part, text.replace(SEPARATOR, ESCAPED)))
            .collect()
    };
    list.iter().map(full).collect()
}

fn labelled(value: &str, label: &str) -> Vec<Text> {
    vec![
        (Part::Value, value.to_owned()),
        (Part::Label, to_google(label)),
    ]
}

fn primary(value: &str, label: &str, is_primary: bool) -> Vec<Text> {
    let mark = if is_primary { "* " } else { "" };
    let label = format!("{mark}{}", to_google(label));
    vec![
        (Part::Value, value.to_owned()),
        (Part::Label, label.trim_end().to_owned()),
    ]
}

fn address(address: &PostalAddress) -> Vec<Text> {
    vec![
        (Part::Value, address.street.clone()),
        (Part::Label, to_google(&address.label)),
        (Part::Extended, address.extended.clone()),
        (Part::City, address.city.clone()),
        (Part::Region, address.region.clone()),
        (Part::PostalCode, address.postal_code.clone()),
        (Part::Country, address.country.clone()),
        (Part::CountryCode, address.country_code.clone()),
    ]
}

/// Puts each element into the first free columns that can hold it; those that have none
/// share the last.
fn place(list: List, elements: Vec<Texts>, columns: &Columns, cells: &mut BTreeMap<Field, String>) {
    let mut free: Vec<usize> = Vec::new();
    for (_, field) in columns {
        if let Field::Item(of, index, _) = field
            && *of == list
            && !free.contains(index)
        {
            free.push(*index);
        }
    }
    let fits = |index: usize, texts: &Texts| {
        let fixed = fixed_label(list, index);
        let label = texts.get(&Part::Label).map(String::as_str);
        if fixed.is_some() && fixed.map(to_google).as_deref() != label {
            return false;
        }
        texts.keys().all(|part| {
            let field = Field::Item(list, index, *part);
            (fixed.is_some() && *part == Part::Label) || columns.iter().any(|(_, is)| *is == field)
        })
    };
    let final_index = free.last().copied().unwrap_or(NUMBERED);
    let mut others = Vec::new();
    for texts in elements {
        let at = free
            .iter()
            .position(|index| *index != final_index && fits(*index, &texts));
        let Some(at) = at else {
            others.push(texts);
            continue;
        };
        let index = free.remove(at);
        for (part, text) in texts {
            if part != Part::Label || fixed_label(list, index).is_none() {
                cells.insert(Field::Item(list, index, part), text);
            }
        }
    }
    let parts: Vec<Part> = others.iter().flat_map(Texts::keys).copied().collect();
    for part in parts {
        let texts: Vec<&str> = others
            .iter()
            .map(|texts| texts.get(&part).map(String::as_str).unwrap_or_default())
            .collect();
        cells.insert(
            Field::Item(list, final_index, part),
            texts.join(&format!(" {SEPARATOR} ")),
        );
    }
}
