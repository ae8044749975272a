//! The owner of a call's contacts, and the rights of its caller.

use std::sync::Arc;

use chassis::access::caller::{Caller, RequireCaller};
use chassis::database::pool::Pool;
use chassis::user_id::UserId;
use prost_types::FieldMask;
use proto::contacts::v1 as pb;
use tonic::{Request, Response, Status};

use super::ContactsService;
use crate::book::Book;
use crate::contact::mask::ReadMask;
use crate::contact::parse_uuid;
use crate::error::{Error, Result, ShareError};
use crate::model::share::books::Books;
use crate::model::share::rights::Rights;
use crate::model::share::visible::{View, Visible};
use crate::store::shares;
use crate::sync::Feed;

pub(super) const READ: &str = "contacts.read";
pub(super) const WRITE: &str = "contacts.write";

/// A request about an owner's contacts or labels.
pub(super) trait OfOwner {
    /// The owner; the caller if empty.
    fn owner_id(&self) -> &str;
}

macro_rules! of_owner {
    ($($request:ident),* $(,)?) => {
        $(impl OfOwner for pb::$request {
            fn owner_id(&self) -> &str {
                &self.owner_id
            }
        })*
    };
}

of_owner!(
    BatchCreateContactsRequest,
    BatchDeleteContactsRequest,
    BatchGetContactsRequest,
    BatchUpdateContactsRequest,
    CreateContactRequest,
    CreateLabelRequest,
    DeleteContactRequest,
    DeleteLabelRequest,
    DeletePhotoRequest,
    ExportContactsRequest,
    FindDuplicatesRequest,
    GetContactRequest,
    GetContactStatsRequest,
    GetLabelRequest,
    GetPhotoRequest,
    IgnoreDuplicateRequest,
    ListContactRevisionsRequest,
    ListContactsRequest,
    ListDeletedContactsRequest,
    ListIgnoredDuplicatesRequest,
    ListLabelsRequest,
    ListUpcomingBirthdaysRequest,
    MergeContactsRequest,
    ModifyLabelMembersRequest,
    PurgeContactsRequest,
    RestoreContactRequest,
    SearchContactsRequest,
    SyncContactsRequest,
    UndeleteContactRequest,
    UnignoreDuplicateRequest,
    UnmergeContactsRequest,
    UpdateContactRequest,
    UpdateLabelRequest,
    WatchContactsRequest,
);

impl ContactsService {
    /// Reads what the caller may see of an owner's contacts. The read compares the names of
    /// shared labels, which may have changed meanwhile: the shares are read again after it.
    pub(super) async fn read<T: OfOwner, A>(
        &self,
        request: Request<T>,
        read: impl AsyncFnOnce(&View, T) -> Result<A>,
    ) -> Result<A> {
        let view = self.view(&request).await?;
        let answer = read(&view, request.into_inner()).await?;
        let is_named = view.visible.depends_on_names();
        if is_named && self.seen(view.owner, view.reader).await? != view.visible {
            return Err(ShareError::Changed.into());
        }
        Ok(answer)
    }

    /// [`Self::read`], with the result as the response.
    pub(super) async fn answer<T: OfOwner, A>(
        &self,
        request: Request<T>,
        read: impl AsyncFnOnce(&View, T) -> Result<A>,
    ) -> Result<Response<A>, Status> {
        Ok(Response::new(self.read(request, read).await?))
    }

    /// [`Self::answer`] with all that the caller may see of its own contacts and those that
    /// others share with it.
    pub(super) async fn answer_of_all<T: OfOwner, A>(
        &self,
        request: Request<T>,
        read: impl AsyncFnOnce(&Books, T) -> Result<A>,
    ) -> Result<Response<A>, Status> {
        let caller = Caller::with_scope(&request, READ).map_err(Error::from)?;
        if !request.get_ref().owner_id().is_empty() {
            let problem = "must not be set together with `owner_id`";
            return Err(Error::invalid("FIELD_INVALID", "all_owners", problem).into());
        }
        let books = self.books(caller.user_id).await?;
        let answer = read(&books, request.into_inner()).await?;
        if books.depends_on_names() && !books.is_named_as(&self.books(caller.user_id).await?) {
            return Err(Error::from(ShareError::Changed).into());
        }
        Ok(Response::new(answer))
    }

