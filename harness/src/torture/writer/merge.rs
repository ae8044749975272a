//! Merges contacts.

use proto::contacts::v1::MergeContactsRequest;

use super::Writer;
use crate::torture::book::Image;
use crate::torture::calls::{Answer, Clients, signed};

const MERGE: &str = "MergeContacts";

impl Writer {
    pub(super) async fn merge(&mut self) {
        let tags = self.several(3).await;
        let [primary, others @ ..] = &*tags else {
            return;
        };
        if others.is_empty() {
            return;
        }
        let known = |tag: &String| self.book.known[tag].clone();
        let etag = |tag: &String| (known(tag).id, known(tag).etag);
        let request = MergeContactsRequest {
            primary_id: known(primary).id,
            other_ids: others.iter().map(|tag| known(tag).id).collect(),
            etags: tags.iter().map(etag).collect(),
            request_id: self.request_id(),
            ..MergeContactsRequest::default()
        };
        let about = tags.join(" ");
        let token = self.user.token.clone();
        let make = |mut to: Clients| {
            let request = signed(&token, request.clone());
            async move { to.book.merge_contacts(request).await }
        };
        let answer = self.write(MERGE, &about, make).await;
        let deleted = |tag: &String| Image {
            deleted: true,
            ..self.book.known[tag].image.clone()
        };
        let after: Vec<_> = others
            .iter()
            .map(|tag| (tag.clone(), deleted(tag)))
            .collect();
        match answer {
            Answer::Done(response) => {
                self.learn(MERGE, &response.contact.unwrap_or_default());
                for (tag, image) in after {
                    self.expect(&tag, image);
                }
            }
            Answer::Refused(refusal) => self.unexpected(MERGE, &about, &refusal),
            Answer::Unknown => {
                let others = after.into_iter().map(|(tag, image)| (tag, Some(image)));
                let parts = self.book.parts(others.chain([(primary.clone(), None)]));
                self.book.doubt(MERGE, parts);
            }
        }
    }
}
