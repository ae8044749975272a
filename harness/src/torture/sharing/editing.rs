//! Ends a share while its recipient writes: nothing is written after the end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use prost_types::FieldMask;
use proto::contacts::v1::{Contact, ShareRole, UpdateContactRequest};
use tokio::time::sleep;
use tonic::Code;

use super::Sharing;
use crate::torture::calls::{Answer, Clients, signed};

const UPDATE: &str = "UpdateContact";

/// Writes at the same time, so that some wait for the owner's lock when the share ends.
const EDITORS: usize = 4;

/// How long they write before the share ends.
const EDITING: Duration = Duration::from_millis(100);

impl Sharing {
    /// Lets the recipient write until the share has ended.
    pub(super) async fn edit(&self) {
        let Some(id) = self
            .contacts()
            .await
            .and_then(|mut all| Some(all.pop()?.id))
        else {
            return;
        };
        let Some(share) = self.offer(ShareRole::Editor).await else {
            return;
        };
        if !self.accept(&share).await {
            return;
        }
        let is_over = AtomicBool::new(false);
        let editing = join_all((0..EDITORS).map(|editor| {
            let (id, is_over) = (&id, &is_over);
            async move {
                let mut count = 0;
                while !is_over.load(Ordering::Relaxed) {
                    count += 1;
                    self.write(id, format!("editor{editor}x{count}")).await;
                }
            }
        }));
        let ending = async {
            sleep(EDITING).await;
            let is_ended = self.end(&share).await;
            let left = self.contacts().await;
            is_over.store(true, Ordering::Relaxed);
            left.filter(|_| is_ended)
        };
        let (_, left) = tokio::join!(editing, ending);
        if let (Some(left), Some(later)) = (left, self.contacts().await) {
            let history = &self.owner.0.history;
            history.check("shares", left == later, "share", || {
                format!("the recipient wrote after the end: {later:?} instead of {left:?}")
            });
        }
    }

    /// Writes the owner's contact as the recipient, which looks missing without the share.
    async fn write(&self, id: &str, notes: String) {
        let (caller, user) = &self.recipient;
        let request = UpdateContactRequest {
            contact: Some(Contact {
                id: id.to_owned(),
                notes,
                ..Contact::default()
            }),
            update_mask: Some(FieldMask {
                paths: vec!["notes".into()],
            }),
            owner_id: self.owner.1.id.clone(),
            ..UpdateContactRequest::default()
        };
        let make = |mut to: Clients| {
            let request = signed(&user.token, request.clone());
            async move { to.book.update_contact(request).await }
        };
        match caller.once(UPDATE, "share", make).await {
            Answer::Refused(refusal) if refusal.code != Code::NotFound => {
                self.unexpected(UPDATE, &refusal);
            }
            _ => {}
        }
    }
}
