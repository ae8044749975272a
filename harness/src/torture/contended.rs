//! Several tasks write the same contacts of one owner: of two writes that begin at the same
//! state at most one happens, and nobody reads an older state than was acknowledged.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fastrand::Rng;
use futures_util::future::join_all;
use prost_types::FieldMask;
use proto::contacts::v1::{Contact, CreateContactRequest, GetContactRequest, UpdateContactRequest};
use tokio::time::Instant;
use tonic::Code;

use super::calls::{Answer, Caller, Clients, signed};
use super::user::User;

/// Tasks that write at the same time.
const TASKS: u64 = 3;

/// Contacts that they write.
const CONTACTS: usize = 4;

const CREATE: &str = "CreateContact";
const UPDATE: &str = "UpdateContact";
const GET: &str = "GetContact";

/// What is known of one contact.
#[derive(Debug, Default)]
struct Row {
    tag: String,
    /// The highest acknowledged version.
    version: i64,
    /// The etag that each acknowledged write began at, with the notes that it wrote.
    successors: BTreeMap<String, String>,
    /// The notes of all attempts, which one of them must have written.
    attempts: Vec<String>,
}

/// The contacts of the owner, by id.
type Rows = Arc<Mutex<BTreeMap<String, Row>>>;

/// One owner that several tasks write for.
pub(super) struct Contended {
    caller: Caller,
    user: User,
    rows: Rows,
    rng: Rng,
}

impl Contended {
    /// Creates the contacts.
    pub(super) async fn begin(caller: Caller, user: User, seed: u64) -> Self {
        let rows = Rows::default();
        for number in 0..CONTACTS {
            let tag = format!("shared{}x{number}", caller.owner);
            let request = CreateContactRequest {
                contact: Some(Contact {
                    given_name: "Ada".into(),
                    family_name: user.family_name(),
                    nickname: tag.clone(),
                    ..Contact::default()
                }),
                request_id: format!("contended-{number}"),
                ..CreateContactRequest::default()
            };
            let make = |mut to: Clients| {
                let request = signed(&user.token, request.clone());
                async move { to.book.create_contact(request).await }
            };
            match caller.settle(CREATE, &tag, make).await.answer {
                Answer::Done(response) => {
                    let Contact { id, version, .. } = response.contact.unwrap_or_default();
                    let row = Row {
                        tag,
                        version,
                        ..Row::default()
                    };
                    locked(&rows).insert(id, row);
                }
                Answer::Refused(refusal) => {
                    let text = format!("{CREATE} was refused: {refusal}");
                    caller.history.violate("answers", &tag, text);
                }
                Answer::Unknown => {}
            }
        }
        Self {
            caller,
            user,
            rows,
            rng: Rng::with_seed(seed),
        }
    }

    /// Writes with all tasks until then.
    pub(super) async fn run(self, until: Instant) -> Self {
        let tasks = (0..TASKS).map(|task| {
            let mut rng = Rng::with_seed(self.rng.clone().u64(..).wrapping_add(task));
            let this = &self;
            async move {
                let mut count = 0;
                while Instant::now() < until {
                    count += 1;
                    let notes = format!("task{task}x{count}");
                    let ids: Vec<_> = locked(&this.rows).keys().cloned().collect();
                    if let Some(id) = rng.choice(ids) {
                        this.write(&id, notes).await;
                    }
                }
            }
        });
        join_all(tasks).await;
        self
    }

    /// Each contact has the state of one of the attempts, not older than acknowledged.
    pub(super) async fn finish(self) {
        let ids: Vec<_> = locked(&self.rows).keys().cloned().collect();
        for id in ids {
            let Some(stored) = self.read(&id).await else {
                continue;
            };
            let rows = locked(&self.rows);
            let is_written = stored.notes.is_empty() || rows[&id].attempts.contains(&stored.notes);
            let history = &self.caller.history;
            history.check("etags", is_written, &rows[&id].tag, || {
                format!("nobody wrote {}", stored.notes)
            });
        }
    }

    async fn write(&self, id: &str, notes: String) {
        let Some(base) = self.read(id).await else {
            return;
        };
        if let Some(row) = locked(&self.rows).get_mut(id) {
            row.attempts.push(notes.clone());
        }
        let request = UpdateContactRequest {
            contact: Some(Contact {
                id: id.to_owned(),
                etag: base.etag.clone(),
                notes: notes.clone(),
                ..Contact::default()
            }),
            update_mask: Some(FieldMask {
                paths: vec!["notes".into()],
            }),
            ..UpdateContactRequest::default()
        };
        let make = |mut to: Clients| {
            let request = signed(&self.user.token, request.clone());
            async move { to.book.update_contact(request).await }
        };
        match self.caller.once(UPDATE, &base.nickname, make).await {
            Answer::Done(response) => {
                let contact = response.contact.unwrap_or_default();
                self.updated(id, base, &contact, notes);
            }
            Answer::Refused(refusal) => {
                let is_lost = refusal.code == Code::Aborted;
                let history = &self.caller.history;
                history.check("etags", is_lost, &base.nickname, || {
                    format!("an update was refused: {refusal}")
                });
            }
            Answer::Unknown => {}
        }
    }

    fn updated(&self, id: &str, base: Contact, contact: &Contact, notes: String) {
        let history = &self.caller.history;
        let mut rows = locked(&self.rows);
        let Some(row) = rows.get_mut(id) else {
            return;
        };
        let is_next = contact.version > base.version && contact.notes == notes;
        history.check("versions", is_next, &row.tag, || {
            format!(
                "an update of version {} returned {}",
                base.version, contact.version
            )
        });
        row.version = row.version.max(contact.version);
        let other = row.successors.insert(base.etag, notes);
        history.check("etags", other.is_none(), &row.tag, || {
            format!("two updates with one etag were acknowledged, one of them {other:?}")
        });
    }

    /// Reads a contact, which must not be older than what was acknowledged before.
    async fn read(&self, id: &str) -> Option<Contact> {
        let request = GetContactRequest {
            id: id.to_owned(),
            ..GetContactRequest::default()
        };
        let (tag, version) = {
            let rows = locked(&self.rows);
            let row = rows.get(id)?;
            (row.tag.clone(), row.version)
        };
        let make = |mut to: Clients| {
            let request = signed(&self.user.token, request.clone());
            async move { to.book.get_contact(request).await }
        };
        let history = &self.caller.history;
        let contact = match self.caller.settle(GET, &tag, make).await.answer {
            Answer::Done(response) => response.contact.unwrap_or_default(),
            Answer::Refused(refusal) => {
                history.violate("reads", &tag, format!("{GET} was refused: {refusal}"));
                return None;
            }
            Answer::Unknown => return None,
        };
        history.check("reads", contact.version >= version, &tag, || {
            format!("version {} was read after {version}", contact.version)
        });
        Some(contact)
    }
}

fn locked(rows: &Rows) -> MutexGuard<'_, BTreeMap<String, Row>> {
    rows.lock().unwrap_or_else(PoisonError::into_inner)
}
