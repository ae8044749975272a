//! Exports that begin again after their connection broke.

use proto::contacts::v1::{ExportContactsRequest, ExportContactsResponse};
use tokio::time::sleep;
use tonic::Streaming;

use crate::client::Client;
use crate::error::Error;
use crate::watch::can_resume;

/// What an [`Export`] returns.
#[derive(Debug)]
pub enum Exported {
    /// The next piece of the file.
    Piece(ExportContactsResponse),
    /// The stream broke, or contacts were changed too often meanwhile: the file begins again,
    /// so drop what was received.
    Restarted(Error),
    /// The file is complete.
    End,
}

/// A file of contacts. [`Export::next`] returns one piece after the other.
pub struct Export {
    client: Client,
    request: ExportContactsRequest,
    stream: Option<Streaming<ExportContactsResponse>>,
    failures: u32,
}

impl Client {
    /// Exports contacts, as `ContactsService.ExportContacts`.
    #[must_use]
    pub fn export(&self, request: ExportContactsRequest) -> Export {
        Export {
            client: self.clone(),
            request,
            stream: None,
            failures: 0,
        }
    }
}

impl Export {
    /// The next piece of the file.
    ///
    /// # Errors
    ///
    /// Those of `ExportContacts`, after as many attempts as the client's policy has.
    pub async fn next(&mut self) -> Result<Exported, Error> {
        match self.piece().await {
            Ok(Some(piece)) => Ok(Exported::Piece(piece)),
            Ok(None) => Ok(Exported::End),
            Err(error) if self.can_begin_again(&error) => {
                self.stream = None;
                self.failures += 1;
                let Some(delay) = self.client.policy().delay(self.failures, &error) else {
                    return Err(error);
                };
                sleep(delay).await;
                Ok(Exported::Restarted(error))
            }
            Err(error) => Err(error),
        }
    }

    /// The channel has repeated a call that received no stream, so another try would multiply the
    /// policy's attempts.
    fn can_begin_again(&self, error: &Error) -> bool {
        let is_broken = self.stream.is_some() && can_resume(error);
        is_broken || error.reason == "EXPORT_CHANGED"
    }

    async fn piece(&mut self) -> Result<Option<ExportContactsResponse>, Error> {
        let stream = if let Some(stream) = &mut self.stream {
            stream
        } else {
            let request = self.request.clone();
            let response = self.client.contacts().export_contacts(request).await?;
            self.stream.insert(response.into_inner())
        };
        Ok(stream.message().await?)
    }
}
