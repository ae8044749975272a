//! `share`.

use addressbook_client::proto::contacts::v1::{
    CreateShareRequest, DeleteShareRequest, ListSharedWithMeRequest, ListSharesRequest,
    Share as Wire, ShareRole, ShareState, UpdateShareRequest,
};
use addressbook_client::{Client, Error};

use super::labels;
use crate::cli::{CreateShare, Share};
use crate::context::Context;
use crate::output;

const SHARE: &str = "addressbook.contacts.v1.Share";

/// Runs a sub-command of `share`.
pub(crate) async fn run(context: &Context, command: Share) -> Result<(), Error> {
    let client = context.client().await?;
    match command {
        Share::Create(args) => create(context, &client, args).await,
        Share::List => {
            print_all(context, &own(&client).await?, "You share nothing.");
            Ok(())
        }
        Share::Received => {
            let none = "Nobody shares anything with you.";
            print_all(context, &received(&client).await?, none);
            Ok(())
        }
        Share::Accept { id } => {
            let offer = with_id(received(&client).await?, &id)?;
            let share = Wire {
                id,
                state: ShareState::Accepted.into(),
                ..Wire::default()
            };
            update(context, &client, share, offer.owner_id).await
        }
        Share::Role { id, role } => {
            let share = Wire {
                id,
                role: ShareRole::from(role).into(),
                ..Wire::default()
            };
            update(context, &client, share, String::new()).await
        }
        Share::End { id } => end(&client, id).await,
    }
}

async fn create(context: &Context, client: &Client, args: CreateShare) -> Result<(), Error> {
    let label_id = match &args.label {
        Some(label) => labels::find(context, client, label).await?.id,
        None => String::new(),
    };
    let share = Wire {
        recipient_email: args.email,
        label_id,
        role: ShareRole::from(args.role).into(),
        ..Wire::default()
    };
    let request = CreateShareRequest {
        share: Some(share),
        ..CreateShareRequest::default()
    };
    let response = client.shares().create_share(request).await?.into_inner();
    print_all(context, &[response.share.unwrap_or_default()], "");
    Ok(())
}

async fn update(
    context: &Context,
    client: &Client,
    share: Wire,
    owner_id: String,
) -> Result<(), Error> {
    let request = UpdateShareRequest {
        share: Some(share),
        owner_id,
        ..UpdateShareRequest::default()
    };
    let response = client.shares().update_share(request).await?.into_inner();
    print_all(context, &[response.share.unwrap_or_default()], "");
    Ok(())
}

/// Ends a share that the user owns, or one that it received.
async fn end(client: &Client, id: String) -> Result<(), Error> {
    let owner_id = match with_id(received(client).await?, &id) {
        Ok(share) => share.owner_id,
        Err(_) => String::new(),
    };
    let request = DeleteShareRequest {
        id,
        owner_id,
        ..DeleteShareRequest::default()
    };
    client.shares().delete_share(request).await?;
    output::note("The share has ended.");
    Ok(())
}

async fn own(client: &Client) -> Result<Vec<Wire>, Error> {
    let mut shares = Vec::new();
    let mut request = ListSharesRequest::default();
    loop {
        let page = client
            .shares()
            .list_shares(request.clone())
            .await?
            .into_inner();
        shares.extend(page.shares);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return Ok(shares);
        }
    }
}

async fn received(client: &Client) -> Result<Vec<Wire>, Error> {
    let mut shares = Vec::new();
    let mut request = ListSharedWithMeRequest::default();
    loop {
        let response = client.shares().list_shared_with_me(request.clone()).await?;
        let page = response.into_inner();
        shares.extend(page.shares);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return Ok(shares);
        }
    }
}

fn with_id(shares: Vec<Wire>, id: &str) -> Result<Wire, Error> {
    let found = shares.into_iter().find(|share| share.id == id);
    found.ok_or_else(|| Error::not_found("nobody shares this with you"))
}

fn print_all(context: &Context, shares: &[Wire], none: &str) {
    if context.output.is_json() {
        for share in shares {
            output::message(SHARE, share);
        }
        return;
    }
    let rows = shares.iter().map(|share| {
        let what = match &*share.label_name {
            "" => "all contacts",
            label => label,
        };
        let state = match share.state() {
            ShareState::Accepted => "accepted",
            ShareState::Offered | ShareState::Unspecified => "offered",
        };
        let role = match share.role() {
            ShareRole::Editor => "editor",
            ShareRole::Reader | ShareRole::Unspecified => "reader",
        };
        vec![
            share.owner_email.clone(),
            share.recipient_email.clone(),
            what.to_owned(),
            role.to_owned(),
            state.to_owned(),
            share.id.clone(),
            share.owner_id.clone(),
        ]
    });
    let header = ["FROM", "TO", "WHAT", "ROLE", "STATE", "ID", "OWNER ID"];
    context.output.table(&header, rows.collect(), none);
}
