//! Imports that go on after their connection broke.

use std::io;
use std::path::Path;

use futures_util::Stream;
use futures_util::stream::unfold;
use proto::contacts::v1::import_contacts_request::Part;
use proto::contacts::v1::import_contacts_response::Event;
use proto::contacts::v1::{
    ImportContactsRequest, ImportHeader, ImportProgress, ImportRow, ImportSummary,
};
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::client::Client;
use crate::error::Error;
use crate::watch::can_resume;

/// How much of the file is in a message.
const CHUNK_BYTES: usize = 64 * 1024;

/// What happens during an import.
#[derive(Debug)]
pub enum ImportEvent {
    /// A card that was not stored as it is in the file.
    Row(Box<ImportRow>),
    /// How far it has come.
    Progress(ImportProgress),
    /// The connection broke, and the file is sent again from its beginning. What was stored
    /// stays, and is not stored twice; rows are reported again.
    Restarted(Error),
}

impl Client {
    /// Imports a file of contacts, as `ContactsService.ImportContacts`. If the header has no
    /// `import_id`, it gets a random one. The file is read again if the connection breaks.
    ///
    /// # Errors
    ///
    /// Those of `ImportContacts`; [`Kind::Local`](crate::Kind::Local) if the file cannot be
    /// read.
    pub async fn import(
        &self,
        mut header: ImportHeader,
        file: &Path,
        mut on_event: impl FnMut(ImportEvent),
    ) -> Result<ImportSummary, Error> {
        if header.import_id.is_empty() {
            header.import_id = Uuid::new_v4().to_string();
        }
        let mut failed = 0;
        let mut farthest = 0;
        loop {
            let mut rows = 0;
            let event = |event| {
                if let ImportEvent::Progress(progress) = &event {
                    rows = progress.rows;
                }
                on_event(event);
            };
            let error = match self.import_once(&header, file, event).await {
                Err(error) if can_resume(&error) => error,
                result => return result,
            };
            failed = if rows > farthest { 1 } else { failed + 1 };
            farthest = farthest.max(rows);
            let Some(delay) = self.policy().delay(failed, &error) else {
                return Err(error);
            };
            tokio::time::sleep(delay).await;
            on_event(ImportEvent::Restarted(error));
        }
    }

    /// Sends the file until its end or an error.
    async fn import_once(
        &self,
        header: &ImportHeader,
        file: &Path,
        mut on_event: impl FnMut(ImportEvent),
    ) -> Result<ImportSummary, Error> {
        let failed = |cause: io::Error| {
            Error::local(format_args!("cannot read {}: {cause}", file.display()))
        };
        let (unread, mut failure) = oneshot::channel();
        let opened = File::open(file).await.map_err(failed)?;
        let requests = messages(header.clone(), opened, unread);
        let importing = async {
            let responses = self.contacts().import_contacts(requests).await?;
            let mut responses = responses.into_inner();
            while let Some(response) = responses.message().await? {
                match response.event {
                    Some(Event::Row(row)) => on_event(ImportEvent::Row(Box::new(row))),
                    Some(Event::Progress(progress)) => on_event(ImportEvent::Progress(progress)),
                    Some(Event::Summary(summary)) => return Ok(summary),
                    None => {}
                }
            }
            Err(Error::unavailable("the server has ended the import"))
        };
        tokio::pin!(importing);
        tokio::select! {
            result = &mut importing => result,
            // The call is cancelled, so the server does not take this for the end of the file.
            Ok(cause) = &mut failure => Err(failed(cause)),
        }
    }
}

/// The header, then the pieces of a file. If it cannot be read, the stream says why to
/// `unread` and never ends, because an end would be that of the file.
fn messages(
    header: ImportHeader,
    file: File,
    unread: oneshot::Sender<io::Error>,
) -> impl Stream<Item = ImportContactsRequest> + Send + 'static {
    unfold(
        (Some(header), file, unread),
        async |(header, mut file, unread)| {
            if let Some(header) = header {
                let part = Some(Part::Header(header));
                return Some((ImportContactsRequest { part }, (None, file, unread)));
            }
            let mut chunk = vec![0; CHUNK_BYTES];
            match file.read(&mut chunk).await {
                Ok(0) => None,
                Ok(count) => {
                    chunk.truncate(count);
                    let part = Some(Part::Chunk(chunk));
                    Some((ImportContactsRequest { part }, (None, file, unread)))
                }
                Err(cause) => {
                    let _ = unread.send(cause);
                    std::future::pending().await
                }
            }
        },
    )
}
