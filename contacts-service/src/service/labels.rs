//! `LabelsService`: parses requests, calls the rules, encodes responses.

use std::collections::HashSet;

use prost_types::FieldMask;
use proto::contacts::server::labels_service_server as server;
use proto::contacts::v1::{
    CreateLabelRequest, CreateLabelResponse, DeleteLabelRequest, DeleteLabelResponse,
    GetLabelRequest, GetLabelResponse, Label, ListLabelsRequest, ListLabelsResponse,
    ModifyLabelMembersRequest, ModifyLabelMembersResponse, UpdateLabelRequest, UpdateLabelResponse,
};
use tonic::{Request, Response, Status};

use super::ContactsService;
use crate::book::labels::Membership;
use crate::contact::mask::unknown;
use crate::contact::order::order_key;
use crate::contact::stored::timestamp;
use crate::contact::{ContactId, etag};
use crate::error::{Error, LabelError, Result};
use crate::model::label::{self, LabelId, LabelName};
use crate::model::share::visible::View;
use crate::store::{labels, members};
use chassis::paging::{Pages, Paging, Sizes};

const SIZES: Sizes = Sizes {
    default: 1000,
    max: 1000,
};
/// The maximum number of contacts that get or lose a label in one call.
const MEMBERS_MAX: usize = 500;

#[tonic::async_trait]
impl server::LabelsService for ContactsService {
    async fn create_label(
        &self,
        request: Request<CreateLabelRequest>,
    ) -> Result<Response<CreateLabelResponse>, Status> {
        let book = self.book(&request).await?;
        let request = request.into_inner();
        let name = LabelName::parse(&required(request.label)?.name)?;

        let label = book.create_label(&name, request.validate_only).await?;

        let label = Some(message(label, 0));
        Ok(Response::new(CreateLabelResponse { label }))
    }

    async fn get_label(
        &self,
        request: Request<GetLabelRequest>,
    ) -> Result<Response<GetLabelResponse>, Status> {
        let label = self
            .read(request, async |view, request| {
                let id = LabelId::parse("id", &request.id)?;
                let db = self.share_of(view.reader);
                let label = labels::get(&db, view.owner, id).await?;
                let label = label.filter(|label| view.visible.has_label(label.id));
                let label = label.ok_or(LabelError::NotFound(id))?;
                let count = members::count(&db, view.owner, &label).await?;
                Ok(message(label, count))
            })
            .await?;

        let label = Some(label);
        Ok(Response::new(GetLabelResponse { label }))
    }

    async fn list_labels(
        &self,
        request: Request<ListLabelsRequest>,
    ) -> Result<Response<ListLabelsResponse>, Status> {
        let page = async |view: &View, request| self.page_of_labels(view, request).await;
        let answer = self.read(request, page).await?;

        Ok(Response::new(answer))
    }

    async fn update_label(
        &self,
        request: Request<UpdateLabelRequest>,
    ) -> Result<Response<UpdateLabelResponse>, Status> {
        let book = self.book(&request).await?;
        let request = request.into_inner();
        let patch = required(request.label)?;
        let id = LabelId::parse("label.id", &patch.id)?;
        let renames = renames(request.update_mask.as_ref(), &patch)?;
        let name = renames.then(|| LabelName::parse(&patch.name)).transpose()?;

        let label = book.rename_label(id, name, &patch.etag).await?;

        let count = book.member_count(&label).await?;
        let label = Some(message(label, count));
        Ok(Response::new(UpdateLabelResponse { label }))
    }

    async fn delete_label(
        &self,
        request: Request<DeleteLabelRequest>,
    ) -> Result<Response<DeleteLabelResponse>, Status> {
        let book = self.book(&request).await?;
        let request = request.get_ref();
        let id = LabelId::parse("id", &request.id)?;

        book.delete_label(id, &request.etag, request.allow_missing)
            .await?;

        Ok(Response::new(DeleteLabelResponse {}))
    }

