//! Shares an address book and ends the share, again and again: the recipient sees it in
//! between only.

mod editing;

use proto::contacts::v1::{
    Contact, CreateContactRequest, CreateShareRequest, DeleteShareRequest, ListContactsRequest,
    ListContactsResponse, ListSharesRequest, Share, ShareRole, ShareState, UpdateShareRequest,
};
use sqlx::{Connection, PgConnection};
use tokio::time::Instant;
use tonic::Code;

use crate::error::Result;
use crate::torture::calls::{Answer, Caller, Clients, signed};
use crate::torture::history::Refusal;
use crate::torture::user::User;

const CREATE_CONTACT: &str = "CreateContact";
const CREATE: &str = "CreateShare";
const ACCEPT: &str = "UpdateShare";
const DELETE: &str = "DeleteShare";
const LIST: &str = "ListContacts";
const LIST_SHARES: &str = "ListShares";

/// An owner and a recipient, each with its caller.
pub(super) struct Sharing {
    owner: (Caller, User),
    recipient: (Caller, User),
}

impl Sharing {
    /// Makes their addresses count as verified, which a share needs, and one contact.
    pub(super) async fn begin(
        owner: (Caller, User),
        recipient: (Caller, User),
        database_url: &str,
    ) -> Result<Self> {
        let mut database = PgConnection::connect(database_url).await?;
        sqlx::query("UPDATE auth.users SET email_verified = TRUE WHERE email IN ($1, $2)")
            .bind(&owner.1.email)
            .bind(&recipient.1.email)
            .execute(&mut database)
            .await?;
        database.close().await?;
        let request = CreateContactRequest {
            contact: Some(Contact {
                given_name: "Ada".into(),
                family_name: owner.1.family_name(),
                ..Contact::default()
            }),
            request_id: "shared".into(),
            ..CreateContactRequest::default()
        };
        let (caller, user) = &owner;
        let make = |mut to: Clients| {
            let request = signed(&user.token, request.clone());
            async move { to.book.create_contact(request).await }
        };
        let answer = caller.settle(CREATE_CONTACT, "share", make).await.answer;
        let sharing = Self { owner, recipient };
        if let Answer::Refused(refusal) = answer {
            sharing.unexpected(CREATE_CONTACT, &refusal);
        }
        Ok(sharing)
    }

    /// Shares until then.
    pub(super) async fn run(self, until: Instant) {
        while Instant::now() < until {
            self.look().await;
            self.edit().await;
        }
    }

    /// Lets the recipient read before, during and after a share.
    async fn look(&self) {
        let Some(share) = self.offer(ShareRole::Reader).await else {
            return;
        };
        self.looks_missing("an offer", self.list().await);
        if self.accept(&share).await {
            self.is_visible(self.list().await);
            // Writes go to one replica and reads to the other.
            self.is_visible(self.list().await);
        }
        if self.end(&share).await {
            self.looks_missing("an ended share", self.list().await);
            self.looks_missing("an ended share", self.list().await);
        }
    }

    async fn offer(&self, role: ShareRole) -> Option<Share> {
        let (caller, user) = &self.owner;
        let request = CreateShareRequest {
            share: Some(Share {
                recipient_email: self.recipient.1.email.clone(),
                role: role.into(),
                ..Share::default()
            }),
            ..CreateShareRequest::default()
        };
        let make = |mut to: Clients| {
            let request = signed(&user.token, request.clone());
            async move { to.shares.create_share(request).await }
        };
        match caller.settle(CREATE, "share", make).await.answer {
            Answer::Done(response) => response.share,
            // An earlier attempt created it, perhaps after its successor was ended.
            Answer::Refused(refusal) if refusal.code == Code::AlreadyExists => {
                self.shares().await.pop()
            }
            Answer::Refused(refusal) => {
                self.unexpected(CREATE, &refusal);
                None
            }
            Answer::Unknown => None,
        }
    }

