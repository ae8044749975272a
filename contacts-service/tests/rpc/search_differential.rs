//! `SearchContacts` returns what a scan in PostgreSQL does, in the same order: of random
//! address books with writes in between, through two replicas and one without copies.

use contacts_service::model::query::Query;
use fastrand::Rng;
use proto::contacts::v1::{Contact, PostalAddress, SearchContactsRequest, ShareRole};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::app::App;
use crate::owner::{ENDLESS, Owner};
use crate::sample::{email, organization, phone};
use crate::search_reference::{Hit, found, prepare};

const NAMES: [&str; 24] = [
    "Hans",
    "Müller",
    "Mueller",
    "Maria",
    "Marta",
    "Mario",
    "Ковальчук",
    "Ковалев",
    "Παπαδόπουλος",
    "李",
    "山田太郎",
    "O'Brien",
    "Smith-Lindan",
    "Linda",
    "Berlinda",
    "Nguyễn",
    "Ann",
    "Anna",
    "al",
    "Christopher",
    "Kristofer",
    "x4711",
    "Alexander",
    "Александр",
];
const LABELS: [&str; 3] = ["Friends", "Work", "Äpfel"];

fn address(city: &str) -> PostalAddress {
    PostalAddress {
        city: city.into(),
        ..PostalAddress::default()
    }
}

struct Test {
    random: Rng,
    /// The owner through each replica.
    owners: Vec<Owner>,
    /// Who sees the contacts with a label, through each replica.
    readers: Vec<Owner>,
    live: Vec<Contact>,
    deleted: Vec<Contact>,
    db: PgConnection,
}

impl Test {
    fn name(&mut self) -> &'static str {
        NAMES[self.random.usize(..NAMES.len())]
    }

    fn contact(&mut self) -> Contact {
        let (given, family) = (self.name(), self.name());
        let number = self.random.u32(100_000..1_000_000);
        let mut contact = Contact {
            given_name: given.into(),
            family_name: family.into(),
            starred: self.random.u8(..5) == 0,
            emails: vec![email(&format!("{number}.mail@example.com"))],
            phones: vec![phone(&format!("+49 30 {number}"))],
            ..Contact::default()
        };
        match self.random.u8(..6) {
            3 => contact.addresses = vec![address(self.name())],
            4 => contact.custom_fields = [(self.name().to_owned(), self.name().to_owned())].into(),
            0 => contact.nickname = self.name().into(),
            1 => contact.organizations = vec![organization(self.name())],
            2 => contact.notes = format!("{} 100% {}", self.name(), self.name()),
            _ => {}
        }
        let labels = LABELS.iter().filter(|_| self.random.u8(..3) == 0);
        contact.labels = labels.map(|label| (*label).to_owned()).collect();
        contact
    }

    /// The owner, through any replica.
    fn owner(&mut self) -> Owner {
        self.owners[self.random.usize(..self.owners.len())].clone()
    }

    fn some(&mut self) -> usize {
        self.random.usize(..self.live.len())
    }

    async fn write(&mut self) {
        let owner = self.owner();
        let kind = if self.live.len() < 20 {
            0
        } else {
            self.random.u8(..9)
        };
        match kind {
            0 | 1 => {
                let contact = self.contact();
                self.live.push(owner.has(contact).await);
            }
            2 => {
                let contacts: Vec<_> = (0..10).map(|_| self.contact()).collect();
                let stored = owner.create_all(contacts, false).await.unwrap();
                self.live.extend(stored.into_iter().map(Result::unwrap));
            }
            3 => {
                let at = self.some();
                let new = Contact {
                    id: self.live[at].id.clone(),
                    ..self.contact()
                };
                self.live[at] = owner.update(new, &["*"]).await.unwrap();
            }
            4 => {
                let at = self.some();
                let gone = self.live.swap_remove(at);
                self.deleted.push(owner.delete(&gone.id).await.unwrap());
            }
            5 => {
                if let Some(gone) = self.deleted.pop() {
                    self.live.push(owner.undelete(&gone.id).await.unwrap());
                }
            }
            6 => {
                if let Some(gone) = self.deleted.pop() {
                    owner.purge(&[&gone.id]).await.unwrap();
                }
            }
            7 => {
                let (first, second) = (self.some(), self.some());
                if first != second {
                    let [first, second] = [first, second].map(|at| self.live[at].clone());
                    let merged = owner.merge(&first, &[&second]).await.unwrap().0;
                    self.live
                        .retain(|one| ![&first.id, &second.id].contains(&&one.id));
                    self.live.push(merged);
                }
            }
            _ => self.rename_label(&owner).await,
        }
    }

    /// Gives a label another name, under which the same contacts are shared.
    async fn rename_label(&mut self, owner: &Owner) {
        let labels = owner.labels(0).await;
        let label = &labels[self.random.usize(..labels.len())];
        let name = format!("{}{}", LABELS[self.random.usize(..3)], self.random.u8(..3));
        if labels.iter().all(|other| other.name != name) {
            owner.rename_label(label, &name).await.unwrap();
            for contact in &mut self.live {
                *contact = owner.get(&contact.id).await.unwrap();
            }
        }
    }

    fn query(&mut self) -> String {
        let count = self.random.usize(1..=2);
        let words: Vec<String> = (0..count).map(|_| self.word()).collect();
        words.join(" ")
    }

    /// A word of a contact, a part of one, or one with a typing error.
    fn word(&mut self) -> String {
        let contact = &self.live[self.random.usize(..self.live.len())];
        let words = [
            &*contact.given_name,
            &contact.family_name,
            &contact.emails[0].address,
            &contact.phones[0].number,
            "example",
            "100%",
            LABELS[1],
        ];
        let mut word: Vec<char> = words[self.random.usize(..words.len())].chars().collect();
        let at = self.random.usize(..word.len());
        match self.random.u8(..6) {
            0 => word.truncate(at + 1),
            1 => drop(word.drain(..at)),
            2 if at > 0 => word.swap(at - 1, at),
            3 => word[at] = 'e',
            4 => word.insert(at, 'r'),
            _ => {}
        }
        word.into_iter().collect()
    }

    async fn compare(&mut self) -> usize {
        let text = self.query();
        let fields: &[i32] = if self.random.u8(..4) == 0 {
            &[1, 3]
        } else {
            &[]
        };
        let Ok(query) = Query::parse(&text, fields) else {
            return 0;
        };
        let size = self.random.usize(1..30);
        let user = self.owners[0].user;
        let all = found(&mut self.db, user, None, &query).await;
        for owner in &self.owners {
            assert_eq!(paged(owner, &text, fields, size).await, all, "{text}");
        }
        let key = "SELECT name_key FROM contacts.labels AS l
                   JOIN contacts.shares AS s ON s.owner_id = l.owner_id AND s.label_id = l.id
                   WHERE s.owner_id = $1";
        let key = sqlx::query_scalar(key).bind(user);
        let keys: Vec<String> = key.fetch_all(&mut self.db).await.unwrap();
        let query = query.without_labels().unwrap();
        let some = found(&mut self.db, user, Some(&keys), &query).await;
        for reader in &self.readers {
            assert_eq!(paged(reader, &text, fields, size).await, some, "{text}");
        }
        all.len()
    }
}

