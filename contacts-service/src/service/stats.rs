//! The statistics of an owner.

use chassis::database::pool::Pool;
use chassis::user_id::UserId;
use proto::contacts::v1::GetContactStatsResponse;

use crate::error::Result;
use crate::model::quota::Quota;
use crate::store::stats;

/// The owner's statistics and quotas.
pub(super) async fn of(db: &Pool, owner: UserId, quota: Quota) -> Result<GetContactStatsResponse> {
    let counts = stats::counts(db, owner).await?;
    let by_label = stats::by_label(db, owner).await?;
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
