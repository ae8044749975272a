//! `share`.

use addressbook_client::proto::contacts::v1::{
    CreateShareRequest, DeleteShareRequest, ListSharedWithMeRequest, ListSharesRequest,
    Share as Wire, ShareRole, ShareState, UpdateShareRequest,
};
use addressbook_client::{Client, Error};

use super::labels;
use crate::cli::{CreateShare, Share};
use crate::context::Context;
use crate::{output, pages};

const SHARE: &str = "addressbook.contacts.v1.Share";

/// Runs a sub-command of `share`.
pub(crate) async fn run(context: &Context, command: Share) -> Result<(), Error> {
    let client = context.client().await?;
    match command {
        Share::Create(args) => create(context, &client, args).await,
        Share::List => print_all(context, &own(&client).await?, "You share nothing."),
        Share::Received => {
            let none = "Nobody shares anything with you.";
            print_all(context, &received(&client).await?, none)
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
    print_all(context, &[response.share.unwrap_or_default()], "")
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
    print_all(context, &[response.share.unwrap_or_default()], "")
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
    pages::all(async |page_token| {
        let request = ListSharesRequest {
            page_token,
            ..ListSharesRequest::default()
        };
        let page = client.shares().list_shares(request).await?.into_inner();
        Ok((page.shares, page.next_page_token))
    })
    .await
}

async fn received(client: &Client) -> Result<Vec<Wire>, Error> {
    pages::all(async |page_token| {
        let request = ListSharedWithMeRequest {
            page_token,
            ..ListSharedWithMeRequest::default()
        };
        let response = client.shares().list_shared_with_me(request).await?;
        let page = response.into_inner();
        Ok((page.shares, page.next_page_token))
    })
    .await
}

fn with_id(shares: Vec<Wire>, id: &str) -> Result<Wire, Error> {
    let found = shares.into_iter().find(|share| share.id == id);
    found.ok_or_else(|| Error::not_found("nobody shares this with you"))
}

fn print_all(context: &Context, shares: &[Wire], none: &str) -> Result<(), Error> {
    if context.output.is_json() {
        return shares
            .iter()
            .try_for_each(|share| output::message(SHARE, share));
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
    output::table(&header, rows.collect(), none)
}
