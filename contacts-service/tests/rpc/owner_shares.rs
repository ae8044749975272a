//! A user's shares, and the shares of others with the user.

use proto::contacts::v1::shares_service_client::SharesServiceClient;
use proto::contacts::v1::{
    CreateShareRequest, DeleteShareRequest, Label, ListSharedWithMeRequest, ListSharesRequest,
    Share, ShareRole, ShareState, UpdateShareRequest,
};
use tonic::Status;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;

use crate::owner::{Bearer, Owner, field_mask};

/// A share of all contacts with this address.
pub fn sharing(email: &str, role: ShareRole) -> Share {
    Share {
        recipient_email: email.into(),
        role: role.into(),
        ..Share::default()
    }
}

/// The address of a user, which is verified.
pub fn email_of(user: &Owner) -> String {
    crate::app::email_of(user.user)
}

impl Owner {
    pub fn shares_client(&self) -> SharesServiceClient<InterceptedService<Channel, Bearer>> {
        SharesServiceClient::with_interceptor(self.channel.clone(), Bearer::of(&self.token))
    }

    pub async fn offer(&self, share: Share) -> Result<Share, Status> {
        let request = CreateShareRequest {
            share: Some(share),
            validate_only: false,
        };
        let answer = self.shares_client().create_share(request).await?;
        Ok(answer.into_inner().share.unwrap())
    }

    pub async fn shares(&self) -> Vec<Share> {
        let request = ListSharesRequest::default();
        let answer = self.shares_client().list_shares(request).await;
        answer.unwrap().into_inner().shares
    }

    pub async fn shared_with_me(&self) -> Result<Vec<Share>, Status> {
        let request = ListSharedWithMeRequest::default();
        let answer = self.shares_client().list_shared_with_me(request).await?;
        Ok(answer.into_inner().shares)
    }

    /// As the owner, or, if `share` has another owner, as the recipient.
    pub async fn update_share(&self, share: Share, mask: &[&str]) -> Result<Share, Status> {
        let owner_id = self.other_owner(&share);
        let request = UpdateShareRequest {
            share: Some(share),
            update_mask: (!mask.is_empty()).then(|| field_mask(mask)),
            owner_id,
        };
        let answer = self.shares_client().update_share(request).await?;
        Ok(answer.into_inner().share.unwrap())
    }

    pub async fn accept(&self, share: &Share) -> Result<Share, Status> {
        let share = Share {
            state: ShareState::Accepted.into(),
            ..share.clone()
        };
        self.update_share(share, &["state"]).await
    }

    pub async fn set_role(&self, share: &Share, role: ShareRole) -> Result<Share, Status> {
        let share = Share {
            role: role.into(),
            etag: String::new(),
            ..share.clone()
        };
        self.update_share(share, &["role"]).await
    }

    pub async fn end_share(&self, share: &Share) -> Result<(), Status> {
        self.end_share_with(share, false).await
    }

    pub async fn end_share_with(&self, share: &Share, allow_missing: bool) -> Result<(), Status> {
        let request = DeleteShareRequest {
            id: share.id.clone(),
            owner_id: self.other_owner(share),
            allow_missing,
        };
        self.shares_client().delete_share(request).await?;
        Ok(())
    }

    fn other_owner(&self, share: &Share) -> String {
        let is_own = share.owner_id == self.user.to_string();
        if is_own {
            String::new()
        } else {
            share.owner_id.clone()
        }
    }

    /// Shares all contacts, or those with a label, with `other`, who accepts. Returns
    /// `other` with this `owner_id`, and the share.
    pub async fn shares_with(
        &self,
        other: &Owner,
        label: Option<&Label>,
        role: ShareRole,
    ) -> (Owner, Share) {
        let share = Share {
            label_id: label.map_or_else(String::new, |label| label.id.clone()),
            ..sharing(&email_of(other), role)
        };
        let share = other
            .accept(&self.offer(share).await.unwrap())
            .await
            .unwrap();
        (other.in_book_of(self), share)
    }

    /// The same user, calling with another user's `owner_id`.
    pub fn in_book_of(&self, owner: &Self) -> Self {
        Self {
            book: owner.user.to_string(),
            ..self.clone()
        }
    }
}
