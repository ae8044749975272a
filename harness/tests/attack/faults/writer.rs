//! A user that writes while something fails.

use std::sync::atomic::{AtomicBool, Ordering};

use proto::auth::v1::{UpdateMeRequest, User};
use proto::contacts::v1::CreateContactRequest;
use proto::contacts::v1::contacts_service_client::ContactsServiceClient;
use tonic::transport::Channel;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::pair::Side;
use crate::user::{ada, bearer};

/// A user that writes to both services.
pub(super) struct Writer {
    side: Side,
    token: String,
}

impl Writer {
    pub(super) async fn new(side: Side, email: &str) -> Self {
        let token = side.user(email).await.access_token;
        Self { side, token }
    }

    /// The same user at another contacts service.
    pub(super) fn at(&self, contacts: Channel) -> Self {
        let book = ContactsServiceClient::new(contacts.clone());
        Self {
            side: Side {
                book,
                contacts,
                ..self.side.clone()
            },
            token: self.token.clone(),
        }
    }

    /// Returns the id of a new contact.
    pub(super) async fn create(&self) -> Result<Uuid, Status> {
        let request = CreateContactRequest {
            contact: Some(ada()),
            ..CreateContactRequest::default()
        };
        let mut book = self.side.book.clone();
        let created = book.create_contact(bearer(request, &self.token)).await?;
        let contact = created.into_inner().contact.unwrap();
        Ok(contact.id.parse().unwrap())
    }

    pub(super) async fn rename(&self) -> Result<(), Status> {
        let user = User {
            display_name: Uuid::new_v4().to_string(),
            ..User::default()
        };
        let request = UpdateMeRequest {
            user: Some(user),
            ..UpdateMeRequest::default()
        };
        let mut account = self.side.account.clone();
        account.update_me(bearer(request, &self.token)).await?;
        Ok(())
    }

    pub(super) async fn write(&self) -> Result<Uuid, Status> {
        self.rename().await?;
        self.create().await
    }

    /// Returns the contacts whose creation was acknowledged.
    pub(super) async fn write_until(&self, is_over: &AtomicBool) -> Vec<Uuid> {
        let mut ids = Vec::new();
        while !is_over.load(Ordering::Relaxed) {
            let (renamed, created) = tokio::join!(self.rename(), self.create());
            let (renamed, created) = (renamed.map(|()| None), created.map(Some));
            for written in [renamed, created] {
                match written {
                    Ok(id) => ids.extend(id),
                    Err(status) => assert_eq!(status.code(), Code::Unavailable, "{status:?}"),
                }
            }
        }
        ids
    }
}
