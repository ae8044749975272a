//! Reads deleted users from the auth service.

use proto::auth::v1::{DeletedUser, ListDeletedUsersRequest};
use tonic::Status;

use crate::auth_client::program::{Credentials, Program, in_time};
use crate::auth_client::upstream::Upstream;
use crate::user_id::UserId;

/// A deleted user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// The id of the user.
    pub user_id: UserId,
    /// Whether all access tokens of the user have expired.
    pub tokens_ended: bool,
}

/// A page of the list.
#[derive(Clone, Debug)]
pub struct Page {
    /// The earliest first.
    pub deleted: Vec<Deleted>,
    /// Continues the pass; empty at its end.
    pub next_page_token: String,
    /// The cursor of the next pass, once all users so far are processed.
    pub cursor: String,
}

/// The list of deleted users at the auth service.
pub struct DeletionFeed(Program);

impl DeletionFeed {
    /// Reads from `auth`; needs the secret.
    #[must_use]
    pub fn new(auth: &Upstream, credentials: Credentials) -> Self {
        Self(Program::new(auth, credentials))
    }

    /// Reads a page of a pass that started at `cursor`.
    pub async fn page(&mut self, cursor: &str, page_token: &str) -> Result<Page, Status> {
        let request = ListDeletedUsersRequest {
            page_size: 0,
            page_token: page_token.to_owned(),
            since_cursor: cursor.to_owned(),
        };
        let request = self.0.request(request).await?;
        let answer = in_time(self.0.auth.list_deleted_users(request)).await?;
        let answer = answer.into_inner();
        let deleted: Result<_, _> = answer.deleted_users.iter().map(read).collect();
        Ok(Page {
            deleted: deleted?,
            next_page_token: answer.next_page_token,
            cursor: answer.cursor,
        })
    }
}

/// Fails for an unreadable id, because skipping it would lose the deletion.
fn read(user: &DeletedUser) -> Result<Deleted, Status> {
    let id = user.user_id.parse();
    let id = id.map_err(|_| Status::internal("the id of a user is not a UUID"))?;
    Ok(Deleted {
        user_id: UserId(id),
        tokens_ended: user.tokens_ended,
    })
}