    /// What a reader sees of all owners' contacts at this moment.
    async fn books(&self, reader: UserId) -> Result<Books> {
        let received = shares::all_grants(&self.share_of(reader), reader).await?;
        Books::of(reader, &received)
    }

    /// The feed of an owner's contacts, which reads the shares in the same transaction as
    /// the contacts.
    pub(super) async fn feed<T: OfOwner>(
        &self,
        request: &Request<T>,
        read_mask: Option<&FieldMask>,
    ) -> Result<Feed> {
        let mask = ReadMask::parse(read_mask)?;
        let view = self.view(request).await?;
        Ok(Feed::new(self.share_of(view.reader), view, mask))
    }

    /// The contacts that a call reads. A call for the caller's own contacts needs no
    /// query.
    async fn view<T: OfOwner>(&self, request: &Request<T>) -> Result<View> {
        let caller = Caller::with_scope(request, READ)?;
        let owner = owner(&caller, request.get_ref().owner_id())?;
        if owner == caller.user_id {
            return Ok(View::whole(owner));
        }
        Ok(View {
            owner,
            reader: caller.user_id,
            visible: self.seen(owner, caller.user_id).await?,
        })
    }

    /// What a reader sees of an owner's contacts at this moment.
    async fn seen(&self, owner: UserId, reader: UserId) -> Result<Visible> {
        seen(&self.share_of(reader), owner, reader).await
    }

    /// The right of a caller to a stream that shows `view`.
    pub(super) fn allowed(&self, caller: Arc<Caller>, view: View) -> Allowed {
        Allowed {
            guard: self.guard.clone(),
            db: self.share_of(caller.user_id),
            caller,
            view,
        }
    }

    /// The address book that a call writes to. A caller without write access is refused
    /// here, without locking the owner's row or waking streams. The rights are read again
    /// when the row is locked.
    pub(super) async fn book<T: OfOwner>(&self, request: &Request<T>) -> Result<Book<'_>> {
        let caller = Caller::with_scope(request, WRITE)?;
        self.book_for(&caller, request.get_ref().owner_id()).await
    }

    /// The same for a call whose request is a stream.
    pub(super) async fn book_for(&self, caller: &Arc<Caller>, owner_id: &str) -> Result<Book<'_>> {
        let owner = self.written(caller, owner_id).await?;
        Ok(self.book_of(owner, caller))
    }

    /// The owner of contacts that a caller may write.
    pub(super) async fn written(&self, caller: &Caller, owner_id: &str) -> Result<UserId> {
        let owner = owner(caller, owner_id)?;
        if owner != caller.user_id {
            let db = self.share_of(caller.user_id);
            let grants = shares::grants(&db, owner, caller.user_id).await?;
            Rights::of(&grants)?.ensure_any()?;
        }
        Ok(owner)
    }

    /// The connections of one user's calls.
    pub(super) fn share_of(&self, user: UserId) -> Pool {
        self.db.share_of(user.0)
    }

    /// The owner's address book, for writing by the caller.
    pub(super) fn book_of(&self, owner: UserId, caller: &Arc<Caller>) -> Book<'_> {
        let (db, writer) = (self.share_of(caller.user_id), caller.user_id);
        Book::new(db, owner, writer, self.clock.now(), self.quota, &self.hub)
    }
}

/// The right of a caller to a stream, which can end while it is read.
pub(super) struct Allowed {
    guard: RequireCaller,
    db: Pool,
    caller: Arc<Caller>,
    view: View,
}

impl Allowed {
    /// Refuses a caller whose token or share has ended, or whose share shows something else
    /// than at the beginning. A call for the caller's own contacts needs no query.
    pub(super) async fn check(&self) -> Result<()> {
        self.guard.check(&self.caller)?;
        let View {
            owner,
            reader,
            ref visible,
        } = self.view;
        if owner != reader && seen(&self.db, owner, reader).await? != *visible {
            return Err(ShareError::Changed.into());
        }
        Ok(())
    }
}

async fn seen(db: &Pool, owner: UserId, reader: UserId) -> Result<Visible> {
    let grants = shares::grants(db, owner, reader).await?;
    Ok(Rights::of(&grants)?.seen)
}

/// Parses the owner of a request; the caller if empty.
pub(super) fn owner(caller: &Caller, owner_id: &str) -> Result<UserId, Error> {
    if owner_id.is_empty() {
        return Ok(caller.user_id);
    }
    parse_uuid("owner_id", owner_id).map(UserId)
}
