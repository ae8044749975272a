//! Organizations with titles, and related people.

use std::collections::{HashMap, HashSet};

use proto::contacts::v1::{Organization, Relation};

use super::kept::Kept;
use super::list::{entries, sort_as};
use crate::json::{Json, Members};
use crate::limits::{ITEMS, LABEL, LINE};
use crate::vcard::text::{cut, one_line};

/// The related people in their order, if `relatedTo` cannot say it.
pub(super) const RELATIONS: &str = "addressbook.dev:relations";
/// Begins a relation that is not one of RFC 9553.
const OWN: &str = "addressbook.dev:";
/// The relations of RFC 9553, which are those of RFC 6350.
const KNOWN: [&str; 20] = [
    "acquaintance",
    "agent",
    "child",
    "co-resident",
    "co-worker",
    "colleague",
    "contact",
    "crush",
    "date",
    "emergency",
    "friend",
    "kin",
    "me",
    "met",
    "muse",
    "neighbor",
    "parent",
    "sibling",
    "spouse",
    "sweetheart",
];

/// The organizations of a card. A title belongs to the one that it names, else to the first
/// one without a title.
pub(super) fn read_organizations(organizations: &Json, titles: &Json) -> Vec<Organization> {
    let mut ids = Vec::new();
    let mut list = Vec::new();
    for (id, entry) in organizations.members().iter().take(ITEMS) {
        ids.push(id.as_str());
        list.push(organization(entry));
    }
    let mut others = Vec::new();
    for (_, entry) in titles.members() {
        let Some(title) = title(entry) else { continue };
        let named = entry.text_of("organizationId");
        let at = ids.iter().position(|id| *id == named);
        match at.filter(|at| list[*at].title.is_empty()) {
            Some(at) => list[at].title = title,
            None => others.push(title),
        }
    }
    for title in others {
        match list.iter().position(|free| free.title.is_empty()) {
            Some(at) => list[at].title = title,
            None if list.len() < ITEMS => list.push(Organization {
                title,
                ..Organization::default()
            }),
            None => {}
        }
    }
    list.retain(|organization| *organization != Organization::default());
    list
}

/// An organization without its title.
fn organization(entry: &Json) -> Organization {
    let units: Vec<String> = match entry.get("units") {
        Some(Json::Array(units)) => units
            .iter()
            .map(|unit| one_line(unit.text_of("name")))
            .filter(|unit| !unit.is_empty())
            .collect(),
        _ => Vec::new(),
    };
    let mut organization = Organization {
        name: one_line(entry.text_of("name")),
        department: units.join(", "),
        title: String::new(),
    };
    cut(&mut organization.name, LINE);
    cut(&mut organization.department, LINE);
    organization
}

/// The text of a title; `None` if it is a role, or empty.
fn title(entry: &Json) -> Option<String> {
    let mut title = one_line(entry.text_of("name"));
    cut(&mut title, LINE);
    let is_title = matches!(entry.text_of("kind"), "" | "title");
    (is_title && !title.is_empty()).then_some(title)
}

/// The members `organizations` and `titles`.
pub(super) fn write_organizations(list: &[Organization], kept: &mut Kept) -> (Json, Json) {
    let (organizations, titles) = (kept.entries("organizations"), kept.entries("titles"));
    let written = organization_entries(list, organizations, titles.clone());
    if read_organizations(&written.0, &written.1) == list {
        return written;
    }
    // What was kept assigns the titles in another way.
    let roles = titles
        .into_iter()
        .filter(|(_, entry)| title(entry).is_none());
    organization_entries(list, Vec::new(), roles.collect())
}

fn organization_entries(list: &[Organization], kept: Members, titles: Members) -> (Json, Json) {
    // Without its organization, a title would belong to another one.
    let is_entry =
        |one: &&Organization| !one.name.is_empty() || !one.department.is_empty() || list.len() > 1;
    let untitled: Vec<Organization> = list
        .iter()
        .filter(is_entry)
        .map(|one| Organization {
            title: String::new(),
            ..one.clone()
        })
        .collect();
    let organizations = entries(
        &untitled,
        kept,
        |entry| matches!(entry, Json::Object(_)).then(|| organization(entry)),
        PartialEq::eq,
        organization_entry,
    );
    let named: Vec<(String, String)> = list
        .iter()
        .filter(is_entry)
        .zip(&organizations)
        .map(|(one, (id, _))| (one.title.clone(), id.clone()))
        .chain(
            list.iter()
                .filter(|one| !is_entry(one))
                .map(|one| (one.title.clone(), String::new())),
        )
        .filter(|(title, _)| !title.is_empty())
        .collect();
    let order = titles.clone();
    let mut titles = entries(
        &named,
        titles,
        |entry| Some((title(entry)?, entry.text_of("organizationId").to_owned())),
        |(title, id), (kept, named)| title == kept && (named.is_empty() || id == named),
        |(title, id)| {
            let mut entry = Json::object("name", title.as_str());
            entry.push_text("organizationId", id);
            entry
        },
    );
    sort_as(&order, &mut titles);
    (organizations.into(), titles.into())
}

