//! Copies of an address book, as clients keep them: at the end they equal the book.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use proto::contacts::v1::watch_contacts_response::Event;
use proto::contacts::v1::{
    Contact, Label, SyncContactsRequest, WatchContactsRequest, WatchContactsResponse,
};
use tokio::time::{Instant, sleep, timeout};
use tonic::Streaming;

use super::calls::{Answer, Caller, Clients, signed};
use super::user::User;
use super::writer::Writer;

/// A stream that is silent for so long is opened again.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// How long a copy may take at the end.
const CATCH_UP_MAX: Duration = Duration::from_mins(1);

/// What a client stores.
struct Copy {
    caller: Caller,
    user: User,
    contacts: BTreeMap<String, Contact>,
    labels: BTreeMap<String, String>,
    token: String,
    /// The latest version that was received.
    version: i64,
}

impl Copy {
    fn of(writer: &Writer) -> Self {
        Self {
            caller: writer.caller.clone(),
            user: writer.user.clone(),
            contacts: BTreeMap::new(),
            labels: BTreeMap::new(),
            token: String::new(),
            version: 0,
        }
    }

    fn changed(&mut self, contact: Contact) {
        let tag = contact.nickname.clone();
        let history = &self.caller.history;
        let own = self.user.family_name();
        history.check("owners", contact.family_name == own, &tag, || {
            format!("a copy of {own} received {}", contact.family_name)
        });
        history.check("copies", contact.version >= self.version, &tag, || {
            let Contact { version, .. } = contact;
            format!("version {version} was received after {}", self.version)
        });
        self.version = contact.version;
        self.contacts.insert(contact.id.clone(), contact);
    }

    fn label(&mut self, Label { id, name, .. }: Label) {
        self.labels.insert(id, name);
    }

    /// Compares with the book as it is listed.
    fn compare(&self, kind: &str, contacts: &[Contact], labels: &[Label]) {
        let history = &self.caller.history;
        let mut rest = self.contacts.clone();
        for stored in contacts.iter().filter(|it| it.delete_time.is_none()) {
            let held = rest.remove(&stored.id);
            let is_same = held.as_ref().map(|held| &held.etag) == Some(&stored.etag);
            history.check("copies", is_same, &stored.nickname, || {
                let state = if held.is_some() {
                    "an old state"
                } else {
                    "nothing"
                };
                format!("a {kind} has {state} of it")
            });
        }
        for held in rest.values() {
            let text = format!("a {kind} still has it");
            history.violate("copies", &held.nickname, text);
        }
        let stored = labels
            .iter()
            .map(|label| (label.id.clone(), label.name.clone()));
        let is_same = stored.collect::<BTreeMap<_, _>>() == self.labels;
        history.check("copies", is_same, "", || {
            format!(
                "the labels of a {kind} are {:?} instead of {labels:?}",
                self.labels
            )
        });
    }
}

/// Asks for changes from time to time.
pub(super) struct Syncer(Copy, Rng);

impl Syncer {
    pub(super) fn of(writer: &Writer, seed: u64) -> Self {
        Self(Copy::of(writer), Rng::with_seed(seed))
    }

    pub(super) async fn run(mut self, until: Instant) -> Self {
        while Instant::now() < until {
            self.page().await;
            let pause = self.1.u64(1..300);
            sleep(Duration::from_millis(pause)).await;
        }
        self
    }

    /// Syncs to the end and compares.
    pub(super) async fn finish(mut self, contacts: &[Contact], labels: &[Label]) {
        let give_up = Instant::now() + CATCH_UP_MAX;
        while self.page().await && Instant::now() < give_up {}
        self.0.compare("syncer's copy", contacts, labels);
    }

