//! `SharesService`: parses requests, calls the rules, encodes responses.

use std::sync::Arc;

use chassis::access::caller::Caller;
use chassis::auth_client::identity::UserCall;
use chassis::email::Email;
use chassis::user_id::UserId;
use prost_types::FieldMask;
use proto::contacts::server::shares_service_server as server;
use proto::contacts::v1::{
    CreateShareRequest, CreateShareResponse, DeleteShareRequest, DeleteShareResponse,
    ListSharedWithMeRequest, ListSharedWithMeResponse, ListSharesRequest, ListSharesResponse,
    Share, ShareRole, ShareState, UpdateShareRequest, UpdateShareResponse,
};
use tonic::{Request, Response, Status};

use super::ContactsService;
use super::access::{READ, WRITE, owner};
use crate::contact::etag;
use crate::contact::mask::unknown;
use crate::contact::stored::timestamp;
use crate::error::{Error, Result, ShareError};
use crate::model::label::LabelId;
use crate::model::share::{self, Offer, Recipient, ShareId};
use crate::store::shares;
use chassis::paging::{Pages, Paging, Sizes};

const SIZES: Sizes = Sizes {
    default: 50,
    max: 100,
};

#[tonic::async_trait]
impl server::SharesService for ContactsService {
    async fn create_share(
        &self,
        request: Request<CreateShareRequest>,
    ) -> Result<Response<CreateShareResponse>, Status> {
        let caller = Caller::with_scope(&request, WRITE).map_err(Error::from)?;
        let (call, request) = self.identities.call(request);
        let asked = required(request.share)?;
        let recipient_email = parse_email(&asked.recipient_email)?;
        let is_editor = parse_role(asked.role)?;
        let label_id = (!asked.label_id.is_empty())
            .then(|| LabelId::parse("share.label_id", &asked.label_id))
            .transpose()?;

        let owner_email = self.email_of(&caller, &call).await?;
        let owner_email = owner_email.ok_or(Error::from(ShareError::EmailNotVerified))?;
        if owner_email == recipient_email {
            return Err(invalid("share.recipient_email", "is your own address").into());
        }
        let offer = Offer {
            owner_email,
            recipient_email,
            label_id,
            is_editor,
        };
        let book = self.book_of(caller.user_id, &caller);
        let share = book.offer(&offer, request.validate_only).await?;
        if !request.validate_only {
            let to = &offer.recipient_email;
            self.identities.announce_share(&call, to).await;
        }

        let share = Some(message(share));
        Ok(Response::new(CreateShareResponse { share }))
    }

    async fn list_shares(
        &self,
        request: Request<ListSharesRequest>,
    ) -> Result<Response<ListSharesResponse>, Status> {
        let caller = Caller::with_scope(&request, READ).map_err(Error::from)?;
        let mut request = request.into_inner();
        let paging = Paging::take(&mut request.page_size, &mut request.page_token);
        let user = caller.user_id;
        let pages = Pages::new(&self.sealer, "ListShares", user, &request, paging, SIZES)?;
        let after = pages.cursor()?.unwrap_or(FIRST);

        let mut listed = shares::list(
            &self.share_of(caller.user_id),
            caller.user_id,
            after,
            pages.limit(),
            self.clock.now(),
        )
        .await?;
        let next_page_token = pages.cut(&mut listed, |last| last.id);
        let shares = listed.into_iter().map(message).collect();

        Ok(Response::new(ListSharesResponse {
            shares,
            next_page_token,
        }))
    }

    async fn update_share(
        &self,
        request: Request<UpdateShareRequest>,
    ) -> Result<Response<UpdateShareResponse>, Status> {
        let caller = Caller::with_scope(&request, WRITE).map_err(Error::from)?;
        let (call, request) = self.identities.call(request);
        let patch = required(request.share)?;
        let id = ShareId::parse("share.id", &patch.id)?;
        let owner = owner(&caller, &request.owner_id)?;
        let is_recipient = owner != caller.user_id;
        let updated = updated_fields(request.update_mask.as_ref(), &patch, is_recipient)?;
        let share = if is_recipient {
            if updated.role {
                return Err(invalid("share.role", "can be set by the owner only").into());
            }
            if updated.state && patch.state() != ShareState::Accepted {
                let problem = "can only be accepted; use DeleteShare to end it";
                return Err(invalid("share.state", problem).into());
            }
            let recipient = self.recipient(&caller, &call).await?;
            let db = self.share_of(caller.user_id);
            let found = shares::get_for(&db, owner, id, &recipient, self.clock.now()).await?;
            found.ok_or(Error::from(ShareError::NotFound))?;
            let book = self.book_of(owner, &caller);
            book.accept(id, &recipient, updated.state, &patch.etag)
                .await?
        } else {
            if updated.state {
                let problem = "can be set by the recipient only, who must set owner_id";
                return Err(invalid("share.state", problem).into());
            }
            let is_editor = updated.role.then(|| parse_role(patch.role)).transpose()?;
            let book = self.book_of(owner, &caller);
            book.change_role(id, is_editor, &patch.etag).await?
        };

        let share = Some(message(share));
        Ok(Response::new(UpdateShareResponse { share }))
    }

    async fn delete_share(
        &self,
        request: Request<DeleteShareRequest>,
    ) -> Result<Response<DeleteShareResponse>, Status> {
        let caller = Caller::with_scope(&request, WRITE).map_err(Error::from)?;
        let (call, request) = self.identities.call(request);
        let id = ShareId::parse("id", &request.id)?;
        let owner = owner(&caller, &request.owner_id)?;

        let ended = if owner == caller.user_id {
            self.book_of(owner, &caller).end_share(id, None).await?
        } else {
            self.leave(owner, id, &caller, &call).await?
        };
        if !ended && !request.allow_missing {
            return Err(Error::from(ShareError::NotFound).into());
        }

        Ok(Response::new(DeleteShareResponse {}))
    }

