//! A stream of changes that goes on after its connection broke.

use std::time::Duration;

use proto::contacts::v1::{WatchContactsRequest, WatchContactsResponse};
use tokio::time::{sleep, timeout};
use tonic::Streaming;

use crate::client::Client;
use crate::error::{Error, Kind};

/// The server sends a heartbeat each 15 seconds; after a longer silence, also before the
/// first event, it is gone.
const SILENCE_MAX: Duration = Duration::from_secs(45);

/// What a [`Watch`] returns.
#[derive(Debug)]
pub enum Watched {
    /// An event; its `sync_token` resumes after it.
    Event(Box<WatchContactsResponse>),
    /// The stream broke. The next call resumes it, and no change is missed.
    Interrupted(Error),
}

/// A stream of changes. [`Watch::next`] returns one after the other.
pub struct Watch {
    client: Client,
    request: WatchContactsRequest,
    stream: Option<Streaming<WatchContactsResponse>>,
    /// How often the stream broke since the last event.
    failures: u32,
    delay: Duration,
}

impl Client {
    /// Watches contacts, as `ContactsService.WatchContacts`.
    #[must_use]
    pub fn watch(&self, request: WatchContactsRequest) -> Watch {
        Watch {
            client: self.clone(),
            request,
            stream: None,
            failures: 0,
            delay: Duration::ZERO,
        }
    }
}

impl Watch {
    /// Waits for the next event, or for the end of the stream.
    ///
    /// # Errors
    ///
    /// Those of `WatchContacts` that another stream would have, too.
    pub async fn next(&mut self) -> Result<Watched, Error> {
        match self.event().await {
            Ok(event) => {
                self.failures = 0;
                self.delay = Duration::ZERO;
                self.request.sync_token.clone_from(&event.sync_token);
                Ok(Watched::Event(Box::new(event)))
            }
            Err(error) if can_resume(&error) => {
                self.stream = None;
                self.failures = self.failures.saturating_add(1);
                self.delay = self.client.policy().pause(self.failures, &error);
                Ok(Watched::Interrupted(error))
            }
            Err(error) => Err(error),
        }
    }

    async fn event(&mut self) -> Result<WatchContactsResponse, Error> {
        sleep(self.delay).await;
        let Ok(event) = timeout(SILENCE_MAX, self.message()).await else {
            let seconds = SILENCE_MAX.as_secs();
            return Err(Error::unavailable(format_args!(
                "the server has sent nothing for {seconds} seconds"
            )));
        };
        event?.ok_or_else(|| Error::unavailable("the server has ended the stream"))
    }

    async fn message(&mut self) -> Result<Option<WatchContactsResponse>, Error> {
        let stream = if let Some(stream) = &mut self.stream {
            stream
        } else {
            let request = self.request.clone();
            let response = self.client.contacts().watch_contacts(request).await?;
            self.stream.insert(response.into_inner())
        };
        Ok(stream.message().await?)
    }
}

/// Whether another stream may succeed where this one failed.
pub(crate) fn can_resume(error: &Error) -> bool {
    match error.kind {
        Kind::Unavailable | Kind::DeadlineExceeded | Kind::RateLimited => true,
        Kind::Unauthenticated => error.reason == "TOKEN_EXPIRED",
        // A connection that broke, because a service's own error would have a reason.
        Kind::Internal => error.reason.is_empty(),
        _ => false,
    }
}