    /// Syncs one page; returns whether there are more.
    async fn page(&mut self) -> bool {
        let Self(copy, rng) = self;
        let request = SyncContactsRequest {
            sync_token: copy.token.clone(),
            page_size: rng.i32(1..40),
            ..SyncContactsRequest::default()
        };
        let make = |mut to: Clients| {
            let request = signed(&copy.user.token, request.clone());
            async move { to.book.sync_contacts(request).await }
        };
        let page = match copy.caller.settle("SyncContacts", "", make).await.answer {
            Answer::Done(page) => page,
            Answer::Refused(refusal) => {
                let text = format!("SyncContacts was refused: {refusal}");
                copy.caller.history.violate("copies", "", text);
                return false;
            }
            Answer::Unknown => return false,
        };
        for id in page.deleted_ids {
            copy.contacts.remove(&id);
        }
        for id in page.deleted_label_ids {
            copy.labels.remove(&id);
        }
        for label in page.changed_labels {
            copy.label(label);
        }
        for contact in page.changed {
            copy.changed(contact);
        }
        let has_more = !page.next_page_token.is_empty();
        copy.token = if has_more {
            page.next_page_token
        } else {
            page.next_sync_token
        };
        has_more
    }
}

/// Reads a stream of changes, and resumes it when it breaks.
pub(super) struct Watcher {
    copy: Copy,
    stream: Option<Streaming<WatchContactsResponse>>,
}

impl Watcher {
    pub(super) fn of(writer: &Writer) -> Self {
        Self {
            copy: Copy::of(writer),
            stream: None,
        }
    }

    pub(super) async fn run(mut self, until: Instant) -> Self {
        while Instant::now() < until {
            // Whether it has caught up matters only at the end.
            let _ = tokio::time::timeout_at(until, self.event()).await;
        }
        self
    }

    /// Resumes, reads until the stream has caught up, and compares.
    pub(super) async fn finish(mut self, contacts: &[Contact], labels: &[Label]) {
        self.stream = None;
        let catching_up = async { while !self.event().await {} };
        let is_done = timeout(CATCH_UP_MAX, catching_up).await.is_ok();
        let history = &self.copy.caller.history;
        history.check("copies", is_done, "", || {
            "a watcher does not catch up".to_owned()
        });
        self.copy.compare("watcher's copy", contacts, labels);
    }

    /// Waits for an event and applies it; returns whether it has caught up.
    async fn event(&mut self) -> bool {
        if self.stream.is_none() {
            self.open().await;
        }
        let Some(stream) = &mut self.stream else {
            return false;
        };
        let event = timeout(SILENCE_MAX, stream.message()).await;
        let Ok(Ok(Some(response))) = event else {
            // Ended, broken or silent; the token resumes after the last event.
            self.stream = None;
            sleep(Duration::from_millis(50)).await;
            return false;
        };
        let copy = &mut self.copy;
        copy.token = response.sync_token;
        match response.event {
            Some(Event::Changed(contact)) => copy.changed(contact),
            Some(Event::Deleted(id)) => drop(copy.contacts.remove(&id)),
            Some(Event::LabelChanged(label)) => copy.label(label),
            Some(Event::LabelDeleted(id)) => drop(copy.labels.remove(&id)),
            Some(Event::CaughtUp(_)) => return true,
            Some(Event::Heartbeat(_)) | None => {}
        }
        false
    }

    async fn open(&mut self) {
        let copy = &self.copy;
        let request = WatchContactsRequest {
            sync_token: copy.token.clone(),
            ..WatchContactsRequest::default()
        };
        let make = |mut to: Clients| {
            let mut request = signed(&copy.user.token, request.clone());
            // A stream has no deadline.
            request.metadata_mut().remove("grpc-timeout");
            async move { to.book.watch_contacts(request).await }
        };
        match copy.caller.settle("WatchContacts", "", make).await.answer {
            Answer::Done(stream) => self.stream = Some(stream),
            Answer::Refused(refusal) => {
                let text = format!("WatchContacts was refused: {refusal}");
                copy.caller.history.violate("copies", "", text);
                sleep(Duration::from_millis(100)).await;
            }
            Answer::Unknown => {}
        }
    }
}
