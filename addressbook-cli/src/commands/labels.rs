//! `labels`.

use addressbook_client::proto::contacts::v1::{
    CreateLabelRequest, DeleteLabelRequest, Label, ListLabelsRequest, ModifyLabelMembersRequest,
    UpdateLabelRequest,
};
use addressbook_client::{Client, Error};

use crate::cli::{Labels, Members};
use crate::context::Context;
use crate::{output, pages};

const LABEL: &str = "addressbook.contacts.v1.Label";

/// As many as a call accepts.
const MEMBERS_MAX: usize = 500;

/// Runs a sub-command of `labels`.
pub(crate) async fn run(context: &Context, command: Labels) -> Result<(), Error> {
    let client = context.client().await?;
    match command {
        Labels::List => list(context, &client).await,
        Labels::Create { name } => {
            let label = Label {
                name,
                ..Label::default()
            };
            let request = CreateLabelRequest {
                label: Some(label),
                owner_id: context.owner.clone(),
                ..CreateLabelRequest::default()
            };
            let created = client.labels().create_label(request).await?.into_inner();
            print(context, "Created", &created.label.unwrap_or_default())
        }
        Labels::Rename { label, name } => {
            let label = Label {
                name,
                ..find(context, &client, &label).await?
            };
            let request = UpdateLabelRequest {
                label: Some(label),
                owner_id: context.owner.clone(),
                ..UpdateLabelRequest::default()
            };
            let renamed = client.labels().update_label(request).await?.into_inner();
            print(context, "Renamed to", &renamed.label.unwrap_or_default())
        }
        Labels::Delete { label } => {
            let label = find(context, &client, &label).await?;
            let request = DeleteLabelRequest {
                id: label.id.clone(),
                etag: label.etag.clone(),
                owner_id: context.owner.clone(),
                ..DeleteLabelRequest::default()
            };
            client.labels().delete_label(request).await?;
            print(context, "Deleted", &label)
        }
        Labels::Add(members) => change(context, &client, members, true).await,
        Labels::Remove(members) => change(context, &client, members, false).await,
    }
}

/// The label with this name, regardless of case, or this id.
pub(crate) async fn find(context: &Context, client: &Client, text: &str) -> Result<Label, Error> {
    let labels = all(context, client).await?;
    let lower = text.to_lowercase();
    let found = labels
        .into_iter()
        .find(|label| label.id == text || label.name.to_lowercase() == lower);
    found.ok_or_else(|| Error::not_found(format_args!("there is no label {text:?}")))
}

async fn all(context: &Context, client: &Client) -> Result<Vec<Label>, Error> {
    pages::all(async |page_token| {
        let request = ListLabelsRequest {
            page_token,
            owner_id: context.owner.clone(),
            ..ListLabelsRequest::default()
        };
        let page = client.labels().list_labels(request).await?.into_inner();
        Ok((page.labels, page.next_page_token))
    })
    .await
}

async fn list(context: &Context, client: &Client) -> Result<(), Error> {
    let labels = all(context, client).await?;
    if context.output.is_json() {
        return labels
            .iter()
            .try_for_each(|label| output::message(LABEL, label));
    }
    let rows = labels
        .into_iter()
        .map(|label| vec![label.name, label.contact_count.to_string(), label.id]);
    let header = ["LABEL", "CONTACTS", "ID"];
    output::table(&header, rows.collect(), "There are no labels.")
}

async fn change(
    context: &Context,
    client: &Client,
    members: Members,
    is_added: bool,
) -> Result<(), Error> {
    let mut label = find(context, client, &members.label).await?;
    for ids in members.ids.chunks(MEMBERS_MAX) {
        let (add_ids, remove_ids) = if is_added {
            (ids.to_vec(), Vec::new())
        } else {
            (Vec::new(), ids.to_vec())
        };
        let request = ModifyLabelMembersRequest {
            id: label.id.clone(),
            add_ids,
            remove_ids,
            owner_id: context.owner.clone(),
        };
        let response = client.labels().modify_label_members(request).await?;
        label = response.into_inner().label.unwrap_or_default();
    }
    print(context, if is_added { "Added" } else { "Removed" }, &label)
}

fn print(context: &Context, what: &str, label: &Label) -> Result<(), Error> {
    if context.output.is_json() {
        return output::message(LABEL, label);
    }
    output::note(format_args!("{what} {}.", label.name));
    Ok(())
}
