//! The statistics of the contacts that a caller sees.

use chassis::database::pool::Pool;
use proto::contacts::v1::GetContactStatsResponse;

use crate::error::Result;
use crate::model::quota::Quota;
use crate::model::share::visible::View;
use crate::store::stats;

/// The statistics, and the quotas for whoever sees all contacts.
pub(super) async fn of(db: &Pool, view: &View, quota: Quota) -> Result<GetContactStatsResponse> {
    let by_label = stats::by_label(db, view).await?;
    let (counts, quota) = if view.visible.is_all() {
        (stats::counts(db, view).await?, quota)
    } else {
        (stats::labelled(db, view).await?, Quota::default())
    };
    Ok(GetContactStatsResponse {
        live: counts.live,
        deleted: counts.deleted,
        by_label: by_label.into_iter().collect(),
        with_birthday: counts.with_birthday,
        bytes: counts.bytes,
        quota: quota.contacts,
        bytes_quota: quota.bytes,
    })
}
