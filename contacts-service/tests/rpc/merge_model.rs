//! Random merges, unmerges and other writes, compared with a model: a merge neither loses
//! nor invents data.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use proto::contacts::v1::{
    Contact, Email, Event, Impp, Organization, Phone, PostalAddress, Relation, Url,
};

use crate::app::App;
use crate::owner::Owner;
use crate::owner_merges::bare;
use crate::refusal::reason;
use crate::sample::{date, named};

/// A word from a small set, so that contacts have some values in common.
fn word(random: &mut Rng, kind: &str) -> String {
    match random.u8(0..8) {
        0 | 1 => String::new(),
        n => format!("{kind}{n}"),
    }
}

fn some<T>(random: &mut Rng, one: impl Fn(&mut Rng) -> T) -> Vec<T> {
    (0..random.usize(0..3)).map(|_| one(random)).collect()
}

fn contact(random: &mut Rng) -> Contact {
    let digit = |random: &mut Rng| random.u8(1..6);
    Contact {
        name_prefix: word(random, "prefix"),
        middle_name: word(random, "middle"),
        name_suffix: word(random, "suffix"),
        nickname: word(random, "nick"),
        phonetic_given_name: word(random, "phogiven"),
        phonetic_family_name: word(random, "phofamily"),
        emails: some(random, |random| Email {
            address: format!("Mail{}@example.com", digit(random)),
            label: word(random, "maillabel"),
            primary: false,
        }),
        phones: some(random, |random| Phone {
            number: format!("+44 20 7946 095{}", digit(random)),
            label: word(random, "phonelabel"),
            ..Phone::default()
        }),
        addresses: some(random, |random| PostalAddress {
            label: word(random, "homelabel"),
            street: word(random, "street"),
            city: format!("City{}", digit(random)),
            ..PostalAddress::default()
        }),
        urls: some(random, |random| Url {
            url: format!("https://example.com/Url{}", digit(random)),
            label: word(random, "urllabel"),
        }),
        organizations: some(random, |random| Organization {
            name: format!("Org{}", digit(random)),
            title: word(random, "title"),
            ..Organization::default()
        }),
        events: some(random, |random| Event {
            date: Some(date(2000, 1, i32::from(digit(random)))),
            label: word(random, "event"),
        }),
        relations: some(random, |random| Relation {
            name: format!("Friend{}", digit(random)),
            label: word(random, "kin"),
        }),
        impps: some(random, |random| Impp {
            uri: format!("xmpp:Impp{}@example.com", digit(random)),
            label: word(random, "chatlabel"),
        }),
        birthday: random
            .bool()
            .then(|| date(1990, 2, i32::from(digit(random)))),
        notes: word(random, "Note"),
        custom_fields: some(random, |random| {
            (word(random, "key") + "k", word(random, "value"))
        })
        .into_iter()
        .collect(),
        labels: some(random, |random| format!("Label{}", digit(random))),
        starred: random.bool(),
        raw_properties: some(random, |random| format!("X-RAW{}:a", digit(random))),
        ..named(&format!("Given{}", digit(random)), &word(random, "Family"))
    }
}

/// All data of a contact. Of dates only the day counts, because a birthday may become an
/// event.
fn said(contact: &Contact) -> BTreeSet<String> {
    let mut said: Vec<String> = [
        &contact.name_prefix,
        &contact.given_name,
        &contact.middle_name,
        &contact.family_name,
        &contact.name_suffix,
        &contact.nickname,
        &contact.phonetic_given_name,
        &contact.phonetic_family_name,
    ]
    .map(Clone::clone)
    .into();
    let mut add = |texts: &[&String]| said.extend(texts.iter().map(|text| (*text).clone()));
    contact
        .emails
        .iter()
        .for_each(|x| add(&[&x.address, &x.label]));
    contact
        .phones
        .iter()
        .for_each(|x| add(&[&x.e164, &x.label]));
    contact.urls.iter().for_each(|x| add(&[&x.url, &x.label]));
    contact.impps.iter().for_each(|x| add(&[&x.uri, &x.label]));
    contact
        .relations
        .iter()
        .for_each(|x| add(&[&x.name, &x.label]));
    contact
        .organizations
        .iter()
        .for_each(|x| add(&[&x.name, &x.title]));
    contact
        .addresses
        .iter()
        .for_each(|x| add(&[&x.street, &x.city, &x.label]));
    contact
        .events
        .iter()
        .for_each(|x| add(&[&x.label, &format!("{:?}", x.date)]));
    contact
        .custom_fields
        .iter()
        .for_each(|(key, value)| add(&[key, value]));
    contact
        .labels
        .iter()
        .chain(&contact.raw_properties)
        .for_each(|x| add(&[x]));
    if contact.birthday.is_some() {
        said.push(format!("{:?}", contact.birthday));
    }
    said.extend(contact.notes.split_whitespace().map(str::to_owned));
    let said = said.into_iter().map(|text| text.to_lowercase());
    said.filter(|text| !text.is_empty()).collect()
}

/// A merge, with the contacts before and after it.
struct Done {
    id: String,
    merged: Contact,
    before: Vec<Contact>,
}

/// One owner's contacts as they must be, deleted ones too.
struct Model {
    owner: Owner,
    contacts: Vec<Contact>,
    merges: Vec<Done>,
}

