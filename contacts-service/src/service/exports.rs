//! Exports: parses the request, and encodes the pieces of the file.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use card_formats::{ExportFormat, VCardVersion};
use chassis::access::caller::Caller;
use chassis::serve::while_allowed::while_allowed;
use futures_util::{Stream, TryStreamExt};
use proto::contacts::v1 as pb;
use proto::contacts::v1::{ExportContactsRequest, ExportContactsResponse};
use tonic::{Request, Status};

use super::ContactsService;
use super::lists::filter_of;
use crate::error::{Error, Result};
use crate::export::error::ExportError;
use crate::export::{Export, Piece, Settings};
use crate::model::filter::Listed;
use crate::pace::read_in_time;

/// The pieces of an export.
pub(super) type Answers =
    Pin<Box<dyn Stream<Item = Result<ExportContactsResponse, Status>> + Send>>;

impl ContactsService {
    /// A file of contacts, as long as the caller may read them.
    pub(super) async fn export(
        &self,
        request: Request<ExportContactsRequest>,
    ) -> Result<Answers, Status> {
        let caller = Caller::of(&request).map_err(Error::from)?;
        let settings = settings(request.get_ref())?;
        let slot = self.exports.take(caller.user_id);
        let slot = slot.ok_or(Error::from(ExportError::TooMany))?;
        let export = self.read(request, async |view, request| {
            let db = self.share_of(view.reader);
            let listed = if request.include_deleted {
                Listed::Both
            } else {
                Listed::Live
            };
            let (text, region) = (&request.filter, &request.default_region);
            let filter = filter_of(&db, view, text, listed, region).await?;
            let selection = (&filter, listed);
            let export = Export::begin(&db, view.clone(), selection, settings).await?;
            Ok((export, view.clone()))
        });
        let (export, view) = export.await?;
        let allowed = self.allowed(Arc::clone(&caller), view);
        let pieces = export.pieces(self.long_calls.share_of(caller.user_id));
        let pieces = slot.held_by(self.long_calls.thread.stream(pieces.err_into()));
        let pieces = while_allowed(pieces, Duration::ZERO, async move || {
            Ok(allowed.check().await?)
        });
        let size = |piece: &Piece| piece.bytes.len();
        let too_slow = || Error::from(ExportError::TooSlow).into();
        let pieces = read_in_time(pieces, size, too_slow);
        Ok(Box::pin(pieces.map_ok(encode)))
    }
}

fn settings(request: &ExportContactsRequest) -> Result<Settings> {
    let invalid = |field, problem| Err(Error::invalid("FIELD_INVALID", field, problem));
    let format = match pb::ExportFormat::try_from(request.format) {
        Ok(pb::ExportFormat::Unspecified | pb::ExportFormat::Vcard4) => {
            ExportFormat::VCard(VCardVersion::V4)
        }
        Ok(pb::ExportFormat::Vcard3) => ExportFormat::VCard(VCardVersion::V3),
        Ok(pb::ExportFormat::GoogleCsv) => ExportFormat::GoogleCsv,
        Ok(pb::ExportFormat::OutlookCsv) => ExportFormat::OutlookCsv,
        Ok(pb::ExportFormat::JsonLines) => ExportFormat::JsonLines,
        Ok(pb::ExportFormat::Jscontact) => ExportFormat::JsContact,
        Err(_) => return invalid("format", "is not a known format"),
    };
    let is_table = matches!(format, ExportFormat::GoogleCsv | ExportFormat::OutlookCsv);
    if request.include_photos && is_table {
        return invalid("include_photos", "must be false: tables contain no photos");
    }
    if request.include_deleted && format != ExportFormat::JsonLines {
        let problem = "must be false: only JSON lines can say that a contact is deleted";
        return invalid("include_deleted", problem);
    }
    Ok(Settings {
        format,
        photos: request.include_photos,
    })
}

fn encode(piece: Piece) -> ExportContactsResponse {
    let count = |count| i64::try_from(count).unwrap_or(i64::MAX);
    ExportContactsResponse {
        chunk: piece.bytes,
        contact_count: count(piece.count),
        total_count: count(piece.total),
    }
}