fn organization_entry(organization: &Organization) -> Json {
    let mut entry = Json::default();
    if !organization.name.is_empty() || organization.department.is_empty() {
        entry.push("name", organization.name.as_str());
    }
    if !organization.department.is_empty() {
        let unit = Json::object("name", organization.department.as_str());
        entry.push("units", Json::Array(vec![unit]));
    }
    entry
}

/// The related people of a card, who may be in a list of our own, too.
pub(super) fn read_relations(related: &Json, own: Option<&Json>) -> Vec<Relation> {
    let own = match own {
        Some(Json::Array(list)) => list.as_slice(),
        _ => &[],
    };
    let own: Vec<Relation> = own.iter().filter_map(own_relation).take(ITEMS).collect();
    let listed: HashSet<&str> = own.iter().map(|one| one.name.as_str()).collect();
    let others = related.members().iter();
    let others = others.filter(|(name, _)| !listed.contains(name.as_str()));
    let others = others.flat_map(|(name, entry)| relations_of(name, entry));
    let others: Vec<Relation> = others.take(ITEMS - own.len()).collect();
    [own, others].concat()
}

fn own_relation(entry: &Json) -> Option<Relation> {
    let mut name = one_line(entry.text_of("name"));
    let mut label = one_line(entry.text_of("label"));
    cut(&mut name, LINE);
    cut(&mut label, LABEL);
    (!name.is_empty()).then_some(Relation { name, label })
}

/// The relations of an entry; none if it names the person by a uid.
fn relations_of(key: &str, entry: &Json) -> Vec<Relation> {
    let mut name = one_line(key);
    cut(&mut name, LINE);
    if name.is_empty() || is_uid(key) {
        return Vec::new();
    }
    let relation = |label: &str| {
        let mut label = one_line(label.strip_prefix(OWN).unwrap_or(label));
        cut(&mut label, LABEL);
        Relation {
            name: name.clone(),
            label,
        }
    };
    match entry.get("relation").map(Json::members) {
        None | Some([]) => vec![relation("")],
        Some(labels) => {
            let labels = labels.iter().take(ITEMS);
            labels.map(|(label, _)| relation(label)).collect()
        }
    }
}

/// Whether a key is the uid of a card: a URI or a UUID.
fn is_uid(key: &str) -> bool {
    let is_uuid = key.len() == 36 && key.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    is_uuid || key.contains(':')
}

/// The members `relatedTo` and, if they need it, the list of our own.
pub(super) fn write_relations(list: &[Relation], kept: &mut Kept) -> (Json, Option<Json>) {
    let mut related: Members = Vec::new();
    for relation in list {
        let label = match relation.label.as_str() {
            label if label.is_empty() || KNOWN.contains(&label) => label.to_owned(),
            label => format!("{OWN}{label}"),
        };
        let at = related.iter().position(|(name, _)| *name == relation.name);
        let at = at.unwrap_or_else(|| {
            let entry = Json::object("relation", Json::default());
            related.push((relation.name.clone(), entry));
            related.len() - 1
        });
        if let Json::Object(members) = &mut related[at].1
            && let Some((_, labels)) = members.first_mut()
            && !label.is_empty()
            && labels.get(&label).is_none()
        {
            labels.push(&label, true);
        }
    }
    let kept = kept.entries("relatedTo");
    let names = related.iter().map(|(name, _)| name.clone());
    let mut places: HashMap<String, usize> = names.zip(0..).collect();
    for (key, entry) in kept.clone() {
        match places.get(&key) {
            Some(at) => {
                let (_, written) = &mut related[*at];
                if relations_of(&key, &entry) == relations_of(&key, written) {
                    *written = entry;
                }
            }
            None if relations_of(&key, &entry).is_empty() => {
                places.insert(key.clone(), related.len());
                related.push((key, entry));
            }
            None => {}
        }
    }
    sort_as(&kept, &mut related);
    let related = Json::Object(related);
    let own = (read_relations(&related, None) != list).then(|| {
        let entry = |relation: &Relation| {
            let mut entry = Json::object("name", relation.name.as_str());
            entry.push_text("label", &relation.label);
            entry
        };
        Json::Array(list.iter().map(entry).collect())
    });
    (related, own)
}
