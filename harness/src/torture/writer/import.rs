//! Imports a file again and again until one import reaches its end: no card is stored twice.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use futures_util::stream;
use proto::contacts::v1::import_contacts_request::Part;
use proto::contacts::v1::import_contacts_response::Event;
use proto::contacts::v1::{
    ImportConflict, ImportContactsRequest, ImportFormat, ImportHeader, ImportSummary,
};
use tonic::{Request, Response, Status};

use super::Writer;
use crate::torture::book::Image;
use crate::torture::calls::{Answer, Clients, signed};

const IMPORT: &str = "ImportContacts";

/// How many cards a file has.
const CARDS: std::ops::Range<usize> = 3..30;

impl Writer {
    pub(super) async fn import(&mut self) {
        let (mut file, mut cards) = (String::new(), BTreeMap::new());
        let family = self.user.family_name();
        for _ in 0..self.rng.usize(CARDS) {
            let (tag, notes) = (self.word("tag"), self.word("note"));
            let _ = write!(
                file,
                "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Ada {family}\r\nN:{family};Ada;;;\r\n\
                 NICKNAME:{tag}\r\nNOTE:{notes}\r\nEND:VCARD\r\n",
            );
            cards.insert(tag, notes);
        }
        let header = ImportHeader {
            format: ImportFormat::Vcard.into(),
            on_conflict: ImportConflict::Skip.into(),
            import_id: self.request_id(),
            ..ImportHeader::default()
        };
        let about = cards.keys().cloned().collect::<Vec<_>>().join(" ");
        let token = self.user.token.clone();
        let make = |to: Clients| import(to, signed(&token, ()), header.clone(), file.clone());
        let answer = self.caller.settle(IMPORT, &about, make).await.answer;
        match answer {
            Answer::Done(summary) => self.imported(&about, &cards, summary).await,
            Answer::Refused(refusal) => self.unexpected(IMPORT, &about, &refusal),
            Answer::Unknown => {}
        }
    }

    /// Compares the summary and the stored contacts with the file.
    async fn imported(
        &mut self,
        about: &str,
        cards: &BTreeMap<String, String>,
        summary: ImportSummary,
    ) {
        let count = i64::try_from(cards.len()).unwrap_or(i64::MAX);
        let is_whole = summary.created + summary.skipped == count && summary.failed == 0;
        let history = &self.caller.history;
        history.check("imports", is_whole, about, || {
            format!("the import of {count} cards ended with {summary:?}")
        });
        let Some(stored) = self.read_all(true).await else {
            return;
        };
        for (tag, notes) in cards {
            let mut rows = stored.iter().filter(|row| row.nickname == *tag);
            let (first, second) = (rows.next(), rows.next());
            let wanted = Image {
                notes: notes.clone(),
                ..Image::default()
            };
            let is_right = second.is_none() && first.is_some_and(|row| Image::from(row) == wanted);
            self.caller.history.check("imports", is_right, tag, || {
                format!("the card is stored as {first:?} and {second:?}")
            });
            if let Some(row) = first {
                self.book.learn(row);
            }
        }
    }
}

/// One attempt: the file, then its summary.
async fn import(
    mut to: Clients,
    signed: Request<()>,
    header: ImportHeader,
    file: String,
) -> Result<Response<ImportSummary>, Status> {
    let parts = [Part::Header(header), Part::Chunk(file.into_bytes())];
    let messages = parts.map(|part| ImportContactsRequest { part: Some(part) });
    let request = signed.map(|()| stream::iter(messages));
    let mut responses = to.book.import_contacts(request).await?.into_inner();
    while let Some(response) = responses.message().await? {
        if let Some(Event::Summary(summary)) = response.event {
            return Ok(Response::new(summary));
        }
    }
    // Without a reason it counts as a broken connection.
    Err(Status::unavailable("the stream ended before its summary"))
}
