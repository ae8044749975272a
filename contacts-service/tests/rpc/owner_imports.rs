//! Imports of a user.

use futures_util::stream;
use proto::contacts::v1::import_contacts_request::Part;
use proto::contacts::v1::import_contacts_response::Event;
use proto::contacts::v1::{
    Contact, ImportContactsRequest, ImportContactsResponse, ImportHeader, ImportOutcome,
    ImportProgress, ImportRow, ImportSummary, ListContactsRequest,
};
use tonic::{Status, Streaming};

use crate::owner::Owner;

/// All responses to an import.
#[derive(Debug, Default)]
pub struct Imported {
    pub rows: Vec<ImportRow>,
    pub progress: Vec<ImportProgress>,
    pub summary: ImportSummary,
    pub error: Option<Status>,
}

impl Imported {
    pub async fn of(mut answers: Streaming<ImportContactsResponse>) -> Self {
        let mut imported = Self::default();
        loop {
            match answers.message().await {
                Ok(Some(answer)) => match answer.event.unwrap() {
                    Event::Row(row) => imported.rows.push(row),
                    Event::Progress(progress) => imported.progress.push(progress),
                    Event::Summary(summary) => imported.summary = summary,
                },
                Ok(None) => return imported,
                Err(error) => {
                    imported.error = Some(error);
                    return imported;
                }
            }
        }
    }

    /// Created, updated, skipped and failed cards.
    #[track_caller]
    pub fn counts(&self) -> [i64; 4] {
        assert!(self.error.is_none(), "{:?}", self.error);
        let ImportSummary {
            created,
            updated,
            skipped,
            failed,
        } = self.summary;
        [created, updated, skipped, failed]
    }

    /// The lines and outcomes of the rows.
    pub fn lines(&self) -> Vec<(i64, ImportOutcome)> {
        let rows = self.rows.iter();
        rows.map(|row| (row.line, row.outcome())).collect()
    }
}

pub fn import_message(header: ImportHeader) -> ImportContactsRequest {
    ImportContactsRequest {
        part: Some(Part::Header(header)),
    }
}

pub fn chunk(bytes: &[u8]) -> ImportContactsRequest {
    ImportContactsRequest {
        part: Some(Part::Chunk(bytes.to_vec())),
    }
}

impl Owner {
    /// Imports a file that arrives in pieces.
    pub async fn import(&self, header: ImportHeader, file: impl AsRef<[u8]>) -> Imported {
        let mut messages = vec![import_message(self.named_in(header))];
        messages.extend(file.as_ref().chunks(1000).map(chunk));
        self.send_import(messages).await
    }

    pub async fn send_import(&self, messages: Vec<ImportContactsRequest>) -> Imported {
        match self
            .client
            .clone()
            .import_contacts(stream::iter(messages))
            .await
        {
            Ok(answers) => Imported::of(answers.into_inner()).await,
            Err(error) => Imported {
                error: Some(error),
                ..Imported::default()
            },
        }
    }

    /// The header with the owner of the book.
    pub fn named_in(&self, mut header: ImportHeader) -> ImportHeader {
        self.fill(&mut header.owner_id);
        header
    }

    /// All contacts, by their formatted and other names, without what the server sets.
    pub async fn bare(&self) -> Vec<Contact> {
        let request = ListContactsRequest {
            page_size: 500,
            order_by: "display_name".into(),
            owner_id: self.book.clone(),
            ..ListContactsRequest::default()
        };
        let answer = self.client.clone().list_contacts(request).await.unwrap();
        let contacts = answer.into_inner().contacts.into_iter();
        contacts
            .map(|contact| Contact {
                id: String::new(),
                etag: String::new(),
                version: 0,
                create_time: None,
                update_time: None,
                ..contact
            })
            .collect()
    }
}
