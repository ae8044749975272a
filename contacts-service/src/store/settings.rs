//! The settings in the owner's row.

use chassis::user_id::UserId;
use proto::contacts::v1::LeapDayRule;
use sqlx::PgExecutor;

use crate::error::Result;
use crate::model::settings::Settings;

/// The owner's settings.
pub async fn get(db: impl PgExecutor<'_>, owner: UserId) -> Result<Settings> {
    let row = sqlx::query!(
        r#"
        SELECT default_region, time_zone, leap_day_rule
        FROM contacts.owner_state
        WHERE owner_id = $1
        "#,
        owner as UserId,
    )
    .fetch_optional(db)
    .await?;
    let settings = row.map(|row| {
        let rule = row.leap_day_rule.map(i32::from);
        Settings {
            default_region: row.default_region.unwrap_or_default(),
            time_zone: row.time_zone.unwrap_or_default(),
            leap_day_rule: rule
                .and_then(|rule| LeapDayRule::try_from(rule).ok())
                .unwrap_or_default(),
        }
    });
    Ok(settings.unwrap_or_default())
}

/// Stores settings in the owner's row, which the caller has locked.
pub async fn set(db: impl PgExecutor<'_>, owner: UserId, settings: &Settings) -> Result<()> {
    sqlx::query!(
        r#"
        UPDATE contacts.owner_state
        SET default_region = NULLIF($2, ''), time_zone = NULLIF($3, ''),
            leap_day_rule = NULLIF($4::smallint, 0)
        WHERE owner_id = $1
        "#,
        owner as UserId,
        settings.default_region,
        settings.time_zone,
        i16::try_from(i32::from(settings.leap_day_rule)).unwrap_or(0),
    )
    .execute(db)
    .await?;
    Ok(())
}
