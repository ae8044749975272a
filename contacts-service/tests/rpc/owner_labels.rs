//! Labels of a user.

use proto::contacts::v1::labels_service_client::LabelsServiceClient;
use proto::contacts::v1::{
    Contact, CreateLabelRequest, DeleteLabelRequest, GetLabelRequest, Label, ListContactsRequest,
    ListLabelsRequest, ListLabelsResponse, ModifyLabelMembersRequest, UpdateLabelRequest,
};
use tonic::Status;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;

use crate::owner::{Bearer, ENDLESS, Owner, field_mask};
use crate::sample::ada;

/// A contact with these labels.
pub fn labelled(labels: &[&str]) -> Contact {
    Contact {
        labels: labels.iter().map(|&label| label.to_owned()).collect(),
        ..ada()
    }
}

impl Owner {
    pub fn labels_client(&self) -> LabelsServiceClient<InterceptedService<Channel, Bearer>> {
        LabelsServiceClient::with_interceptor(self.channel.clone(), Bearer::of(&self.token))
    }

    pub async fn create_label(&self, name: &str) -> Result<Label, Status> {
        let request = CreateLabelRequest {
            label: Some(Label {
                name: name.into(),
                ..Label::default()
            }),
            validate_only: false,
            owner_id: self.book.clone(),
        };
        let answer = self.labels_client().create_label(request).await?;
        Ok(answer.into_inner().label.unwrap())
    }

    pub async fn get_label(&self, id: &str) -> Result<Label, Status> {
        let request = GetLabelRequest {
            id: id.into(),
            owner_id: self.book.clone(),
        };
        let answer = self.labels_client().get_label(request).await?;
        Ok(answer.into_inner().label.unwrap())
    }

    pub async fn list_labels(
        &self,
        page_size: i32,
        page_token: &str,
    ) -> Result<ListLabelsResponse, Status> {
        let request = ListLabelsRequest {
            page_size,
            page_token: page_token.into(),
            owner_id: self.book.clone(),
        };
        let answer = self.labels_client().list_labels(request).await?;
        Ok(answer.into_inner())
    }

    /// Every page of the labels.
    pub async fn labels(&self, page_size: i32) -> Vec<Label> {
        let (mut labels, mut token) = (Vec::new(), String::new());
        loop {
            let page = self.list_labels(page_size, &token).await.unwrap();
            labels.extend(page.labels);
            assert!(labels.len() <= ENDLESS, "the list does not end");
            if page.next_page_token.is_empty() {
                return labels;
            }
            token = page.next_page_token;
        }
    }

    /// The names of all labels, and how many contacts have each.
    pub async fn label_counts(&self) -> Vec<(String, i64)> {
        let labels = self.labels(0).await.into_iter();
        labels
            .map(|label| (label.name, label.contact_count))
            .collect()
    }

    /// The label that is listed under this name.
    pub async fn label(&self, name: &str) -> Label {
        let mut labels = self.labels(0).await.into_iter();
        labels.find(|label| label.name == name).unwrap()
    }

    pub async fn rename_label(&self, label: &Label, name: &str) -> Result<Label, Status> {
        let label = Label {
            name: name.into(),
            ..label.clone()
        };
        self.update_label(label, &["name"]).await
    }

    pub async fn update_label(&self, label: Label, mask: &[&str]) -> Result<Label, Status> {
        let request = UpdateLabelRequest {
            label: Some(label),
            update_mask: (!mask.is_empty()).then(|| field_mask(mask)),
            owner_id: self.book.clone(),
        };
        let answer = self.labels_client().update_label(request).await?;
        Ok(answer.into_inner().label.unwrap())
    }

    pub async fn delete_label(&self, id: &str, etag: &str) -> Result<(), Status> {
        self.delete_label_with(id, etag, false).await
    }

    pub async fn delete_label_with(
        &self,
        id: &str,
        etag: &str,
        allow_missing: bool,
    ) -> Result<(), Status> {
        let request = DeleteLabelRequest {
            id: id.into(),
            etag: etag.into(),
            allow_missing,
            owner_id: self.book.clone(),
        };
        self.labels_client().delete_label(request).await?;
        Ok(())
    }

    pub async fn modify_members(
        &self,
        id: &str,
        add: &[&str],
        remove: &[&str],
    ) -> Result<Label, Status> {
        let texts = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect();
        let request = ModifyLabelMembersRequest {
            id: id.into(),
            add_ids: texts(add),
            remove_ids: texts(remove),
            owner_id: self.book.clone(),
        };
        let answer = self.labels_client().modify_label_members(request).await?;
        Ok(answer.into_inner().label.unwrap())
    }

    /// The contacts with the label, deleted ones included, found with a filter.
    pub async fn members(&self, label: &str) -> Vec<Contact> {
        self.list_all(ListContactsRequest {
            filter: format!("labels:\"{label}\""),
            show_deleted: true,
            page_size: 500,
            ..ListContactsRequest::default()
        })
        .await
    }
}
