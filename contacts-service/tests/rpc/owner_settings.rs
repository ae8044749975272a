//! Calls about settings.

use prost::Message;
use proto::contacts::v1::{GetSettingsRequest, Settings, UpdateSettingsRequest};
use tonic::Status;

use crate::owner::{Owner, field_mask};

impl Owner {
    pub async fn settings(&self) -> Settings {
        let mut client = self.client.clone();
        let answer = client.get_settings(GetSettingsRequest {}).await;
        answer.unwrap().into_inner().settings.unwrap()
    }

    pub async fn set_settings(
        &self,
        settings: Settings,
        mask: &[&str],
    ) -> Result<Settings, Status> {
        let request = UpdateSettingsRequest {
            settings: Some(settings),
            update_mask: (!mask.is_empty()).then(|| field_mask(mask)),
        };
        let answer = self.client.clone().update_settings(request).await?;
        Ok(answer.into_inner().settings.unwrap())
    }

    pub async fn set_region(&self, region: &str) {
        self.set_settings(in_region(region), &["default_region"])
            .await
            .unwrap();
    }
}

pub fn in_region(region: &str) -> Settings {
    Settings {
        default_region: region.into(),
        ..Settings::default()
    }
}

/// A valid request of a method about settings.
pub fn settings_bytes_of(method: &str) -> Option<Vec<u8>> {
    let update = UpdateSettingsRequest {
        settings: Some(in_region("GB")),
        update_mask: Some(field_mask(&["default_region", "time_zone"])),
    };
    match method {
        "GetSettings" => Some(Vec::new()),
        "UpdateSettings" => Some(update.encode_to_vec()),
        _ => None,
    }
}
