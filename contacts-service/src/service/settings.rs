//! Parses and encodes settings.

use chassis::access::caller::Caller;
use proto::contacts::v1::{
    GetSettingsRequest, GetSettingsResponse, LeapDayRule, Settings, UpdateSettingsRequest,
    UpdateSettingsResponse,
};
use tonic::{Request, Response, Status};

use crate::birthday::window::time_zone;
use crate::contact::mask::unknown;
use crate::contact::phone::DefaultRegion;
use crate::error::{Error, Result};
use crate::model::settings::{self, SettingsUpdate};
use crate::store::settings as table;

use super::ContactsService;
use super::access::{READ, WRITE};

impl ContactsService {
    /// The caller's settings.
    pub(super) async fn settings(
        &self,
        request: &Request<GetSettingsRequest>,
    ) -> Result<Response<GetSettingsResponse>, Status> {
        let caller = Caller::with_scope(request, READ).map_err(Error::from)?;

        let settings = table::get(&self.share_of(caller.user_id), caller.user_id).await?;

        let settings = Some(message(&settings));
        Ok(Response::new(GetSettingsResponse { settings }))
    }

    /// Changes the caller's settings.
    pub(super) async fn change_settings(
        &self,
        request: Request<UpdateSettingsRequest>,
    ) -> Result<Response<UpdateSettingsResponse>, Status> {
        let caller = Caller::with_scope(&request, WRITE).map_err(Error::from)?;
        let update = update(request.into_inner())?;
        let book = self.book_of(caller.user_id, &caller);

        let settings = book.update_settings(update).await?;

        let settings = Some(message(&settings));
        Ok(Response::new(UpdateSettingsResponse { settings }))
    }
}

/// Parses a change.
fn update(request: UpdateSettingsRequest) -> Result<SettingsUpdate> {
    let missing = || Error::invalid("FIELD_INVALID", "settings", "is required");
    let patch = request.settings.ok_or_else(missing)?;
    let paths = request.update_mask.map_or_else(Vec::new, |mask| mask.paths);
    let known = ["*", "default_region", "time_zone", "leap_day_rule", "etag"];
    if let Some(path) = paths.iter().find(|path| !known.contains(&path.as_str())) {
        return Err(unknown("UPDATE_MASK_INVALID", "update_mask", path));
    }
    let writes = |field: &str, is_set: bool| {
        let is_named = paths.iter().any(|path| path == "*" || path == field);
        is_named || (paths.is_empty() && is_set)
    };

    DefaultRegion::parse_in("settings.default_region", &patch.default_region)?;
    let zone = patch.time_zone;
    if !zone.is_empty() {
        time_zone("settings.time_zone", &zone)?;
    }
    let rule = LeapDayRule::try_from(patch.leap_day_rule).map_err(|_| {
        let problem = "is not a known rule";
        Error::invalid("FIELD_INVALID", "settings.leap_day_rule", problem)
    })?;
    let region = patch.default_region.to_ascii_uppercase();
    Ok(SettingsUpdate {
        default_region: writes("default_region", !region.is_empty()).then_some(region),
        time_zone: writes("time_zone", !zone.is_empty()).then_some(zone),
        leap_day_rule: writes("leap_day_rule", rule != LeapDayRule::Unspecified).then_some(rule),
        etag: patch.etag,
    })
}

/// Encodes settings.
fn message(settings: &settings::Settings) -> Settings {
    Settings {
        default_region: settings.default_region.clone(),
        time_zone: settings.time_zone.clone(),
        leap_day_rule: settings.leap_day_rule.into(),
        etag: settings.etag(),
    }
}
