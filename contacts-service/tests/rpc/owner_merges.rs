//! Merges and duplicates of a user.

use proto::contacts::v1::{
    Contact, DuplicateGroup, FindDuplicatesRequest, FindDuplicatesResponse, IgnoreDuplicateRequest,
    ListIgnoredDuplicatesRequest, MergeContactsRequest, MergeContactsResponse,
    UnignoreDuplicateRequest, UnmergeContactsRequest,
};
use tonic::Status;

use crate::owner::{ENDLESS, Owner};

/// The merge of some contacts into a primary one.
pub fn merging(primary: &Contact, others: &[&Contact]) -> MergeContactsRequest {
    MergeContactsRequest {
        primary_id: primary.id.clone(),
        other_ids: others.iter().map(|other| other.id.clone()).collect(),
        ..MergeContactsRequest::default()
    }
}

/// The contact without what each write changes.
pub fn bare(contact: &Contact) -> Contact {
    Contact {
        etag: String::new(),
        version: 0,
        update_time: None,
        delete_time: None,
        expire_time: None,
        merged_into: String::new(),
        ..contact.clone()
    }
}

impl Owner {
    pub async fn merge_with(
        &self,
        mut request: MergeContactsRequest,
    ) -> Result<MergeContactsResponse, Status> {
        self.fill(&mut request.owner_id);
        let answer = self.client.clone().merge_contacts(request).await?;
        Ok(answer.into_inner())
    }

    /// Returns the contact and the id of the merge.
    pub async fn merge(
        &self,
        primary: &Contact,
        others: &[&Contact],
    ) -> Result<(Contact, String), Status> {
        let answer = self.merge_with(merging(primary, others)).await?;
        Ok((answer.contact.unwrap(), answer.merge_id))
    }

    pub async fn unmerge(&self, merge: &str) -> Result<Vec<Contact>, Status> {
        let request = UnmergeContactsRequest {
            merge_id: merge.into(),
            owner_id: self.book.clone(),
        };
        let answer = self.client.clone().unmerge_contacts(request).await?;
        Ok(answer.into_inner().contacts)
    }

    pub async fn duplicates_page(
        &self,
        page_size: i32,
        page_token: &str,
    ) -> Result<FindDuplicatesResponse, Status> {
        let request = FindDuplicatesRequest {
            page_size,
            page_token: page_token.into(),
            ..FindDuplicatesRequest::default()
        };
        self.duplicates_with(request).await
    }

    pub async fn duplicates_with(
        &self,
        mut request: FindDuplicatesRequest,
    ) -> Result<FindDuplicatesResponse, Status> {
        self.fill(&mut request.owner_id);
        let answer = self.client.clone().find_duplicates(request).await?;
        Ok(answer.into_inner())
    }

    /// Every group, read page by page.
    pub async fn duplicates(&self, page_size: i32) -> Vec<DuplicateGroup> {
        let (mut groups, mut token) = (Vec::new(), String::new());
        loop {
            let page = self.duplicates_page(page_size, &token).await.unwrap();
            groups.extend(page.groups);
            assert!(groups.len() < ENDLESS);
            if page.next_page_token.is_empty() {
                return groups;
            }
            token = page.next_page_token;
        }
    }

    pub async fn ignore(&self, id: &str, other_id: &str) -> Result<(), Status> {
        let request = IgnoreDuplicateRequest {
            id: id.into(),
            other_id: other_id.into(),
            ..IgnoreDuplicateRequest::default()
        };
        self.ignore_with(request).await
    }

    pub async fn ignore_with(&self, mut request: IgnoreDuplicateRequest) -> Result<(), Status> {
        self.fill(&mut request.owner_id);
        self.client.clone().ignore_duplicate(request).await?;
        Ok(())
    }

    pub async fn unignore(&self, id: &str, other_id: &str) -> Result<(), Status> {
        let request = UnignoreDuplicateRequest {
            id: id.into(),
            other_id: other_id.into(),
            owner_id: self.book.clone(),
        };
        self.client.clone().unignore_duplicate(request).await?;
        Ok(())
    }

    /// The ignored pairs, read page by page.
    pub async fn ignored(&self, page_size: i32) -> Vec<[String; 2]> {
        let (mut pairs, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = ListIgnoredDuplicatesRequest {
                page_size,
                page_token,
                owner_id: self.book.clone(),
            };
            let page = self.client.clone().list_ignored_duplicates(request).await;
            let page = page.unwrap().into_inner();
            let ignored = page.ignored_duplicates.into_iter();
            pairs.extend(ignored.map(|pair| [pair.id, pair.other_id]));
            assert!(pairs.len() < ENDLESS);
            if page.next_page_token.is_empty() {
                return pairs;
            }
            page_token = page.next_page_token;
        }
    }
}
