//! Exports of a user.

use proto::contacts::v1::{ExportContactsRequest, ExportContactsResponse, ExportFormat};
use tonic::{Status, Streaming};

use crate::owner::Owner;

/// A request for a file of this format, with photos.
pub fn export_as(format: ExportFormat) -> ExportContactsRequest {
    ExportContactsRequest {
        format: format.into(),
        include_photos: !matches!(format, ExportFormat::GoogleCsv | ExportFormat::OutlookCsv),
        ..ExportContactsRequest::default()
    }
}

impl Owner {
    /// The file of an export.
    pub async fn export(&self, request: ExportContactsRequest) -> Result<Vec<u8>, Status> {
        rest_of(&mut self.begin_export(request).await?).await
    }

    /// An export that is not read yet.
    pub async fn begin_export(
        &self,
        mut request: ExportContactsRequest,
    ) -> Result<Streaming<ExportContactsResponse>, Status> {
        self.fill(&mut request.owner_id);
        let pieces = self.client.clone().export_contacts(request).await?;
        Ok(pieces.into_inner())
    }
}

/// What follows of an export; its counts must only grow, up to the total.
pub async fn rest_of(pieces: &mut Streaming<ExportContactsResponse>) -> Result<Vec<u8>, Status> {
    let (mut file, mut count, mut total) = (Vec::new(), 0, 0);
    while let Some(piece) = pieces.message().await? {
        assert!(piece.chunk.len() <= 64 * 1024 && piece.contact_count >= count);
        (count, total) = (piece.contact_count, piece.total_count);
        file.extend(piece.chunk);
    }
    assert_eq!(count, total);
    Ok(file)
}
