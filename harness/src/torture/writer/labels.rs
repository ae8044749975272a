//! Writes labels, which changes the contacts that have them.

use proto::contacts::v1::{
    CreateLabelRequest, DeleteLabelRequest, Label, ModifyLabelMembersRequest, UpdateLabelRequest,
};
use tonic::Code;

use super::{KnownLabel, Writer};
use crate::torture::calls::{Answer, Clients, Settled, signed};

const CREATE: &str = "CreateLabel";
const MEMBERS: &str = "ModifyLabelMembers";
const RENAME: &str = "UpdateLabel";
const DELETE: &str = "DeleteLabel";

/// An owner has at most so many labels.
const LABELS_MAX: usize = 12;

impl Writer {
    pub(super) async fn create_label(&mut self) {
        if self.labels.len() >= LABELS_MAX {
            return;
        }
        let name = self.word("label");
        let request = CreateLabelRequest {
            label: Some(named(&name)),
            ..CreateLabelRequest::default()
        };
        let token = self.user.token.clone();
        let make = |mut to: Clients| {
            let request = signed(&token, request.clone());
            async move { to.labels.create_label(request).await }
        };
        let Settled {
            answer,
            was_unknown,
        } = self.caller.settle(CREATE, &name, make).await;
        match answer {
            Answer::Done(response) => self.learn_label(response.label),
            Answer::Refused(refusal) if was_unknown && refusal.code == Code::AlreadyExists => {
                self.find_label(&name).await;
            }
            Answer::Refused(refusal) => self.unexpected(CREATE, &name, &refusal),
            Answer::Unknown => {}
        }
    }

    /// Adds contacts to a label. It has no etag, so an attempt may arrive late: then these
    /// contacts are not written again.
    pub(super) async fn add_members(&mut self) {
        let Some((name, label)) = self.one_label() else {
            return;
        };
        let tags = self.book.some(&mut self.rng, 4, false);
        if tags.is_empty() {
            return;
        }
        let request = ModifyLabelMembersRequest {
            id: label.id,
            add_ids: tags
                .iter()
                .map(|tag| self.book.known[tag].id.clone())
                .collect(),
            ..ModifyLabelMembersRequest::default()
        };
        let about = format!("{name} {}", tags.join(" "));
        let token = self.user.token.clone();
        let make = |mut to: Clients| {
            let request = signed(&token, request.clone());
            async move { to.labels.modify_label_members(request).await }
        };
        let Settled {
            answer,
            was_unknown,
        } = self.caller.settle(MEMBERS, &about, make).await;
        match answer {
            Answer::Refused(refusal) => self.unexpected(MEMBERS, &about, &refusal),
            Answer::Unknown => {}
            Answer::Done(_) => {
                for tag in tags {
                    if let Some(known) = self.book.known.get_mut(&tag) {
                        if known.image.labels.insert(name.clone()) {
                            known.etag = String::new();
                        }
                        known.is_frozen |= was_unknown;
                    }
                }
            }
        }
    }

    pub(super) async fn rename_label(&mut self) {
        let Some((old, label)) = self.one_label() else {
            return;
        };
        let new = self.word("label");
        let request = UpdateLabelRequest {
            label: Some(Label {
                id: label.id,
                etag: label.etag,
                ..named(&new)
            }),
            ..UpdateLabelRequest::default()
        };
        let about = format!("{old} {new}");
        let token = self.user.token.clone();
        let make = |mut to: Clients| {
            let request = signed(&token, request.clone());
            async move { to.labels.update_label(request).await }
        };
        let Settled {
            answer,
            was_unknown,
        } = self.caller.settle(RENAME, &about, make).await;
        match answer {
            Answer::Done(response) => {
                self.learn_label(response.label);
            }
            // The first attempt changed the etag.
            Answer::Refused(refusal) if was_unknown && refusal.code == Code::Aborted => {
                self.find_label(&new).await;
            }
            Answer::Refused(refusal) => return self.unexpected(RENAME, &about, &refusal),
            Answer::Unknown => return,
        }
        self.labels.remove(&old);
        self.relabel(&old, Some(&new));
    }

    pub(super) async fn delete_label(&mut self) {
        let Some((name, label)) = self.one_label() else {
            return;
        };
        let request = DeleteLabelRequest {
            id: label.id,
            etag: label.etag,
            allow_missing: true,
            ..DeleteLabelRequest::default()
        };
        let token = self.user.token.clone();
        let make = |mut to: Clients| {
            let request = signed(&token, request.clone());
            async move { to.labels.delete_label(request).await }
        };
        match self.caller.settle(DELETE, &name, make).await.answer {
            Answer::Done(_) => {
                self.labels.remove(&name);
                self.relabel(&name, None);
            }
            Answer::Refused(refusal) => self.unexpected(DELETE, &name, &refusal),
            Answer::Unknown => {}
        }
    }

    /// A label that no write with an unknown outcome depends on.
    fn one_label(&mut self) -> Option<(String, KnownLabel)> {
        let is_free = |name: &&String| {
            let mut parts = self.book.doubts.iter().flat_map(|doubt| &doubt.parts);
            !parts.any(|part| {
                let before = part.before.as_ref().map(|known| &known.image);
                let images = [before, part.after.as_ref()];
                let mut images = images.into_iter().flatten();
                images.any(|image| image.labels.contains(*name))
            })
        };
        let free: Vec<_> = self.labels.keys().filter(is_free).cloned().collect();
        let name = self.rng.choice(free)?;
        let label = self.labels[&name].clone();
        Some((name, label))
    }

    /// Reads a label that a write created or renamed without its response arriving.
    async fn find_label(&mut self, name: &str) {
        let labels = self.read_labels().await.unwrap_or_default();
        let found = labels.into_iter().find(|label| label.name == name);
        let history = &self.caller.history;
        history.check("labels", found.is_some(), name, || {
            "the label is missing after a repeat was refused".to_owned()
        });
        self.learn_label(found);
    }

    fn learn_label(&mut self, label: Option<Label>) {
        if let Some(Label { id, name, etag, .. }) = label {
            self.labels.insert(name, KnownLabel { id, etag });
        }
    }

    /// Renames a label of all contacts, or removes it.
    fn relabel(&mut self, old: &str, new: Option<&str>) {
        for known in self.book.known.values_mut() {
            if known.image.labels.remove(old) {
                known.image.labels.extend(new.map(str::to_owned));
                known.etag = String::new();
            }
        }
    }
}

fn named(name: &str) -> Label {
    Label {
        name: name.to_owned(),
        ..Label::default()
    }
}