    async fn list_shared_with_me(
        &self,
        request: Request<ListSharedWithMeRequest>,
    ) -> Result<Response<ListSharedWithMeResponse>, Status> {
        let caller = Caller::with_scope(&request, READ).map_err(Error::from)?;
        let (call, mut request) = self.identities.call(request);
        let paging = Paging::take(&mut request.page_size, &mut request.page_token);
        let user = caller.user_id;
        let pages = Pages::new(
            &self.sealer,
            "ListSharedWithMe",
            user,
            &request,
            paging,
            SIZES,
        )?;
        let after = pages.cursor()?.unwrap_or(FIRST);

        let recipient = self.recipient(&caller, &call).await?;
        let mut listed = shares::list_for(
            &self.share_of(caller.user_id),
            &recipient,
            after,
            pages.limit(),
            self.clock.now(),
        )
        .await?;
        let next_page_token = pages.cut(&mut listed, |last| last.id);
        let shares = listed.into_iter().map(message).collect();

        Ok(Response::new(ListSharedWithMeResponse {
            shares,
            next_page_token,
        }))
    }
}

impl ContactsService {
    /// Ends a share as its recipient. An accepted share can be left without calling the
    /// auth service. Other users are refused before the owner's row is locked.
    async fn leave(
        &self,
        owner: UserId,
        id: ShareId,
        caller: &Arc<Caller>,
        call: &UserCall,
    ) -> Result<bool> {
        let mut recipient = Recipient {
            id: caller.user_id,
            email: None,
        };
        let db = self.share_of(caller.user_id);
        let now = self.clock.now();
        let mut found = shares::get_for(&db, owner, id, &recipient, now).await?;
        if found.is_none() {
            recipient.email = self.email_of(caller, call).await?;
            found = shares::get_for(&db, owner, id, &recipient, now).await?;
        }
        if found.is_none() {
            return Ok(false);
        }
        let book = self.book_of(owner, caller);
        book.end_share(id, Some(&recipient)).await
    }

    async fn email_of(&self, caller: &Caller, call: &UserCall) -> Result<Option<Email>> {
        Ok(self.identities.verified_email(caller, call).await?)
    }

    async fn recipient(&self, caller: &Arc<Caller>, call: &UserCall) -> Result<Recipient> {
        Ok(Recipient {
            id: caller.user_id,
            email: self.email_of(caller, call).await?,
        })
    }
}

/// The position before all shares.
const FIRST: ShareId = ShareId(uuid::Uuid::nil());

/// Which fields an update names; with `*` or without a mask, only that of its side.
struct UpdatedFields {
    role: bool,
    state: bool,
}

fn updated_fields(
    mask: Option<&FieldMask>,
    patch: &Share,
    is_recipient: bool,
) -> Result<UpdatedFields> {
    let paths = mask.map_or(&[][..], |mask| &mask.paths);
    let known = [
        "*",
        "role",
        "state",
        "id",
        "owner_id",
        "owner_email",
        "recipient_email",
        "label_id",
        "label_name",
        "etag",
        "create_time",
        "update_time",
        "accept_time",
        "expire_time",
    ];
    if let Some(path) = paths.iter().find(|path| !known.contains(&path.as_str())) {
        return Err(unknown("UPDATE_MASK_INVALID", "update_mask", path));
    }
    if paths.iter().any(|path| path == "*") {
        return Ok(UpdatedFields {
            role: !is_recipient,
            state: is_recipient,
        });
    }
    if paths.is_empty() {
        return Ok(UpdatedFields {
            role: !is_recipient && patch.role != 0,
            state: is_recipient && patch.state != 0,
        });
    }
    let names = |field: &str| paths.iter().any(|path| path == field);
    Ok(UpdatedFields {
        role: names("role"),
        state: names("state"),
    })
}

fn required(share: Option<Share>) -> Result<Share> {
    share.ok_or_else(|| invalid("share", "is required"))
}

fn parse_email(text: &str) -> Result<Email> {
    Email::parse(text).map_err(|problem| {
        let field = "share.recipient_email";
        Error::invalid("EMAIL_INVALID", field, problem.to_string())
    })
}

/// Whether the role is editor.
fn parse_role(role: i32) -> Result<bool> {
    match ShareRole::try_from(role) {
        Ok(ShareRole::Reader) => Ok(false),
        Ok(ShareRole::Editor) => Ok(true),
        _ => Err(invalid("share.role", "must be reader or editor")),
    }
}

fn invalid(field: &str, problem: &str) -> Error {
    Error::invalid("FIELD_INVALID", field, problem)
}

fn message(share: share::Share) -> Share {
    let expire_time = share.expire_time();
    let state = match share.accept_time {
        None => ShareState::Offered,
        Some(_) => ShareState::Accepted,
    };
    let role = if share.is_editor {
        ShareRole::Editor
    } else {
        ShareRole::Reader
    };
    Share {
        id: share.id.to_string(),
        owner_id: share.owner_id.to_string(),
        owner_email: share.owner_email,
        recipient_email: share.recipient_email,
        label_id: share.label_id.map_or_else(String::new, |id| id.to_string()),
        label_name: share.label_name.unwrap_or_default(),
        role: role.into(),
        state: state.into(),
        etag: etag(share.version),
        create_time: Some(timestamp(share.create_time)),
        update_time: Some(timestamp(share.update_time)),
        accept_time: share.accept_time.map(timestamp),
        expire_time: expire_time.map(timestamp),
    }
}
