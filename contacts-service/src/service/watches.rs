//! Opens the stream of a watch.

use std::sync::Arc;
use std::time::Duration;

use chassis::access::caller::Caller;
use chassis::serve::while_allowed::while_allowed;
use futures_util::{Stream, StreamExt};
use proto::contacts::server::WatchContactsResponse;
use proto::contacts::v1::WatchContactsRequest;
use tonic::{Request, Status};

use super::{ContactsService, sync};
use crate::error::{Error, Result};
use crate::watch::stream::Reader;

impl ContactsService {
    /// The events for the caller, as long as its token is valid.
    pub(super) async fn watch(
        &self,
        request: &Request<WatchContactsRequest>,
    ) -> Result<impl Stream<Item = Result<WatchContactsResponse, Status>> + use<>> {
        let mask = request.get_ref().read_mask.as_ref();
        let feed = self.feed(request, mask).await?;
        let caller = Caller::of(request).map_err(Error::from)?;
        let reader = Reader {
            watch: self.hub.watch(feed.owner(), caller.user_id)?,
            feed,
            stopping: self.stopping.clone(),
        };

        let token = &request.get_ref().sync_token;
        let events = sync::watch(Arc::clone(&self.sealer), reader, token)?;
        let guard = self.guard.clone();
        let events = while_allowed(events, Duration::ZERO, async move || {
            Ok(guard.check(&caller)?)
        });

        Ok(events.map(|event| event.map_err(Into::into)))
    }
}