    async fn modify_label_members(
        &self,
        request: Request<ModifyLabelMembersRequest>,
    ) -> Result<Response<ModifyLabelMembersResponse>, Status> {
        let book = self.book(&request).await?;
        let request = request.get_ref();
        let id = LabelId::parse("id", &request.id)?;
        let membership = membership(request)?;

        let label = book.modify_members(id, &membership).await?;

        let count = book.member_count(&label).await?;
        let label = Some(message(label, count));
        Ok(Response::new(ModifyLabelMembersResponse { label }))
    }
}

impl ContactsService {
    async fn page_of_labels(
        &self,
        view: &View,
        mut request: ListLabelsRequest,
    ) -> Result<ListLabelsResponse> {
        let paging = Paging::take(&mut request.page_size, &mut request.page_token);
        let owner = view.owner;
        let pages = Pages::new(&self.sealer, "ListLabels", owner, &request, paging, SIZES)?;
        let after: Option<(String, String)> = pages.cursor()?;

        let (db, ids) = (self.share_of(view.reader), view.visible.label_ids());
        let mut page = labels::list(&db, view.owner, ids).await?;
        // There are few, and their order is not that of their keys.
        let place = |label: &label::Label| (order_key(&[&label.name]), label.name_key.clone());
        page.sort_by_cached_key(place);
        page.retain(|label| after.as_ref().is_none_or(|after| place(label) > *after));
        page.truncate(usize::try_from(pages.limit()).unwrap_or(usize::MAX));
        let next_page_token = pages.cut(&mut page, place);

        let keys: Vec<&str> = page.iter().map(|label| &*label.name_key).collect();
        let counts = members::counts(&db, view.owner, &keys).await?;
        let labels = page.into_iter().map(|label| {
            let count = counts.get(&label.name_key).copied().unwrap_or(0);
            message(label, count)
        });
        Ok(ListLabelsResponse {
            labels: labels.collect(),
            next_page_token,
        })
    }
}

fn required(label: Option<Label>) -> Result<Label> {
    label.ok_or_else(|| Error::invalid("FIELD_INVALID", "label", "is required"))
}

/// Whether an update changes the name, the only writable field.
fn renames(mask: Option<&FieldMask>, patch: &Label) -> Result<bool> {
    let paths = mask.map_or(&[][..], |mask| &mask.paths);
    let known = [
        "*",
        "name",
        "id",
        "etag",
        "version",
        "create_time",
        "update_time",
        "contact_count",
    ];
    if let Some(path) = paths.iter().find(|path| !known.contains(&path.as_str())) {
        return Err(unknown("UPDATE_MASK_INVALID", "update_mask", path));
    }
    if paths.is_empty() {
        return Ok(!patch.name.is_empty());
    }
    Ok(paths.iter().any(|path| path == "*" || path == "name"))
}

/// The contacts that a request adds to a label and removes from it, without duplicates.
fn membership(request: &ModifyLabelMembersRequest) -> Result<Membership> {
    let bad = |field: &str, problem| Err(Error::invalid("FIELD_INVALID", field, problem));
    match request.add_ids.len() + request.remove_ids.len() {
        0 => return bad("add_ids", "must not be empty together with remove_ids"),
        1..=MEMBERS_MAX => {}
        _ => {
            return bad(
                "add_ids",
                "must have at most 500 elements together with remove_ids",
            );
        }
    }
    let mut ids = HashSet::new();
    let mut add = Vec::new();
    for (i, id) in request.add_ids.iter().enumerate() {
        let id = ContactId::parse(&format!("add_ids[{i}]"), id)?;
        if ids.insert(id) {
            add.push(id);
        }
    }
    let mut remove = Vec::new();
    for (i, id) in request.remove_ids.iter().enumerate() {
        let field = format!("remove_ids[{i}]");
        let id = ContactId::parse(&field, id)?;
        if ids.insert(id) {
            remove.push(id);
        } else if !remove.contains(&id) {
            return bad(&field, "must not be in add_ids as well");
        }
    }
    Ok(Membership { add, remove })
}

pub(super) fn message(label: label::Label, contact_count: i64) -> Label {
    Label {
        id: label.id.to_string(),
        name: label.name,
        etag: etag(label.version),
        version: label.version,
        create_time: Some(timestamp(label.create_time)),
        update_time: Some(timestamp(label.update_time)),
        contact_count,
    }
}