    async fn shares(&self) -> Vec<Share> {
        let (caller, user) = &self.owner;
        let make = |mut to: Clients| {
            let request = signed(&user.token, ListSharesRequest::default());
            async move { to.shares.list_shares(request).await }
        };
        match caller.settle(LIST_SHARES, "share", make).await.answer {
            Answer::Done(response) => response.shares,
            Answer::Refused(refusal) => {
                self.unexpected(LIST_SHARES, &refusal);
                Vec::new()
            }
            Answer::Unknown => Vec::new(),
        }
    }

    async fn accept(&self, share: &Share) -> bool {
        let (caller, user) = &self.recipient;
        let request = UpdateShareRequest {
            share: Some(Share {
                id: share.id.clone(),
                state: ShareState::Accepted.into(),
                ..Share::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["state".into()],
            }),
            owner_id: self.owner.1.id.clone(),
        };
        let make = |mut to: Clients| {
            let request = signed(&user.token, request.clone());
            async move { to.shares.update_share(request).await }
        };
        let settled = caller.settle(ACCEPT, "share", make).await;
        self.is_done(ACCEPT, &settled.answer)
    }

    async fn end(&self, share: &Share) -> bool {
        let (caller, user) = &self.owner;
        let request = DeleteShareRequest {
            id: share.id.clone(),
            allow_missing: true,
            ..DeleteShareRequest::default()
        };
        let make = |mut to: Clients| {
            let request = signed(&user.token, request.clone());
            async move { to.shares.delete_share(request).await }
        };
        let settled = caller.settle(DELETE, "share", make).await;
        self.is_done(DELETE, &settled.answer)
    }

    /// The owner's contacts, as the recipient sees them.
    async fn list(&self) -> Answer<ListContactsResponse> {
        let (caller, user) = &self.recipient;
        let request = ListContactsRequest {
            owner_id: self.owner.1.id.clone(),
            ..ListContactsRequest::default()
        };
        let make = |mut to: Clients| {
            let request = signed(&user.token, request.clone());
            async move { to.book.list_contacts(request).await }
        };
        caller.settle(LIST, "share", make).await.answer
    }

    /// The owner's contacts, as the owner sees them.
    async fn contacts(&self) -> Option<Vec<Contact>> {
        let (caller, user) = &self.owner;
        let make = |mut to: Clients| {
            let request = signed(&user.token, ListContactsRequest::default());
            async move { to.book.list_contacts(request).await }
        };
        match caller.settle(LIST, "share", make).await.answer {
            Answer::Done(page) => Some(page.contacts),
            Answer::Refused(refusal) => {
                self.unexpected(LIST, &refusal);
                None
            }
            Answer::Unknown => None,
        }
    }

    fn is_visible(&self, answer: Answer<ListContactsResponse>) {
        let own = self.owner.1.family_name();
        let holds = match answer {
            Answer::Done(page) => {
                !page.contacts.is_empty() && page.contacts.iter().all(|it| it.family_name == own)
            }
            Answer::Refused(_) => false,
            Answer::Unknown => return,
        };
        self.owner.0.history.check("shares", holds, "share", || {
            "an accepted share does not show its owner's contacts".to_owned()
        });
    }

    fn looks_missing(&self, what: &str, answer: Answer<ListContactsResponse>) {
        let holds = match answer {
            Answer::Done(_) => false,
            Answer::Refused(refusal) => refusal.code == Code::NotFound,
            Answer::Unknown => return,
        };
        self.owner.0.history.check("shares", holds, "share", || {
            format!("{what} shows its owner's contacts")
        });
    }

    /// Whether it was executed, which nothing may refuse.
    fn is_done<T>(&self, call: &str, answer: &Answer<T>) -> bool {
        if let Answer::Refused(refusal) = answer {
            self.unexpected(call, refusal);
        }
        matches!(answer, Answer::Done(_))
    }

    fn unexpected(&self, call: &str, refusal: &Refusal) {
        let text = format!("{call} was refused: {refusal}");
        self.owner.0.history.violate("shares", "share", text);
    }
}