impl Model {
    fn place(&self, id: &str) -> usize {
        self.contacts
            .iter()
            .position(|contact| contact.id == id)
            .unwrap()
    }

    fn live(&self) -> Vec<usize> {
        let places = 0..self.contacts.len();
        places
            .filter(|place| self.contacts[*place].delete_time.is_none())
            .collect()
    }

    async fn merge(&mut self, random: &mut Rng) {
        let mut live = self.live();
        random.shuffle(&mut live);
        live.truncate(random.usize(2..5));
        if live.len() < 2 {
            return;
        }
        let before: Vec<Contact> = live
            .iter()
            .map(|place| self.contacts[*place].clone())
            .collect();
        let others: Vec<&Contact> = before[1..].iter().collect();
        let (merged, id) = self.owner.merge(&before[0], &others).await.unwrap();

        let kept = said(&merged);
        for contact in &before {
            let lost: Vec<_> = said(contact)
                .into_iter()
                .filter(|text| !kept.contains(text))
                .collect();
            // In a line of the notes a name or a number can be next to others.
            let lost = lost
                .iter()
                .find(|text| !merged.notes.to_lowercase().contains(*text));
            assert_eq!(lost, None, "{before:#?} {merged:#?}");
        }
        let all: BTreeSet<String> = before.iter().flat_map(said).collect();
        let lists = Contact {
            events: Vec::new(),
            notes: String::new(),
            custom_fields: BTreeMap::new(),
            ..merged.clone()
        };
        assert!(said(&lists).is_subset(&all), "{before:#?} {merged:#?}");
        self.contacts[live[0]] = merged.clone();
        for place in &live[1..] {
            let gone = self.owner.get(&self.contacts[*place].id).await.unwrap();
            assert_eq!(bare(&gone), bare(&self.contacts[*place]));
            assert_eq!(gone.merged_into, merged.id);
            self.contacts[*place] = gone;
        }
        self.merges.push(Done { id, merged, before });
    }

    /// Whether every contact of a merge is still as the merge left it.
    fn can_be_undone(&self, done: &Done) -> bool {
        let now = |contact: &Contact| &self.contacts[self.place(&contact.id)];
        let primary = now(&done.before[0]);
        let others = done.before[1..].iter();
        primary.delete_time.is_none()
            && bare(primary) == bare(&done.merged)
            && others
                .into_iter()
                .all(|other| now(other).version == done.merged.version)
    }

    async fn unmerge(&mut self, random: &mut Rng) {
        if self.merges.is_empty() {
            return;
        }
        let at = random.usize(..self.merges.len());
        let answer = self.owner.unmerge(&self.merges[at].id).await;
        if !self.can_be_undone(&self.merges[at]) {
            assert_eq!(reason(&answer.unwrap_err()), "MERGE_CHANGED");
            return;
        }
        let done = self.merges.remove(at);
        let back = answer.unwrap();
        assert!(back.iter().map(bare).eq(done.before.iter().map(bare)));
        for contact in back {
            assert_eq!(contact.delete_time, None);
            let place = self.place(&contact.id);
            self.contacts[place] = contact;
        }
    }

    async fn write(&mut self, random: &mut Rng) {
        let place = random.usize(..self.contacts.len());
        let id = self.contacts[place].id.clone();
        let is_live = self.contacts[place].delete_time.is_none();
        self.contacts[place] = match random.u8(0..4) {
            0 if is_live => self.owner.delete(&id).await.unwrap(),
            0 | 1 if !is_live => self.owner.undelete(&id).await.unwrap(),
            // Often the previous value.
            2 | 3 if is_live => {
                let patch = Contact {
                    id,
                    starred: random.bool(),
                    ..Contact::default()
                };
                self.owner.update(patch, &["starred"]).await.unwrap()
            }
            _ => return,
        };
    }
}

#[tokio::test]
async fn no_merge_loses_anything_and_every_one_is_undone_exactly() {
    let app = App::start().await;
    let (mut done, mut undone, mut refused) = (0, 0, 0);

    for seed in 0..300 {
        let mut random = Rng::with_seed(seed);
        let owner = app.owner();
        let contacts: Vec<Contact> = (0..6).map(|_| contact(&mut random)).collect();
        let contacts = owner.has_all(contacts).await;
        let mut model = Model {
            owner,
            contacts,
            merges: Vec::new(),
        };
        for _ in 0..10 {
            let before = model.merges.len();
            match random.u8(0..6) {
                0..=2 => {
                    model.merge(&mut random).await;
                    done += model.merges.len() - before;
                }
                3 | 4 => {
                    model.unmerge(&mut random).await;
                    undone += before - model.merges.len();
                    refused += usize::from(before > 0 && before == model.merges.len());
                }
                _ => model.write(&mut random).await,
            }
        }
        let ids: Vec<&str> = model.contacts.iter().map(|contact| &*contact.id).collect();
        let (stored, _) = model.owner.batch_get(&ids, false).await.unwrap();
        assert_eq!(stored, model.contacts, "seed {seed}");
    }

    println!("{done} merges, {undone} undone, {refused} refused");
    assert!(done > 300 && undone > 100 && refused > 50);
}
