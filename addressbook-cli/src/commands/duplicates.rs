//! `duplicates`, `merge` and `unmerge`.

use addressbook_client::proto::contacts::v1::{
    DuplicateGroup, DuplicateReason, FindDuplicatesRequest, IgnoreDuplicateRequest,
    MergeContactsRequest, UnmergeContactsRequest,
};
use addressbook_client::{Client, Error};
use uuid::Uuid;

use super::show;
use crate::cli::{Duplicates, Merge};
use crate::context::Context;
use crate::person::{HEADER, row};
use crate::{output, pages};

/// As many as a page can have.
const PAGE_MAX: i32 = 100;

/// Finds duplicates, the most certain ones first.
pub(crate) async fn find(context: &Context, args: Duplicates) -> Result<(), Error> {
    let client = context.client().await?;
    if !args.ignore.is_empty() {
        return ignore(context, &client, args.ignore).await;
    }
    let request = FindDuplicatesRequest {
        min_score: args.min_score,
        page_size: pages::size(args.limit, PAGE_MAX),
        owner_id: context.owner.clone(),
        ..FindDuplicatesRequest::default()
    };
    let mut is_none = true;
    pages::each(
        args.limit,
        async |page_token| {
            let request = FindDuplicatesRequest {
                page_token,
                ..request.clone()
            };
            let page = client.contacts().find_duplicates(request).await?;
            let page = page.into_inner();
            Ok((page.groups, page.next_page_token))
        },
        |group| {
            is_none = false;
            print(context, &group)
        },
    )
    .await?;
    if is_none && !context.output.is_json() {
        output::note("No duplicates found.");
    }
    Ok(())
}

fn print(context: &Context, group: &DuplicateGroup) -> Result<(), Error> {
    if context.output.is_json() {
        return output::message("addressbook.contacts.v1.DuplicateGroup", group);
    }
    let reasons: Vec<_> = group.reasons().map(reason).collect();
    output::line(format_args!("{} ({:.2})", reasons.join(", "), group.score))?;
    let rows = group.contacts.iter().map(row).collect();
    output::table(&HEADER, rows, "")?;
    let ids: Vec<_> = group.contacts.iter().map(|contact| &*contact.id).collect();
    output::line(format_args!("  addressbook merge {}\n", ids.join(" ")))
}

fn reason(reason: DuplicateReason) -> &'static str {
    match reason {
        DuplicateReason::SameEmail => "same e-mail",
        DuplicateReason::SamePhone => "same phone",
        DuplicateReason::SameName => "same name",
        DuplicateReason::SimilarName => "similar name",
        DuplicateReason::SameBirthday => "same date of birth",
        DuplicateReason::Unspecified => "similar",
    }
}

async fn ignore(context: &Context, client: &Client, ids: Vec<String>) -> Result<(), Error> {
    let mut ids = ids.into_iter();
    let request = IgnoreDuplicateRequest {
        id: ids.next().unwrap_or_default(),
        other_id: ids.next().unwrap_or_default(),
        other_ids: ids.collect(),
        owner_id: context.owner.clone(),
    };
    client.contacts().ignore_duplicate(request).await?;
    output::note("They are different people from now on.");
    Ok(())
}

/// Merges contacts.
pub(crate) async fn merge(context: &Context, args: Merge) -> Result<(), Error> {
    let client = context.client().await?;
    let request = MergeContactsRequest {
        primary_id: args.primary,
        other_ids: args.others,
        validate_only: args.dry_run,
        request_id: Uuid::new_v4().to_string(),
        owner_id: context.owner.clone(),
        ..MergeContactsRequest::default()
    };
    let merged = client
        .contacts()
        .merge_contacts(request)
        .await?
        .into_inner();
    if context.output.is_json() {
        return output::message("addressbook.contacts.v1.MergeContactsResponse", &merged);
    }
    show::print(context, &merged.contact.unwrap_or_default())?;
    if !merged.merge_id.is_empty() {
        let id = merged.merge_id;
        output::note(format_args!("`addressbook unmerge {id}` undoes the merge."));
    }
    Ok(())
}

/// Undoes a merge.
pub(crate) async fn unmerge(context: &Context, merge_id: String) -> Result<(), Error> {
    let client = context.client().await?;
    let owner_id = context.owner.clone();
    let request = UnmergeContactsRequest { merge_id, owner_id };
    let response = client
        .contacts()
        .unmerge_contacts(request)
        .await?
        .into_inner();
    if context.output.is_json() {
        return output::message("addressbook.contacts.v1.UnmergeContactsResponse", &response);
    }
    let rows = response.contacts.iter().map(row).collect();
    output::table(&HEADER, rows, "")
}
