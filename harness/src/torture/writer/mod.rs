//! Writes one address book with one call at a time, so that its content is predicted.

mod create;
mod import;
mod labels;
mod many;
mod merge;
mod one;
mod reads;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use fastrand::Rng;
use proto::contacts::v1::Contact;
use tokio::time::Instant;
use tonic::{Response, Status};
use uuid::Builder;

use super::book::Book;
use super::calls::{Answer, Caller, Clients};
use super::history::Refusal;
use super::user::User;

/// What a writer does next; what is twice in [`STEPS`] happens twice as often.
#[derive(Clone, Copy, Debug)]
enum Step {
    Create,
    CreateMany,
    CreateTwice,
    Update,
    UpdateStale,
    UpdateMany,
    Delete,
    DeleteMany,
    Undelete,
    Purge,
    Merge,
    CreateLabel,
    AddMembers,
    RenameLabel,
    DeleteLabel,
    Import,
    Get,
    List,
    Search,
    Foreign,
}

const STEPS: [Step; 31] = [
    Step::Create,
    Step::Create,
    Step::Create,
    Step::Create,
    Step::CreateMany,
    Step::CreateTwice,
    Step::Update,
    Step::Update,
    Step::Update,
    Step::Update,
    Step::Update,
    Step::UpdateStale,
    Step::UpdateMany,
    Step::UpdateMany,
    Step::Delete,
    Step::Delete,
    Step::DeleteMany,
    Step::Undelete,
    Step::Undelete,
    Step::Purge,
    Step::Merge,
    Step::CreateLabel,
    Step::AddMembers,
    Step::AddMembers,
    Step::RenameLabel,
    Step::DeleteLabel,
    Step::Import,
    Step::Get,
    Step::List,
    Step::Search,
    Step::Foreign,
];

/// After so many contacts none are created: the lists would take most of the time.
const CONTACTS_MAX: usize = 400;

/// A contact of each owner, which the others must not see.
pub(super) type Secrets = Arc<Mutex<BTreeMap<usize, String>>>;

/// A label as it was acknowledged.
#[derive(Clone, Debug)]
struct KnownLabel {
    id: String,
    etag: String,
}

/// One owner and what its address book must contain.
pub(super) struct Writer {
    pub(super) caller: Caller,
    pub(super) user: User,
    pub(super) book: Book,
    labels: BTreeMap<String, KnownLabel>,
    secrets: Secrets,
    rng: Rng,
    /// The number of tags, notes and names so far.
    made: u64,
}

impl Writer {
    pub(super) fn new(caller: Caller, user: User, secrets: &Secrets, seed: u64) -> Self {
        let owner = u64::try_from(caller.owner).unwrap_or_default();
        Self {
            caller,
            user,
            book: Book::default(),
            labels: BTreeMap::new(),
            secrets: Arc::clone(secrets),
            rng: Rng::with_seed(seed.wrapping_add(owner)),
            made: 0,
        }
    }

    /// Writes until then.
    pub(super) async fn run(mut self, until: Instant) -> Self {
        while Instant::now() < until {
            let step = STEPS[self.rng.usize(..STEPS.len())];
            self.step(step).await;
        }
        self
    }

    async fn step(&mut self, step: Step) {
        let is_full = self.book.known.len() > CONTACTS_MAX;
        match step {
            Step::Create | Step::CreateMany | Step::CreateTwice | Step::Import if is_full => {}
            Step::Create => self.create().await,
            Step::CreateMany => self.create_many().await,
            Step::CreateTwice => self.create_twice().await,
            Step::Update => self.update().await,
            Step::UpdateStale => self.update_stale().await,
            Step::UpdateMany => self.update_many().await,
            Step::Delete => self.delete().await,
            Step::DeleteMany => self.delete_many().await,
            Step::Undelete => self.undelete().await,
            Step::Purge => self.purge().await,
            Step::Merge => self.merge().await,
            Step::CreateLabel => self.create_label().await,
            Step::AddMembers => self.add_members().await,
            Step::RenameLabel => self.rename_label().await,
            Step::DeleteLabel => self.delete_label().await,
            Step::Import => self.import().await,
            Step::Get => self.get().await,
            Step::List => self.list().await,
            Step::Search => self.search().await,
            Step::Foreign => self.foreign().await,
        }
    }

    /// The names of the labels that there must be.
    pub(super) fn label_names(&self) -> Vec<String> {
        self.labels.keys().cloned().collect()
    }

    /// A word that is used once.
    fn word(&mut self, kind: &str) -> String {
        self.made += 1;
        format!("{kind}{}x{}", self.caller.owner, self.made)
    }

    fn request_id(&mut self) -> String {
        Builder::from_random_bytes(self.rng.u128(..).to_be_bytes())
            .into_uuid()
            .to_string()
    }

    /// A new contact with its tag.
    fn contact(&mut self) -> Contact {
        let nickname = self.word("tag");
        Contact {
            given_name: "Ada".into(),
            family_name: self.user.family_name(),
            notes: self.word("note"),
            labels: self.any_label().into_iter().collect(),
            starred: self.rng.bool(),
            nickname,
            ..Contact::default()
        }
    }

    /// Sometimes the name of a label.
    fn any_label(&mut self) -> Option<String> {
        let names: Vec<_> = self.labels.keys().cloned().collect();
        self.rng.choice(names).filter(|_| self.rng.u8(..4) == 0)
    }

    /// Makes a write that can be repeated: half of the unknown outcomes stay unknown.
    async fn write<T, F>(
        &mut self,
        call: &'static str,
        about: &str,
        make: impl Fn(Clients) -> F,
    ) -> Answer<T>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        if self.rng.bool() {
            self.caller.settle(call, about, make).await.answer
        } else {
            self.caller.once(call, about, make).await
        }
    }

    /// A refusal that a single writer never gets.
    fn unexpected(&self, call: &str, about: &str, refusal: &Refusal) {
        let text = format!("{call} was refused: {refusal}");
        self.caller.history.violate("answers", about, text);
    }

    /// Checks what a response contains: rows of this owner only.
    fn saw(&self, call: &str, contact: &Contact) {
        let own = self.user.family_name();
        let history = &self.caller.history;
        history.check(
            "owners",
            contact.family_name == own,
            &contact.nickname,
            || format!("{call} returned {} to {own}", contact.family_name),
        );
    }

    /// Stores an acknowledged contact, whose version must be higher than before.
    fn learn(&mut self, call: &str, contact: &Contact) {
        self.saw(call, contact);
        let tag = &contact.nickname;
        if let Some(known) = self.book.known.get(tag) {
            let history = &self.caller.history;
            history.check("versions", contact.version > known.version, tag, || {
                format!(
                    "{call} returned {} after {}",
                    contact.version, known.version
                )
            });
        }
        let owner = self.caller.owner;
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.insert(owner, contact.id.clone());
        drop(secrets);
        self.book.learn(contact);
    }
}