async fn paged(owner: &Owner, query: &str, fields: &[i32], size: usize) -> Vec<Hit> {
    let mut request = SearchContactsRequest {
        query: query.into(),
        page_size: i32::try_from(size).unwrap(),
        fields: fields.to_vec(),
        ..SearchContactsRequest::default()
    };
    let mut hits = Vec::new();
    loop {
        let page = owner.search(request.clone()).await.unwrap();
        hits.extend(page.results.into_iter().map(|result| {
            let id = result.contact.unwrap().id;
            (id, result.match_tier, result.matched_fields)
        }));
        assert!(hits.len() < ENDLESS, "the results do not end");
        if page.next_page_token.is_empty() {
            return hits;
        }
        request.page_token = page.next_page_token;
    }
}

#[tokio::test]
async fn copies_and_scans_agree_with_the_database() {
    let mut app = App::start().await;
    let bare = app.another_instance_with(&["--search-memory-mib=0"]).await;
    let channels = [app.channel.clone(), app.another_instance().await, bare];
    let (user, reader) = (Uuid::now_v7(), app.plain_owner());
    app.issuer
        .accounts
        .set_email(user, &crate::app::email_of(user), true);
    let on = |user| {
        let channels = channels.iter().cloned();
        let owners = channels.map(|channel| app.owner_on(channel, user));
        owners.collect::<Vec<Owner>>()
    };
    let owners = on(user);
    let shared = owners[0].create_label("Friends").await.unwrap();
    owners[0]
        .shares_with(&reader, Some(&shared), ShareRole::Reader)
        .await;
    let mut db = app.admin().await;
    prepare(&mut db).await;
    let readers = on(reader.user)
        .into_iter()
        .map(|reader| reader.in_book_of(&owners[0]));
    let mut test = Test {
        random: Rng::with_seed(23),
        readers: readers.collect(),
        owners,
        live: Vec::new(),
        deleted: Vec::new(),
        db,
    };

    let mut hits = 0;
    for _ in 0..60 {
        for _ in 0..test.random.usize(1..4) {
            test.write().await;
        }
        for _ in 0..2 {
            hits += test.compare().await;
        }
    }

    assert!(hits > 400, "{hits}");
}
