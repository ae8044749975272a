//! `watch`.

use addressbook_client::proto::contacts::v1::watch_contacts_response::Event;
use addressbook_client::proto::contacts::v1::{
    SyncContactsRequest, WatchContactsRequest, WatchContactsResponse,
};
use addressbook_client::{Client, Error, FieldMask, Watched};

use crate::cli::Watch;
use crate::context::Context;
use crate::output;

/// Prints changes until Ctrl-C, or until nobody reads them.
pub(crate) async fn run(context: &Context, args: Watch) -> Result<(), Error> {
    let client = context.client().await?;
    let sync_token = match args.token {
        Some(token) => token,
        None => now(context, &client).await?,
    };
    let request = WatchContactsRequest {
        sync_token,
        owner_id: context.owner.clone(),
        ..WatchContactsRequest::default()
    };
    let mut watch = client.watch(request);
    // In a row. The first one is usually the end of an access token, or of a connection.
    let mut interruptions = 0;
    let closed = output::closed();
    tokio::pin!(closed);
    loop {
        let watched = tokio::select! {
            watched = watch.next() => watched?,
            () = &mut closed => return Ok(()),
        };
        match watched {
            Watched::Event(event) => {
                if interruptions > 1 {
                    output::note("Connected again; no change is missed.");
                }
                interruptions = 0;
                print(context, &event)?;
            }
            Watched::Interrupted(error) => {
                interruptions += 1;
                if interruptions == 2 {
                    output::note(format_args!("{error}; trying again"));
                }
            }
        }
    }
}

/// The token of the present state.
async fn now(context: &Context, client: &Client) -> Result<String, Error> {
    let mut request = SyncContactsRequest {
        page_size: 500,
        owner_id: context.owner.clone(),
        // Only the token matters.
        read_mask: Some(FieldMask {
            paths: vec!["id".into()],
        }),
        ..SyncContactsRequest::default()
    };
    loop {
        let page = client
            .contacts()
            .sync_contacts(request.clone())
            .await?
            .into_inner();
        if page.next_page_token.is_empty() {
            return Ok(page.next_sync_token);
        }
        request.page_token = page.next_page_token;
    }
}

fn print(context: &Context, response: &WatchContactsResponse) -> Result<(), Error> {
    let Some(event) = &response.event else {
        return Ok(());
    };
    if context.output.is_json() {
        // A heartbeat is for the connection, not for the reader.
        if matches!(event, Event::Heartbeat(_)) {
            return Ok(());
        }
        return output::message("addressbook.contacts.v1.WatchContactsResponse", response);
    }
    match event {
        Event::Changed(contact) => {
            let (name, id) = (&contact.display_name, &contact.id);
            output::line(format_args!("changed  {name}  {id}"))
        }
        Event::Deleted(id) => output::line(format_args!("deleted  {id}")),
        Event::LabelChanged(label) => {
            output::line(format_args!("label    {}  {}", label.name, label.id))
        }
        Event::LabelDeleted(id) => output::line(format_args!("label deleted  {id}")),
        Event::CaughtUp(_) | Event::Heartbeat(_) => Ok(()),
    }
}
