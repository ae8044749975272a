//! Imports that go on after their connection broke.

use std::io;
use std::path::PathBuf;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use proto::contacts::v1::import_contacts_request::Part;
use proto::contacts::v1::import_contacts_response::Event;
use proto::contacts::v1::{
    ImportContactsRequest, ImportHeader, ImportProgress, ImportRow, ImportSummary,
};
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::client::Client;
use crate::error::Error;
use crate::retry::Policy;
use crate::watch::can_resume;

/// How much of the file is in a message.
const CHUNK_BYTES: usize = 64 * 1024;

/// A file to import. It is read again if the connection breaks.
#[derive(Clone, Debug)]
pub enum Source {
    /// A file of this machine.
    File(PathBuf),
    /// The file's content.
    Bytes(Bytes),
}

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
    /// `import_id`, it gets a random one.
    ///
    /// # Errors
    ///
    /// Those of `ImportContacts`; [`Kind::Local`](crate::Kind::Local) if the file cannot be
    /// read.
    pub async fn import(
        &self,
        mut header: ImportHeader,
        source: &Source,
        mut on_event: impl FnMut(ImportEvent),
    ) -> Result<ImportSummary, Error> {
        if header.import_id.is_empty() {
            header.import_id = Uuid::new_v4().to_string();
        }
        let policy = Policy::default();
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
            let error = match self.import_once(&header, source, event).await {
                Err(error) if can_resume(&error) => error,
                result => return result,
            };
            failed = if rows > farthest { 1 } else { failed + 1 };
            farthest = farthest.max(rows);
            if failed >= policy.attempts {
                return Err(error);
            }
            let delay = error.retry_after.unwrap_or(policy.backoff(failed));
            if delay > policy.delay_max {
                return Err(error);
            }
            tokio::time::sleep(delay).await;
            on_event(ImportEvent::Restarted(error));
        }
    }

    /// Sends the file until its end or an error.
    async fn import_once(
        &self,
        header: &ImportHeader,
        source: &Source,
        mut on_event: impl FnMut(ImportEvent),
    ) -> Result<ImportSummary, Error> {
        let (unread, mut failure) = oneshot::channel();
        let requests = match source {
            Source::Bytes(bytes) => {
                let reader = io::Cursor::new(bytes.clone());
                messages(header.clone(), Box::new(reader), unread)
            }
            Source::File(path) => {
                let file = File::open(path).await.map_err(|cause| {
                    Error::local(format_args!("cannot read {}: {cause}", path.display()))
                })?;
                messages(header.clone(), Box::new(file), unread)
            }
        };
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
            Ok(cause) = &mut failure => {
                Err(Error::local(format_args!("cannot read the file: {cause}")))
            }
        }
    }
}

type Reader = Box<dyn AsyncRead + Send + Unpin>;

/// The header, then the pieces of a file. If it cannot be read, the stream says why to
/// `unread` and never ends, because an end would be that of the file.
fn messages(
    header: ImportHeader,
    reader: Reader,
    unread: oneshot::Sender<io::Error>,
) -> impl Stream<Item = ImportContactsRequest> + Send + 'static {
    unfold(
        (Some(header), reader, unread),
        async |(header, mut reader, unread)| {
            if let Some(header) = header {
                let part = Some(Part::Header(header));
                return Some((ImportContactsRequest { part }, (None, reader, unread)));
            }
            let mut chunk = vec![0; CHUNK_BYTES];
            match reader.read(&mut chunk).await {
                Ok(0) => None,
                Ok(count) => {
                    chunk.truncate(count);
                    let part = Some(Part::Chunk(chunk));
                    Some((ImportContactsRequest { part }, (None, reader, unread)))
                }
                Err(cause) => {
                    let _ = unread.send(cause);
                    std::future::pending().await
                }
            }
        },
    )
}
